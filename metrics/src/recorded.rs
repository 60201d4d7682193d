//! The way of a latency to the recorder that the program installed.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use metrics::Histogram;

use crate::declared::DURATION;

/// The histogram of one statement, resolved once; it does nothing when there was no recorder.
pub(crate) struct Durations {
    histogram: Histogram,
    /// The recorder panicked: a foreign fault, which must not become a request's.
    broken: AtomicBool,
}

impl Durations {
    pub(crate) fn of(statement: &str) -> Self {
        let statement = statement.to_owned();
        let resolve = || metrics::histogram!(DURATION.name, "statement" => statement);
        match catch_unwind(AssertUnwindSafe(resolve)) {
            Ok(histogram) => Self { histogram, broken: AtomicBool::new(false) },
            Err(_) => Self { histogram: Histogram::noop(), broken: AtomicBool::new(true) },
        }
    }

    pub(crate) fn record(&self, took: Duration) {
        if self.broken.load(Ordering::Relaxed) {
            return;
        }
        if catch_unwind(AssertUnwindSafe(|| self.histogram.record(took))).is_err() {
            self.broken.store(true, Ordering::Relaxed);
            tracing::error!("the metrics recorder panicked: it gets no more of this statement");
        }
    }
}

impl fmt::Debug for Durations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Durations").field("broken", &self.broken).finish_non_exhaustive()
    }
}
