//! A timer for what may be polled on one runtime after the other, or outside of any.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::{Handle, Id};
use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that is ready from a moment on. `tokio`'s own panics where the runtime on which it was made has ended, and
/// where there is none: then this one is ready at once, lest somebody waits for ever. Costs one allocation.
///
/// ```
/// use std::future::poll_fn;
/// use std::time::Duration;
///
/// use cqlstack_core::layer::Timer;
/// use tokio::time::Instant;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let began = Instant::now();
/// let mut timer = Timer::at(began + Duration::from_millis(5));
/// poll_fn(|cx| timer.poll(cx)).await;
/// assert_eq!(began.elapsed(), Duration::from_millis(5));
/// # }
/// ```
#[derive(Debug)]
pub struct Timer {
    end: Instant,
    /// With the runtime whose clock it is.
    sleep: Option<(Id, Pin<Box<Sleep>>)>,
}

impl Timer {
    /// A timer of the runtime that runs.
    #[must_use]
    pub fn at(end: Instant) -> Self {
        Self { end, sleep: runtime().map(|runtime| (runtime, Box::pin(sleep_until(end)))) }
    }

    /// Whether it is time, or there is nobody who could tell.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // It may be some milliseconds late, and rings for nobody who does not give it a turn.
        if Instant::now() >= self.end {
            return Poll::Ready(());
        }
        if self.sleep.as_ref().map(|(made_on, _)| *made_on) != runtime() {
            *self = Self::at(self.end);
        }
        match &mut self.sleep {
            Some((_, sleep)) => sleep.as_mut().poll(cx),
            None => Poll::Ready(()),
        }
    }
}

/// Whether this thread runs a tokio runtime. Where it does not there are no tasks, and a timer of `tokio` panics: a
/// layer that would wait for one ends with an error instead.
///
/// ```
/// assert!(!cqlstack_core::layer::has_runtime());
/// ```
#[must_use]
pub fn has_runtime() -> bool {
    runtime().is_some()
}

/// The runtime of this thread. A thread can run one after the other.
pub(crate) fn runtime() -> Option<Id> {
    Handle::try_current().ok().map(|runtime| runtime.id())
}
