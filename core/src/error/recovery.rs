//! What another attempt may hope for.

use super::class::ErrorClass;
use super::kind::{ErrorKind, Replicas};
use super::reason::FailureReason;

/// What another attempt may hope for after an error.
///
/// The [class](ErrorClass) says what became of the work, and this says whether the cause of the error goes
/// away. A request to a session that is shut down was certainly not executed, and to send it again is in
/// vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Recovery {
    /// Nothing: the same request ends the same way.
    Final,
    /// The cause may be gone after a wait.
    Wait,
    /// The request was not sent to any node, since none has a usable connection. The driver connects again by
    /// itself, and to look whether it has costs no network.
    Reconnect,
}

impl Recovery {
    /// What follows from the class alone. What is exhausted is not for another retry; a caller may try later, where
    /// the [last](crate::Error::after) of the attempts says so.
    #[must_use]
    pub const fn of(class: ErrorClass) -> Self {
        match class {
            ErrorClass::Permanent | ErrorClass::Exhausted => Self::Final,
            ErrorClass::NotExecuted | ErrorClass::Overload | ErrorClass::Ambiguous => Self::Wait,
        }
    }

    /// What follows from what went wrong, where the class is this.
    pub(super) fn of_kind(kind: &ErrorKind, class: ErrorClass) -> Self {
        let is_final = |replicas: &Replicas| replicas.reason.is_some_and(FailureReason::is_final);
        match kind {
            // The session never opens again. Each node would answer the same, and each attempt makes it work as hard.
            ErrorKind::Closed
            | ErrorKind::AbortedByShutdown
            | ErrorKind::UnreadableAnswer
            | ErrorKind::UnreadableType(_)
            | ErrorKind::PrepareUnreadable
            | ErrorKind::PreparedIdsDiffer
            | ErrorKind::StatementsForgotten { .. } => Self::Final,
            ErrorKind::ReadFailure(replicas) | ErrorKind::WriteFailure(replicas, _)
                if is_final(replicas) =>
            {
                Self::Final
            }
            // The server has said that it did it.
            kind if kind.is_done() => Self::Final,
            _ => Self::of(class),
        }
    }
}
