//! Settings that cannot be.

use std::fmt;

/// A setting that cannot be, of a session or of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidConfig {
    /// The name of the setting, as in the builder.
    pub setting: &'static str,
    /// Why it cannot be, and what can. Shows no password.
    pub why: String,
}

impl InvalidConfig {
    /// A setting, and why it cannot be so: the rest of a sentence that begins with its name.
    #[must_use]
    pub fn new(setting: &'static str, why: impl Into<String>) -> Self {
        Self { setting, why: why.into() }
    }
}

impl fmt::Display for InvalidConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.setting, self.why)
    }
}

impl std::error::Error for InvalidConfig {}
