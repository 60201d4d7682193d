//! Waiting until a moment, or until the session is shut down.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

/// How often a request that waits looks whether it is aborted.
pub(in crate::session) const LOOK: Duration = Duration::from_millis(250);

/// Stands for times that are beyond the clock's end.
const FOREVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// Waits until then, or until the session is shut down.
pub(in crate::session) async fn until<T>(
    is_aborted: impl Fn() -> bool,
    until: Instant,
    future: impl Future<Output = T>,
) -> Option<T> {
    let mut future = pin!(future);
    loop {
        let next = until.min(Instant::now() + LOOK);
        if let Ok(output) = timeout_at(next, future.as_mut()).await {
            return Some(output);
        }
        if next == until || is_aborted() {
            return None;
        }
    }
}

#[inline]
pub(in crate::session) fn add(start: Instant, time: Duration) -> Instant {
    start.checked_add(time).unwrap_or_else(|| start + FOREVER)
}

/// Tells all that waits within a session that it is shut down.
pub(in crate::session) struct ShutdownSignal {
    aborted: Arc<AtomicBool>,
    /// Dropped with the session, which is how its end is noticed.
    _ended: watch::Sender<()>,
}

impl ShutdownSignal {
    pub(in crate::session) fn new(aborted: Arc<AtomicBool>, ended: watch::Sender<()>) -> Self {
        Self { aborted, _ended: ended }
    }

    /// Whether requests are to end now, answered or not.
    #[inline]
    pub(in crate::session) fn is_aborted(&self) -> bool {
        self.aborted.load(Ordering::Relaxed)
    }

    /// The same for what does not hold the session.
    pub(in crate::session) fn aborted(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.aborted)
    }
}
