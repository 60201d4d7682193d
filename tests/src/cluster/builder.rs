//! How a cluster is asked for and started.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use scylla::statement::unprepared::Statement;

use super::config::{self, NodeSettings, Settings};
use super::driver::{Driver, on_our_runtime};
use super::error::ClusterError;
use super::home::Home;
use super::lease::CQL;
use super::node::Node;
use super::progress::{Listener, Progress};
use super::{Cluster, PASSWORD, USER, external, provision, toolchain};

/// A keyspace that all nodes hold, with which the fixture checks that they see each other.
const HEALTH: &str = "cqlstack_health";

/// What a cluster is to be. Made by [`Cluster::builder`].
#[derive(Debug, Clone)]
pub struct ClusterBuilder {
    nodes: usize,
    heap: String,
    full_jit: bool,
    password_auth: bool,
    datacenters: Vec<String>,
    yaml: BTreeMap<String, String>,
    node_yaml: BTreeMap<usize, BTreeMap<String, String>>,
    progress: Listener,
}

impl ClusterBuilder {
    pub(super) fn new() -> Self {
        Self {
            nodes: 1,
            heap: "512m".into(),
            full_jit: false,
            password_auth: false,
            datacenters: Vec::new(),
            yaml: BTreeMap::new(),
            node_yaml: BTreeMap::new(),
            progress: Listener::default(),
        }
    }

    /// How many nodes, 1 to 4. One unless said otherwise.
    #[must_use]
    pub fn nodes(mut self, nodes: usize) -> Self {
        self.nodes = nodes;
        self
    }

    /// A line of each node's `cassandra.yaml`, in yaml's syntax; it replaces the fixture's own.
    #[must_use]
    pub fn yaml(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.yaml.insert(key.into(), value.into());
        self
    }

    /// As [`yaml`](Self::yaml), for one node, from 0. It goes before the line of all nodes.
    #[must_use]
    pub fn node_yaml(
        mut self,
        node: usize,
        key: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        self.node_yaml.entry(node).or_default().insert(key.into(), value.into());
        self
    }

    /// Clients must log in: as [`USER`] with [`PASSWORD`], until a test creates other roles.
    #[must_use]
    pub fn password_auth(mut self) -> Self {
        self.password_auth = true;
        self
    }

    /// The most heap that each node may take, in whole megabytes or gigabytes: `"512m"` (the
    /// default), `"2g"`. Resident memory is less on a node with little to do, about 360 MB, since
    /// the heap grows with use.
    #[must_use]
    pub fn heap(mut self, heap: impl Into<String>) -> Self {
        self.heap = heap.into();
        self
    }

    /// Lets the JVM compile to the full. A node then starts slower and, once warm, answers
    /// faster: for benchmarks of the server. See the module's documentation for figures.
    #[must_use]
    pub fn full_jit(mut self) -> Self {
        self.full_jit = true;
        self
    }

    /// The datacentre of each node, in order; `dc1` for those not named. The rack is `rack1`.
    #[must_use]
    pub fn datacenters<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.datacenters = names.into_iter().map(Into::into).collect();
        self
    }

    /// Is told of each step, on a thread of the fixture. The same steps are `tracing` events of the
    /// target `cqlstack_tests::cluster`.
    #[must_use]
    pub fn on_progress(mut self, listener: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.progress = Listener::new(listener);
        self
    }

    /// Starts the cluster and waits until every node answers and sees the others.
    ///
    /// It does not matter on which runtime this is called, nor how long that lives.
    ///
    /// # Errors
    ///
    /// [`ClusterError::InvalidConfig`] names what is wrong with the builder. Without JDK or Maven:
    /// [`ClusterError::MissingJava`], [`ClusterError::MissingMaven`], [`ClusterError::Maven`]. Else what the nodes met, with the end of their log. Nothing that was
    /// started stays.
    pub async fn start(self) -> Result<Cluster, ClusterError> {
        on_our_runtime(self.bring_up()).await
    }

    /// The cluster that `CASSANDRA_NODES` names, if it is set; else [`start`](Self::start)s one.
    ///
    /// For what any cluster will do for. What the builder says holds for a started one only.
    ///
    /// # Errors
    ///
    /// Those of `start`; [`ClusterError::InvalidConfig`] if the variable cannot be understood, and
    /// [`ClusterError::Connect`] if nobody answers there.
    pub async fn start_or_use_existing(self) -> Result<Cluster, ClusterError> {
        on_our_runtime(async move {
            match external::named()? {
                Some(names) => external::connect(&names).await,
                None => self.bring_up().await,
            }
        })
        .await
    }

    async fn bring_up(self) -> Result<Cluster, ClusterError> {
        let settings = self.settings()?;
        let java = toolchain::java().await?;
        let jars = provision::jars(&self.progress).await?;
        let home = Arc::new(Home::new(self.nodes)?);
        let addresses: Vec<Ipv4Addr> = (0..self.nodes).map(|node| home.address(node)).collect();
        let sockets = addresses.iter().map(|&address| SocketAddr::from((address, CQL))).collect();
        let credentials = self.password_auth.then_some((USER, PASSWORD));
        let driver = Arc::new(Driver::new(sockets, credentials));
        let mut nodes = Vec::with_capacity(self.nodes);
        for index in 0..self.nodes {
            let folder = home.folder().join(format!("node{index}"));
            let node = NodeSettings {
                index,
                addresses: &addresses,
                datacenter: self.datacenter(index),
                folder: &folder,
            };
            let command = config::prepare(&settings, &node, &java, &jars);
            let command = command.map_err(ClusterError::io(format!("writing in {folder:?}")))?;
            let log = folder.join("node.log");
            nodes.push(Node::ours(index, home.clone(), driver.clone(), log, command));
        }
        let health = (self.nodes > 1).then(|| format!("{HEALTH}.reads"));
        let cluster = Cluster { nodes, driver, health };
        self.wait(&cluster).await?;
        Ok(cluster)
    }

    /// Each node is a seed with tokens of its own, so all can start at the same time.
    async fn wait(&self, cluster: &Cluster) -> Result<(), ClusterError> {
        self.progress.tell(Progress::Starting { nodes: self.nodes });
        for node in &cluster.nodes {
            node.begin().await?;
        }
        for (index, node) in cluster.nodes.iter().enumerate() {
            node.ready().await?;
            self.progress.tell(Progress::Listening { node: index });
        }
        self.progress.tell(Progress::Settling);
        // First each for itself: the role to log in with is made after the port is open.
        cluster.driver.settle(None).await?;
        if let Some(table) = &cluster.health {
            let keyspace = super::create_keyspace(HEALTH, self.nodes_by_datacenter());
            cluster.driver.run(Statement::new(keyspace)).await?;
            let create = format!("CREATE TABLE {table} (id int PRIMARY KEY)");
            cluster.driver.run(Statement::new(create)).await?;
            cluster.driver.settle(Some(table)).await?;
        }
        self.progress.tell(Progress::Ready);
        Ok(())
    }

    fn datacenter(&self, node: usize) -> &str {
        self.datacenters.get(node).map_or("dc1", String::as_str)
    }

    fn nodes_by_datacenter(&self) -> BTreeMap<&str, usize> {
        let mut nodes = BTreeMap::new();
        for node in 0..self.nodes {
            *nodes.entry(self.datacenter(node)).or_default() += 1;
        }
        nodes
    }

    fn settings(&self) -> Result<Settings, ClusterError> {
        if !(1..=4).contains(&self.nodes) {
            let what = format!("a cluster has 1 to 4 nodes, not {}", self.nodes);
            return Err(ClusterError::InvalidConfig(what));
        }
        if self.datacenters.len() > self.nodes {
            let what = format!(
                "{} datacentres are named for {} nodes: name at most one for each",
                self.datacenters.len(),
                self.nodes
            );
            return Err(ClusterError::InvalidConfig(what));
        }
        for name in &self.datacenters {
            if !is_plain(name) {
                let what = format!(
                    "{name:?} cannot be a datacentre: take ASCII letters, digits, `_` and `-`"
                );
                return Err(ClusterError::InvalidConfig(what));
            }
        }
        if let Some(node) = self.node_yaml.keys().find(|&&node| node >= self.nodes) {
            let what = format!("node {node} has yaml settings, and there are {} nodes", self.nodes);
            return Err(ClusterError::InvalidConfig(what));
        }
        for (key, value) in self.node_yaml.values().chain([&self.yaml]).flatten() {
            if !is_plain(key) || value.contains(['\n', '\r']) {
                let what = format!("the yaml setting {key:?} is not one line: `key: value`");
                return Err(ClusterError::InvalidConfig(what));
            }
        }
        let mut yaml = self.yaml.clone();
        if self.password_auth {
            yaml.insert("authenticator".into(), "PasswordAuthenticator".into());
        }
        Ok(Settings {
            name: format!("cqlstack-{}", std::process::id()),
            heap_mib: mebibytes(&self.heap)?,
            full_jit: self.full_jit,
            yaml,
            node_yaml: self.node_yaml.clone(),
        })
    }
}

fn is_plain(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    !name.is_empty() && name.chars().all(allowed)
}

/// Cassandra does not start with less than 256 MB.
fn mebibytes(heap: &str) -> Result<u32, ClusterError> {
    let parsed = if let Some(number) = heap.strip_suffix(['m', 'M']) {
        number.parse().ok()
    } else if let Some(number) = heap.strip_suffix(['g', 'G']) {
        number.parse::<u32>().ok().and_then(|gigabytes| gigabytes.checked_mul(1024))
    } else {
        None
    };
    parsed.filter(|mebibytes| *mebibytes >= 256).ok_or_else(|| {
        let what = format!("{heap:?} is no heap size: give \"512m\" or \"1g\", 256m at least");
        ClusterError::InvalidConfig(what)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(builder: &ClusterBuilder) -> String {
        builder.settings().unwrap_err().to_string()
    }

    #[test]
    fn heaps_are_megabytes_or_gigabytes() {
        assert_eq!(mebibytes("512m").unwrap(), 512);
        assert_eq!(mebibytes("2G").unwrap(), 2048);
        for wrong in ["", "m", "512", "64m", "-1g", "9999999999g", "5000000g", "1.5g"] {
            assert!(mebibytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        let builder = ClusterBuilder::new;
        assert!(refusal(&builder().nodes(0)).contains("1 to 4 nodes, not 0"));
        assert!(refusal(&builder().nodes(5)).contains("not 5"));
        assert!(refusal(&builder().yaml("a", "1\nb: 2")).contains("\"a\""));
        assert!(refusal(&builder().node_yaml(1, "a", "1")).contains("node 1"));
        assert!(refusal(&builder().yaml("", "1")).contains("not one line"));
        assert!(refusal(&builder().datacenters(["dc1", "dc2"])).contains("2 datacentres"));
        assert!(refusal(&builder().datacenters(["a\nb"])).contains("datacentre"));
        assert!(refusal(&builder().heap("lots")).contains("\"lots\""));
    }
}
