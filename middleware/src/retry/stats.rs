//! What has been sent again.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cqlstack_core::ErrorClass;
use cqlstack_core::layer::{Report, Sink};

use super::policy::Policy;

/// What all services of a layer, and their requests, share.
pub(super) struct Shared<E> {
    pub(super) policy: Policy<E>,
    counters: Arc<Counters>,
}

/// Touched only after a failure.
#[derive(Debug, Default)]
struct Counters {
    resent: [AtomicU64; ErrorClass::ALL.len()],
    exhausted: AtomicU64,
    unconnected: AtomicU64,
}

impl<E> Shared<E> {
    pub(super) fn new(policy: Policy<E>) -> Self {
        Self { policy, counters: Arc::default() }
    }

    pub(super) fn handle(&self) -> RetryHandle {
        RetryHandle { counters: Arc::clone(&self.counters) }
    }

    pub(super) fn count_resend(&self, after: ErrorClass) {
        self.counters.resent[after.index()].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_unconnected(&self, is_first: bool) {
        self.counters.unconnected.fetch_add(u64::from(is_first), Ordering::Relaxed);
    }

    pub(super) fn count_exhausted(&self) {
        self.counters.exhausted.fetch_add(1, Ordering::Relaxed);
    }
}

impl<E> fmt::Debug for Shared<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// Reads what a [`RetryLayer`](super::RetryLayer) has sent again. It stays good when the layer is
/// gone. Cloning is one atomic increment.
#[derive(Debug, Clone)]
pub struct RetryHandle {
    counters: Arc<Counters>,
}

/// The statistics of a retry layer, since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryStats {
    /// Attempts after the first, by the class of the error before each. Of a request's looks for a connection only
    /// the first counts.
    resent: [u64; ErrorClass::ALL.len()],
    /// Requests that ended with [`Exhausted`](super::Exhausted).
    pub exhausted: u64,
    /// Requests that waited for a connection, whether one came or not.
    pub unconnected: u64,
}

impl RetryStats {
    /// How many attempts followed an error of this class.
    #[must_use]
    pub fn resent_after(&self, class: ErrorClass) -> u64 {
        self.resent[class.index()]
    }

    /// How many attempts there were after first ones.
    #[must_use]
    pub fn resent(&self) -> u64 {
        self.resent.iter().sum()
    }
}

impl RetryHandle {
    /// The statistics now. Takes no lock.
    #[must_use]
    pub fn stats(&self) -> RetryStats {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        RetryStats {
            resent: self.counters.resent.each_ref().map(of),
            exhausted: of(&self.counters.exhausted),
            unconnected: of(&self.counters.unconnected),
        }
    }
}

impl Report for RetryHandle {
    fn report(&self, sink: &mut dyn Sink) {
        let stats = self.stats();
        for class in [ErrorClass::NotExecuted, ErrorClass::Overload, ErrorClass::Ambiguous] {
            let labels = [("class", class.as_str())];
            sink.counter("retries_total", &labels, stats.resent_after(class));
        }
        sink.counter("retries_exhausted_total", &[], stats.exhausted);
        sink.counter("retries_unconnected_total", &[], stats.unconnected);
    }

    fn is_gone(&self) -> bool {
        Arc::strong_count(&self.counters) == 1
    }
}
