//! The layer's settings as plain data.

use cqlstack_core::InvalidConfig;

use super::layer::StatementCacheLayer;

/// Every setting of a [`StatementCacheLayer`], as plain data. With the feature `serde` it is read from files and
/// from the environment, as a session's are; what is not there has its default.
///
/// ```
/// use cqlstack_middleware::StatementCacheLayer;
/// use cqlstack_middleware::cache::CacheConfig;
///
/// # fn main() -> Result<(), cqlstack_core::InvalidConfig> {
/// let layer = StatementCacheLayer::try_from(CacheConfig::default())?; // 1,000 statements
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct CacheConfig {
    /// [`StatementCacheLayer::new`]; 1,000 unless it is set.
    pub statements: usize,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self { statements: 1_000 }
    }
}

/// [`InvalidConfig`] for a number out of its bounds.
impl TryFrom<CacheConfig> for StatementCacheLayer {
    type Error = InvalidConfig;

    fn try_from(config: CacheConfig) -> Result<Self, InvalidConfig> {
        Self::new(config.statements)
    }
}
