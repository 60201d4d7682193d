//! What the requests of one statement came to: counted without a lock, read as of one moment.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cqlstack_core::ErrorClass;
use histogram::{Config, SparseHistogram};

use crate::catalog::BUCKET_NANOS;
use crate::sync::{AtomicHistogram, AtomicU64, Mutex, TimeSum, yield_now};

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Answered,
    Failed(ErrorClass),
    Cancelled,
}

/// Two halves, one of which is written to while the other is read, as in the histogram of
/// Prometheus' client for Go. A writer enters the half that is hot, writes, and leaves it; a reader
/// makes the other half hot, waits for those who are still in the cold one (some nanoseconds), and
/// empties it into the totals. So the count, the time and the quantiles of a reading are of the same
/// requests.
#[derive(Debug)]
pub(crate) struct SeriesRecorder {
    /// The topmost bit is the hot half, the others how many have entered it.
    entrance: AtomicU64,
    halves: [Half; 2],
    /// Locked by readers only.
    totals: Mutex<Totals>,
}

#[derive(Debug)]
struct Half {
    time: TimeSum,
    cancelled: AtomicU64,
    failed: [AtomicU64; ErrorClass::ALL.len()],
    latencies: AtomicHistogram,
    /// Prometheus' buckets, and one for what is longer. A writer comes here last, so that their sum
    /// says how many have left.
    buckets: [AtomicU64; BUCKET_NANOS.len() + 1],
}

/// What has ended so far.
#[derive(Debug, Clone)]
pub(crate) struct Totals {
    pub(crate) time: Duration,
    pub(crate) cancelled: u64,
    pub(crate) failed: [u64; ErrorClass::ALL.len()],
    pub(crate) buckets: [u64; BUCKET_NANOS.len() + 1],
    /// In microseconds. Sparse, since a statement's latencies are of a few sizes.
    pub(crate) latencies: SparseHistogram,
}

const HOT: u64 = 1 << 63;

/// Microseconds to 67 s, each bucket at most 1/32 wide: 704 buckets, 5.6 KB.
fn config() -> Config {
    const GROUPING: u8 = 5;
    Config::new(GROUPING, MOST_BITS).unwrap_or_else(|_| unreachable!("5 is below 26"))
}
const MOST_BITS: u8 = 26;
const MOST: u64 = (1 << MOST_BITS) - 1;

impl SeriesRecorder {
    pub(crate) fn new() -> Self {
        let half = || Half {
            time: TimeSum::default(),
            cancelled: AtomicU64::new(0),
            failed: Default::default(),
            latencies: AtomicHistogram::with_config(&config()),
            buckets: Default::default(),
        };
        Self { entrance: AtomicU64::new(0), halves: [half(), half()], totals: Mutex::default() }
    }

    /// Four to five atomics, no lock, no allocation.
    pub(crate) fn record(&self, took: Duration, outcome: Outcome) {
        let hot = self.entrance.fetch_add(1, Ordering::Acquire) & HOT;
        let half = &self.halves[usize::from(hot != 0)];
        let micros = u64::try_from(took.as_micros()).unwrap_or(MOST).min(MOST);
        // It fits: the largest value is the last bucket's.
        let _ = half.latencies.increment(micros);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        half.time.add(took);
        match outcome {
            Outcome::Answered => {}
            Outcome::Cancelled => {
                half.cancelled.fetch_add(1, Ordering::Relaxed);
            }
            Outcome::Failed(class) => {
                half.failed[class.index()].fetch_add(1, Ordering::Relaxed);
            }
        }
        let bucket = BUCKET_NANOS.partition_point(|bound| *bound < nanos);
        half.buckets[bucket].fetch_add(1, Ordering::Release);
    }

    pub(crate) fn totals(&self) -> Totals {
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        let hot = self.entrance.load(Ordering::Relaxed) & HOT;
        let entered = self.entrance.swap(hot ^ HOT, Ordering::AcqRel) & !HOT;
        let cold = &self.halves[usize::from(hot != 0)];
        while cold.left() != entered {
            yield_now();
        }
        totals.add(&Totals {
            time: cold.time.take(),
            cancelled: cold.cancelled.swap(0, Ordering::Relaxed),
            failed: cold.failed.each_ref().map(|failed| failed.swap(0, Ordering::Relaxed)),
            buckets: cold.buckets.each_ref().map(|bucket| bucket.swap(0, Ordering::Relaxed)),
            latencies: SparseHistogram::from(&cold.latencies.drain()),
        });
        totals.clone()
    }
}

impl Half {
    fn left(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.load(Ordering::Acquire)).sum()
    }
}

impl Default for Totals {
    fn default() -> Self {
        Self {
            time: Duration::ZERO,
            cancelled: 0,
            failed: [0; ErrorClass::ALL.len()],
            buckets: [0; BUCKET_NANOS.len() + 1],
            latencies: SparseHistogram::with_config(&config()),
        }
    }
}

impl Totals {
    pub(crate) fn add(&mut self, other: &Self) {
        self.time = self.time.saturating_add(other.time);
        self.cancelled += other.cancelled;
        for (sum, failed) in self.failed.iter_mut().zip(other.failed) {
            *sum += failed;
        }
        for (sum, bucket) in self.buckets.iter_mut().zip(other.buckets) {
            *sum += bucket;
        }
        // All have the same configuration, and nobody answers 2^64 requests.
        if let Ok(sum) = self.latencies.checked_add(&other.latencies) {
            self.latencies = sum;
        }
    }

    /// How many ended, in whichever way.
    pub(crate) fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}
