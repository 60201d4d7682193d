//! A request meets its prepared statement.

use std::fmt;
use std::future::{poll_fn, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use cqlstack_core::layer::{Described, NotReady, Payload, Readying};
use cqlstack_core::{CqlService, Error, Request, Response, Statement};
use tokio::time::Instant;
use tower_service::Service;

use super::entries::{Counters, Entries};
use super::error::NotPrepared;
use super::future::ResponseFuture;
use super::single_flight::{Landed, Outcome};

/// The service of [`StatementCacheLayer`](super::StatementCacheLayer).
#[derive(Clone)]
pub struct StatementCache<S> {
    inner: S,
    entries: Arc<Entries>,
}

impl<S> StatementCache<S> {
    pub(super) fn new(inner: S, entries: Arc<Entries>) -> Self {
        Self { inner, entries }
    }

    /// The service below.
    #[must_use]
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service below, without this layer.
    #[must_use]
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S: CqlService> Service<Request> for StatementCache<S> {
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
            let Some(prepared) = self.entries.get(statement) else {
                self.give_back();
                let (inner, entries) = (self.inner.clone(), Arc::clone(&self.entries));
                return ResponseFuture::other(prepare_and_call(inner, entries, request));
            };
            Counters::count(self.entries.counters.hits.here());
            if let Err(error) = request.attach_prepared(prepared) {
                self.give_back();
                return ResponseFuture::other(ready(Err(error)));
            }
        }
        ResponseFuture::calling(self.inner.call(request))
    }
}

impl<S: CqlService> StatementCache<S> {
    fn prepare(&mut self, request: Request) -> ResponseFuture<S> {
        // It is answered here, or after a wait for another one's prepare.
        self.give_back();
        if let Some(prepared) = self.entries.get(request.statement()) {
            Counters::count(self.entries.counters.hits.here());
            return ResponseFuture::other(ready(Ok(Response::of_prepared(prepared))));
        }
        Counters::count(&self.entries.counters.misses);
        let (mut inner, entries) = (self.inner.clone(), Arc::clone(&self.entries));
        ResponseFuture::other(async move {
            let (statement, deadline) = (request.statement(), request.latest_after(Instant::now()));
            prepare(&mut inner, &entries, statement, deadline).await.map(Response::of_prepared)
        })
    }

    /// Drops the instance that was made ready and is not called at once: what it holds below is others' to
    /// have meanwhile.
    fn give_back(&mut self) {
        self.inner = self.inner.clone();
    }
}

async fn prepare_and_call<S: CqlService>(
    mut inner: S,
    entries: Arc<Entries>,
    mut request: Request,
) -> Result<Response, Error> {
    // What it waits for is part of the attempt.
    if let Some(end) = request.latest_after(Instant::now()) {
        request.set_deadline(end);
    }
    while let Some(statement) = request.unprepared() {
        let prepared = if let Some(prepared) = entries.get(statement) {
            Counters::count(entries.counters.hits.here());
            prepared
        } else {
            Counters::count(&entries.counters.misses);
            prepare(&mut inner, &entries, statement, request.deadline()).await?
        };
        request.attach_prepared(prepared)?;
    }
    made_ready(&mut inner, &request).await?.call(request).await
}

/// How often a statement is prepared in a row that is out of date as soon as it is.
const TRIES: usize = 5;

/// Has the statement prepared, by this request or by another that is at it.
async fn prepare<S: CqlService>(
    inner: &mut S,
    entries: &Entries,
    statement: &Statement,
    deadline: Option<Instant>,
) -> Outcome {
    let mut participant = entries.flights.participant(statement, deadline);
    let mut tries = 0;
    while tries < TRIES {
        let landed = participant.outcome(async {
            // Another leader may have landed since the look-up.
            match entries.get(statement) {
                Some(prepared) => Ok(prepared),
                None => send(inner, entries, statement, deadline).await,
            }
        });
        let Landed { outcome, may_be_before } = landed.await?;
        match outcome {
            // Where the session does not know the schema, the server has to be asked after the call.
            Ok(prepared) if prepared.is_one_shot() && may_be_before => {}
            Ok(prepared) if prepared.is_one_shot() => return Ok(prepared),
            // Something changed while it was prepared, or while it was waited for.
            Ok(prepared) if !prepared.is_current() => tries += 1,
            outcome => return outcome,
        }
    }
    Err(NotPrepared::Changing.of(statement))
}

async fn send<S: CqlService>(
    inner: &mut S,
    entries: &Entries,
    statement: &Statement,
    deadline: Option<Instant>,
) -> Outcome {
    let mut prepare = Request::prepare(statement);
    if let Some(deadline) = deadline {
        prepare = prepare.with_deadline(deadline);
    }
    let mut inner = made_ready(inner, &prepare).await?;
    Counters::count(&entries.counters.prepares);
    let answer = inner.call(prepare).await?;
    let prepared = answer.prepared().ok_or_else(|| NotPrepared::NoAnswer.of(statement))?;
    if !prepared.is_one_shot() {
        entries.keep(prepared);
    }
    Ok(prepared.clone())
}

/// The service below, ready for this request.
async fn made_ready<'s, S: CqlService>(
    inner: &'s mut S,
    request: &Request,
) -> Result<Readying<&'s mut S>, Error> {
    let began = Instant::now();
    let mut readying = Readying::new(inner, request.deadline());
    match poll_fn(|cx| readying.poll::<Request>(cx)).await {
        Ok(()) => Ok(readying),
        Err(NotReady::Failed(error)) => Err(error),
        Err(NotReady::Late) => Err(NotPrepared::Deadline(began.elapsed()).of(request.statement())),
    }
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
