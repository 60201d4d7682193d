//! Settings one by one.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use scylla::frame::types::{Consistency, SerialConsistency};

use crate::batch::BatchLimits;
use crate::error::Error;
use crate::profile::Profile;
use crate::session::Session;
use crate::session::config::credentials::{Credentials, Password, Source};
use crate::session::config::node_key::NodeKey;
#[cfg(feature = "tls")]
use crate::session::config::tls::Tls;
use crate::session::config::{Compression, SessionConfig};
use crate::session::topology::connect::connect;
use crate::timestamp::Timestamps;

/// Builds a [`Session`].
///
/// | setting | default |
/// |---|---|
/// | [`connections_per_node`](Self::connections_per_node) | 1 |
/// | [`keepalive`](Self::keepalive) | every 1.2 s, for 2 s |
/// | [`connect_timeout`](Self::connect_timeout) | 2 s |
/// | [`build_timeout`](Self::build_timeout) | 10 s |
/// | [`prepare_timeout`](Self::prepare_timeout) | 5 s |
/// | [`attempt_timeout`](Self::attempt_timeout) | 10 s |
/// | [`schema_timeout`](Self::schema_timeout) | 60 s |
/// | [`schema_agreement_timeout`](Self::schema_agreement_timeout) | 10 s |
/// | [`schema_refresh`](Self::schema_refresh) | 1 s |
/// | [`schema_stale_after`](Self::schema_stale_after) | 3 s |
/// | [`page_size`](Self::page_size) | 5,000 rows |
/// | [`consistency`](Self::consistency) | `LOCAL_QUORUM` |
/// | [`serial_consistency`](Self::serial_consistency) | `LOCAL_SERIAL` |
/// | [`timestamps`](Self::timestamps) | [`Timestamps::ByTable`] |
/// | [`clock_warning`](Self::clock_warning) | 50 ms |
/// | [`replica_cache`](Self::replica_cache) | on |
/// | [`batch_limits`](Self::batch_limits) | [`BatchLimits::CASSANDRA`] |
///
/// `Debug` shows no password.
#[doc(alias("CqlSessionBuilder", "ClusterConfig"))]
#[derive(Debug, Clone, Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct SessionBuilder {
    config: SessionConfig,
}

/// Begins with these settings.
impl From<SessionConfig> for SessionBuilder {
    fn from(config: SessionConfig) -> Self {
        Self { config }
    }
}

impl SessionBuilder {
    /// Sets the nodes to ask first, as `host:port` or `host`, `[::1]:9042` for IPv6; the others are learned
    /// from them. Names are resolved when the session is built, and again only when no known node is left.
    #[doc(alias("known_nodes", "addContactPoint", "Hosts"))]
    pub fn contact_points<P: Into<String>>(mut self, points: impl IntoIterator<Item = P>) -> Self {
        self.config.contact_points = points.into_iter().map(Into::into).collect();
        self
    }

    /// Reaches nodes at other addresses than they say (`broadcast_rpc_address`, or `rpc_address`): behind NAT,
    /// through a tunnel or a forwarded port. Each pair is the node, by its own address or its host id, and where
    /// it is reached. A host id goes before an address, and stays when the node moves; nodes that share an
    /// address are told apart by it. Nodes without a pair are reached at their own address, at the port of the
    /// contact point; contact points are taken as they are.
    ///
    /// ```
    /// use std::net::SocketAddr;
    ///
    /// use cqlstack_core::{NodeKey, Session};
    ///
    /// # fn main() -> Result<(), cqlstack_core::InvalidConfig> {
    /// let here = |port| SocketAddr::from(([127, 0, 0, 1], port));
    /// let first: NodeKey = "10.0.0.1".parse()?;
    /// let second: NodeKey = "92e1b2a0-3e5c-4b6b-9f2e-2f9d7c0a1b2c".parse()?; // from `nodetool status`
    /// let builder = Session::builder()
    ///     .contact_points([here(19_042).to_string()])
    ///     .address_translation([(first, here(19_042)), (second, here(29_042))]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("address_translator", "AddressTranslator"))]
    pub fn address_translation<N: Into<NodeKey>>(
        mut self,
        pairs: impl IntoIterator<Item = (N, SocketAddr)>,
    ) -> Self {
        self.config.address_translation.clear();
        self.config.translated_twice = None;
        for (node, to) in pairs {
            let node = node.into();
            let before = self.config.address_translation.insert(node, to);
            if before.is_some_and(|before| before != to) {
                self.config.translated_twice = Some(node);
            }
        }
        self
    }

    /// Sets the datacentre to send to. Needed where there are several.
    #[doc(alias("prefer_datacenter", "withLocalDatacenter", "DCAwareRoundRobinPolicy"))]
    pub fn local_datacenter(mut self, name: impl Into<String>) -> Self {
        self.config.local_datacenter = Some(name.into());
        self
    }

    /// Sets the keyspace for table names that name none. Capital letters are taken as written.
    #[doc(alias("use_keyspace", "withKeyspace"))]
    pub fn keyspace(mut self, name: impl Into<String>) -> Self {
        self.config.keyspace = Some(name.into());
        self
    }

    /// Logs in with a password. Without TLS it is sent to this machine only (127.0.0.0/8, `::1`, `localhost`), unless
    /// [that is allowed](Self::allow_unencrypted_password): a contact point elsewhere is refused when the session
    /// is built, and a node elsewhere, of which another one told, is not connected to and counts as
    /// down ([`UnencryptedPassword`](crate::ErrorKind::UnencryptedPassword)).
    pub fn user(mut self, name: impl Into<String>, password: impl Into<Password>) -> Self {
        self.config.user = Some(name.into());
        self.config.password = Some(password.into());
        self
    }

    /// Logs in with what this function returns, which is asked for each new connection: for passwords that
    /// change. It must not block.
    ///
    /// ```
    /// use cqlstack_core::{Credentials, Session};
    ///
    /// let builder = Session::builder()
    ///     .contact_points(["127.0.0.1:9042"])
    ///     .credentials_from(|| Ok(Credentials::new("app", std::env::var("CASSANDRA_PASSWORD")?)));
    /// ```
    pub fn credentials_from(
        mut self,
        provider: impl Fn() -> Result<Credentials, Box<dyn std::error::Error + Send + Sync>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.config.provider = Some(Source::new(provider));
        self
    }

    /// Gives the password to an authenticator of this name, too. Those of Cassandra, ScyllaDB, DataStax and
    /// Amazon that want one are known; whatever else asks for it is
    /// [`ErrorKind::UnknownAuthenticator`](crate::ErrorKind::UnknownAuthenticator).
    pub fn allow_authenticator(mut self, name: impl Into<String>) -> Self {
        self.config.allow_authenticators.push(name.into());
        self
    }

    /// Lets the password cross the network as it is, to whatever address contact points and nodes have.
    pub fn allow_unencrypted_password(mut self) -> Self {
        self.config.allow_unencrypted_password = true;
        self
    }

    /// Says which addresses count as this machine, to which a password goes as it is: for a test, whose nodes
    /// are all on this machine.
    #[cfg(feature = "testing")]
    pub fn trusted_addresses(
        mut self,
        is_trusted: impl Fn(std::net::IpAddr) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.config.is_trusted = std::sync::Arc::new(is_trusted);
        self
    }

    /// Encrypts all connections. What does not speak TLS is an error, and never spoken to without it.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.config.tls = Some(tls);
        self
    }

    /// Compresses frames. Off by default.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.config.compression = Some(compression);
        self
    }

    /// Sets the number of connections to each node. One carries 32,768 requests at a time.
    #[doc(alias("pool_size", "NumConns"))]
    pub fn connections_per_node(mut self, connections: NonZeroUsize) -> Self {
        self.config.connections_per_node = connections;
        self
    }

    /// Sets how often a connection is asked for a sign of life, and how long it may owe it. Their
    /// sum is how long a frozen node is believed in: 3.2 s. A server that asks the frozen node on our
    /// behalf takes 2.5 s more on a new table, whose `speculative_retry` has learned nothing yet.
    #[doc(alias("keepalive_interval", "heartbeat"))]
    pub fn keepalive(mut self, interval: Duration, timeout: Duration) -> Self {
        self.config.keepalive_interval = interval;
        self.config.keepalive_timeout = timeout;
        self
    }

    /// Sets the longest time to open one TCP connection, and to resolve a name. A connection gets half of
    /// [`build_timeout`](Self::build_timeout) at most: a session is built when each node has been tried, and one
    /// that is silent must not use up all the time.
    #[doc(alias("connection_timeout", "ConnectTimeout"))]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.config.connect_timeout = timeout;
        self
    }

    /// Sets the longest time to build the session: where nobody answers, contact points are tried again
    /// until then, after 100 ms first and each second in the end, and so are the nodes that they told of, until one
    /// can be used. What is certain (a certificate, a password, a datacentre or a keyspace that is wrong) is an
    /// error at once. Beside a frozen contact point it takes up to two rounds of [`keepalive`](Self::keepalive).
    pub fn build_timeout(mut self, timeout: Duration) -> Self {
        self.config.build_timeout = timeout;
        self
    }

    /// Sets the longest time to prepare a statement on all nodes. It should be longer than a round of
    /// [`keepalive`](Self::keepalive), which is what a frozen node costs.
    pub fn prepare_timeout(mut self, timeout: Duration) -> Self {
        self.config.prepare_timeout = timeout;
        self
    }

    /// Sets the longest time of one attempt, which is one call of the session, where the request names none:
    /// 10 s unless it is set. A retry layer makes several attempts, and bounds them all together.
    #[doc(alias("request_timeout", "basic.request.timeout"))]
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.config.attempt_timeout = timeout;
        self
    }

    /// Sets the same for changes of the schema, with all that comes after the answer.
    pub fn schema_timeout(mut self, timeout: Duration) -> Self {
        self.config.schema_timeout = timeout;
        self
    }

    /// Sets how long a change of the schema, once it is done, waits until the nodes agree on it, within the time
    /// of the call. Nodes that are down are not asked; one that is silent is waited for, a second at most, while
    /// all others agree. Where they do not in this time, the call ends with
    /// [`ErrorKind::SchemaDisagreement`](crate::ErrorKind::SchemaDisagreement), which names nodes and versions,
    /// or with [`ErrorKind::SchemaUnconfirmed`](crate::ErrorKind::SchemaUnconfirmed).
    pub fn schema_agreement_timeout(mut self, timeout: Duration) -> Self {
        self.config.schema_agreement_timeout = timeout;
        self
    }

    /// Sets how often the session asks a node for the version of the schema, at the price of one small
    /// query. If it is another one, the tables that statements name are read again. Until then a prepared
    /// statement can be out of date: a table that is dropped and made again by others with another type of the
    /// same width is then written with the old one. What the session itself changes is known before it is
    /// answered.
    pub fn schema_refresh(mut self, interval: Duration) -> Self {
        self.config.schema_refresh = interval;
        self
    }

    /// Sets how old the session's knowledge of the schema may become while no node can be asked, three times
    /// [`schema_refresh`](Self::schema_refresh) at least. After that it is stale: a warning says so and names what
    /// could not be read, no prepared statement is [current](crate::Prepared::is_current), and a statement cache
    /// has each statement prepared for each use, so that a value of a type that the table has no more is an
    /// error and not written. It ends with the next look that succeeds. A task of the session keeps the time: in
    /// a program that was suspended, or whose runtime did not run, the first requests can be ahead of it.
    pub fn schema_stale_after(mut self, age: Duration) -> Self {
        self.config.schema_stale_after = age;
        self
    }

    /// Sets who gives writes their timestamps, where neither request nor statement says.
    pub fn timestamps(mut self, timestamps: Timestamps) -> Self {
        self.config.timestamps = timestamps;
        self
    }

    /// Sets how far a node's clock may be from this program's before a warning names it. They are compared when
    /// the session is built and each minute, at the price of three small queries to each node:
    /// [`NodeStats::clock`](crate::NodeStats::clock).
    pub fn clock_warning(mut self, offset: Duration) -> Self {
        self.config.clock_warning = offset;
        self
    }

    /// Sets whether the session remembers how keyspaces are replicated. It then finds a replica that is up in some
    /// 540 instructions; off, the driver's default policy does, in 2,160, which is a thirteenth of a read. The
    /// chances of a replica are the same.
    pub fn replica_cache(mut self, on: bool) -> Self {
        self.config.replica_cache = on;
        self
    }

    /// Sets the number of rows in a page, where the request names none.
    ///
    /// A read that can have one page only is sent without it: one whose whole primary key `=` restricts, and one whose
    /// `LIMIT` is not above it.
    pub fn page_size(mut self, rows: u32) -> Self {
        self.config.page_size = rows;
        self
    }

    /// Sets the consistency level, where the request names none.
    pub fn consistency(mut self, consistency: Consistency) -> Self {
        self.config.consistency = consistency;
        self
    }

    /// Sets the same for the Paxos phase of conditional statements.
    pub fn serial_consistency(mut self, consistency: SerialConsistency) -> Self {
        self.config.serial_consistency = consistency;
        self
    }

    /// Sets how large a batch may be: the server's own limits, so that what it would refuse is not sent.
    pub fn batch_limits(mut self, limits: BatchLimits) -> Self {
        self.config.batch_limits = limits;
        self
    }

    /// Sets options that statements of a kind share, under a name: [`Session::profile`].
    pub fn profile(mut self, name: impl Into<String>, profile: Profile) -> Self {
        self.config.profiles.insert(name.into(), profile);
        self
    }

    #[cfg(test)]
    pub(in crate::session) fn into_config(self) -> SessionConfig {
        self.config
    }

    /// Connects, until a node can be used: one of the local datacentre, if one is set. Nodes that cannot be reached
    /// meanwhile are named in a warning, and so is the error, if there is one.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) for settings that cannot be;
    /// [`Unreachable`](crate::ErrorKind::Unreachable) if no contact point answers within
    /// [`build_timeout`](Self::build_timeout), or none of the nodes that one told of can be reached;
    /// [`UnencryptedPassword`](crate::ErrorKind::UnencryptedPassword) if the password would cross the network to
    /// all of them as it is; [`Tls`](crate::ErrorKind::Tls);
    /// [`UnknownCluster`](crate::ErrorKind::UnknownCluster) if a local datacentre is set and a node that answered
    /// could not tell of any;
    /// [`UnknownDatacenter`](crate::ErrorKind::UnknownDatacenter) if no node is in the local
    /// datacentre, or if there are several and none is named;
    /// [`UnknownKeyspace`](crate::ErrorKind::UnknownKeyspace);
    /// [`Authentication`](crate::ErrorKind::Authentication),
    /// [`NoCredentials`](crate::ErrorKind::NoCredentials),
    /// [`UnknownAuthenticator`](crate::ErrorKind::UnknownAuthenticator).
    pub async fn build(self) -> Result<Session, Error> {
        Ok(Session { lifecycle: connect(self.config).await? })
    }
}
