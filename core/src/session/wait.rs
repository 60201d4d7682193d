//! Waiting until a moment, or until the session is shut down.

use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use tokio::sync::watch;
use tokio::task::unconstrained;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::session::deadline_timer::DeadlineTimer;
use crate::timer::has_runtime;

/// How long a request waits before it asks to be woken by a shutdown. To ask takes a lock that all requests
/// share, and hardly any request waits for so long.
pub(in crate::session) const SOON: Duration = Duration::from_millis(250);

/// Stands for times that are beyond the clock's end.
const FOREVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// Waits until then, or until the session is shut down. Outside of a runtime it does not wait at all.
pub(in crate::session) async fn until<T>(
    aborted: &CancellationToken,
    until: Instant,
    future: impl Future<Output = T>,
) -> Option<T> {
    if !has_runtime() {
        return None;
    }
    let future = pin!(timeout_at(until, future));
    match select(future, pin!(aborted.cancelled())).await {
        Either::Left((output, _)) => output.ok(),
        Either::Right(_) => None,
    }
}

/// Ready when the time of a request is over, or the session is shut down; of a request that began less than [`SOON`]
/// ago, not before that. The timer is that of [`timer`].
pub(in crate::session) async fn over(
    timer: &mut DeadlineTimer,
    aborted: &CancellationToken,
    started: Instant,
    until: Instant,
) {
    timer.expired().await;
    if started + SOON < until && has_runtime() {
        let end = pin!(unconstrained(sleep_until(until)));
        select(end, pin!(aborted.cancelled())).await;
    }
}

/// For [`over`]; none outside of a runtime.
#[inline]
pub(in crate::session) fn timer(started: Instant, until: Instant) -> Option<DeadlineTimer> {
    DeadlineTimer::at(until.min(started + SOON))
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

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use tokio::time::sleep;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// How long a request waits that has so much time, if the session is shut down after so long.
    async fn waited(time: Duration, shut_down: Duration) -> Duration {
        let (aborted, started) = (CancellationToken::new(), Instant::now());
        let shut_down = async {
            sleep(shut_down).await;
            aborted.cancel();
        };
        select(
            pin!(over(
                &mut timer(started, started + time).unwrap(),
                &aborted,
                started,
                started + time
            )),
            pin!(shut_down.then(|()| sleep(SECOND * 99))),
        )
        .await;
        started.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_waits_until_its_time_is_over() {
        for time in [SOON / 2, SOON, SOON * 2, SECOND * 60] {
            assert_eq!(waited(time, SECOND * 90).await, time);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_shutdown_ends_the_wait_at_once_or_when_it_would_be_asked_for() {
        assert_eq!(waited(SECOND * 60, SECOND).await, SECOND);
        assert_eq!(waited(SECOND * 60, SOON / 2).await, SOON);
        assert_eq!(waited(SOON / 2, SOON / 4).await, SOON / 2);
    }
}
