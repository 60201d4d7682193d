//! The layer's settings as plain data.

use std::time::Duration;

#[cfg(feature = "serde")]
use cqlstack_core::HumanDuration;
use cqlstack_core::InvalidConfig;

use super::backoff::Jitter;
use super::layer::{RetryBuilder, RetryLayer};
use super::policy::Policy;

/// Every setting of a [`RetryLayer`] but its predicate, as plain data. With the feature `serde` it is read from
/// files and from the environment, as a session's are; what is not there has its default, that of
/// [`RetryLayer::default`].
///
/// ```
/// use cqlstack_core::{Error, ErrorClass};
/// use cqlstack_middleware::RetryLayer;
/// use cqlstack_middleware::retry::{RetryBuilder, RetryConfig};
///
/// # fn main() -> Result<(), cqlstack_core::InvalidConfig> {
/// let mut config = RetryConfig::default();
/// config.attempts = 5;
/// let layer: RetryLayer = config.try_into()?;
///
/// // With a predicate, which no file can say.
/// let builder = RetryBuilder::<Error>::from(config);
/// let layer = builder.retry_if(|error| error.class() != ErrorClass::Overload).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct RetryConfig {
    /// [`RetryBuilder::attempts`]
    pub attempts: u32,
    /// [`RetryBuilder::min_delay`]
    #[cfg_attr(feature = "serde", serde(deserialize_with = "HumanDuration::into_duration"))]
    pub min_delay: Duration,
    /// [`RetryBuilder::multiplier`]
    pub multiplier: f64,
    /// [`RetryBuilder::max_delay`]
    #[cfg_attr(feature = "serde", serde(deserialize_with = "HumanDuration::into_duration"))]
    pub max_delay: Duration,
    /// [`RetryBuilder::jitter`]: `full` or `none`.
    pub jitter: Jitter,
    /// [`RetryBuilder::max_elapsed`]
    #[cfg_attr(feature = "serde", serde(deserialize_with = "HumanDuration::into_duration"))]
    pub max_elapsed: Duration,
    /// [`RetryBuilder::without_max_elapsed`]: whatever `max_elapsed` says.
    pub without_max_elapsed: bool,
}

impl Default for RetryConfig {
    fn default() -> Self {
        let Policy::<()> { attempts, growth, max_elapsed, .. } = Policy::default();
        Self {
            attempts,
            min_delay: growth.min_delay,
            multiplier: growth.multiplier,
            max_delay: growth.max_delay,
            jitter: growth.jitter,
            max_elapsed: max_elapsed.unwrap_or_default(),
            without_max_elapsed: false,
        }
    }
}

impl<E> From<RetryConfig> for RetryBuilder<E> {
    fn from(config: RetryConfig) -> Self {
        let builder = Self::default()
            .attempts(config.attempts)
            .min_delay(config.min_delay)
            .multiplier(config.multiplier)
            .max_delay(config.max_delay)
            .jitter(config.jitter)
            .max_elapsed(config.max_elapsed);
        if config.without_max_elapsed { builder.without_max_elapsed() } else { builder }
    }
}

/// [`InvalidConfig`] as [`RetryBuilder::build`] has it.
impl<E> TryFrom<RetryConfig> for RetryLayer<E> {
    type Error = InvalidConfig;

    fn try_from(config: RetryConfig) -> Result<Self, InvalidConfig> {
        RetryBuilder::from(config).build()
    }
}
