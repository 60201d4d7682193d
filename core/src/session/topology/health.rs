//! How the nodes are, now.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use futures::future::join_all;
use futures::stream::{FuturesUnordered, StreamExt};

use crate::error::{Error, ErrorKind};
use crate::request::Request;
use crate::session::inner::Inner;
use crate::session::schema::age::SchemaStats;
use crate::session::topology::nodes;
use crate::session::topology::probe::{PROBE, probe};

/// How the nodes of a cluster are: what [`Session::health`](crate::Session::health) found.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Health {
    /// Each node that the session knows; none once it is shut down.
    pub nodes: Vec<NodeHealth>,
    /// How old what the session knows of the schema is; none once it is shut down.
    pub schema: Option<SchemaStats>,
}

/// How a node is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NodeHealth {
    /// Where the driver connects to.
    pub address: SocketAddr,
    /// Its datacentre, as the cluster says.
    pub datacenter: Option<String>,
    /// How long it took to answer, or why it did not.
    pub answer: Result<Duration, Error>,
}

impl Health {
    /// Whether each node answered. False once the session is shut down.
    #[must_use]
    pub fn all_reachable(&self) -> bool {
        !self.nodes.is_empty() && self.nodes.iter().all(NodeHealth::is_reachable)
    }

    /// Whether a node answered.
    #[must_use]
    pub fn any_reachable(&self) -> bool {
        self.nodes.iter().any(NodeHealth::is_reachable)
    }
}

impl NodeHealth {
    /// Whether it answered.
    #[must_use]
    pub const fn is_reachable(&self) -> bool {
        self.answer.is_ok()
    }
}

/// A line for each node, and one for the schema.
impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nodes.is_empty() {
            return f.write_str("the session is shut down");
        }
        for (index, node) in self.nodes.iter().enumerate() {
            let line = if index == 0 { "" } else { "\n" };
            write!(f, "{line}{node}")?;
        }
        self.schema.iter().try_for_each(|schema| write!(f, "\n{schema}"))
    }
}

impl fmt::Display for NodeHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {} ", self.address)?;
        match &self.answer {
            Ok(took) => write!(f, "answered after {took:.1?}"),
            Err(error) => write!(f, "is not reachable: {}", error.what()),
        }
    }
}

pub(in crate::session) async fn health(session: &Inner, within: Duration) -> Health {
    let cluster = session.driver.get_cluster_state();
    let asked = cluster.get_nodes_info().iter().map(async |node| NodeHealth {
        address: session.translation.address(node),
        datacenter: node.datacenter.clone(),
        answer: probe(session, node, within).await,
    });
    Health { nodes: join_all(asked).await, schema: Some(session.age.stats()) }
}

/// Whether any node answers, of those that requests are sent to first.
pub(in crate::session) async fn ready(session: &Inner, within: Duration) -> Result<(), Error> {
    let cluster = session.driver.get_cluster_state();
    let mut answers: FuturesUnordered<_> =
        nodes::near(&session.config, &cluster).map(|node| probe(session, node, within)).collect();
    while let Some(answer) = answers.next().await {
        if answer.is_ok() {
            return Ok(());
        }
    }
    Err(Request::from(&PROBE).error(ErrorKind::NoConnection, None))
}
