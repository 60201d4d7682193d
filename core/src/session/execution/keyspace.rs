//! The keyspace that a request depends on.

use tokio::time::Instant;

use crate::error::{Error, ErrorKind};
use crate::request::Request;
use crate::session::execution::error::error_of;
use crate::session::inner::Inner;
use crate::session::schema::keyspaces::Settled;
use crate::statement::{Attempt, StatementKind};

/// The keyspace in use, once no `USE` is under way.
pub(in crate::session) async fn settled(
    session: &Inner,
    request: &Request,
    by: Instant,
) -> Result<Settled, Error> {
    let settled = session.until(by, session.keyspaces.read()).await;
    let is_certain = |settled: &Settled| session.keyspaces.is_certain(&session.driver, settled);
    settled.filter(is_certain).ok_or_else(|| unsettled(session, request))
}

/// The attempt that this request is. Refuses what would be in two keyspaces.
#[inline]
pub(in crate::session) fn attempt<'r>(
    session: &Inner,
    request: &'r Request,
) -> Result<Attempt<'r>, Error> {
    match request.keyspace() {
        Ok(None) => Ok(Attempt::ANYWHERE),
        Ok(depends) => attempt_in(session, request, depends),
        Err(kind) => Err(error_of(session, request, kind)),
    }
}

pub(super) fn attempt_in<'r>(
    session: &Inner,
    request: &'r Request,
    keyspace: Option<u64>,
) -> Result<Attempt<'r>, Error> {
    let (Some(keyspace), Some(told)) = (keyspace, request.told()) else {
        return Ok(Attempt::ANYWHERE);
    };
    if request.kind() == StatementKind::Read {
        return Ok(Attempt::ANYWHERE);
    }
    // What may have been applied in one keyspace is never sent in another.
    let changed = || error_of(session, request, ErrorKind::KeyspaceChanged).finally();
    told.send_to(keyspace).ok_or_else(changed)
}

pub(super) fn unsettled(session: &Inner, request: &Request) -> Error {
    let kind = if session.is_aborted() { ErrorKind::Closed } else { ErrorKind::KeyspaceUnsettled };
    error_of(session, request, kind)
}
