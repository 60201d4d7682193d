//! The layer's settings as plain data.

use std::time::Duration;

#[cfg(feature = "serde")]
use cqlstack_core::HumanDuration;
use cqlstack_core::InvalidConfig;

use super::future::WhenFull;
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
        let LimitConfig { limit, queue, longest_wait, reject } = config;
        let when_full = WhenFull::of_config(queue, longest_wait, reject)?;
        Ok(Self::new(limit)?.when_full(when_full))
    }
}
