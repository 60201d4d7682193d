//! Requests that a layer below refuses, since it is full, from what makes many.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Error, ErrorClass, Recovery};
use crate::traits::Classify;

/// The first and the longest wait.
const FIRST: Duration = Duration::from_millis(2);
const LONGEST: Duration = Duration::from_millis(250);

/// How long nothing but refusals is endured, where there is no deadline.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Whether a layer below is full, which it may not be later: the request was certainly not sent.
pub(crate) fn is_refused(error: &Error) -> bool {
    error.is_refusal()
        && error.class() == ErrorClass::Overload
        && error.recovery() != Recovery::Final
}

/// What counts at most of the time from one refusal to the next: nobody may have asked for more.
const ASKED: Duration = Duration::from_secs(1);

/// The refusals since something was let through.
#[derive(Debug)]
pub(crate) struct Refusals {
    last: Option<Instant>,
    endured: Duration,
    next: Duration,
}

impl Default for Refusals {
    fn default() -> Self {
        Self { last: None, endured: Duration::ZERO, next: FIRST }
    }
}

impl Refusals {
    /// One more. Tells how long there has been nothing else.
    pub(crate) fn endure(&mut self) -> Duration {
        let last = self.last.replace(Instant::now());
        self.endured += last.map_or(Duration::ZERO, |last| last.elapsed().min(ASKED));
        self.endured
    }

    /// The next wait, twice as long as the one before, less up to a half of it at random.
    pub(crate) fn wait(&mut self) -> Duration {
        let wait = self.next.mul_f64(0.5 + 0.5 * fastrand::f64());
        self.next = (self.next * 2).min(LONGEST);
        wait
    }
}
