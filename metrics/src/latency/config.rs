//! The layer's settings as plain data.

use std::time::Duration;

#[cfg(feature = "serde")]
use cqlstack_core::HumanDuration;
use cqlstack_core::InvalidConfig;

use super::layer::MetricsLayer;
use super::slow::SlowRequests;

/// Every setting of a [`MetricsLayer`], as plain data. With the feature `serde` it is read from files and from the
/// environment, as a session's are; what is not there has its default.
///
/// | setting | default | means |
/// |---|---|---|
/// | `names` | 256 | statement names that are kept apart: [`MetricsLayer::most_statements`] |
/// | `slow_threshold` | none | requests that take longer get an event: [`SlowRequests::over`] |
/// | `slow_interval` | 100 ms | the least time between two events: [`SlowRequests::at_most_every`] |
///
/// ```
/// use cqlstack_metrics::{MetricsConfig, MetricsLayer};
///
/// # fn main() -> Result<(), cqlstack_core::InvalidConfig> {
/// let mut config = MetricsConfig::default();
/// config.slow_threshold = Some(std::time::Duration::from_millis(500));
/// let layer = MetricsLayer::try_from(config)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
#[expect(missing_docs, reason = "the table has them")]
pub struct MetricsConfig {
    pub names: usize,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "HumanDuration::into_option"))]
    pub slow_threshold: Option<Duration>,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "HumanDuration::into_duration"))]
    pub slow_interval: Duration,
}

impl Default for MetricsConfig {
    fn default() -> Self {
        Self { names: 256, slow_threshold: None, slow_interval: Duration::from_millis(100) }
    }
}

/// [`InvalidConfig`] for a number or a time out of its bounds.
impl TryFrom<MetricsConfig> for MetricsLayer {
    type Error = InvalidConfig;

    fn try_from(config: MetricsConfig) -> Result<Self, InvalidConfig> {
        let layer = Self::new().most_statements(config.names)?;
        let longest = *InvalidConfig::TIMES.end();
        let interval = config.slow_interval;
        let interval = InvalidConfig::check("slow_interval", interval, Duration::ZERO..=longest)?;
        let Some(threshold) = config.slow_threshold else { return Ok(layer) };
        let shortest = Duration::from_nanos(1);
        let threshold = InvalidConfig::check("slow_threshold", threshold, shortest..=longest)?;
        Ok(layer.slow_requests(SlowRequests::over(threshold)?.at_most_every(interval)))
    }
}
