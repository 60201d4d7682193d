//! A page after the first is of the same result as the page before it.
//!
//! A layer binds each page anew, and since the page before, another keyspace may be in use, or the table may
//! have been made anew: the server would take the place of one result for one in another.

use crate::error::{Error, ErrorKind};
use crate::paging::{Origin, PagingState};
use crate::request::Request;
use crate::session::execution::error::{error_of, invalid};
use crate::session::inner::Inner;
use crate::session::schema::keyspaces::Settled;

/// The request that reads the page, if it is not the one that was made: bound to the statement that the page
/// before was read with, so that a stream stays in the keyspace in which it began.
#[cold]
pub(in crate::session) fn of_before(
    session: &Inner,
    request: &Request,
    place: &PagingState,
) -> Result<Option<Request>, Error> {
    // A place that a token says is checked by the token.
    let Some(now) = request.prepared() else { return Ok(None) };
    let before = match place.origin() {
        Some(Origin::Prepared(before)) => before,
        Some(Origin::Text(_)) => return Err(other(session, request)),
        None => return Ok(None),
    };
    let (Some(theirs), Some(ours)) = (before.basis(), now.basis()) else { return Ok(None) };
    if ours.is_other() && !theirs.is_other() {
        return Err(other(session, request));
    }
    if ours.source() == theirs.source() && (ours.holds() || ours.continues()) {
        return Ok(None);
    }
    let stays = theirs.is_of(session) && theirs.continues();
    if !stays || !now.statement().has_text_of(before.statement()) {
        return Err(other(session, request));
    }
    Ok(Some(request.bound_to(before)))
}

/// A text goes on where it began: with the same keyspace in use, if it depends on that.
pub(in crate::session) fn of_text(
    session: &Inner,
    request: &Request,
    place: &PagingState,
    in_use: Option<&Settled>,
) -> Result<(), Error> {
    match (place.origin(), in_use) {
        (None, _) => Ok(()),
        (Some(Origin::Text(before)), Some(now)) if before.as_ref() == now.name() => Ok(()),
        _ => Err(other(session, request)),
    }
}

/// The size of the page at this place. Cassandra ignores the place, and begins anew, where the size is not below the
/// `LIMIT`: a page after the first stays below it.
pub(in crate::session) fn page_size(
    session: &Inner,
    request: &Request,
    place: &PagingState,
) -> i32 {
    let rows = request.options().driver_page_size().unwrap_or(session.page_size());
    let limit = if place.is_first_page() { None } else { request.limit() };
    match limit {
        Some(limit) => rows.min(i32::try_from(limit.saturating_sub(1)).unwrap_or(i32::MAX)).max(1),
        None => rows,
    }
}

/// All rows at once begin with the first.
pub(in crate::session) fn of_unpaged(
    session: &Inner,
    request: &Request,
    place: &PagingState,
) -> Result<(), Error> {
    match request.paging_fault(place) {
        Some(why) => Err(invalid(session, request, why)),
        None => Ok(()),
    }
}

fn other(session: &Inner, request: &Request) -> Error {
    error_of(session, request, ErrorKind::OtherResult)
}
