//! Settings of a session.

use std::fmt;
use std::num::NonZeroUsize;
use std::time::Duration;

use scylla::frame::types::{Consistency, SerialConsistency};

use super::credentials::{Source, is_loopback};
use super::tls::Tls;
use crate::batch::BatchLimits;
use crate::invalid_config::InvalidConfig;

/// What [`SessionBuilder`](super::SessionBuilder) collects; its methods document the fields.
#[derive(Clone)]
pub(super) struct Config {
    pub(super) contact_points: Vec<String>,
    pub(super) local_datacenter: Option<String>,
    pub(super) keyspace: Option<String>,
    pub(super) credentials: Option<Source>,
    pub(super) authenticators: Vec<String>,
    pub(super) allow_unencrypted_password: bool,
    pub(super) tls: Option<Tls>,
    pub(super) compression: Option<Compression>,
    pub(super) connections_per_node: NonZeroUsize,
    pub(super) keepalive_interval: Duration,
    pub(super) keepalive_timeout: Duration,
    pub(super) connect_timeout: Duration,
    pub(super) build_timeout: Duration,
    pub(super) prepare_timeout: Duration,
    pub(super) request_timeout: Duration,
    pub(super) schema_timeout: Duration,
    pub(super) schema_refresh: Duration,
    pub(super) page_size: u32,
    pub(super) consistency: Consistency,
    pub(super) serial_consistency: SerialConsistency,
    pub(super) batch_limits: BatchLimits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            contact_points: Vec::new(),
            local_datacenter: None,
            keyspace: None,
            credentials: None,
            authenticators: Vec::new(),
            allow_unencrypted_password: false,
            tls: None,
            compression: None,
            connections_per_node: NonZeroUsize::MIN,
            keepalive_interval: Duration::from_millis(1_200),
            keepalive_timeout: Duration::from_secs(2),
            connect_timeout: Duration::from_secs(2),
            build_timeout: Duration::from_secs(10),
            prepare_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
            schema_timeout: Duration::from_secs(60),
            schema_refresh: Duration::from_secs(1),
            page_size: 5_000,
            consistency: Consistency::LocalQuorum,
            serial_consistency: SerialConsistency::LocalSerial,
            batch_limits: BatchLimits::CASSANDRA,
        }
    }
}

impl Config {
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
            ("request_timeout", self.request_timeout),
            ("schema_timeout", self.schema_timeout),
            ("schema_refresh", self.schema_refresh),
        ] {
            if duration.is_zero() {
                return Err(InvalidConfig::new(setting, "must be longer than zero"));
            }
        }
        let outside = self.contact_points.iter().find(|point| !is_loopback(point));
        if let (Some(_), Some(point)) = (&self.credentials, outside)
            && self.tls.is_none()
            && !self.allow_unencrypted_password
        {
            let why = format!(
                "would send the password to `{point}` as it is: set `tls`, or \
                 `allow_unencrypted_password` if the network is trusted"
            );
            return Err(InvalidConfig::new("user", why));
        }
        if self.page_size == 0 {
            return Err(InvalidConfig::new("page_size", "must be at least 1"));
        }
        let BatchLimits { refuse, mutation, .. } = self.batch_limits;
        if refuse == 0 || mutation == 0 {
            let why = "must allow some bytes: give the server's own limits";
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
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("contact_points", &self.contact_points)
            .field("local_datacenter", &self.local_datacenter)
            .field("keyspace", &self.keyspace)
            .field("logs_in", &self.credentials.is_some())
            .field("request_timeout", &self.request_timeout)
            .field("consistency", &self.consistency)
            .finish_non_exhaustive()
    }
}

/// How frames are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// Fast, the usual choice.
    Lz4,
    /// For servers without LZ4.
    Snappy,
}

#[cfg(test)]
mod tests {
    use super::super::credentials::Credentials;
    use super::*;

    fn local() -> Config {
        Config { contact_points: vec!["127.0.0.1:9042".to_owned()], ..Config::default() }
    }

    fn refused(config: &Config) -> &'static str {
        config.validate().unwrap_err().setting
    }

    #[test]
    fn the_defaults_with_a_contact_point_are_valid() {
        assert_eq!(local().validate(), Ok(()));
    }

    #[test]
    fn every_impossible_setting_is_refused_by_name() {
        assert_eq!(refused(&Config::default()), "contact_points");
        let blank = vec![" ".to_owned()];
        assert_eq!(refused(&Config { contact_points: blank, ..local() }), "contact_points");
        let zero = Duration::ZERO;
        assert_eq!(refused(&Config { request_timeout: zero, ..local() }), "request_timeout");
        assert_eq!(refused(&Config { build_timeout: zero, ..local() }), "build_timeout");
        assert_eq!(refused(&Config { page_size: 0, ..local() }), "page_size");
        let batch_limits = BatchLimits { refuse: 0, ..BatchLimits::CASSANDRA };
        assert_eq!(refused(&Config { batch_limits, ..local() }), "batch_limits");
        let keyspace = Some("app; DROP".to_owned());
        assert_eq!(refused(&Config { keyspace, ..local() }), "keyspace");
    }

    #[test]
    fn a_password_leaves_the_machine_encrypted_or_by_name() {
        let credentials = Some(Source::fixed(Credentials::new("ada", "hush")));
        let remote = vec!["127.0.0.1:9042".to_owned(), "cassandra-1:9042".to_owned()];
        let remote = Config { credentials, contact_points: remote, ..Config::default() };
        let refused = remote.validate().unwrap_err();
        assert!(
            refused.setting == "user" && refused.why.contains("`cassandra-1:9042`"),
            "{refused}"
        );
        assert!(!format!("{refused} {remote:?}").contains("hush"));
        let allowed = Config { allow_unencrypted_password: true, ..remote.clone() };
        assert_eq!(allowed.validate(), Ok(()));
        let local = Config { contact_points: local().contact_points, ..remote };
        assert_eq!(local.validate(), Ok(()));
    }
}
