//! Throwaway Cassandra clusters, for tests, examples and benchmarks.
//!
//! A [`Cluster`] is one to four real Cassandra 5 nodes on this machine. A test may kill, freeze and
//! restart them. It promises:
//!
//! - **Nothing to set up** but JDK 17 and Maven. The first start fetches Cassandra (66 MB) into a
//!   cache: `CQLSTACK_CACHE`, else `cqlstack` in `XDG_CACHE_HOME` or `~/.cache`. Without JDK or Maven
//!   there is an error that names what to install. Java is looked for in `JAVA_HOME`, on `PATH` and
//!   in `/usr/lib/jvm` (or the folder that `CQLSTACK_JVMS` names).
//! - **A cluster of your own**: with `CASSANDRA_NODES=host:port,host:port` set, [`Cluster::shared`]
//!   and [`ClusterBuilder::start_or_use_existing`] use that cluster. Its nodes cannot be killed.
//! - **No collisions**: each cluster listens on addresses of its own, `127.100.B.1` to `.4`, port
//!   9042, which are held against other processes and checkouts.
//! - **Nothing survives** the process that started it, not even after SIGKILL: no JVM, running or
//!   frozen, and no file but the cache.
//! - **Any runtime**: a cluster does not depend on the one that it was started on.
//!
//! It needs Linux, where all of 127.0.0.0/8 is loopback.
//!
//! # Example
//!
//! ```no_run
//! use cqlstack_tests::cluster::{Cluster, ClusterError};
//!
//! # async fn run() -> Result<(), ClusterError> {
//! // Shared by all tests of a process, in a keyspace of its own.
//! let cluster = Cluster::shared().await?;
//! let keyspace = cluster.keyspace(1).await?;
//! cluster.run(format!("CREATE TABLE {}.users (id int PRIMARY KEY)", keyspace.name())).await?;
//! println!("connect to {:?}", cluster.contact_points());
//!
//! // Three nodes to break.
//! let three = Cluster::shared_three().await?;
//! three.node(1)?.freeze().await?;
//! three.node(2)?.kill().await?;
//! # Ok(())
//! # }
//! ```

mod builder;
mod config;
mod driver;
mod error;
mod external;
mod home;
mod launch;
mod lease;
mod node;
mod progress;
mod provision;
mod shared;
mod toolchain;

use std::path::PathBuf;
use std::sync::Arc;

use scylla::statement::unprepared::Statement;

pub use self::builder::ClusterBuilder;
use self::driver::{Driver, on_our_runtime};
pub use self::error::ClusterError;
pub use self::lease::{CQL, Lease};
pub use self::node::Node;
pub use self::progress::Progress;
pub use self::shared::Lent;

/// Who can log in to a cluster with [`password_auth`](ClusterBuilder::password_auth).
pub const USER: &str = "cassandra";

/// The password of [`USER`], Cassandra's own default.
pub const PASSWORD: &str = "cassandra";

/// Running Cassandra nodes. They end when this is dropped, and when the process ends.
///
/// Dropping kills the processes, frozen or not, and waits until they and their data are gone: some
/// 200 ms, 10 s at most.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Node>,
    driver: Arc<Driver>,
    /// A table that every node holds, if the fixture made one.
    health: Option<String>,
}

impl Cluster {
    /// What a new cluster is to be: one node unless said otherwise.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # use cqlstack_tests::cluster::{Cluster, ClusterError};
    /// # async fn run() -> Result<(), ClusterError> {
    /// let cluster = Cluster::builder()
    ///     .nodes(3)
    ///     .yaml("read_request_timeout", "500ms")
    ///     .on_progress(|step| eprintln!("{step}"))
    ///     .start()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn builder() -> ClusterBuilder {
        ClusterBuilder::new()
    }

    /// The cluster of all tests of this process: the one that `CASSANDRA_NODES` names, else one node,
    /// started by the first call. Tests must leave it as it is; each takes a
    /// [`keyspace`](Self::keyspace) of its own.
    ///
    /// # Errors
    ///
    /// Those of [`ClusterBuilder::start_or_use_existing`]. A failure is kept: later calls fail with
    /// the same error at once.
    pub async fn shared() -> Result<&'static Self, ClusterError> {
        shared::one().await
    }

    /// Three nodes for one test at a time, which may break them: all run, and see each other, when
    /// this returns. It waits for the test that has them, 20 minutes at most. `CASSANDRA_NODES` is
    /// not looked at.
    ///
    /// # Errors
    ///
    /// Those of [`ClusterBuilder::start`], kept as in [`shared`](Self::shared); those of
    /// [`Node::start`] and [`settled`](Self::settled) if the nodes cannot be brought back.
    pub async fn shared_three() -> Result<Lent, ClusterError> {
        shared::three().await
    }

    /// One node for one test at a time, which may break it; as [`shared_three`](Self::shared_three).
    ///
    /// # Errors
    ///
    /// As [`shared_three`](Self::shared_three).
    pub async fn shared_one_to_break() -> Result<Lent, ClusterError> {
        shared::one_to_break().await
    }

    /// The node's address and port as text, for each node, as a session builder wants them.
    #[must_use]
    pub fn contact_points(&self) -> Vec<String> {
        self.nodes.iter().map(|node| node.address().to_string()).collect()
    }

    /// All nodes.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// One node, numbered from 0.
    ///
    /// # Errors
    ///
    /// [`ClusterError::NoSuchNode`].
    pub fn node(&self, index: usize) -> Result<&Node, ClusterError> {
        let nodes = self.nodes.len();
        self.nodes.get(index).ok_or(ClusterError::NoSuchNode { node: index, nodes })
    }

    /// A new keyspace that nobody else uses, with so many replicas in each datacentre.
    ///
    /// It is not dropped: that would cost a second, and it goes with the cluster.
    ///
    /// # Errors
    ///
    /// [`ClusterError::InvalidConfig`] for no replicas, or more than there are nodes; those of
    /// [`run`](Self::run).
    pub async fn keyspace(&self, replication_factor: usize) -> Result<Keyspace, ClusterError> {
        let ours = self.nodes.iter().all(Node::is_ours);
        if replication_factor == 0 || (ours && replication_factor > self.nodes.len()) {
            let nodes = self.nodes.len();
            let what = format!("{replication_factor} replicas cannot be had on {nodes} nodes");
            return Err(ClusterError::InvalidConfig(what));
        }
        let name = format!("t_{}", uuid::Uuid::new_v4().simple());
        let replicas = [("replication_factor", replication_factor)];
        self.run(create_keyspace(&name, replicas)).await?;
        Ok(Keyspace { name })
    }

    /// Runs a statement through the fixture's own session, with the rights of [`USER`] where there
    /// are passwords. Of a change to the schema it waits until all nodes know it. 60 s at most.
    ///
    /// # Errors
    ///
    /// [`ClusterError::Connect`], [`ClusterError::Statement`], [`ClusterError::Timeout`].
    pub async fn run(&self, cql: impl Into<String>) -> Result<(), ClusterError> {
        let statement = Statement::new(cql.into());
        let driver = self.driver.clone();
        on_our_runtime(async move { driver.run(statement).await }).await
    }

    /// Waits until every node answers and sees the others, 60 s at most: worth it after
    /// [`Node::start`] and [`Node::resume`]. Fails after that time if a node is down or frozen.
    ///
    /// # Errors
    ///
    /// [`ClusterError::Timeout`].
    pub async fn settled(&self) -> Result<(), ClusterError> {
        let driver = self.driver.clone();
        let table = self.health.clone();
        on_our_runtime(async move { driver.settle(table.as_deref()).await }).await
    }

    /// Has every node run again, and waits until they see each other.
    async fn heal(&self) -> Result<(), ClusterError> {
        self.thaw();
        for node in &self.nodes {
            node.begin().await?;
        }
        for node in &self.nodes {
            node.ready().await?;
        }
        self.driver.forget().await;
        self.settled().await
    }

    fn thaw(&self) {
        for node in &self.nodes {
            node.thaw();
        }
    }
}

impl Drop for Cluster {
    /// The lifeline ends frozen nodes as well. They are resumed all the same, so that none is left
    /// frozen should its wrapper have been killed.
    fn drop(&mut self) {
        self.thaw();
    }
}

/// A keyspace of one test; see [`Cluster::keyspace`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyspace {
    name: String,
}

impl Keyspace {
    /// Its name, which needs no quotes in CQL.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The replicas are by datacentre, or `replication_factor` for each that there is.
/// What runs Cassandra's own code: Java 17, and the folder with the jars.
pub(crate) async fn java_and_jars() -> Result<(PathBuf, PathBuf), ClusterError> {
    Ok((toolchain::java().await?, provision::jars(&progress::Listener::default()).await?))
}

fn create_keyspace<'a>(name: &str, replicas: impl IntoIterator<Item = (&'a str, usize)>) -> String {
    let replicas: Vec<String> =
        replicas.into_iter().map(|(place, count)| format!("'{place}': {count}")).collect();
    let replicas = replicas.join(", ");
    format!(
        "CREATE KEYSPACE {name} WITH replication = \
         {{'class': 'NetworkTopologyStrategy', {replicas}}}"
    )
}
