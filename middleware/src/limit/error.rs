//! What the limit refuses with.

use std::fmt;
use std::time::Duration;

use cqlstack_core::{Error, ErrorClass, Statement};

/// A request that was refused by the concurrency limit. It was certainly not sent.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Refused {
    /// Why.
    pub why: Why,
    /// The limit at that time.
    pub limit: usize,
    /// How many requests waited at that time.
    pub waiting: usize,
    /// The statement that was refused.
    pub statement: Statement,
}

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// All permits were taken, and so was every place of the queue, if there is one.
    Full,
    /// It waited this long, the longest that is allowed.
    Waited(Duration),
    /// Its own deadline came while it waited.
    Deadline,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused by the concurrency limit of {}, ", self.limit)?;
        match self.why {
            Why::Full => write!(f, "which is full, with {} waiting", self.waiting),
            Why::Waited(longest) => {
                write!(f, "after {longest:.1?} of waiting, with {} waiting", self.waiting)
            }
            Why::Deadline => {
                write!(f, "since its deadline came while it waited, with {} waiting", self.waiting)
            }
        }
    }
}

impl std::error::Error for Refused {}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        let class = match refused.why {
            Why::Full | Why::Waited(_) => ErrorClass::Overload,
            Why::Deadline => ErrorClass::NotExecuted,
        };
        let statement = refused.statement.clone();
        Self::other(class, refused).about(&statement)
    }
}
