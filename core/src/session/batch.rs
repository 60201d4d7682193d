//! A batch through the driver.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use scylla::response::PagingStateResponse;
use tokio::time::Instant;

use super::Inner;
use super::alarm::Alarm;
use super::execute::{Time, ended, invalid, prepare_all, within};
use super::keyspace;
use super::stamping::{self, Stamping};
use crate::cells::Cells;
use crate::error::{Error, ErrorKind};
use crate::prepared::resends;
use crate::request::{Payload, Request};
use crate::response::Response;

/// The driver prepares a statement that the server has forgotten again and again, for as long as the
/// server forgets it: that ends here, whatever time the caller allows.
const LONGEST: Duration = Duration::from_secs(60);

/// Prepares what no layer above has, looks at the whole, and sends it.
pub(super) async fn execute(
    session: &Arc<Inner>,
    request: Request,
    called: Instant,
) -> Result<Response, Error> {
    let default = Some(session.config.consistency);
    if let Some(fault) = request.fault() {
        return Err(request.error(ErrorKind::Batch(fault.clone()), default));
    }
    let longest = called + LONGEST;
    let deadline = request.deadline().map_or(longest, |deadline| deadline.min(longest));
    let request = prepare_all(session, request.with_deadline(deadline), called).await?;
    session.schema.keep_up(&session.driver);
    let Payload::Batch(batch) = request.payload() else {
        return Err(invalid(session, &request, "it is no batch"));
    };
    let statement = request.statement();
    let sendable = batch.to_driver(statement.name(), &session.config.batch_limits);
    let sendable = sendable.map_err(|kind| request.error(kind, default))?;
    let Some(mut sendable) = sendable else {
        let why = "a statement of it was prepared by a test: prepare it with this session";
        return Err(invalid(session, &request, why));
    };
    request.options().apply_to_batch(&mut sendable.batch);
    let stamping = Stamping::of(session, &request);
    if stamping.is_to_switch(session, &request) {
        stamping::switch(session, &request, Time::of(session, &request, called)?.until).await?;
    }
    stamping.apply_to_batch(session, &mut sendable.batch);
    let (idempotent, policy) = resends(statement, batch.told().all());
    sendable.batch.set_is_idempotent(idempotent);
    sendable.batch.set_retry_policy(policy);
    let time = Time::of(session, &request, Instant::now())?;
    let rows: Vec<Cells<'_>> = sendable.rows().collect();
    let answer = pin!(async {
        let answer = session.driver.batch(&sendable.batch, rows.as_slice()).await?;
        Ok((answer, PagingStateResponse::NoMorePages))
    });
    let attempt = keyspace::attempt(session, &request)?;
    let answer = within(session, &request, time, answer, pin!(Alarm::default())).await;
    ended(&request, attempt, &answer);
    answer
}
