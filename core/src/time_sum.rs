//! A sum of times that never wraps.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::lock::lock;

/// A sum of times to which threads add without a lock.
///
/// 64 bits of nanoseconds are full after 584 years, which a thousand requests in flight spend in 213 days. So from
/// time to time somebody who adds puts what is there aside, under a lock that nobody else waits for.
///
/// ```
/// use cqlstack_core::layer::TimeSum;
/// use std::time::Duration;
///
/// let spent = TimeSum::default();
/// spent.add(Duration::from_micros(3));
/// spent.add(Duration::from_millis(1));
/// assert_eq!(spent.total(), Duration::from_micros(1_003));
/// ```
#[derive(Debug, Default)]
pub struct TimeSum {
    /// Nanoseconds.
    recent: AtomicU64,
    before: Mutex<Duration>,
}

/// From here on the nanoseconds are put aside. As many fit once more before that is done, and a single time has at
/// most as many.
const FULL: u64 = 1 << 62;

impl TimeSum {
    /// Adds a time, of which 146 years count at most. One atomic.
    #[inline]
    pub fn add(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(FULL).min(FULL);
        if self.recent.fetch_add(nanos, Ordering::Relaxed) >= FULL {
            self.total();
        }
    }

    /// All times that were added so far.
    #[cold]
    pub fn total(&self) -> Duration {
        let mut before = lock(&self.before);
        *before = before.saturating_add(self.take_recent());
        *before
    }

    /// All times that were added since they were taken last.
    #[must_use]
    pub fn take(&self) -> Duration {
        let mut before = lock(&self.before);
        std::mem::take(&mut *before).saturating_add(self.take_recent())
    }

    fn take_recent(&self) -> Duration {
        Duration::from_nanos(self.recent.swap(0, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

    #[test]
    fn it_goes_beyond_what_64_bits_of_nanoseconds_hold() {
        let sum = TimeSum::default();
        for centuries in 1..100 {
            sum.add(CENTURY);
            if centuries % 7 == 0 {
                assert_eq!(sum.total(), CENTURY * centuries);
            }
        }
        assert_eq!(sum.take(), CENTURY * 99);
        assert_eq!(sum.total(), Duration::ZERO);
        // The longest time there is does not make it wrap either.
        (0..9).for_each(|_| sum.add(Duration::MAX));
        assert_eq!(sum.total(), Duration::from_nanos(FULL) * 9);
    }

    #[test]
    fn what_threads_add_meanwhile_is_counted_once() {
        let sum = TimeSum::default();
        let (threads, each) = (4_u32, 5_000_u32);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| (0..each).for_each(|_| sum.add(CENTURY / 10)));
            }
            scope.spawn(|| {
                let mut last = Duration::ZERO;
                for _ in 0..1_000 {
                    let now = sum.total();
                    assert!(now >= last);
                    last = now;
                }
            });
        });
        assert_eq!(sum.total(), CENTURY / 10 * threads * each);
    }
}
