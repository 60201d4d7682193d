//! A request meets its prepared statement.

use std::fmt;
use std::future::{poll_fn, ready};
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use cqlstack_core::{Error, Payload, Request, Response, Stack};
use tokio::time::timeout_at;
use tower_service::Service;

use super::entries::{Counters, Entries};
use super::error::NotPrepared;
use super::flight::{Follower, Outcome, Role};
use super::future::ResponseFuture;
use super::memo::Memo;

/// The service of [`StatementCacheLayer`](super::StatementCacheLayer).
#[derive(Clone)]
pub struct StatementCache<S> {
    inner: S,
    entries: Arc<Entries>,
    memo: Memo,
}

impl<S> StatementCache<S> {
    pub(super) fn new(inner: S, entries: Arc<Entries>) -> Self {
        Self { inner, entries, memo: Memo::default() }
    }
}

impl<S: Stack + 'static> Service<Request> for StatementCache<S> {
    type Response = Response;
    type Error = Error;
    type Future = ResponseFuture<S>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, mut request: Request) -> ResponseFuture<S> {
        let asks_to_prepare = matches!(request.payload(), Payload::Prepare);
        if !asks_to_prepare && !request.needs_preparing() {
            return ResponseFuture::calling(self.inner.call(request));
        }
        let counters = &self.entries.counters;
        let Some(prepared) = self.entries.recall(request.statement(), &mut self.memo) else {
            Counters::count(&counters.misses);
            // The instance that was made ready goes along; the clone has to become ready.
            let clone = self.inner.clone();
            let inner = mem::replace(&mut self.inner, clone);
            let missed = prepare_and_call(inner, Arc::clone(&self.entries), request);
            return ResponseFuture::other(missed);
        };
        Counters::count(counters.hits.here());
        if asks_to_prepare {
            return ResponseFuture::other(ready(Ok(Response::of_prepared(prepared))));
        }
        match request.bind_late(prepared) {
            Ok(()) => ResponseFuture::calling(self.inner.call(request)),
            Err(error) => ResponseFuture::other(ready(Err(error))),
        }
    }
}

async fn prepare_and_call<S: Stack>(
    mut inner: S,
    entries: Arc<Entries>,
    mut request: Request,
) -> Result<Response, Error> {
    let prepared = prepare(&mut inner, &entries, &request).await?;
    if matches!(request.payload(), Payload::Prepare) {
        return Ok(Response::of_prepared(prepared));
    }
    request.bind_late(prepared)?;
    call(&mut inner, request).await
}

/// Has the statement prepared, by this request or by another that is at it.
async fn prepare<S: Stack>(inner: &mut S, entries: &Entries, request: &Request) -> Outcome {
    let statement = request.statement();
    loop {
        match entries.flights.join(statement.text()) {
            Role::Lead(flight) => {
                // Another leader may have landed since the look-up.
                let outcome = match entries.get(statement) {
                    Some(prepared) => Ok(prepared),
                    None => send(inner, entries, request).await,
                };
                flight.land(&outcome);
                return outcome;
            }
            Role::Follow(follower) => {
                if let Some(outcome) = wait(follower, request).await? {
                    return outcome;
                }
            }
        }
    }
}

async fn send<S: Stack>(inner: &mut S, entries: &Entries, request: &Request) -> Outcome {
    let statement = request.statement();
    let mut prepare = Request::prepare(statement);
    if let Some(deadline) = request.deadline() {
        prepare = prepare.with_deadline(deadline);
    }
    Counters::count(&entries.counters.prepares);
    let answer = call(inner, prepare).await?;
    let prepared = answer.prepared().ok_or_else(|| NotPrepared::NoAnswer.of(statement))?;
    entries.keep(prepared);
    Ok(prepared.clone())
}

/// `None` if the leader is gone without an outcome.
async fn wait(follower: Follower, request: &Request) -> Result<Option<Outcome>, Error> {
    let Some(deadline) = request.deadline() else { return Ok(follower.wait().await) };
    let waited = timeout_at(deadline, follower.wait()).await;
    waited.map_err(|_| NotPrepared::Deadline.of(request.statement()))
}

async fn call<S: Stack>(inner: &mut S, request: Request) -> Result<Response, Error> {
    poll_fn(|cx| inner.poll_ready(cx)).await?;
    inner.call(request).await
}

impl<S: fmt::Debug> fmt::Debug for StatementCache<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatementCache").field("inner", &self.inner).finish_non_exhaustive()
    }
}

#[cfg(test)]
impl<S> StatementCache<S> {
    pub(super) fn look_up(&self, statement: &cqlstack_core::Statement) -> bool {
        self.entries.get(statement).is_some()
    }

    pub(super) fn under_way(&self) -> usize {
        self.entries.flights.under_way()
    }
}
