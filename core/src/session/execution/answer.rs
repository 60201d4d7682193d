//! The driver's answer, in the time of the call, as a response or an error.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Poll, ready};

use scylla::errors::ExecutionError;
use scylla::frame::types::Consistency;
use scylla::response::PagingStateResponse;
use scylla::response::query_result::QueryResult;

use crate::error::{Error, ErrorClass, ErrorKind, Failure};
use crate::paging::{Origin, PagingState};
use crate::prepared::Prepared;
use crate::request::Request;
use crate::response::Response;
use crate::sent;
use crate::session::execution::error::error_of;
use crate::session::execution::stamping::tables;
use crate::session::execution::time::Time;
use crate::session::inner::Inner;
use crate::session::schema::unreadable;
use crate::session::wait::timer;
use crate::statement::Attempt;
use crate::task::no_runtime;

pub(in crate::session) type Page = (QueryResult, PagingStateResponse);

/// All rows are a page without another one after it.
pub(in crate::session) trait IntoPage {
    fn into_page(self) -> Page;
}

impl IntoPage for Page {
    #[inline]
    fn into_page(self) -> Page {
        self
    }
}

impl IntoPage for QueryResult {
    #[inline]
    fn into_page(self) -> Page {
        (self, PagingStateResponse::NoMorePages)
    }
}

/// Ends the driver's future when the time of the call is over. The future is pinned by the caller: it
/// has some 4 KB, and an argument is held twice. `timeout_at` would do, and copies the answer, which is
/// large, three times more.
pub(in crate::session) async fn within<P: IntoPage>(
    session: &Inner,
    request: &Request,
    time: Time,
    mut answer: Pin<&mut impl Future<Output = Result<P, ExecutionError>>>,
) -> Result<Response, Error> {
    let Some(mut timer) = timer(time.started, time.until) else {
        return Err(no_runtime().about(request.statement()));
    };
    let mut over = pin!(session.over(&mut timer, time.started, time.until));
    let mut failed = 0;
    poll_fn(|cx| {
        sent::resume(failed);
        if let Poll::Ready(answer) = answer.as_mut().poll(cx) {
            return Poll::Ready(response(session, request, answer, sent::so_far() > 0));
        }
        failed = sent::so_far();
        ready!(over.as_mut().poll(cx));
        let (is_aborted, consistency) = (session.is_aborted(), session.config.consistency);
        Poll::Ready(Err(unanswered(request, time, is_aborted, consistency)))
    })
    .await
}

/// The time is over, or the session is shut down.
#[cold]
pub(in crate::session) fn unanswered(
    request: &Request,
    time: Time,
    is_aborted: bool,
    consistency: Consistency,
) -> Error {
    let kind = if is_aborted {
        ErrorKind::AbortedByShutdown
    } else {
        ErrorKind::Timeout { after: time.given() }
    };
    let failure = Failure { attempted: true, ..kind.into() };
    request.error(failure, Some(consistency))
}

#[inline]
pub(in crate::session) fn response(
    session: &Inner,
    request: &Request,
    answer: Result<impl IntoPage, ExecutionError>,
    has_failed_before: bool,
) -> Result<Response, Error> {
    let failed = |mut failure: Failure| {
        failure.attempted |= has_failed_before;
        failed_answer(session, request, failure)
    };
    let (result, next) = answer.map_err(|error| failed(error.into()))?.into_page();
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
fn failed_answer(session: &Inner, request: &Request, mut failure: Failure) -> Error {
    unreadable::locate(&mut failure.kind, tables(request));
    error_of(session, request, failure)
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
        // A server that knows the statement by another id than it had when it was prepared will never execute it.
        request.all_prepared().iter().for_each(Prepared::outdate);
    }
}
