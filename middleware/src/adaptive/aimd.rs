//! Additive increase, multiplicative decrease.

use std::time::Duration;

use cqlstack_core::InvalidConfig;

use super::algorithm::{LimitAlgorithm, Sample, float, whole};

/// Additive increase, multiplicative decrease: one more while all goes well, a tenth less when it does not.
///
/// It needs a latency to call too long, which differs from cluster to cluster: it shows what [`LimitAlgorithm`] takes, and
/// serves where that latency is known. Its numbers are those of Netflix's `concurrency-limits`, for each window in place
/// of each request.
///
/// ```
/// use std::time::Duration;
///
/// use cqlstack_middleware::AdaptiveLimitLayer;
/// use cqlstack_middleware::adaptive::Aimd;
///
/// let aimd = Aimd::new(Duration::from_millis(20), 0.9)?;
/// let layer = AdaptiveLimitLayer::builder().algorithm(move || aimd).build()?;
/// # Ok::<(), cqlstack_core::InvalidConfig>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Aimd {
    longest: Duration,
    decrease: f64,
}

impl Aimd {
    /// Takes a mean latency above `longest` for overload, and multiplies the limit by `decrease` then.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] for `longest`, if it is 0, and for `decrease`, if it is not from 0.5 to below 1.
    pub fn new(longest: Duration, decrease: f64) -> Result<Self, InvalidConfig> {
        if longest.is_zero() {
            return Err(InvalidConfig::new("longest", "is 0, and every latency is above"));
        }
        if !(0.5..1.0).contains(&decrease) {
            return Err(InvalidConfig::new("decrease", "is not from 0.5 to below 1"));
        }
        Ok(Self { longest, decrease })
    }
}

impl LimitAlgorithm for Aimd {
    fn update(&mut self, sample: &Sample) -> usize {
        if sample.overloaded > 0 || sample.latency > self.longest {
            whole(float(sample.limit) * self.decrease)
        } else if sample.is_used() {
            sample.limit.saturating_add(1)
        } else {
            sample.limit
        }
    }
}
