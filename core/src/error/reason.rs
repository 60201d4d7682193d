//! Why a replica failed, as the coordinator tells it.

use std::fmt;
use std::net::SocketAddr;

/// Why a replica failed to read or to write. The native protocol of version 4 has no field for it: it is read
/// from the server's message, of which nothing else is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureReason {
    /// The read met more deleted cells than `tombstone_failure_threshold` allows: about the most expensive
    /// read there is.
    TooManyTombstones,
    /// The read took more memory than the node's thresholds of read sizes allow.
    TooLarge,
    /// The read would use more indexes than the node's guardrail allows.
    TooManyIndexes,
    /// The index is still being built there.
    IndexNotAvailable,
    /// The replica did not answer in time.
    Timeout,
    /// The replica has another version of the schema.
    IncompatibleSchema,
    /// The replica went down.
    NodeDown,
}

impl FailureReason {
    /// All of them, by their names in the server's messages.
    pub(crate) const NAMES: [(&str, Self); 7] = [
        ("READ_TOO_MANY_TOMBSTONES", Self::TooManyTombstones),
        ("READ_SIZE", Self::TooLarge),
        ("READ_TOO_MANY_INDEXES", Self::TooManyIndexes),
        ("INDEX_NOT_AVAILABLE", Self::IndexNotAvailable),
        ("TIMEOUT", Self::Timeout),
        ("INCOMPATIBLE_SCHEMA", Self::IncompatibleSchema),
        ("NODE_DOWN", Self::NodeDown),
    ];

    /// Whether the same request fails the same way again, since it is about what it reads.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::TooManyTombstones | Self::TooLarge | Self::TooManyIndexes)
    }

    /// Of a read: those of writes leave it open.
    pub(super) const fn advice(self) -> Option<&'static str> {
        Some(match self {
            Self::TooManyTombstones => {
                "read a smaller range of rows, or delete whole partitions instead of single rows and cells"
            }
            Self::TooLarge => "read fewer rows or columns at a time",
            Self::TooManyIndexes => "use fewer indexes in one statement",
            Self::IndexNotAvailable => "wait until the index is built: `nodetool` tells",
            Self::Timeout | Self::IncompatibleSchema | Self::NodeDown => return None,
        })
    }
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooManyTombstones => "it met too many tombstones",
            Self::TooLarge => "the read is too large",
            Self::TooManyIndexes => "the read uses too many indexes",
            Self::IndexNotAvailable => "the index is not built there yet",
            Self::Timeout => "it did not answer in time",
            Self::IncompatibleSchema => "it has another version of the schema",
            Self::NodeDown => "it went down",
        })
    }
}

/// What `Operation failed - received 0 responses and 1 failures: REASON from /127.0.0.1:7000, …` says: a final
/// reason if a replica has one, else the first that is known, and the replica's address if it is there.
pub(super) fn of_message(message: &str) -> Option<(FailureReason, Option<SocketAddr>)> {
    let (_, failures) = message.rsplit_once(" failures: ")?;
    let mut first = None;
    for failure in failures.split(", ") {
        let Some((name, from)) = failure.split_once(" from ") else { continue };
        let known = FailureReason::NAMES.iter().find(|(known, _)| *known == name);
        let Some((_, reason)) = known else { continue };
        // `host/address:port`, without a host where it was not looked up.
        let address = from.rsplit_once('/').map_or(from, |(_, address)| address);
        let found = (*reason, address.trim().parse().ok());
        if reason.is_final() {
            return Some(found);
        }
        first.get_or_insert(found);
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reason_and_node_are_read_and_nothing_else() {
        let of = |failures: &str| {
            of_message(&format!(
                "Operation failed - received 1 responses and 2 failures: {failures}"
            ))
        };
        let node = |text: &str| Some(text.parse().unwrap());
        let tombstones = FailureReason::TooManyTombstones;
        for (failures, found) in [
            (
                "READ_TOO_MANY_TOMBSTONES from /127.0.0.1:7000",
                Some((tombstones, node("127.0.0.1:7000"))),
            ),
            (
                "READ_TOO_MANY_TOMBSTONES from db-1.local/10.0.0.1:7000, UNKNOWN from /10.0.0.2:7000",
                Some((tombstones, node("10.0.0.1:7000"))),
            ),
            (
                "TIMEOUT from /10.0.0.2:7000, READ_SIZE from /[0:0:0:0:0:0:0:1]:7000",
                Some((FailureReason::TooLarge, node("[::1]:7000"))),
            ),
            ("TIMEOUT from 'hush'", Some((FailureReason::Timeout, None))),
            ("UNKNOWN from /10.0.0.2:7000", None),
            ("READ_TOO_MANY_TOMBSTONES", None),
            ("'READ_SIZE from /10.0.0.2:7000'", None),
            ("", None),
        ] {
            assert_eq!(of(failures), found, "{failures}");
        }
        assert_eq!(of_message("READ_SIZE from /10.0.0.2:7000"), None);
    }
}
