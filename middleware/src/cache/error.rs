//! What the cache itself fails with.

use std::fmt;
use std::time::Duration;

use cqlstack_core::{Error, ErrorClass, Statement};

/// A request that was not sent, since its statement could not be had in its prepared form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotPrepared {
    /// The request's deadline came, or the time of its attempt was over, when it had waited this long for another
    /// one's prepare, or for the service below to be ready.
    Deadline(Duration),
    /// The service below answered a prepare with something else.
    NoAnswer,
    /// Its table, or the keyspace in use, changed each time while it was prepared.
    Changing,
}

impl fmt::Display for NotPrepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deadline(waited) => {
                return write!(
                    f,
                    "its time was over after {waited:.1?} of waiting for its statement to be prepared, or for the \
                     service below to be ready"
                );
            }
            Self::NoAnswer => "the service below answered a prepare with something else",
            Self::Changing => {
                "its table, or the keyspace in use, changed each time while it was prepared"
            }
        })
    }
}

impl std::error::Error for NotPrepared {}

impl NotPrepared {
    /// An attempt whose time was over waited for others, and another one may not have to.
    pub(super) fn of(self, statement: &Statement) -> Error {
        let is_late = matches!(self, Self::Deadline(_));
        let class = match self {
            Self::Deadline(_) | Self::Changing => ErrorClass::NotExecuted,
            Self::NoAnswer => ErrorClass::Permanent,
        };
        let error = Error::other(class, self).about(statement);
        if is_late { error.out_of_time() } else { error }
    }
}
