//! The way of a latency to the recorder that the program installed.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use metrics::Histogram;

use crate::catalog::DURATION;

/// The histogram of one statement, resolved once; it does nothing when there was no recorder.
pub(crate) struct Recorded {
    histogram: Histogram,
    /// The recorder panicked: a foreign fault, which must not become a request's.
    broken: AtomicBool,
}

impl Recorded {
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

impl fmt::Debug for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorded").field("broken", &self.broken).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use metrics::{
        Counter, Gauge, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
        with_local_recorder,
    };

    use super::*;

    /// Panics when it is asked for a histogram, or when it is given a value.
    struct Faulty {
        at_once: bool,
    }

    struct Panics;

    impl HistogramFn for Panics {
        fn record(&self, _value: f64) {
            panic!("a fault of the recorder");
        }
    }

    impl Recorder for Faulty {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
            Counter::noop()
        }

        fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::noop()
        }

        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            assert!(!self.at_once, "a fault of the recorder");
            Histogram::from_arc(Arc::new(Panics))
        }
    }

    #[test]
    fn a_recorder_that_panics_fails_no_request() {
        for at_once in [true, false] {
            let recorded = with_local_recorder(&Faulty { at_once }, || Recorded::of("read"));
            recorded.record(Duration::from_millis(1));
            recorded.record(Duration::from_millis(1));
            assert!(recorded.broken.load(Ordering::Relaxed));
        }
    }
}
