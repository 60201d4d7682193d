//! Errors of a request, with the consistency of the session where the request has none.

use crate::error::{Error, ErrorKind, Failure};
use crate::request::Request;
use crate::session::inner::Inner;

pub(in crate::session) fn error_of(
    session: &Inner,
    request: &Request,
    failure: impl Into<Failure>,
) -> Error {
    request.error(failure, Some(session.config.consistency))
}

pub(in crate::session) fn invalid(session: &Inner, request: &Request, why: &str) -> Error {
    error_of(session, request, ErrorKind::InvalidRequest(why.to_owned()))
}
