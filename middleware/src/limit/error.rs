//! What the limit refuses with.

use std::fmt;
use std::time::Duration;

use cqlstack_core::{Error, ErrorClass, Statement};

/// A request that was refused by the concurrency limit. It was certainly not sent.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Refused {
    /// Why.
    pub reason: RefusalReason,
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
pub enum RefusalReason {
    /// All permits were taken, and so was every place of the queue, if there is one.
    Full,
    /// It waited this long, the longest that is allowed.
    Waited(Duration),
    /// Its own deadline came when it had waited this long for a permit.
    Deadline(Duration),
    /// The time of its attempt was over when it had waited this long for a permit.
    Attempt(Duration),
    /// It had a permit, and its time was over when it had waited this long for the service below to be ready.
    NotReady(Duration),
}

impl RefusalReason {
    /// Its place among the reasons.
    pub(super) const fn index(self) -> usize {
        match self {
            Self::Full => 0,
            Self::Waited(_) => 1,
            Self::Deadline(_) => 2,
            Self::Attempt(_) => 3,
            Self::NotReady(_) => 4,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, waiting, .. } = self;
        let by = "refused by the concurrency limit of";
        match self.reason {
            RefusalReason::Full => write!(f, "{by} {limit}, which is full, with {waiting} waiting"),
            RefusalReason::Waited(longest) => {
                write!(f, "{by} {limit}, after {longest:.1?} of waiting, with {waiting} waiting")
            }
            RefusalReason::Deadline(waited) => write!(
                f,
                "{by} {limit}, since its deadline came after {waited:.1?} of waiting for a permit, with {waiting} \
                 waiting"
            ),
            RefusalReason::Attempt(waited) => write!(
                f,
                "{by} {limit}, since the time of its attempt was over after {waited:.1?} of waiting for a permit, \
                 with {waiting} waiting"
            ),
            RefusalReason::NotReady(waited) => write!(
                f,
                "its time was over after {waited:.1?} of waiting for the service below the limit to be ready"
            ),
        }
    }
}

impl std::error::Error for Refused {}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        let class = match refused.reason {
            RefusalReason::Full | RefusalReason::Waited(_) | RefusalReason::Attempt(_) => {
                ErrorClass::Overload
            }
            RefusalReason::Deadline(_) | RefusalReason::NotReady(_) => ErrorClass::NotExecuted,
        };
        let statement = refused.statement.clone();
        Self::other(class, refused).about(&statement)
    }
}
