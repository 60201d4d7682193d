//! `loom`'s primitives, and of them the two that are other crates': plainer, each with one atomic.

use std::time::Duration;

use histogram::{Config, Error, Histogram};
use loom::sync::atomic::Ordering;

pub(crate) use loom::sync::Mutex;
pub(crate) use loom::sync::atomic::AtomicU64;
pub(crate) use loom::thread::yield_now;

#[derive(Debug, Default)]
pub(crate) struct TimeSum(AtomicU64);

impl TimeSum {
    pub(crate) fn add(&self, time: Duration) {
        self.0.fetch_add(u64::try_from(time.as_nanos()).unwrap(), Ordering::Relaxed);
    }

    pub(crate) fn take(&self) -> Duration {
        Duration::from_nanos(self.0.swap(0, Ordering::Relaxed))
    }
}

#[derive(Debug)]
pub(crate) struct AtomicHistogram {
    config: Config,
    count: AtomicU64,
}

impl AtomicHistogram {
    pub(crate) fn with_config(config: &Config) -> Self {
        Self { config: *config, count: AtomicU64::new(0) }
    }

    #[expect(clippy::unnecessary_wraps, reason = "as the crate's")]
    pub(crate) fn increment(&self, _value: u64) -> Result<(), Error> {
        self.count.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    pub(crate) fn drain(&self) -> Histogram {
        let mut histogram = Histogram::with_config(&self.config);
        for _ in 0..self.count.swap(0, Ordering::Relaxed) {
            histogram.increment(1).unwrap();
        }
        histogram
    }
}
