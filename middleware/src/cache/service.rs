//! A request meets its prepared statement.

use std::fmt;
use std::future::{poll_fn, ready};
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use cqlstack_core::{Error, Payload, Request, Response, Stack, Statement};
use tokio::time::{Instant, timeout_at};
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
        if matches!(request.payload(), Payload::Prepare) {
            return self.prepare(request);
        }
        // One statement, or those of a batch.
        while let Some(statement) = request.unprepared() {
            let Some(prepared) = self.entries.recall(statement, &mut self.memo) else {
                let (inner, entries) = self.take();
                return ResponseFuture::other(prepare_and_call(inner, entries, request));
            };
            Counters::count(self.entries.counters.hits.here());
            if let Err(error) = request.bind_late(prepared) {
                return ResponseFuture::other(ready(Err(error)));
            }
        }
        ResponseFuture::calling(self.inner.call(request))
    }
}

impl<S: Stack + 'static> StatementCache<S> {
    fn prepare(&mut self, request: Request) -> ResponseFuture<S> {
        if let Some(prepared) = self.entries.recall(request.statement(), &mut self.memo) {
            Counters::count(self.entries.counters.hits.here());
            return ResponseFuture::other(ready(Ok(Response::of_prepared(prepared))));
        }
        Counters::count(&self.entries.counters.misses);
        let (mut inner, entries) = self.take();
        ResponseFuture::other(async move {
            let (statement, deadline) = (request.statement(), request.deadline());
            prepare(&mut inner, &entries, statement, deadline).await.map(Response::of_prepared)
        })
    }

    /// The instance that was made ready goes along; the clone has to become ready.
    fn take(&mut self) -> (S, Arc<Entries>) {
        let clone = self.inner.clone();
        (mem::replace(&mut self.inner, clone), Arc::clone(&self.entries))
    }
}

async fn prepare_and_call<S: Stack>(
    mut inner: S,
    entries: Arc<Entries>,
    mut request: Request,
) -> Result<Response, Error> {
    while let Some(statement) = request.unprepared() {
        let prepared = if let Some(prepared) = entries.get(statement) {
            Counters::count(entries.counters.hits.here());
            prepared
        } else {
            Counters::count(&entries.counters.misses);
            prepare(&mut inner, &entries, statement, request.deadline()).await?
        };
        request.bind_late(prepared)?;
    }
    call(&mut inner, request).await
}

/// How often a statement is prepared in a row that is out of date as soon as it is.
const TRIES: usize = 5;

/// Has the statement prepared, by this request or by another that is at it.
async fn prepare<S: Stack>(
    inner: &mut S,
    entries: &Entries,
    statement: &Statement,
    deadline: Option<Instant>,
) -> Outcome {
    let mut tries = 0;
    // A prepare that another one begins from now on is one of after this call.
    let mut has_followed = false;
    while tries < TRIES {
        let mut is_before = false;
        let outcome = match entries.flights.join(statement.text(), deadline) {
            Role::Lead(flight) => {
                // Another leader may have landed since the look-up.
                let outcome = match entries.get(statement) {
                    Some(prepared) => Ok(prepared),
                    None => send(inner, entries, statement, deadline).await,
                };
                flight.land(&outcome);
                outcome
            }
            Role::Follow(follower) => {
                is_before = !mem::replace(&mut has_followed, true);
                let leader = follower.deadline;
                match wait(follower, statement, deadline).await? {
                    // Its time was over, and not ours.
                    Some(Err(_)) if is_over(leader) && leader != deadline => continue,
                    Some(outcome) => outcome,
                    None => continue,
                }
            }
        };
        match outcome {
            // Where the session does not know the schema, the server has to be asked after the call.
            Ok(prepared) if prepared.is_one_shot() && is_before => {}
            Ok(prepared) if prepared.is_one_shot() => return Ok(prepared),
            // Something changed while it was prepared, or while it was waited for.
            Ok(prepared) if !prepared.is_current() => tries += 1,
            outcome => return outcome,
        }
    }
    Err(NotPrepared::Changing.of(statement))
}

fn is_over(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| deadline <= Instant::now())
}

async fn send<S: Stack>(
    inner: &mut S,
    entries: &Entries,
    statement: &Statement,
    deadline: Option<Instant>,
) -> Outcome {
    let mut prepare = Request::prepare(statement);
    if let Some(deadline) = deadline {
        prepare = prepare.with_deadline(deadline);
    }
    Counters::count(&entries.counters.prepares);
    let answer = call(inner, prepare).await?;
    let prepared = answer.prepared().ok_or_else(|| NotPrepared::NoAnswer.of(statement))?;
    if !prepared.is_one_shot() {
        entries.keep(prepared);
    }
    Ok(prepared.clone())
}

/// `None` if the leader is gone without an outcome.
async fn wait(
    follower: Follower,
    statement: &Statement,
    deadline: Option<Instant>,
) -> Result<Option<Outcome>, Error> {
    let Some(deadline) = deadline else { return Ok(follower.wait().await) };
    let waited = timeout_at(deadline, follower.wait()).await;
    waited.map_err(|_| NotPrepared::Deadline.of(statement))
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
