//! Looks into the limits, and sets them.

use std::sync::Arc;
use std::time::Duration;

use cqlstack_core::InvalidConfig;
use cqlstack_core::layer::{Report, Sink};

use super::shared::{Bounds, Shared};
use crate::limit::permits::{Permits, REASONS};

/// Looks into the limits of an [`AdaptiveLimitLayer`](super::AdaptiveLimitLayer), and sets them. Cloning is one atomic
/// increment.
#[derive(Debug, Clone)]
pub struct AdaptiveHandle {
    shared: Arc<Shared>,
}

/// The statistics of a class at one moment. They are read one after the other, so that they agree with each other only
/// while nothing goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClassStats {
    /// The name of the class.
    pub class: &'static str,
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
    /// The latency that the algorithm takes for that of a service without a queue, if it has one and a window is over.
    pub baseline: Option<Duration>,
    /// The mean latency in the window that is under way, once a request has ended in it.
    pub latency: Option<Duration>,
}

impl AdaptiveHandle {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The statistics of each class now. It waits for a window that is being ended, some microseconds; no request waits
    /// for it.
    #[must_use]
    pub fn stats(&self) -> Vec<ClassStats> {
        let baselines: Vec<_> =
            self.shared.algorithms().iter().map(|algorithm| algorithm.baseline()).collect();
        let classes = self.classes().enumerate().zip(baselines);
        let stats =
            |((index, (class, permits)), baseline): ((usize, (_, &Permits)), _)| ClassStats {
                class,
                limit: permits.limit(),
                in_flight: permits.in_flight(),
                waiting: permits.waiting(),
                waited: permits.waited(),
                refused: permits.refused.total(),
                baseline,
                latency: self.shared.latency(index),
            };
        classes.map(stats).collect()
    }

    fn classes(&self) -> impl Iterator<Item = (&'static str, &Permits)> {
        let permits = self.shared.limits.iter().map(|limit| &*limit.permits);
        self.shared.classes.names.iter().copied().zip(permits)
    }

    /// Sets the limit of a class, from which the algorithm goes on. Where other classes need what they have, it is lower.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] for `class`, if there is none of this name, and for `limit` that is out of the bounds of the layer.
    /// All limits then stay as they are.
    pub fn set_limit(&self, class: &str, limit: usize) -> Result<(), InvalidConfig> {
        let names = &self.shared.classes.names;
        let Some(index) = names.iter().position(|name| *name == class) else {
            return Err(InvalidConfig::new("class", format!("is none of {}", names.join(", "))));
        };
        let Bounds { minimum, maximum } = self.shared.bounds();
        if !(minimum..=maximum).contains(&limit) {
            let why = format!("is not from {minimum} to {maximum}");
            return Err(InvalidConfig::new("limit", why));
        }
        self.shared.set_now(index, limit);
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "a limit above 2^53 is none")]
impl Report for AdaptiveHandle {
    fn report(&self, sink: &mut dyn Sink) {
        for stats in self.stats() {
            let of = [("statement_class", stats.class)];
            sink.gauge("adaptive_limit_permits", &of, stats.limit as f64);
            sink.gauge("adaptive_limit_in_flight", &of, stats.in_flight as f64);
            sink.gauge("adaptive_limit_waiting", &of, stats.waiting as f64);
            sink.gauge("adaptive_limit_waited_seconds", &of, stats.waited.as_secs_f64());
            if let Some(baseline) = stats.baseline {
                sink.gauge("adaptive_limit_baseline_seconds", &of, baseline.as_secs_f64());
            }
        }
        for (class, permits) in self.classes() {
            for (reason, refused) in REASONS.into_iter().zip(permits.refused.by_reason()) {
                let of = [("statement_class", class), ("reason", reason)];
                sink.counter("adaptive_limit_refused_total", &of, refused);
            }
        }
    }

    fn is_gone(&self) -> bool {
        Arc::strong_count(&self.shared) == 1
    }
}
