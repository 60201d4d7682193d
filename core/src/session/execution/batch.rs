//! A batch through the driver.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use scylla::response::PagingStateResponse;
use tokio::time::Instant;

use crate::batch::{Rounds, Rows};
use crate::error::{Error, ErrorKind, Failure};
use crate::prepared::resends;
use crate::request::{Payload, Request};
use crate::response::Response;
use crate::session::execution::answer::{ended, within};
use crate::session::execution::error::{error_of, invalid};
use crate::session::execution::prepare::prepare_all;
use crate::session::execution::stamping::Stamping;
use crate::session::execution::time::Time;
use crate::session::execution::{keyspace, stamping, values};
use crate::session::inner::Inner;

/// Bounds what the driver does by itself with a batch, whatever time the caller allows.
const LONGEST: Duration = Duration::from_secs(60);

/// Prepares what no layer above has, looks at the whole, and sends it.
pub(in crate::session) async fn execute(
    session: &Arc<Inner>,
    request: Request,
    called: Instant,
) -> Result<Response, Error> {
    if let Some(fault) = request.fault() {
        return Err(error_of(session, &request, ErrorKind::Batch(fault.clone())));
    }
    if let Payload::Batch(batch) = request.payload() {
        let few = batch.has_few_texts(session.config.batch_limits.texts);
        few.map_err(|fault| error_of(session, &request, ErrorKind::Batch(fault)))?;
    }
    let longest = called + LONGEST;
    let deadline = request.deadline().map_or(longest, |deadline| deadline.min(longest));
    let request = prepare_all(session, request.with_deadline(deadline), called).await?;
    session.schema.keep_up(&session.driver);
    let Payload::Batch(batch) = request.payload() else {
        return Err(invalid(session, &request, "it is no batch"));
    };
    values::come(session, &request, Time::of(session, &request, called)?).await?;
    let statement = request.statement();
    let sendable = batch.to_driver(statement.name(), &session.config.batch_limits);
    let sendable = sendable.map_err(|kind| error_of(session, &request, kind))?;
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
    let texts = batch.texts();
    let rounds = Rounds::new(texts);
    let rows = Rows::new(sendable.rows(), &rounds);
    let answer = pin!(async {
        let answer = session.driver.batch(&sendable.batch, &rows).await?;
        Ok((answer, PagingStateResponse::NoMorePages))
    });
    let attempt = keyspace::attempt(session, &request)?;
    let answer = within(session, &request, time, answer).await;
    let answer = answer.map_err(|error| {
        if rounds.is_over() {
            let kind = ErrorKind::StatementsForgotten { texts };
            let attempted = rounds.has_failed_over();
            return error_of(session, &request, Failure { attempted, ..kind.into() });
        }
        let is_late = matches!(error.kind(), ErrorKind::Timeout { .. });
        if is_late && rounds.is_preparing() { error.finally() } else { error }
    });
    ended(&request, attempt, &answer);
    answer
}
