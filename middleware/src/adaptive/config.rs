//! The layer's settings as plain data.

use std::time::Duration;

#[cfg(feature = "serde")]
use cqlstack_core::HumanDuration;
use cqlstack_core::InvalidConfig;

use super::layer::AdaptiveLimitLayer;
use crate::limit::future::WhenFull;

/// The settings of an [`AdaptiveLimitLayer`] that are plain data. With the feature `serde` it is read from files and from
/// the environment, as a session's are; what is not there has its default.
///
/// | setting | default | means |
/// |---|---|---|
/// | `minimum` | 1 | the lowest limit of a class |
/// | `maximum` | 4096 | the limits of all classes together |
/// | `initial` | 20 | each limit before anything was seen |
/// | `queue` | none | requests of a class that may wait at a time; all others are refused |
/// | `longest_wait` | none | how long each of them may wait; goes with `queue` |
/// | `reject` | false | none may wait |
///
/// ```
/// use cqlstack_middleware::AdaptiveLimitLayer;
/// use cqlstack_middleware::adaptive::AdaptiveLimitConfig;
///
/// # fn main() -> Result<(), cqlstack_core::InvalidConfig> {
/// let mut config = AdaptiveLimitConfig::default();
/// config.maximum = 500;
/// let layer = AdaptiveLimitLayer::try_from(config)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct AdaptiveLimitConfig {
    /// [`AdaptiveLimitBuilder::limits`](super::AdaptiveLimitBuilder::limits)
    pub minimum: usize,
    /// [`AdaptiveLimitBuilder::limits`](super::AdaptiveLimitBuilder::limits)
    pub maximum: usize,
    /// [`AdaptiveLimitBuilder::initial`](super::AdaptiveLimitBuilder::initial)
    pub initial: usize,
    /// [`AdaptiveLimitLayer::wait_bounded`]
    pub queue: Option<usize>,
    /// [`AdaptiveLimitLayer::wait_bounded`]
    #[cfg_attr(feature = "serde", serde(deserialize_with = "HumanDuration::into_option"))]
    pub longest_wait: Option<Duration>,
    /// [`AdaptiveLimitLayer::reject`]
    pub reject: bool,
}

impl Default for AdaptiveLimitConfig {
    fn default() -> Self {
        Self {
            minimum: 1,
            maximum: 4_096,
            initial: 20,
            queue: None,
            longest_wait: None,
            reject: false,
        }
    }
}

/// [`InvalidConfig`] for a number out of its bounds, and for settings that contradict each other.
impl TryFrom<AdaptiveLimitConfig> for AdaptiveLimitLayer {
    type Error = InvalidConfig;

    fn try_from(config: AdaptiveLimitConfig) -> Result<Self, InvalidConfig> {
        let AdaptiveLimitConfig { minimum, maximum, initial, queue, longest_wait, reject } = config;
        let layer = Self::builder().limits(minimum, maximum).initial(initial).build()?;
        Ok(layer.when_full(WhenFull::of_config(queue, longest_wait, reject)?))
    }
}
