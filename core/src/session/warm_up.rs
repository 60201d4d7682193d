//! A few queries on each node, before the first that matters.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use scylla::client::execution_profile::ExecutionProfile;
use scylla::cluster::Node;
use scylla::policies::load_balancing::{NodeIdentifier, SingleTargetLoadBalancingPolicy};
use scylla::statement::Statement as DriverStatement;
use tokio::time::{Instant, timeout};

use super::Inner;
use crate::error::{Error, ErrorKind};
use crate::request::Request;
use crate::statement::{Statement, StaticStatement};

/// What each node can answer by itself, from memory.
static ASKED: StaticStatement =
    StaticStatement::new("SELECT key FROM system.local WHERE key = 'local'").named("warm_up");

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

/// Nodes are asked at the same time, each by one query after another.
pub(super) async fn warm_up(session: &Inner, queries_per_host: u32) -> WarmUp {
    let cluster = session.driver.get_cluster_state();
    let nodes = cluster.get_nodes_info();
    let asked = nodes.iter().map(|node| warm_node(session, node, queries_per_host));
    WarmUp { nodes: join_all(asked).await }
}

async fn warm_node(session: &Inner, node: &Arc<Node>, queries: u32) -> WarmNode {
    let address = SocketAddr::new(node.address.ip(), node.address.port());
    let only = SingleTargetLoadBalancingPolicy::new(NodeIdentifier::Node(Arc::clone(node)), None);
    let profile = ExecutionProfile::builder().load_balancing_policy(only).build().into_handle();
    let mut warm = WarmNode { address, answered: 0, failed: 0, latency: None, error: None };
    let mut time = Duration::ZERO;
    let statement = Statement::from_static(&ASKED);
    for _ in 0..queries {
        let mut asked = DriverStatement::new(statement.text());
        asked.set_execution_profile_handle(Some(profile.clone()));
        let began = Instant::now();
        let most = session.config.request_timeout;
        let kind = match timeout(most, session.driver.query_unpaged(asked, ())).await {
            Ok(Ok(_)) => {
                warm.answered += 1;
                time += began.elapsed();
                continue;
            }
            Ok(Err(error)) => Request::from(&statement).error(error, None),
            Err(_) => Request::from(&statement).error(ErrorKind::Timeout { after: most }, None),
        };
        warm.failed += 1;
        warm.error = Some(kind);
    }
    warm.latency = time.checked_div(warm.answered);
    warm
}
