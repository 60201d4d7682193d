//! What became of many rows.

use std::fmt;

use crate::error::Error;

/// A row failed, and no other was sent after it.
///
/// `Display` names the row and says what became of the others; [`error`](Self::error) has the class.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ManyError {
    /// Which row failed first, from 0.
    pub index: usize,
    /// Why.
    pub error: Error,
    /// Rows that were answered without an error, before and after it.
    pub succeeded: usize,
    /// Rows that failed, this one included: those that were in flight with it may have failed too.
    pub failed: usize,
}

impl ManyError {
    pub(super) const fn new(index: usize, error: Error, succeeded: usize, failed: usize) -> Self {
        Self { index, error, succeeded, failed }
    }
}

impl fmt::Display for ManyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, error, succeeded, failed } = self;
        write!(
            f,
            "row {index} (from 0): {error}; of those that were sent {succeeded} succeeded and {failed} \
             failed, the rest was not sent"
        )
    }
}

/// The source is what stands beneath the row's error, which `Display` shows already.
impl std::error::Error for ManyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

/// What became of all rows.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ManyReport {
    /// Rows that were answered without an error.
    pub succeeded: usize,
    /// The index, from 0, of each row that failed, and why; in the order in which they failed.
    pub failed: Vec<(usize, Error)>,
    /// Whether all rows were sent. If not, the deadline passed, a layer below let nothing
    /// through for 30 s, or there was no tokio runtime.
    pub is_complete: bool,
}
