//! The layer, its settings, and the handle that looks into it.

use std::sync::Arc;
use std::time::Duration;

use cqlstack_core::InvalidConfig;
use cqlstack_core::layer::{Report, Sink};
use tower_layer::Layer;

use super::config::LimitConfig;
use super::future::WhenFull;
use super::permits::Permits;
use super::service::ConcurrencyLimit;

/// Bounds the number of requests in flight. See the [module](super).
///
/// Clones share the limit, and so do the services that they make.
#[doc(alias("Semaphore", "ConcurrencyLimitingRequestThrottler"))]
#[derive(Debug, Clone)]
#[must_use = "a layer does nothing until it is put around a service"]
pub struct ConcurrencyLimitLayer {
    permits: Arc<Permits>,
    when_full: WhenFull,
}

/// The guide's number: 100 at a time, the others wait.
impl Default for ConcurrencyLimitLayer {
    fn default() -> Self {
        Self {
            permits: Arc::new(Permits::new(LimitConfig::default().limit)),
            when_full: WhenFull::Wait,
        }
    }
}

impl ConcurrencyLimitLayer {
    /// At most `limit` requests at a time; the others wait.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] for `limit`, if it is 0 or above 2⁶¹ - 1.
    pub fn new(limit: usize) -> Result<Self, InvalidConfig> {
        let permits = Arc::new(Permits::new(checked(limit)?));
        Ok(Self { permits, when_full: WhenFull::Wait })
    }

    /// When all permits are taken, lets `queue` requests wait, each for `longest_wait` at most, and
    /// refuses the others at once. Ten times the limit and a second are a good start.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] for `queue` or `longest_wait`, if it is 0: that is [`Self::reject`].
    pub fn wait_bounded(
        mut self,
        queue: usize,
        longest_wait: Duration,
    ) -> Result<Self, InvalidConfig> {
        self.when_full = WhenFull::wait_bounded(queue, longest_wait)?;
        Ok(self)
    }

    /// When all permits are taken, refuses at once.
    pub fn reject(mut self) -> Self {
        self.when_full = WhenFull::Reject;
        self
    }

    pub(super) fn when_full(self, when_full: WhenFull) -> Self {
        Self { when_full, ..self }
    }

    /// A handle that looks into this limit and changes it. It stays good when the layer is gone.
    #[must_use]
    pub fn handle(&self) -> LimitHandle {
        LimitHandle { permits: Arc::clone(&self.permits) }
    }
}

/// `tokio`'s semaphore counts up to it.
pub(crate) const MOST: usize = tokio::sync::Semaphore::MAX_PERMITS;

fn checked(limit: usize) -> Result<usize, InvalidConfig> {
    match limit {
        0 => Err(InvalidConfig::new("limit", "is 0, with which nothing would ever run: give 1")),
        limit if limit > MOST => Err(InvalidConfig::new("limit", format!("is above {MOST}"))),
        limit => Ok(limit),
    }
}

impl<S> Layer<S> for ConcurrencyLimitLayer {
    type Service = ConcurrencyLimit<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ConcurrencyLimit::new(inner, Arc::clone(&self.permits), self.when_full)
    }
}

/// Looks into a limit, and changes it. Cloning is one atomic increment.
#[derive(Debug, Clone)]
pub struct LimitHandle {
    permits: Arc<Permits>,
}

/// The statistics of a limit at one moment. They are read one after the other, so that they agree with
/// each other only while nothing goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitStats {
    /// The limit.
    pub limit: usize,
    /// Requests that hold a permit. For a while more than the limit, after it was lowered.
    pub in_flight: usize,
    /// Requests that wait for a permit.
    pub waiting: usize,
    /// The time that requests have waited, all together, whether they got a permit or not.
    pub waited: Duration,
    /// Requests that were refused.
    pub refused: u64,
}

impl LimitHandle {
    /// Changes the limit. A higher one lets waiting requests through at once; with a lower one, those
    /// in flight finish first.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] for `limit`, if it is 0 or above 2⁶¹ - 1. The limit then stays as it is.
    pub fn set_limit(&self, limit: usize) -> Result<(), InvalidConfig> {
        self.permits.set_limit(checked(limit)?);
        Ok(())
    }

    /// The statistics now. No request waits for it.
    #[must_use]
    pub fn stats(&self) -> LimitStats {
        LimitStats {
            limit: self.permits.limit(),
            in_flight: self.permits.in_flight(),
            waiting: self.permits.waiting(),
            waited: self.permits.waited(),
            refused: self.permits.refused.total(),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a limit above 2^53 is none")]
impl Report for LimitHandle {
    fn report(&self, sink: &mut dyn Sink) {
        let LimitStats { limit, in_flight, waiting, waited, refused } = self.stats();
        sink.gauge("limit_permits", &[], limit as f64);
        sink.gauge("limit_in_flight", &[], in_flight as f64);
        sink.gauge("limit_waiting", &[], waiting as f64);
        sink.gauge("limit_waited_seconds", &[], waited.as_secs_f64());
        sink.counter("limit_refused_total", &[], refused);
    }

    fn is_gone(&self) -> bool {
        Arc::strong_count(&self.permits) == 1
    }
}
