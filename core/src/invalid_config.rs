//! Settings that cannot be.

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

/// A setting that cannot be, of a session or of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidConfig {
    /// The name of the setting, as in the builder; `profiles.report.page_size` in a part of it.
    pub setting: Cow<'static, str>,
    /// Why it cannot be, and what can. Shows no password.
    pub why: String,
}

impl InvalidConfig {
    /// The shortest time that a timer can tell, and the longest that is no mistake: for
    /// [`check`](Self::check).
    pub const TIMES: RangeInclusive<Duration> =
        Duration::from_millis(1)..=Duration::from_secs(24 * 60 * 60);

    /// A setting, and why it cannot be so: the rest of a sentence that begins with its name.
    #[must_use]
    pub fn new(setting: impl Into<Cow<'static, str>>, why: impl Into<String>) -> Self {
        Self { setting: setting.into(), why: why.into() }
    }

    /// The value, if it is within these bounds; they are included.
    ///
    /// ```
    /// use cqlstack_core::InvalidConfig;
    ///
    /// assert_eq!(InvalidConfig::check("page_size", 7, 1..=100), Ok(7));
    /// let error = InvalidConfig::check("page_size", 0, 1..=100).unwrap_err();
    /// assert_eq!(error.to_string(), "`page_size` is 0, and has to be from 1 to 100");
    /// ```
    ///
    /// # Errors
    ///
    /// If it is not, with the value and the bounds.
    pub fn check<T: PartialOrd + fmt::Debug>(
        setting: impl Into<Cow<'static, str>>,
        value: T,
        bounds: RangeInclusive<T>,
    ) -> Result<T, Self> {
        if bounds.contains(&value) {
            return Ok(value);
        }
        let (least, most) = (bounds.start(), bounds.end());
        let why = format!("is {value:?}, and has to be from {least:?} to {most:?}");
        Err(Self::new(setting, why))
    }
}

impl fmt::Display for InvalidConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.setting, self.why)
    }
}

impl std::error::Error for InvalidConfig {}
