//! What the cache itself fails with.

use std::fmt;

use cqlstack_core::{Error, ErrorClass, Statement};

/// A request that was not sent, since its statement could not be had in its prepared form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotPrepared {
    /// The request's deadline came while another one's prepare was under way, or while the service below was
    /// not ready.
    Deadline,
    /// The service below answered a prepare with something else.
    NoAnswer,
    /// Its table, or the keyspace in use, changed each time while it was prepared.
    Changing,
}

impl fmt::Display for NotPrepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deadline => {
                "its deadline came while it waited for its statement, or for the service below"
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
    pub(super) fn of(self, statement: &Statement) -> Error {
        let class = match self {
            Self::Deadline | Self::Changing => ErrorClass::NotExecuted,
            Self::NoAnswer => ErrorClass::Permanent,
        };
        Error::other(class, self).about(statement)
    }
}
