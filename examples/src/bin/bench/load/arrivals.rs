//! When requests are due, in an open loop.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

/// Evenly spaced. The queue of those that are due and not taken is two numbers, so that its memory is
/// the same at any rate.
pub(super) struct Arrivals {
    first: Instant,
    interval: Duration,
    released: AtomicU64,
    taken: AtomicU64,
    due: Semaphore,
}

impl Arrivals {
    /// So many a second, the first one then.
    pub(super) fn at(rate: f64, first: Instant) -> Self {
        Self {
            first,
            interval: Duration::from_secs_f64(1.0 / rate),
            released: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            due: Semaphore::new(0),
        }
    }

    /// Lets go what is due until that time, and ends when all is taken, or after the grace. On a thread
    /// of its own: tokio's timer would be a millisecond late.
    pub(super) fn release_until(&self, ends: Instant, grace: Duration) {
        loop {
            let released = self.released();
            let next = self.when(released);
            if next >= ends {
                break;
            }
            let now = Instant::now();
            if let Some(wait) = next.checked_duration_since(now) {
                sleep(wait);
                continue;
            }
            let late = now.min(ends) - next;
            let more = 1 + late.as_nanos() / self.interval.as_nanos().max(1);
            let more = usize::try_from(more).unwrap_or(1).min(Semaphore::MAX_PERMITS >> 1);
            self.released.fetch_add(more as u64, Ordering::Relaxed);
            self.due.add_permits(more);
        }
        sleep(ends.saturating_duration_since(Instant::now()));
        while self.taken.load(Ordering::Relaxed) < self.released() && Instant::now() < ends + grace
        {
            sleep(Duration::from_millis(1));
        }
        self.due.close();
    }

    /// When the next one was due; none when the run is over.
    pub(super) async fn next(&self) -> Option<Instant> {
        self.due.acquire().await.ok()?.forget();
        Some(self.when(self.taken.fetch_add(1, Ordering::Relaxed)))
    }

    pub(super) fn released(&self) -> u64 {
        self.released.load(Ordering::Relaxed)
    }

    /// Those that nobody came to.
    pub(super) fn never_taken(&self) -> impl Iterator<Item = Instant> + '_ {
        (self.taken.load(Ordering::Relaxed)..self.released()).map(|index| self.when(index))
    }

    fn when(&self, index: u64) -> Instant {
        let nanos = self.interval.as_nanos().saturating_mul(index.into());
        self.first + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}
