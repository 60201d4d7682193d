//! A cheap query to one node, for its health and to warm it up.

use std::sync::Arc;
use std::time::Duration;

use scylla::cluster::Node;
use tokio::time::Instant;

use crate::error::{Error, ErrorKind};
use crate::request::Request;
use crate::session::inner::Inner;
use crate::session::topology::ask::query;
use crate::session::wait::add;
use crate::statement::StaticStatement;

/// What each node can answer by itself, from memory.
pub(in crate::session) const TEXT: &str = "SELECT key FROM system.local WHERE key = 'local'";
pub(in crate::session) static PROBE: StaticStatement = StaticStatement::new(TEXT).named("warm_up");

/// How long this node took to answer, if it did within this time.
pub(in crate::session) async fn probe(
    session: &Inner,
    node: &Arc<Node>,
    within: Duration,
) -> Result<Duration, Error> {
    let request = Request::from(&PROBE);
    if !node.is_connected()
        && let Some(refusal) = session.translation.refusal(node)
    {
        return Err(request.error(refusal, None));
    }
    let began = Instant::now();
    let answer = query(&session.driver, node, request.statement().text());
    match session.until(add(began, within), answer).await {
        Some(Ok(_)) => Ok(began.elapsed()),
        Some(Err(error)) => Err(request.error(error, None)),
        None => Err(request.error(ErrorKind::Timeout { after: within }, None)),
    }
}
