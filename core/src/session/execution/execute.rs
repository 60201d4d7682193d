//! One request through the driver: the deadline, the error, the answer.

use std::future::{self, poll_fn};
use std::mem;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use scylla::errors::ExecutionError;
use scylla::frame::types::Consistency;
use scylla::response::query_result::QueryResult;
use scylla::response::{PagingState as DriverState, PagingStateResponse};
use scylla::statement::Statement as DriverStatement;
use scylla::statement::bound::BoundStatement;
use tokio::time::Instant;

use crate::clock;
use crate::error::{Error, ErrorClass, ErrorKind, Failure};
use crate::paging::{Origin, PagingState};
use crate::prepared::{Prepared, no_failover};
use crate::request::{Payload, Request};
use crate::response::Response;
use crate::sent;
use crate::session::Inner;
use crate::session::execution::deadline_timer::DeadlineTimer;
use crate::session::execution::keyspace::Settled;
use crate::session::execution::prepare::prepare;
use crate::session::execution::runner::Runner;
use crate::session::execution::stamping::Stamping;
use crate::session::execution::time::{LOOK, Time, invalid, until};
use crate::session::execution::{batch, keyspace, place, stamping};
use crate::session::lifecycle::Entry;
use crate::session::schema::basis::Basis;
use crate::session::schema::change::SchemaChange;
use crate::session::schema::unreadable;
use crate::statement::Attempt;

pub(in crate::session) type Answer = Result<(QueryResult, PagingStateResponse), ExecutionError>;
type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A request under way.
pub(in crate::session) enum Call {
    /// What is bound, which is the way of every hot path.
    Run(Runner),
    Other(BoxFuture<Result<Response, Error>>),
    Answered,
}

/// Starts a request. Each way has a future of its own, since a future is as large as the largest of
/// its branches.
#[inline]
pub(in crate::session) fn start(session: Entry, request: Request) -> Call {
    let called = clock::now();
    Call::Other(match request.payload() {
        Payload::Bound(_) => return start_bound(session, request, called),
        Payload::Prepare => Box::pin(async move {
            prepare(session.session(), &request, called).await.map(Response::of_prepared)
        }),
        Payload::Batch(_) => {
            Box::pin(async move { batch::execute(session.session(), request, called).await })
        }
        Payload::Raw(_) if request.unprepared().is_some() => {
            Box::pin(async move { prepare_and_execute(session.session(), request, called).await })
        }
        Payload::Raw(_) if request.statement().is_use() => {
            Box::pin(async move { keyspace::change(session, request, called).await })
        }
        Payload::Raw(_) if request.statement().depends_on_use() => {
            Box::pin(async move { keyspace::send(session, request, called).await })
        }
        Payload::Raw(_) => Box::pin(async move { query(&session, &request, called).await }),
    })
}

#[inline]
fn start_bound(session: Entry, request: Request, called: Instant) -> Call {
    let changes_schema = request.statement().may_change_schema();
    match if changes_schema { None } else { Runner::idle() } {
        Some(mut runner) => {
            runner.start(session, request, called);
            Call::Run(runner)
        }
        None => Call::Other(Box::pin(async move {
            let until = Time::of(&session, &request, called)?.until;
            let change = SchemaChange::begin(&session, &request, until).await;
            let answer = execute(&session, &request, called, pin!(DeadlineTimer::default())).await;
            SchemaChange::end(change, answer).await
        })),
    }
}

/// Does nothing but end with this.
pub(in crate::session) fn refuse(error: Error) -> Call {
    Call::Other(Box::pin(future::ready(Err(error))))
}

impl Call {
    #[inline]
    pub(in crate::session) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response, Error>> {
        let answer = match self {
            Self::Run(runner) => runner.poll(cx),
            Self::Other(future) => return future.as_mut().poll(cx),
            // No other answer will come.
            Self::Answered => return Poll::Pending,
        };
        if answer.is_ready()
            && let Self::Run(runner) = mem::replace(self, Self::Answered)
        {
            runner.rest();
        }
        answer
    }
}

/// What no layer above has bound. The time of the call covers both halves.
async fn prepare_and_execute(
    session: &Arc<Inner>,
    request: Request,
    called: Instant,
) -> Result<Response, Error> {
    let request = prepare_all(session, request, called).await?;
    // Its deadline is that of both halves, which has to be after now.
    execute(session, &request, Instant::now(), pin!(DeadlineTimer::default())).await
}

/// Prepares what no layer above has bound, in the time of the call, which becomes its deadline.
pub(in crate::session) async fn prepare_all(
    session: &Arc<Inner>,
    request: Request,
    called: Instant,
) -> Result<Request, Error> {
    let time = Time::of(session, &request, called)?;
    let mut request = request.with_deadline(time.until);
    while let Some(statement) = request.unprepared() {
        let asked = Request::prepare(statement).with_deadline(time.until);
        let prepared = prepare(session, &asked, Instant::now()).await?;
        request.attach_prepared(prepared)?;
    }
    Ok(request)
}

/// Executes what is bound, and returns one page.
pub(in crate::session) async fn execute(
    session: &Inner,
    request: &Request,
    called: Instant,
    deadline_timer: Pin<&mut DeadlineTimer>,
) -> Result<Response, Error> {
    let time = Time::of_page(session, request, called)?;
    session.schema.keep_up(&session.driver);
    if request.is_paged() {
        return Box::pin(execute_page(session, request, time)).await;
    }
    let mut serialised = None;
    let stamping = Stamping::of(session, request);
    if stamping.is_to_switch(session, request) {
        Box::pin(stamping::switch(session, request, time.until)).await?;
    }
    let bound = sendable(session, request, stamping, &mut serialised)?;
    let attempt = keyspace::attempt(session, request)?;
    let answer = pin!(session.driver.execute_bound_single_page(bound, DriverState::start()));
    let answer = within(session, request, time, answer, deadline_timer).await;
    ended(request, attempt, &answer);
    answer
}

/// Executes what is bound, of a request that says where it goes on.
async fn execute_page(session: &Inner, request: &Request, time: Time) -> Result<Response, Error> {
    let (page, seal) = request.place(None)?;
    let before = place::of_before(session, request, &page)?;
    let request = before.as_ref().unwrap_or(request);
    let mut serialised = None;
    let stamping = Stamping::of(session, request);
    let bound = sendable(session, request, stamping, &mut serialised)?;
    let attempt = keyspace::attempt(session, request)?;
    let answer = pin!(session.driver.execute_bound_single_page(bound, page.to_driver()));
    let answer = within(session, request, time, answer, pin!(DeadlineTimer::default())).await;
    ended(request, attempt, &answer);
    let mut answer = answer?;
    if let Some(prepared) = request.prepared() {
        answer = answer.read_with(Origin::Prepared(prepared.clone()));
    }
    Ok(answer.after_place(&page).sealed_by(seal))
}

/// To be told of each answer, before it is given to the caller.
#[inline]
pub(in crate::session) fn ended(
    request: &Request,
    attempt: Attempt<'_>,
    answer: &Result<Response, Error>,
) {
    match answer {
        Ok(_) => attempt.end(),
        Err(error) => failed(request, attempt, error),
    }
}

#[cold]
fn failed(request: &Request, attempt: Attempt<'_>, error: &Error) {
    if error.class() != ErrorClass::Ambiguous {
        attempt.end();
    }
    if *error.kind() == ErrorKind::Unprepared {
        forgotten(request);
    }
}

#[inline]
fn sendable<'b>(
    session: &Inner,
    request: &'b Request,
    stamping: Stamping,
    place: &'b mut Option<BoundStatement>,
) -> Result<&'b BoundStatement, Error> {
    if stamping != Stamping::AsMade {
        return stamped(session, request, stamping, place);
    }
    request.bound(place)?.ok_or_else(|| made_by_a_test(session, request))
}

/// Beside conditional writes.
#[cold]
fn stamped<'b>(
    session: &Inner,
    request: &'b Request,
    stamping: Stamping,
    place: &'b mut Option<BoundStatement>,
) -> Result<&'b BoundStatement, Error> {
    let mut serialised = None;
    if request.bound(&mut serialised)?.is_none() {
        return Err(made_by_a_test(session, request));
    }
    // What was bound before is shared.
    let bound = match serialised {
        Some(ours) => ours,
        None => {
            request.bound(&mut None)?.cloned().ok_or_else(|| made_by_a_test(session, request))?
        }
    };
    let bound = place.insert(bound);
    stamping.apply(session, request, bound);
    Ok(bound)
}

#[cold]
fn made_by_a_test(session: &Inner, request: &Request) -> Error {
    let why = "it was bound to a statement that a test made: bind it to one of this session's";
    invalid(session, request, why)
}

/// A server that knows the statement by another id than it had when it was prepared will never execute it.
fn forgotten(request: &Request) {
    match request.payload() {
        Payload::Batch(batch) => batch.prepared().iter().for_each(Prepared::outdate),
        _ => request.prepared().into_iter().for_each(Prepared::outdate),
    }
}

/// Sends a text as it is, without values.
async fn query(session: &Inner, request: &Request, called: Instant) -> Result<Response, Error> {
    let time = Time::of_page(session, request, called)?;
    let is_cut = || session.inside.is_cut();
    let change = SchemaChange::begin(session, request, time.until).await;
    let answer = until(is_cut, time.until, send_text(session, request, None)).await;
    let consistency = session.config.consistency;
    let answer = answer.unwrap_or_else(|| Err(unanswered(request, time, is_cut(), consistency)));
    SchemaChange::end(change, answer).await
}

/// Sends a text as it is, for as long as it takes.
///
/// `in_use` is the keyspace that it depends on.
pub(in crate::session) async fn send_text(
    session: &Inner,
    request: &Request,
    in_use: Option<&Settled>,
) -> Result<Response, Error> {
    let options = request.options();
    let mut statement = DriverStatement::new(request.statement().text());
    statement.set_page_size(options.driver_page_size().unwrap_or(session.page_size()));
    if let Some(consistency) = options.consistency {
        statement.set_consistency(consistency);
    }
    if let Some(serial) = options.serial_consistency {
        statement.set_serial_consistency(Some(serial));
    }
    statement.set_retry_policy(Some(no_failover()));
    let name = in_use.and_then(Settled::name);
    let (page, seal) = request.place(name.map(|name| name.as_str()))?;
    place::of_text(session, request, &page, in_use)?;
    let answer = session.driver.query_single_page(statement, (), page.to_driver()).await;
    let mut answer = response(session, request, answer, false)?;
    if in_use.is_some() {
        answer = answer.read_with(Origin::Text(name.cloned()));
    }
    Ok(answer.after_place(&page).sealed_by(seal))
}

/// Ends the driver's future when the time of the call is over. The future is pinned by the caller: it
/// has some 4 KB, and an argument is held twice. `timeout_at` would do, and copies the answer, which is
/// large, three times more.
pub(in crate::session) fn within<'a>(
    session: &'a Inner,
    request: &'a Request,
    time: Time,
    mut answer: Pin<&'a mut impl Future<Output = Answer>>,
    mut deadline_timer: Pin<&'a mut DeadlineTimer>,
) -> impl Future<Output = Result<Response, Error>> {
    deadline_timer.as_mut().begin(time.until.min(time.started + LOOK));
    let mut failed = 0;
    poll_fn(move |cx| {
        sent::resume(failed);
        if let Poll::Ready(answer) = answer.as_mut().poll(cx) {
            return Poll::Ready(response(session, request, answer, sent::so_far() > 0));
        }
        failed = sent::so_far();
        ready!(deadline_timer.as_mut().poll(time.until, || session.inside.is_cut(), cx));
        let (is_cut, consistency) = (session.inside.is_cut(), session.config.consistency);
        Poll::Ready(Err(unanswered(request, time, is_cut, consistency)))
    })
}

/// The time is over, or the session is shut down.
#[cold]
pub(in crate::session) fn unanswered(
    request: &Request,
    time: Time,
    is_cut: bool,
    consistency: Consistency,
) -> Error {
    let kind = if is_cut {
        ErrorKind::AbortedByShutdown
    } else {
        ErrorKind::Timeout { after: time.given() }
    };
    let failure = Failure { attempted: true, ..kind.into() };
    request.error(failure, Some(consistency))
}

#[inline]
fn response(
    session: &Inner,
    request: &Request,
    answer: Answer,
    has_failed_before: bool,
) -> Result<Response, Error> {
    let default = Some(session.config.consistency);
    let failed = |mut failure: Failure| {
        failure.attempted |= has_failed_before;
        failed_answer(request, failure, default)
    };
    let (result, next) = answer.map_err(|error| failed(error.into()))?;
    let next = match next {
        PagingStateResponse::HasMorePages { state } => {
            let origin = request.prepared().cloned().map(Origin::Prepared);
            Some(PagingState::from_driver(state, origin))
        }
        PagingStateResponse::NoMorePages => None,
    };
    Response::of_driver(request.statement(), result, next).map_err(|kind| {
        let attempted = true;
        failed(Failure { attempted, ..kind.into() })
    })
}

#[cold]
fn failed_answer(request: &Request, mut failure: Failure, default: Option<Consistency>) -> Error {
    let prepared: Vec<_> = match request.payload() {
        Payload::Batch(batch) => batch.prepared().iter().collect(),
        _ => request.prepared().into_iter().collect(),
    };
    let bases = prepared.into_iter().filter_map(Prepared::basis);
    unreadable::locate(&mut failure.kind, bases.flat_map(Basis::tables));
    request.error(failure, default)
}

impl Inner {
    pub(super) fn page_size(&self) -> i32 {
        i32::try_from(self.config.page_size).unwrap_or(i32::MAX)
    }
}
