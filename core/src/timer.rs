//! A timer for what may be polled on one runtime after the other.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::{Handle, Id};
use tokio::time::{Instant, Sleep, sleep_until};

/// Ready from this moment on. `tokio`'s own panics where the runtime on which it was made has ended.
#[derive(Debug)]
pub(crate) struct Timer {
    sleep: Pin<Box<Sleep>>,
    runtime: Option<Id>,
}

impl Timer {
    pub(crate) fn at(end: Instant) -> Self {
        Self { sleep: Box::pin(sleep_until(end)), runtime: runtime() }
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let end = self.sleep.deadline();
        // It may be some milliseconds late, and rings for nobody who does not give it a turn.
        if Instant::now() >= end {
            return Poll::Ready(());
        }
        if self.runtime != runtime() {
            *self = Self::at(end);
        }
        self.sleep.as_mut().poll(cx)
    }
}

/// The runtime of this thread. A thread can run one after the other.
pub(crate) fn runtime() -> Option<Id> {
    Handle::try_current().ok().map(|runtime| runtime.id())
}
