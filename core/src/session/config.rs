//! Settings of a session.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use scylla::frame::types::{Consistency, SerialConsistency};

use super::credentials::{Credentials, Password, Source, is_loopback};
#[cfg(feature = "serde")]
use super::human;
use super::profile::Profile;
use super::tls::Tls;
use crate::batch::BatchLimits;
use crate::invalid_config::InvalidConfig;
use crate::timestamp::Timestamps;

/// Every setting of a session, as plain data: what [`SessionBuilder`](super::SessionBuilder) collects, whose
/// methods document the fields.
///
/// With the feature `serde` it is read from TOML, YAML or JSON, and from the environment by crates that do
/// that. Durations are `"250ms"`, `"10s"`, `"1m 30s"`, consistency levels `"LOCAL_QUORUM"`; what is not there
/// has its default, and a field that is not known is an error.
///
/// ```toml
/// contact_points = ["cassandra-1:9042", "cassandra-2:9042"]
/// local_datacenter = "dc1"
/// user = "app"                       # the password from the environment
/// attempt_timeout = "2s"
///
/// [tls]
/// ca_file = "/etc/cassandra/ca.pem"
///
/// [profiles.report]
/// consistency = "LOCAL_ONE"
/// page_size = 10000
/// attempt_timeout = "1m"
/// ```
#[derive(Clone)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
#[expect(missing_docs, reason = "the builder's methods document them")]
pub struct SessionConfig {
    pub contact_points: Vec<String>,
    pub address_translation: BTreeMap<SocketAddr, SocketAddr>,
    pub local_datacenter: Option<String>,
    pub keyspace: Option<String>,
    pub user: Option<String>,
    pub password: Option<Password>,
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(super) provider: Option<Source>,
    pub allow_authenticators: Vec<String>,
    pub allow_unencrypted_password: bool,
    /// Needs the feature `tls`.
    pub tls: Option<Tls>,
    pub compression: Option<Compression>,
    pub connections_per_node: NonZeroUsize,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "human::duration"))]
    pub keepalive_interval: Duration,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "human::duration"))]
    pub keepalive_timeout: Duration,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "human::duration"))]
    pub connect_timeout: Duration,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "human::duration"))]
    pub build_timeout: Duration,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "human::duration"))]
    pub prepare_timeout: Duration,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "human::duration"))]
    pub attempt_timeout: Duration,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "human::duration"))]
    pub schema_timeout: Duration,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "human::duration"))]
    pub schema_agreement_timeout: Duration,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "human::duration"))]
    pub schema_refresh: Duration,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "human::duration"))]
    pub schema_stale_after: Duration,
    pub page_size: u32,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "human::consistency"))]
    pub consistency: Consistency,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "human::serial"))]
    pub serial_consistency: SerialConsistency,
    pub timestamps: Timestamps,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "human::duration"))]
    pub clock_warning: Duration,
    pub batch_limits: BatchLimits,
    /// Of the native protocol: the driver speaks 4, with every server, and nothing else is taken.
    pub protocol_version: u8,
    /// Options that statements of a kind share, by name: [`profile`](Self::profile).
    pub profiles: BTreeMap<String, Profile>,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            contact_points: Vec::new(),
            address_translation: BTreeMap::new(),
            local_datacenter: None,
            keyspace: None,
            user: None,
            password: None,
            provider: None,
            allow_authenticators: Vec::new(),
            allow_unencrypted_password: false,
            tls: None,
            compression: None,
            connections_per_node: NonZeroUsize::MIN,
            keepalive_interval: Duration::from_millis(1_200),
            keepalive_timeout: Duration::from_secs(2),
            connect_timeout: Duration::from_secs(2),
            build_timeout: Duration::from_secs(10),
            prepare_timeout: Duration::from_secs(5),
            attempt_timeout: Duration::from_secs(10),
            schema_timeout: Duration::from_secs(60),
            schema_agreement_timeout: Duration::from_secs(10),
            schema_refresh: Duration::from_secs(1),
            schema_stale_after: Duration::from_secs(3),
            page_size: 5_000,
            consistency: Consistency::LocalQuorum,
            serial_consistency: SerialConsistency::LocalSerial,
            timestamps: Timestamps::ByTable,
            clock_warning: Duration::from_millis(50),
            batch_limits: BatchLimits::CASSANDRA,
            protocol_version: 4,
            profiles: BTreeMap::new(),
        }
    }
}

impl SessionConfig {
    /// The options that are called so, for [`Statement::with_profile`](crate::Statement::with_profile).
    ///
    /// # Errors
    ///
    /// If there is none of that name; it names those that there are.
    pub fn profile(&self, name: &str) -> Result<&Profile, InvalidConfig> {
        self.profiles.get(name).ok_or_else(|| {
            let known: Vec<_> = self.profiles.keys().map(String::as_str).collect();
            InvalidConfig::new("profiles", format!("has no `{name}`, it has: {}", known.join(", ")))
        })
    }

    /// Two looks may fail before what is known is stale.
    pub(super) fn schema_age_limit(&self) -> Duration {
        self.schema_stale_after.max(self.schema_refresh.saturating_mul(3))
    }

    /// Who logs in, if anybody.
    pub(super) fn source(&self) -> Result<Option<Source>, InvalidConfig> {
        if let Some(provider) = &self.provider {
            return Ok(Some(provider.clone()));
        }
        match (&self.user, &self.password) {
            (Some(user), Some(password)) => {
                Ok(Some(Source::fixed(Credentials::new(user, password.clone()))))
            }
            (None, None) => Ok(None),
            (Some(_), None) => {
                Err(InvalidConfig::new("password", "is missing, and a user is named"))
            }
            (None, Some(_)) => {
                Err(InvalidConfig::new("user", "is missing, and there is a password"))
            }
        }
    }

    /// Looks for settings that cannot be, before any connection is opened.
    pub(super) fn validate(&self) -> Result<(), InvalidConfig> {
        let empty = |point: &String| point.trim().is_empty();
        if self.contact_points.is_empty() || self.contact_points.iter().any(empty) {
            let why =
                "must name at least one node, and no empty name: for example \"10.0.0.1:9042\"";
            return Err(InvalidConfig::new("contact_points", why));
        }
        for (setting, duration) in [
            ("keepalive_interval", self.keepalive_interval),
            ("keepalive_timeout", self.keepalive_timeout),
            ("connect_timeout", self.connect_timeout),
            ("build_timeout", self.build_timeout),
            ("prepare_timeout", self.prepare_timeout),
            ("attempt_timeout", self.attempt_timeout),
            ("schema_timeout", self.schema_timeout),
            ("schema_agreement_timeout", self.schema_agreement_timeout),
            ("schema_refresh", self.schema_refresh),
            ("schema_stale_after", self.schema_stale_after),
        ] {
            if duration.is_zero() {
                return Err(InvalidConfig::new(setting, "must be longer than zero"));
            }
        }
        let translated = self.address_translation.values().map(SocketAddr::to_string);
        let mut points = self.contact_points.iter().cloned().chain(translated);
        let outside = points.find(|point| !is_loopback(point));
        let source = self.source()?;
        if let (Some(_), Some(point)) = (source, outside)
            && self.tls.is_none()
            && !self.allow_unencrypted_password
        {
            let why = format!(
                "would send the password to `{point}` as it is: set `tls`, or \
                 `allow_unencrypted_password` if the network is trusted"
            );
            return Err(InvalidConfig::new("user", why));
        }
        if self.protocol_version != 4 {
            let why = "must be 4, the one that the driver speaks, with all servers: leave it out";
            return Err(InvalidConfig::new("protocol_version", why));
        }
        if self.page_size == 0 {
            return Err(InvalidConfig::new("page_size", "must be at least 1"));
        }
        let BatchLimits { refuse, texts, mutation, .. } = self.batch_limits;
        if refuse == 0 || texts == 0 || mutation == 0 {
            let why = "must allow some bytes and texts: give the server's own limits";
            return Err(InvalidConfig::new("batch_limits", why));
        }
        if let Some(keyspace) = &self.keyspace {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if keyspace.is_empty() || keyspace.len() > 48 || !keyspace.chars().all(plain) {
                let why = "must be 1 to 48 letters, digits and underscores";
                return Err(InvalidConfig::new("keyspace", why));
            }
        }
        Ok(())
    }
}

/// Shows everything but the password.
impl fmt::Debug for SessionConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionConfig")
            .field("contact_points", &self.contact_points)
            .field("local_datacenter", &self.local_datacenter)
            .field("keyspace", &self.keyspace)
            .field("user", &self.user)
            .field("attempt_timeout", &self.attempt_timeout)
            .field("consistency", &self.consistency)
            .finish_non_exhaustive()
    }
}

/// How frames are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize), serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum Compression {
    /// Fast, the usual choice.
    Lz4,
    /// For servers without LZ4.
    Snappy,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local() -> SessionConfig {
        SessionConfig {
            contact_points: vec!["127.0.0.1:9042".to_owned()],
            ..SessionConfig::default()
        }
    }

    fn refused(config: &SessionConfig) -> &'static str {
        config.validate().unwrap_err().setting
    }

    #[test]
    fn the_defaults_with_a_contact_point_are_valid() {
        assert_eq!(local().validate(), Ok(()));
    }

    #[test]
    fn every_impossible_setting_is_refused_by_name() {
        assert_eq!(refused(&SessionConfig::default()), "contact_points");
        let blank = vec![" ".to_owned()];
        assert_eq!(refused(&SessionConfig { contact_points: blank, ..local() }), "contact_points");
        let zero = Duration::ZERO;
        assert_eq!(refused(&SessionConfig { attempt_timeout: zero, ..local() }), "attempt_timeout");
        assert_eq!(refused(&SessionConfig { build_timeout: zero, ..local() }), "build_timeout");
        assert_eq!(refused(&SessionConfig { page_size: 0, ..local() }), "page_size");
        for batch_limits in [
            BatchLimits { refuse: 0, ..BatchLimits::CASSANDRA },
            BatchLimits { texts: 0, ..BatchLimits::CASSANDRA },
        ] {
            assert_eq!(refused(&SessionConfig { batch_limits, ..local() }), "batch_limits");
        }
        let keyspace = Some("app; DROP".to_owned());
        assert_eq!(refused(&SessionConfig { keyspace, ..local() }), "keyspace");
    }

    #[test]
    fn a_password_leaves_the_machine_encrypted_or_by_name() {
        let (user, password) = (Some("ada".to_owned()), Some("hush".into()));
        let remote = vec!["127.0.0.1:9042".to_owned(), "cassandra-1:9042".to_owned()];
        let remote =
            SessionConfig { user, password, contact_points: remote, ..SessionConfig::default() };
        let refused = remote.validate().unwrap_err();
        assert!(
            refused.setting == "user" && refused.why.contains("`cassandra-1:9042`"),
            "{refused}"
        );
        assert!(!format!("{refused} {remote:?}").contains("hush"));
        let allowed = SessionConfig { allow_unencrypted_password: true, ..remote.clone() };
        assert_eq!(allowed.validate(), Ok(()));
        let local = SessionConfig { contact_points: local().contact_points, ..remote };
        assert_eq!(local.validate(), Ok(()));
    }
}
