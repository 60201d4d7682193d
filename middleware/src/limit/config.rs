//! The layer's settings as plain data.

use std::time::Duration;

#[cfg(feature = "serde")]
use cqlstack_core::HumanDuration;
use cqlstack_core::InvalidConfig;

use super::layer::ConcurrencyLimitLayer;

/// Every setting of a [`ConcurrencyLimitLayer`], as plain data. With the feature `serde` it is read from files and
/// from the environment, as a session's are; what is not there has its default.
///
/// | setting | default | means |
/// |---|---|---|
/// | `limit` | 100 | requests at a time |
/// | `queue` | none | requests that may wait at a time; all others are refused |
/// | `longest_wait` | none | how long each of them may wait; goes with `queue` |
/// | `reject` | false | none may wait |
///
/// ```
/// use cqlstack_middleware::ConcurrencyLimitLayer;
/// use cqlstack_middleware::limit::LimitConfig;
///
/// # fn main() -> Result<(), cqlstack_core::InvalidConfig> {
/// let mut config = LimitConfig::default();
/// config.limit = 200;
/// let layer = ConcurrencyLimitLayer::try_from(config)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct LimitConfig {
    /// [`ConcurrencyLimitLayer::new`]
    pub limit: usize,
    /// [`ConcurrencyLimitLayer::wait_bounded`]
    pub queue: Option<usize>,
    /// [`ConcurrencyLimitLayer::wait_bounded`]
    #[cfg_attr(feature = "serde", serde(deserialize_with = "HumanDuration::into_option"))]
    pub longest_wait: Option<Duration>,
    /// [`ConcurrencyLimitLayer::reject`]
    pub reject: bool,
}

impl Default for LimitConfig {
    fn default() -> Self {
        Self { limit: 100, queue: None, longest_wait: None, reject: false }
    }
}

/// [`InvalidConfig`] for a number out of its bounds, and for settings that contradict each other.
impl TryFrom<LimitConfig> for ConcurrencyLimitLayer {
    type Error = InvalidConfig;

    fn try_from(config: LimitConfig) -> Result<Self, InvalidConfig> {
        let layer = Self::new(config.limit)?;
        match (config.queue, config.longest_wait) {
            (Some(_), _) | (_, Some(_)) if config.reject => {
                let why =
                    "is set, and so is a queue, in which requests wait: leave out one of them";
                Err(InvalidConfig::new("reject", why))
            }
            (Some(queue), Some(longest_wait)) => layer.wait_bounded(queue, longest_wait),
            (Some(_), None) => {
                Err(InvalidConfig::new("longest_wait", "is missing, and there is a `queue`"))
            }
            (None, Some(_)) => {
                Err(InvalidConfig::new("queue", "is missing, and there is a `longest_wait`"))
            }
            (None, None) if config.reject => Ok(layer.reject()),
            (None, None) => Ok(layer),
        }
    }
}
