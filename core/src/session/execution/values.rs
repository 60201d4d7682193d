//! Values that the caller of a request lends to it.

use tokio::time::Instant;

use crate::error::{Error, ErrorKind, Waited};
use crate::lending::given_up;
use crate::request::Request;
use crate::session::execution::error::error_of;
use crate::session::execution::time::Time;
use crate::session::inner::Inner;

/// Waits until the caller has given them, in the time of the call. It does so as soon as it is polled.
pub(in crate::session) async fn come(
    session: &Inner,
    request: &Request,
    time: Time,
) -> Result<(), Error> {
    let began = Instant::now();
    let kind = match session.until(time.until, request.values_come()).await {
        Some(true) => return Ok(()),
        Some(false) => given_up(),
        // Nothing was sent.
        None if session.is_aborted() => ErrorKind::Closed,
        None => ErrorKind::DeadlinePassed(Waited::ForValues(began.elapsed())),
    };
    Err(error_of(session, request, kind))
}
