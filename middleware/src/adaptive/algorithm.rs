//! The question that an algorithm answers.

use std::time::Duration;

/// An algorithm that finds a limit: it is told what was seen under the last one, and says the next one.
///
/// There is one for each class of statements. It has no clock, asks nothing, and is called once a window, some times a
/// second, by whichever request ends the window: a panic in it is one of that request. It must not use the layer's handle,
/// which waits for it. The layer keeps what it returns within its bounds.
///
/// ```
/// use cqlstack_middleware::AdaptiveLimitLayer;
/// use cqlstack_middleware::adaptive::{LimitAlgorithm, Sample};
///
/// /// As many requests as a second of them: Little's law, for a service of one second.
/// struct AsManyAsASecond;
///
/// impl LimitAlgorithm for AsManyAsASecond {
///     fn update(&mut self, sample: &Sample) -> usize {
///         (f64::from(sample.answered) / sample.span.as_secs_f64()) as usize
///     }
/// }
///
/// let layer = AdaptiveLimitLayer::builder().algorithm(|| AsManyAsASecond).build()?;
/// # let _ = layer;
/// # Ok::<(), cqlstack_core::InvalidConfig>(())
/// ```
pub trait LimitAlgorithm: Send + 'static {
    /// The limit from now on.
    fn update(&mut self, sample: &Sample) -> usize;

    /// The latency that it takes for that of a service without a queue, if it has one: it is told by
    /// [`AdaptiveHandle::stats`](super::AdaptiveHandle::stats).
    fn baseline(&self) -> Option<Duration> {
        None
    }
}

/// A limit to calculate with.
#[expect(clippy::cast_precision_loss, reason = "a limit above 2^53 is none")]
pub(super) fn float(limit: usize) -> f64 {
    limit as f64
}

/// A limit that was calculated, without its fraction.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "none is negative, and what is too large becomes the largest"
)]
pub(super) fn whole(limit: f64) -> usize {
    limit as usize
}

/// What was seen of a class in a window: of the requests that ended in it. It begins when most of what was sent under the
/// last limit has ended. Requests that were refused, given up, never sent, or failed for good, are not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "tests of an algorithm make samples")]
pub struct Sample {
    /// The limit in force.
    pub limit: usize,
    /// How many requests were in flight: the limit, if one had to wait or was refused.
    pub in_flight: usize,
    /// The length of the window.
    pub span: Duration,
    /// The mean time from sent to ended, overloaded requests included.
    pub latency: Duration,
    /// Requests that were answered. Where they are many, a part of them was counted, and this is an estimate.
    pub answered: u32,
    /// The same of requests that failed in a way that means load: they timed out, or the server said that it is overloaded.
    pub overloaded: u32,
}

impl Sample {
    /// The part of the requests that failed for load.
    pub(super) fn overload(&self) -> f64 {
        let all = self.answered.saturating_add(self.overloaded);
        if all == 0 { 0.0 } else { f64::from(self.overloaded) / f64::from(all) }
    }

    /// Whether the limit kept requests from being sent, or was about to: else more says nothing of the server.
    pub(super) fn is_used(&self) -> bool {
        self.in_flight.saturating_mul(2) >= self.limit
    }
}
