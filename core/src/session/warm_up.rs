//! A few queries on each node, before the first that matters.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use scylla::cluster::Node;
use scylla::statement::Statement as DriverStatement;
use tokio::time::Instant;

use super::{Inner, execute, nodes};
use crate::error::{Error, ErrorKind};
use crate::request::Request;
use crate::statement::StaticStatement;

/// What each node can answer by itself, from memory.
pub(super) static ASKED: StaticStatement =
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

/// How long a node took to answer, if it did within this time.
pub(super) async fn ask(
    session: &Inner,
    request: &Request,
    statement: DriverStatement,
    within: Duration,
) -> Result<Duration, Error> {
    let began = Instant::now();
    match execute::until(
        session,
        execute::add(began, within),
        session.driver.query_unpaged(statement, ()),
    )
    .await
    {
        Some(Ok(_)) => Ok(began.elapsed()),
        Some(Err(error)) => Err(request.error(error, None)),
        None => Err(request.error(ErrorKind::Timeout { after: within }, None)),
    }
}

async fn warm_node(session: &Inner, node: &Arc<Node>, queries: u32) -> WarmNode {
    let address = nodes::address(node);
    let mut warm = WarmNode { address, answered: 0, failed: 0, latency: None, error: None };
    let mut time = Duration::ZERO;
    let request = Request::from(&ASKED);
    let statement = nodes::asking(node, request.statement().text());
    let most = session.config.request_timeout;
    for _ in 0..queries {
        match ask(session, &request, statement.clone(), most).await {
            Ok(took) => {
                warm.answered += 1;
                time += took;
            }
            Err(error) => {
                warm.failed += 1;
                warm.error = Some(error);
            }
        }
    }
    warm.latency = time.checked_div(warm.answered);
    warm
}
