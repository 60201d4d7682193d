//! A bound request through the driver.

use std::borrow::Cow;
use std::pin::pin;
use std::sync::atomic::Ordering;

use scylla::errors::{ExecutionError, RequestAttemptError};
use scylla::response::PagingState as DriverState;
use scylla::statement::bound::BoundStatement;
use tokio::time::Instant;

use crate::error::Error;
use crate::paging::{Origin, PagingState};
use crate::prepared::{ALL_ROWS, Prepared};
use crate::request::Request;
use crate::response::Response;
use crate::session::execution::answer::{ended, within};
use crate::session::execution::error::invalid;
use crate::session::execution::stamping::Stamping;
use crate::session::execution::time::Time;
use crate::session::execution::{keyspace, place, stamping, values};
use crate::session::inner::Inner;
use crate::statement::takes_timestamp;

/// Executes what is bound, and returns one page.
pub(in crate::session) async fn execute(
    session: &Inner,
    request: &Request,
    called: Instant,
) -> Result<Response, Error> {
    let time = Time::of_page(session, request, called)?;
    session.schema.keep_up(&session.driver);
    if request.is_paged() || request.is_unpaged() {
        return Box::pin(execute_page(session, request, time)).await;
    }
    if request.awaits_values() {
        Box::pin(values::come(session, request, time)).await?;
    }
    let mut serialised = None;
    let stamping = Stamping::of(session, request);
    if stamping.is_to_switch(session, request) {
        Box::pin(stamping::switch(session, request, time.until)).await?;
    }
    let bound = sendable(session, request, stamping, &mut serialised)?;
    let attempt = keyspace::attempt(session, request)?;
    // Each in a branch: an `async fn` around both would copy the answer once more.
    let first_page = || PagingState::default();
    let answer = if !was_one_page(request, bound) {
        let page = pin!(session.driver.execute_bound_single_page(bound, DriverState::start()));
        within(session, request, time, page).await
    } else if is_one_page_still(session, request) {
        let all = pin!(session.driver.execute_bound_unpaged(bound));
        let answer = within(session, request, time, all).await;
        if ends_pages(session, &answer) {
            Box::pin(page(session, request, time, bound, &first_page())).await
        } else {
            answer
        }
    } else {
        Box::pin(page(session, request, time, bound, &first_page())).await
    };
    ended(request, attempt, &answer);
    answer
}

/// Executes what is bound, of a request that says where it goes on, or wants no pages.
async fn execute_page(session: &Inner, request: &Request, time: Time) -> Result<Response, Error> {
    if request.awaits_values() {
        values::come(session, request, time).await?;
    }
    let start = request.start(None)?;
    place::of_unpaged(session, request, &start.page)?;
    let before = place::of_before(session, request, &start.page)?;
    let request = before.as_ref().unwrap_or(request);
    if request.awaits_values() {
        values::come(session, request, time).await?;
    }
    let mut serialised = None;
    let stamping = Stamping::of(session, request);
    if stamping.is_to_switch(session, request) {
        stamping::switch(session, request, time.until).await?;
    }
    let bound = sendable(session, request, stamping, &mut serialised)?;
    let attempt = keyspace::attempt(session, request)?;
    let is_unpaged = request.is_unpaged() && !takes_timestamp(request.kind());
    let is_one_page = start.page.is_first_page()
        && was_one_page(request, bound)
        && is_one_page_still(session, request);
    let mut answer = if is_unpaged || is_one_page {
        within(session, request, time, pin!(session.driver.execute_bound_unpaged(bound))).await
    } else {
        page(session, request, time, bound, &start.page).await
    };
    if ends_pages(session, &answer) && !is_unpaged {
        answer = page(session, request, time, bound, &start.page).await;
    }
    ended(request, attempt, &answer);
    let mut answer = answer?;
    if let Some(prepared) = request.prepared() {
        answer = answer.read_with(Origin::Prepared(prepared.clone()));
    }
    Ok(answer.started_at(start))
}

/// The page at this place.
async fn page(
    session: &Inner,
    request: &Request,
    time: Time,
    bound: &BoundStatement,
    place: &PagingState,
) -> Result<Response, Error> {
    let mut bound = Cow::Borrowed(bound);
    let rows = place::page_size(session, request, place);
    if bound.prepared().get_page_size() != rows {
        bound.to_mut().set_page_size(rows);
    }
    let answer = session.driver.execute_bound_single_page(&bound, place.to_driver());
    within(session, request, time, pin!(answer)).await
}

/// Whether it had one page when it was prepared, and does not say itself how many rows a page has.
#[inline]
fn was_one_page(request: &Request, bound: &BoundStatement) -> bool {
    bound.prepared().get_page_size() == ALL_ROWS && request.page_size().is_none()
}

/// A table that was made anew may have another key.
#[inline]
fn is_one_page_still(session: &Inner, request: &Request) -> bool {
    !session.ends_pages.load(Ordering::Relaxed)
        && request.prepared().is_some_and(Prepared::is_current)
}

/// Whether the server ended a page though none was asked for, which neither Cassandra nor ScyllaDB does: from now on
/// every read of the session has pages.
#[inline]
fn ends_pages(session: &Inner, answer: &Result<Response, Error>) -> bool {
    match answer {
        Ok(_) => false,
        Err(error) => ended_a_page(session, error),
    }
}

#[cold]
fn ended_a_page(session: &Inner, error: &Error) -> bool {
    let cause = error.cause().and_then(|cause| cause.downcast_ref());
    let is_it = matches!(
        cause,
        Some(ExecutionError::LastAttemptError(RequestAttemptError::NonfinishedPagingState))
    );
    if is_it {
        session.ends_pages.store(true, Ordering::Relaxed);
    }
    is_it
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
