//! What an error says about the work.

use std::fmt;

use super::kind::{ErrorKind, WriteType};
use crate::statement::StatementKind;

/// What an error means to the one who sent the request.
///
/// It depends on what went wrong **and on what kind of statement it was**: `Unavailable` proves that
/// a plain write was not executed, and proves nothing for a conditional one, whose Paxos proposal
/// may have been accepted before the commit found too few replicas. This is the table, by outcome
/// and [`StatementKind`]. **N** not executed; **O** not executed for reasons of load; **A**
/// ambiguous: it may have been applied, now or later; **P** permanent.
///
/// | outcome | read | serial read | write | several partitions | LOGGED batch | counter | conditional |
/// |---|---|---|---|---|---|---|---|
/// | deadline before the send, session closed, no connection, bootstrapping, unprepared twice, statements of a batch forgotten, prepare failed on the way or differently on nodes, keyspace unsettled or changed | N | N | N | N | N | N | N |
/// | no stream id, rate limited by the coordinator, refused by a layer | O | O | O | O | O | O | O |
/// | `Unavailable` | N | N | N | **A** | N | N | **A** |
/// | `Overloaded` | O | O | A | A | A | A | A |
/// | server error, truncate error, read timeout, read failure, unknown error code | N | N | A | A | A | A | A |
/// | write timeout, write failure | A | A | A | A | A | A | A |
/// | write timeout `CAS` | A | N | A | A | A | A | A |
/// | broken connection, timeout of the client, aborted by a shutdown, unreadable answer | N | N | A | A | A | A | A |
/// | rate limited by a replica | N | N | A | A | A | A | A |
/// | a column of a type that the driver cannot read, in the answer | P | P | A | A | A | A | A |
/// | the same when it is prepared; syntax, invalid, unauthorised, configuration, already exists, function failure, values that do not fit, a place in another result | P | P | P | P | P | P | P |
///
/// Schema changes and other statements follow the column of several partitions, and so do counters of
/// several partitions. The driver may turn
/// to another node by itself with an idempotent write; after that, an N or O of the last node does
/// not speak for the first, so it counts as A.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorClass {
    /// Sending it again fails again.
    Permanent,
    /// It was certainly not executed.
    NotExecuted,
    /// It was certainly not executed, for reasons of load: send less, and not at once.
    Overload,
    /// It may have been applied, now or later.
    Ambiguous,
    /// A retry gave up; another one around it must not multiply the attempts.
    /// [`Error::worst_class`](crate::Error::worst_class) has the worst class of the attempts.
    Exhausted,
}

impl ErrorClass {
    /// All classes, so that a layer can keep a counter of each.
    pub const ALL: &'static [Self] =
        &[Self::Permanent, Self::NotExecuted, Self::Overload, Self::Ambiguous, Self::Exhausted];

    /// Its place in [`ALL`](Self::ALL).
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// A short name, fit for a metric label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Permanent => "permanent",
            Self::NotExecuted => "not_executed",
            Self::Overload => "overload",
            Self::Ambiguous => "ambiguous",
            Self::Exhausted => "exhausted",
        }
    }

    /// The class in words.
    pub(super) const fn in_words(self) -> &'static str {
        match self {
            Self::Permanent => "sending it again fails again",
            Self::NotExecuted => "it was not executed",
            Self::Overload => "it was not executed, for reasons of load",
            Self::Ambiguous => "it may have been applied",
            Self::Exhausted => "retrying gave up",
        }
    }

    /// After a failover, a proof about the last node is none about the first.
    pub(super) const fn after_failover(self) -> Self {
        match self {
            Self::NotExecuted | Self::Overload => Self::Ambiguous,
            class => class,
        }
    }
}

/// Its [short name](Self::as_str).
impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Work {
    pub(crate) kind: StatementKind,
    /// Executed at a serial consistency level.
    pub(crate) serial: bool,
    /// Perhaps over several partitions, though its kind does not tell: of counters.
    pub(crate) several: bool,
    /// Twice is as good as once. The class does not depend on it.
    pub(crate) idempotent: bool,
}

impl Work {
    pub(crate) const fn of(kind: StatementKind) -> Self {
        Self { kind, serial: false, several: false, idempotent: false }
    }

    fn is_read(self) -> bool {
        self.kind == StatementKind::Read
    }
}

/// A cell of the table.
pub(super) fn class(kind: &ErrorKind, work: Work) -> ErrorClass {
    use ErrorClass::{Ambiguous, NotExecuted, Overload, Permanent};
    let for_reads = |class| if work.is_read() { class } else { Ambiguous };
    #[deny(clippy::wildcard_enum_match_arm)]
    match kind {
        ErrorKind::DeadlinePassed(_)
        | ErrorKind::NoConnection
        | ErrorKind::TooFewReplicas(_)
        | ErrorKind::Closed
        | ErrorKind::Unreachable { .. }
        | ErrorKind::UnknownCluster { .. }
        | ErrorKind::PrepareTimeout { .. }
        | ErrorKind::PrepareFailed
        | ErrorKind::PrepareUnreadable
        | ErrorKind::PreparedIdsDiffer
        | ErrorKind::StatementsForgotten { .. }
        | ErrorKind::KeyspaceUnsettled
        | ErrorKind::KeyspaceChanged
        | ErrorKind::Bootstrapping
        | ErrorKind::Unprepared => NotExecuted,
        ErrorKind::NoStreamId | ErrorKind::RateLimited { by_coordinator: true } => Overload,
        ErrorKind::Unavailable { .. } => match work.kind {
            StatementKind::Counter if work.several => Ambiguous,
            StatementKind::Read
            | StatementKind::Write
            | StatementKind::LoggedBatch
            | StatementKind::Counter => NotExecuted,
            StatementKind::MultiPartition
            | StatementKind::Conditional
            | StatementKind::Schema
            | StatementKind::Other
            // What a later parser may tell apart.
            | _ => Ambiguous,
        },
        ErrorKind::Overloaded => for_reads(Overload),
        ErrorKind::UnreadableType(it) if it.executed => for_reads(Permanent),
        ErrorKind::ServerError
        | ErrorKind::TruncateError
        | ErrorKind::ReadTimeout(_)
        | ErrorKind::ReadFailure(_)
        | ErrorKind::ConnectionBroken
        | ErrorKind::AbortedByShutdown
        | ErrorKind::Timeout { .. }
        | ErrorKind::UnreadableAnswer
        | ErrorKind::RateLimited { by_coordinator: false }
        | ErrorKind::UnknownCode(_) => for_reads(NotExecuted),
        ErrorKind::WriteTimeout(_, WriteType::Cas) if work.is_read() && work.serial => NotExecuted,
        // A schema disagreement: it was done, and a part of the cluster has not heard of it yet.
        ErrorKind::WriteTimeout(..)
        | ErrorKind::WriteFailure(..)
        | ErrorKind::SchemaDisagreement(_)
        | ErrorKind::SchemaUnconfirmed(_) => Ambiguous,
        ErrorKind::InvalidConfig(_)
        | ErrorKind::UnknownDatacenter { .. }
        | ErrorKind::UnknownKeyspace { .. }
        | ErrorKind::Tls(_)
        | ErrorKind::UnencryptedPassword { .. }
        | ErrorKind::UnknownAuthenticator { .. }
        | ErrorKind::NoCredentials
        | ErrorKind::InvalidRequest(_)
        | ErrorKind::Batch(_)
        | ErrorKind::PageToken
        | ErrorKind::OtherResult
        | ErrorKind::Values(_)
        | ErrorKind::Syntax
        | ErrorKind::Invalid
        | ErrorKind::Protocol
        | ErrorKind::Unauthorized
        | ErrorKind::Authentication
        | ErrorKind::ServerConfiguration
        | ErrorKind::AlreadyExists { .. }
        | ErrorKind::FunctionFailure { .. }
        | ErrorKind::Rows(_)
        | ErrorKind::UnreadableType(_)
        // A layer's own error comes with its class.
        | ErrorKind::Layer => Permanent,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Consistency;
    use crate::error::{Replicas, UnreadableType, Waited};

    #[test]
    fn every_class_has_its_place_among_all() {
        for (place, class) in ErrorClass::ALL.iter().copied().enumerate() {
            assert_eq!(class.index(), place, "{class:?}");
        }
    }

    const COLUMNS: [Work; 8] = [
        Work::of(StatementKind::Read),
        Work { serial: true, ..Work::of(StatementKind::Read) },
        Work::of(StatementKind::Write),
        Work::of(StatementKind::MultiPartition),
        Work::of(StatementKind::LoggedBatch),
        Work::of(StatementKind::Counter),
        Work::of(StatementKind::Conditional),
        Work::of(StatementKind::Other),
    ];

    #[test]
    fn every_cell_is_as_published() {
        let replicas = Replicas::new(Consistency::Quorum, 1, 2, 0);
        let unavailable =
            ErrorKind::Unavailable { consistency: Consistency::Quorum, required: 2, alive: 1 };
        let unreadable = |executed| {
            ErrorKind::UnreadableType(Box::new(UnreadableType {
                keyspace: "ks".to_owned(),
                table: "t".to_owned(),
                column: "c".to_owned(),
                type_name: "'A'".to_owned(),
                executed,
            }))
        };
        let rows = [
            (ErrorKind::DeadlinePassed(Waited::BeforeTheSession), "NNNNNNNN"),
            (ErrorKind::NoConnection, "NNNNNNNN"),
            (ErrorKind::Closed, "NNNNNNNN"),
            (ErrorKind::AbortedByShutdown, "NNAAAAAA"),
            (ErrorKind::PrepareTimeout { after: Duration::ZERO }, "NNNNNNNN"),
            (ErrorKind::PrepareFailed, "NNNNNNNN"),
            (ErrorKind::PrepareUnreadable, "NNNNNNNN"),
            (ErrorKind::PreparedIdsDiffer, "NNNNNNNN"),
            (ErrorKind::StatementsForgotten { texts: 600 }, "NNNNNNNN"),
            (ErrorKind::KeyspaceUnsettled, "NNNNNNNN"),
            (ErrorKind::KeyspaceChanged, "NNNNNNNN"),
            (ErrorKind::Bootstrapping, "NNNNNNNN"),
            (ErrorKind::Unprepared, "NNNNNNNN"),
            (ErrorKind::NoStreamId, "OOOOOOOO"),
            (ErrorKind::RateLimited { by_coordinator: true }, "OOOOOOOO"),
            (ErrorKind::RateLimited { by_coordinator: false }, "NNAAAAAA"),
            (unavailable, "NNNANNAA"),
            (ErrorKind::Overloaded, "OOAAAAAA"),
            (ErrorKind::ServerError, "NNAAAAAA"),
            (ErrorKind::TruncateError, "NNAAAAAA"),
            (ErrorKind::UnknownCode(0x1600), "NNAAAAAA"),
            (ErrorKind::ReadTimeout(replicas), "NNAAAAAA"),
            (ErrorKind::ReadFailure(replicas), "NNAAAAAA"),
            (ErrorKind::WriteTimeout(replicas, WriteType::Simple), "AAAAAAAA"),
            (ErrorKind::WriteTimeout(replicas, WriteType::BatchLog), "AAAAAAAA"),
            (ErrorKind::WriteTimeout(replicas, WriteType::Other), "AAAAAAAA"),
            (ErrorKind::WriteTimeout(replicas, WriteType::Cas), "ANAAAAAA"),
            (ErrorKind::WriteFailure(replicas, WriteType::Simple), "AAAAAAAA"),
            (ErrorKind::ConnectionBroken, "NNAAAAAA"),
            (ErrorKind::Timeout { after: Duration::ZERO }, "NNAAAAAA"),
            (ErrorKind::UnreadableAnswer, "NNAAAAAA"),
            (unreadable(true), "PPAAAAAA"),
            (unreadable(false), "PPPPPPPP"),
            (ErrorKind::Syntax, "PPPPPPPP"),
            (ErrorKind::Invalid, "PPPPPPPP"),
            (ErrorKind::Unauthorized, "PPPPPPPP"),
            (ErrorKind::Values(String::new()), "PPPPPPPP"),
        ];
        for (kind, row) in rows {
            for (work, letter) in COLUMNS.into_iter().zip(row.chars()) {
                let expected = match letter {
                    'N' => ErrorClass::NotExecuted,
                    'O' => ErrorClass::Overload,
                    'A' => ErrorClass::Ambiguous,
                    _ => ErrorClass::Permanent,
                };
                assert_eq!(class(&kind, work), expected, "{kind:?} of {work:?}");
            }
        }
    }

    #[test]
    fn counters_of_several_partitions_may_have_been_counted_in_part() {
        let unavailable =
            ErrorKind::Unavailable { consistency: Consistency::One, required: 1, alive: 0 };
        let of = |several| Work { several, ..Work::of(StatementKind::Counter) };
        assert_eq!(class(&unavailable, of(false)), ErrorClass::NotExecuted);
        assert_eq!(class(&unavailable, of(true)), ErrorClass::Ambiguous);
    }

    #[test]
    fn a_failover_takes_away_certainty_and_nothing_else() {
        assert_eq!(ErrorClass::NotExecuted.after_failover(), ErrorClass::Ambiguous);
        assert_eq!(ErrorClass::Overload.after_failover(), ErrorClass::Ambiguous);
        assert_eq!(ErrorClass::Permanent.after_failover(), ErrorClass::Permanent);
    }
}
