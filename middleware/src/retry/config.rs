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
    /// [`RetryBuilder::base`]
    #[cfg_attr(feature = "serde", serde(deserialize_with = "HumanDuration::into_duration"))]
    pub base: Duration,
    /// [`RetryBuilder::factor`]
    pub factor: f64,
    /// [`RetryBuilder::maximum`]
    #[cfg_attr(feature = "serde", serde(deserialize_with = "HumanDuration::into_duration"))]
    pub maximum: Duration,
    /// [`RetryBuilder::jitter`]: `full` or `none`.
    pub jitter: Jitter,
    /// [`RetryBuilder::total`]
    #[cfg_attr(feature = "serde", serde(deserialize_with = "HumanDuration::into_duration"))]
    pub total: Duration,
    /// [`RetryBuilder::without_total`]: whatever `total` says.
    pub without_total: bool,
}

impl Default for RetryConfig {
    fn default() -> Self {
        let Policy::<()> { attempts, growth, total, .. } = Policy::default();
        Self {
            attempts,
            base: growth.base,
            factor: growth.factor,
            maximum: growth.maximum,
            jitter: growth.jitter,
            total: total.unwrap_or_default(),
            without_total: false,
        }
    }
}

impl<E> From<RetryConfig> for RetryBuilder<E> {
    fn from(config: RetryConfig) -> Self {
        let builder = Self::default()
            .attempts(config.attempts)
            .base(config.base)
            .factor(config.factor)
            .maximum(config.maximum)
            .jitter(config.jitter)
            .total(config.total);
        if config.without_total { builder.without_total() } else { builder }
    }
}

/// [`InvalidConfig`] as [`RetryBuilder::build`] has it.
impl<E> TryFrom<RetryConfig> for RetryLayer<E> {
    type Error = InvalidConfig;

    fn try_from(config: RetryConfig) -> Result<Self, InvalidConfig> {
        RetryBuilder::from(config).build()
    }
}
