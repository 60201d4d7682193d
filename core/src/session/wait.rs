//! Waiting until a moment, or until the session is shut down.

use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use tokio::sync::watch;
use tokio::task::unconstrained;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::session::execution::deadline_timer::DeadlineTimer;

/// How long a request waits before it asks to be woken by a shutdown. To ask takes a lock that all requests
/// share, and hardly any request waits for so long.
pub(in crate::session) const SOON: Duration = Duration::from_millis(250);

/// Stands for times that are beyond the clock's end.
const FOREVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// Waits until then, or until the session is shut down.
pub(in crate::session) async fn until<T>(
    aborted: &CancellationToken,
    until: Instant,
    future: impl Future<Output = T>,
) -> Option<T> {
    let future = pin!(timeout_at(until, future));
    match select(future, pin!(aborted.cancelled())).await {
        Either::Left((output, _)) => output.ok(),
        Either::Right(_) => None,
    }
}

/// Ready at this moment, or when the session is shut down: at once, or in the first [`SOON`] at its end.
pub(in crate::session) async fn over(
    aborted: &CancellationToken,
    started: Instant,
    until: Instant,
) {
    let soon = started + SOON;
    DeadlineTimer::at(until.min(soon)).expired().await;
    if soon < until {
        let end = pin!(unconstrained(sleep_until(until)));
        select(end, pin!(aborted.cancelled())).await;
    }
}

#[inline]
pub(in crate::session) fn add(start: Instant, time: Duration) -> Instant {
    start.checked_add(time).unwrap_or_else(|| start + FOREVER)
}

/// Tells all that waits within a session that it is shut down.
pub(in crate::session) struct ShutdownSignal {
    pub(in crate::session) aborted: CancellationToken,
    /// Dropped with the session, which is how its end is noticed.
    _ended: watch::Sender<()>,
}

impl ShutdownSignal {
    pub(in crate::session) fn new(aborted: CancellationToken, ended: watch::Sender<()>) -> Self {
        Self { aborted, _ended: ended }
    }
}
