//! What the session knows of each node.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use scylla::cluster::{ClusterState, Node};
use tokio::time::Instant;
use uuid::Uuid;

use crate::session::config::SessionConfig;
use crate::session::inner::Inner;
use crate::session::topology::ask::query;
use crate::session::topology::clocks::ClockOffset;
use crate::session::topology::node_attempts::{OfNode, Sums};
use crate::session::wait::add;

/// A node, as the session sees it.
#[doc(alias("NodeMetrics"))]
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeStats {
    /// The id by which the cluster knows it, wherever it is.
    pub host_id: Uuid,
    /// Where the driver connects to.
    pub address: SocketAddr,
    /// Its datacentre, as the cluster says.
    pub datacenter: Option<String>,
    /// Its rack, as the cluster says.
    pub rack: Option<String>,
    /// Whether there is a connection that is not known to be broken. A frozen node is up until it owes
    /// a sign of life for too long ([`keepalive`](crate::SessionBuilder::keepalive)).
    pub up: bool,
    /// Connections of this session that the node itself has open, the one for control included, when
    /// [`Session::count_connections`](crate::Session::count_connections) asked it last; none if it is
    /// down. `None` if it was not asked, did not answer in time, or does not list its clients
    /// (Cassandra before 5.0, ScyllaDB).
    pub connections: Option<u64>,
    /// How far its clock is from this program's, as it was found to be within the last minute; `None` if it has
    /// not told.
    pub clock: Option<ClockOffset>,
    /// Attempts that the node ended with an answer or an error, since the session was built. Those
    /// that were given up, by a timeout or a drop, are not in it: the driver does not tell of them.
    pub attempts: u64,
    /// Those of the attempts that ended with an error.
    pub errors: u64,
    /// The time of all these attempts together.
    pub time: Duration,
}

impl NodeStats {
    /// The mean time of an attempt; zero when there was none.
    #[must_use]
    pub fn avg_latency(&self) -> Duration {
        let nanos = self.time.as_nanos().checked_div(self.attempts.into());
        Duration::from_nanos(nanos.and_then(|nanos| nanos.try_into().ok()).unwrap_or(0))
    }
}

/// For a log: one line.
impl fmt::Display for NodeStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.up { "up" } else { "down" };
        write!(f, "node {} is {state}, connections ", self.address)?;
        match self.connections {
            Some(connections) => write!(f, "{connections}")?,
            None => f.write_str("unknown")?,
        }
        let Self { attempts, errors, .. } = self;
        write!(f, ", attempts {attempts}, errors {errors}, mean {:.1?}", self.avg_latency())
    }
}

/// How long a node has to tell of its connections.
const ANSWER: Duration = Duration::from_secs(1);

pub(in crate::session) fn nodes(session: &Inner) -> Vec<NodeStats> {
    let cluster = session.driver.get_cluster_state();
    let nodes = cluster.get_nodes_info();
    let stats = nodes.iter().map(|node| {
        let of_node = session.attempts.known(node.host_id);
        let Sums { ended, failed, time } = of_node.map(OfNode::sums).unwrap_or_default();
        let up = node.is_connected();
        if !up && let Some(of_node) = of_node {
            of_node.set_connections(None);
        }
        NodeStats {
            host_id: node.host_id,
            address: session.translation.address(node),
            datacenter: node.datacenter.clone(),
            rack: node.rack.clone(),
            up,
            clock: session.clocks.of(node.host_id),
            connections: if up { of_node.and_then(OfNode::connections) } else { Some(0) },
            attempts: ended,
            errors: failed,
            time,
        }
    });
    stats.collect()
}

pub(in crate::session) async fn count_connections(session: &Inner) {
    let cluster = session.driver.get_cluster_state();
    let asked = cluster.get_nodes_info().iter().map(async |node| {
        let counted = connections(session, node).await;
        if let Some(of_node) = session.attempts.of(node.host_id) {
            of_node.set_connections(counted);
        }
    });
    join_all(asked).await;
}

/// What the node itself says: each lists its own clients only, so each is asked.
async fn connections(session: &Inner, node: &Arc<Node>) -> Option<u64> {
    if !node.is_connected() {
        return None;
    }
    let answer = query(&session.driver, node, "SELECT client_options FROM system_views.clients");
    let answer = session.until(add(Instant::now(), ANSWER), answer).await?.ok()?;
    let rows = answer.into_rows_result().ok()?;
    let clients = rows.rows::<(Option<HashMap<String, String>>,)>().ok()?.flatten();
    let ours = clients.filter(|(options,)| {
        let id = options.as_ref().and_then(|options| options.get(CLIENT_ID));
        id.is_some_and(|id| *id == session.client_id)
    });
    u64::try_from(ours.count()).ok()
}

/// The nodes that requests are sent to: those of the local datacentre, if one is set.
pub(in crate::session) fn near<'c>(
    config: &SessionConfig,
    cluster: &'c ClusterState,
) -> impl Iterator<Item = &'c Arc<Node>> {
    let local = config.local_datacenter.clone();
    let nodes = cluster.get_nodes_info().iter();
    nodes.filter(move |node| local.is_none() || node.datacenter == local)
}

/// The startup option by which a node tells the clients apart.
const CLIENT_ID: &str = "CLIENT_ID";
