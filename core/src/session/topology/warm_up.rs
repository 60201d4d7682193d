//! A few queries on each node, before the first that matters.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use scylla::cluster::Node;

use crate::error::{Error, ErrorKind};
use crate::session::inner::Inner;
use crate::session::topology::probe::probe;

/// What came of [warming up](crate::Session::warm_up), node by node.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WarmUp {
    /// Each node that the session knows.
    pub nodes: Vec<WarmNode>,
}

/// What came of warming up one node.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WarmNode {
    /// Where the driver connects to.
    pub address: SocketAddr,
    /// Queries that it answered.
    pub answered: u32,
    /// Queries that failed.
    pub failed: u32,
    /// The mean time of an answer; none if there was no answer.
    pub latency: Option<Duration>,
    /// The last failure.
    pub error: Option<Error>,
}

impl WarmUp {
    /// Whether each node answered each query.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.nodes.iter().all(|node| node.failed == 0)
    }
}

/// For a log: a line for each node.
impl fmt::Display for WarmUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, node) in self.nodes.iter().enumerate() {
            let WarmNode { address, answered, failed, .. } = node;
            let line = if index == 0 { "" } else { "\n" };
            write!(f, "{line}node {address}: {answered} answered, {failed} failed")?;
            if let Some(latency) = node.latency {
                write!(f, ", mean {latency:.1?}")?;
            }
            if let Some(error) = &node.error {
                write!(f, "; {error}")?;
            }
        }
        Ok(())
    }
}

/// Nodes are asked at the same time, each by one query after another. One that is silent for the whole time of
/// an attempt is asked no more.
pub(in crate::session) async fn warm_up(session: &Inner, queries_per_host: u32) -> WarmUp {
    let cluster = session.driver.get_cluster_state();
    let nodes = cluster.get_nodes_info();
    let asked = nodes.iter().map(|node| warm_node(session, node, queries_per_host));
    WarmUp { nodes: join_all(asked).await }
}

async fn warm_node(session: &Inner, node: &Arc<Node>, queries: u32) -> WarmNode {
    let address = session.translation.address(node);
    let mut warm = WarmNode { address, answered: 0, failed: 0, latency: None, error: None };
    let mut time = Duration::ZERO;
    let most = session.config.attempt_timeout;
    for _ in 0..queries {
        match probe(session, node, most).await {
            Ok(took) => {
                warm.answered += 1;
                time += took;
            }
            Err(error) => {
                warm.failed += 1;
                let is_in_vain = matches!(
                    error.kind(),
                    ErrorKind::Timeout { .. } | ErrorKind::UnencryptedPassword { .. }
                );
                warm.error = Some(error);
                if is_in_vain {
                    break;
                }
            }
        }
    }
    warm.latency = time.checked_div(warm.answered);
    warm
}
