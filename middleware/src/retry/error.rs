//! The error of a request that was sent several times in vain.

use std::fmt;
use std::time::Duration;

use cqlstack_core::{Error, ErrorClass};

/// Retrying gave up on a request after several attempts.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Exhausted<E = Error> {
    /// How often the service below was called, without the times when there was no connection to send by.
    pub attempts: u32,
    /// How often there was no connection: each time it was certainly not sent.
    pub unconnected: u32,
    /// The time from the call to the end, waits included.
    pub elapsed: Duration,
    /// Why it stopped.
    pub reason: StopReason,
    /// [`ErrorClass::Ambiguous`] if any attempt was, else the class of the last.
    pub worst: ErrorClass,
    /// What the last attempt ended with.
    pub last: E,
    /// What the service below reported instead of becoming ready for the next attempt, with
    /// [`StopReason::NotReady`].
    pub not_ready: Option<E>,
}

/// Why retrying stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopReason {
    /// All attempts were used.
    Attempts,
    /// The next attempt would have begun after the request's deadline.
    Deadline,
    /// The next attempt would have begun after the time that the layer allows for all together.
    Time,
    /// The last error is one that is not to be sent again.
    LastError,
    /// The service below failed before it was ready for the next attempt.
    NotReady,
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Attempts => "as many as are allowed",
            Self::Deadline => "since the next would come after the deadline",
            Self::Time => "since the next would come after the time for all of them",
            Self::LastError => "since the last error must not be retried",
            Self::NotReady => "since the service below did not become ready",
        })
    }
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { attempts, unconnected, elapsed, reason, last, not_ready, .. } = self;
        let plural = if *attempts == 1 { "" } else { "s" };
        write!(f, "gave up after {attempts} attempt{plural}")?;
        if *unconnected > 0 {
            write!(f, ", and {unconnected} looks for a connection,")?;
        }
        write!(f, " in {elapsed:.1?}, {reason}")?;
        if let Some(not_ready) = not_ready {
            write!(f, ": {}", not_ready.what())?;
        }
        write!(f, "; the last: {}", last.what())
    }
}

/// The source is what stands beneath the last error, which `Display` shows already.
impl std::error::Error for Exhausted {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.last.source()
    }
}

impl From<Exhausted> for Error {
    fn from(exhausted: Exhausted) -> Self {
        let last = exhausted.last.clone();
        Self::exhausted(exhausted.worst, exhausted).after(&last)
    }
}
