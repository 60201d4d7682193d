//! Settings of a session.

pub(super) mod contact_point;
pub(super) mod credentials;
#[cfg(feature = "serde")]
mod de;
pub(super) mod node_key;
#[cfg(feature = "serde")]
mod secret;
#[cfg_attr(not(feature = "tls"), path = "no_tls.rs")]
pub(super) mod tls;
pub(super) mod translation;
pub(super) mod validation;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use scylla::frame::types::{Consistency, SerialConsistency};

use crate::batch::BatchLimits;
#[cfg(feature = "serde")]
use crate::human_duration::HumanDuration;
use crate::invalid_config::InvalidConfig;
use crate::profile::Profile;
use crate::session::config::contact_point::{IsTrusted, is_loopback, shown_all};
use crate::session::config::credentials::{Password, Source};
use crate::session::config::node_key::NodeKey;
use crate::session::config::tls::Tls;
use crate::timestamp::Timestamps;

/// Every setting of a session, as plain data: what [`SessionBuilder`](crate::session::SessionBuilder) collects, whose
/// methods document the fields.
///
/// With the feature `serde` it is read from TOML, YAML or JSON, and from the environment by crates that do
/// that. Durations are `"250ms"`, `"10s"`, `"1m 30s"`, consistency levels `"LOCAL_QUORUM"`; lists can be texts with
/// commas, as in `CONTACT_POINTS=a:9042,b:9042`; what is not there has its default, and a field that is not known
/// is an error. What is read is checked when the session is built: a number or a time out of its bounds is
/// [`InvalidConfig`], and none is changed silently. A time is from 1 ms to a day, and what is asked again and again
/// (`keepalive_interval`, `schema_refresh`) from 10 ms on.
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
///
/// # Secrets
///
/// No error and no `Debug` of this crate shows a password, not even one that is no text, or that stands in a
/// contact point. The error of a format may: that of the crate `toml` prints the whole line. Read the
/// password from the environment or from a file of its own, or print no more of such an error than its message:
///
/// ```
/// # use cqlstack_core::SessionConfig;
/// let text = "password = 720193"; // not in quotes
/// let error = toml::from_str::<SessionConfig>(text).unwrap_err();
/// assert!(error.to_string().contains("720193"));
/// assert!(!error.message().contains("720193")); // and error.span() tells where it is
/// ```
#[derive(Clone)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
#[expect(missing_docs, reason = "the builder's methods document them")]
pub struct SessionConfig {
    #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::de::list"))]
    pub contact_points: Vec<String>,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "de::translation"))]
    pub address_translation: BTreeMap<NodeKey, SocketAddr>,
    /// A node that the builder was given two addresses for.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(super) translated_twice: Option<NodeKey>,
    pub local_datacenter: Option<String>,
    pub keyspace: Option<String>,
    pub user: Option<String>,
    pub password: Option<Password>,
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(super) provider: Option<Source>,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::de::list"))]
    pub allow_authenticators: Vec<String>,
    pub allow_unencrypted_password: bool,
    /// Whether a password may be sent to an address as it is.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(super) is_trusted: IsTrusted,
    /// Needs the feature `tls`.
    pub tls: Option<Tls>,
    pub compression: Option<Compression>,
    pub connections_per_node: NonZeroUsize,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "HumanDuration::into_duration"))]
    pub keepalive_interval: Duration,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "HumanDuration::into_duration"))]
    pub keepalive_timeout: Duration,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "HumanDuration::into_duration"))]
    pub connect_timeout: Duration,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "HumanDuration::into_duration"))]
    pub build_timeout: Duration,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "HumanDuration::into_duration"))]
    pub prepare_timeout: Duration,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "HumanDuration::into_duration"))]
    pub attempt_timeout: Duration,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "HumanDuration::into_duration"))]
    pub schema_timeout: Duration,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "HumanDuration::into_duration"))]
    pub schema_agreement_timeout: Duration,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "HumanDuration::into_duration"))]
    pub schema_refresh: Duration,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "HumanDuration::into_duration"))]
    pub schema_stale_after: Duration,
    pub page_size: u32,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::de::consistency"))]
    pub consistency: Consistency,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::de::serial"))]
    pub serial_consistency: SerialConsistency,
    pub timestamps: Timestamps,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "HumanDuration::into_duration"))]
    pub clock_warning: Duration,
    pub replica_cache: bool,
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
            translated_twice: None,
            local_datacenter: None,
            keyspace: None,
            user: None,
            password: None,
            provider: None,
            allow_authenticators: Vec::new(),
            allow_unencrypted_password: false,
            is_trusted: Arc::new(is_loopback),
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
            replica_cache: true,
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
}

/// Shows no password, wherever it is.
impl fmt::Debug for SessionConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionConfig")
            .field("contact_points", &shown_all(&self.contact_points))
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
