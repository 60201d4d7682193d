//! One error of each kind.

use std::net::SocketAddr;
use std::time::Duration;

use scylla::frame::types::Consistency;

use crate::batch::BatchFault;
use crate::error::{
    ErrorKind, FailureReason, Readiness, Replicas, SchemaVersions, TlsFault, UnreadableType,
    Waited, WriteType,
};
use crate::invalid_config::InvalidConfig;

/// One error of each kind, and of each that is treated differently: for what a layer has to be able to cope with.
#[must_use]
pub fn error_kinds() -> Vec<ErrorKind> {
    let second = Duration::from_secs(1);
    let name = || "t".to_owned();
    let points = || vec!["127.0.0.1:9042".to_owned()];
    let node = SocketAddr::from(([127, 0, 0, 1], 9042));
    let unreachable = |unresolved, learned| {
        let contact_points = points();
        ErrorKind::Unreachable { contact_points, unresolved, learned, after: second }
    };
    let versions = || Box::new(SchemaVersions::new(second, Vec::new()));
    let unreadable = |executed| {
        let (keyspace, table, column, type_name) = (name(), name(), name(), name());
        let it = UnreadableType { keyspace, table, column, type_name, executed };
        ErrorKind::UnreadableType(Box::new(it))
    };
    let replicas = Replicas::new(Consistency::Quorum, 1, 2, 1);
    let mut kinds = vec![
        ErrorKind::InvalidConfig(InvalidConfig::new("limit", "is 0")),
        unreachable(Vec::new(), Vec::new()),
        unreachable(vec!["`t` has no address".to_owned()], Vec::new()),
        unreachable(Vec::new(), vec![node]),
        ErrorKind::UnencryptedPassword { node },
        ErrorKind::UnknownCluster { contact_points: points() },
        ErrorKind::UnknownDatacenter { name: None, known: vec![name()] },
        ErrorKind::UnknownAuthenticator { name: name() },
        ErrorKind::NoCredentials,
        ErrorKind::UnknownKeyspace { name: name() },
        ErrorKind::DeadlinePassed(Waited::BeforeTheSession),
        ErrorKind::DeadlinePassed(Waited::ForLayers(second)),
        ErrorKind::DeadlinePassed(Waited::ForValues(second)),
        ErrorKind::DeadlinePassed(Waited::ForClocks(second)),
        ErrorKind::InvalidRequest(name()),
        ErrorKind::Batch(BatchFault::Empty),
        ErrorKind::PageToken,
        ErrorKind::Values(name()),
        ErrorKind::Closed,
        ErrorKind::NoConnection,
        ErrorKind::TooFewReplicas(Box::new(Readiness::new("t", Consistency::Quorum))),
        ErrorKind::NoStreamId,
        ErrorKind::PrepareTimeout { after: second },
        ErrorKind::PrepareFailed,
        ErrorKind::PrepareUnreadable,
        ErrorKind::PreparedIdsDiffer,
        ErrorKind::KeyspaceUnsettled,
        ErrorKind::KeyspaceChanged,
        ErrorKind::OtherResult,
        ErrorKind::Syntax,
        ErrorKind::Invalid,
        ErrorKind::Protocol,
        ErrorKind::Unauthorized,
        ErrorKind::Authentication,
        ErrorKind::ServerConfiguration,
        ErrorKind::AlreadyExists { keyspace: name(), table: name() },
        ErrorKind::FunctionFailure { keyspace: name(), function: name() },
        ErrorKind::Bootstrapping,
        ErrorKind::Unprepared,
        ErrorKind::StatementsForgotten { texts: 1 },
        ErrorKind::StatementsForgotten { texts: 600 },
        ErrorKind::Unavailable { consistency: Consistency::Quorum, required: 2, alive: 1 },
        ErrorKind::Overloaded,
        ErrorKind::ServerError,
        ErrorKind::TruncateError,
        ErrorKind::ReadTimeout(replicas),
        ErrorKind::ReadFailure(replicas),
        ErrorKind::RateLimited { by_coordinator: true },
        ErrorKind::RateLimited { by_coordinator: false },
        ErrorKind::SchemaDisagreement(versions()),
        ErrorKind::SchemaUnconfirmed(versions()),
        ErrorKind::UnknownCode(0x1600),
        ErrorKind::ConnectionBroken,
        ErrorKind::AbortedByShutdown,
        ErrorKind::Timeout { after: second },
        ErrorKind::UnreadableAnswer,
        unreadable(true),
        unreadable(false),
        ErrorKind::Rows(name()),
        ErrorKind::Layer,
    ];
    kinds.extend(TlsFault::ALL.map(ErrorKind::Tls));
    for (_, reason) in FailureReason::NAMES {
        kinds.push(ErrorKind::ReadFailure(replicas.because(reason, None)));
    }
    for phase in WriteType::ALL {
        kinds.push(ErrorKind::WriteTimeout(replicas, phase));
        kinds.push(ErrorKind::WriteFailure(replicas, phase));
    }
    kinds
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A new kind does not compile here until it has a number, and fails until it is in the list.
    fn number(kind: &ErrorKind) -> u32 {
        match kind {
            ErrorKind::InvalidConfig(_) => 0,
            ErrorKind::Unreachable { .. } => 1,
            ErrorKind::UnknownCluster { .. } => 2,
            ErrorKind::UnknownDatacenter { .. } => 3,
            ErrorKind::Tls(_) => 4,
            ErrorKind::UnknownAuthenticator { .. } => 5,
            ErrorKind::NoCredentials => 6,
            ErrorKind::UnknownKeyspace { .. } => 7,
            ErrorKind::DeadlinePassed(_) => 8,
            ErrorKind::InvalidRequest(_) => 9,
            ErrorKind::Batch(_) => 10,
            ErrorKind::PageToken => 11,
            ErrorKind::Values(_) => 12,
            ErrorKind::Closed => 13,
            ErrorKind::NoConnection => 14,
            ErrorKind::NoStreamId => 15,
            ErrorKind::PrepareTimeout { .. } => 16,
            ErrorKind::PrepareFailed => 17,
            ErrorKind::PrepareUnreadable => 18,
            ErrorKind::PreparedIdsDiffer => 19,
            ErrorKind::KeyspaceUnsettled => 20,
            ErrorKind::KeyspaceChanged => 21,
            ErrorKind::OtherResult => 22,
            ErrorKind::Syntax => 23,
            ErrorKind::Invalid => 24,
            ErrorKind::Protocol => 25,
            ErrorKind::Unauthorized => 26,
            ErrorKind::Authentication => 27,
            ErrorKind::ServerConfiguration => 28,
            ErrorKind::AlreadyExists { .. } => 29,
            ErrorKind::FunctionFailure { .. } => 30,
            ErrorKind::Bootstrapping => 31,
            ErrorKind::Unprepared => 32,
            ErrorKind::StatementsForgotten { .. } => 33,
            ErrorKind::Unavailable { .. } => 34,
            ErrorKind::Overloaded => 35,
            ErrorKind::ServerError => 36,
            ErrorKind::TruncateError => 37,
            ErrorKind::ReadTimeout(_) => 38,
            ErrorKind::ReadFailure(_) => 39,
            ErrorKind::WriteTimeout(..) => 40,
            ErrorKind::WriteFailure(..) => 41,
            ErrorKind::RateLimited { .. } => 42,
            ErrorKind::SchemaDisagreement(_) => 43,
            ErrorKind::SchemaUnconfirmed(_) => 44,
            ErrorKind::UnknownCode(_) => 45,
            ErrorKind::ConnectionBroken => 46,
            ErrorKind::AbortedByShutdown => 47,
            ErrorKind::Timeout { .. } => 48,
            ErrorKind::UnreadableAnswer => 49,
            ErrorKind::UnreadableType(_) => 50,
            ErrorKind::Rows(_) => 51,
            ErrorKind::Layer => 52,
            ErrorKind::UnencryptedPassword { .. } => 53,
            ErrorKind::TooFewReplicas(_) => 54,
        }
    }

    #[test]
    fn every_kind_is_there() {
        let numbers: BTreeSet<_> = error_kinds().iter().map(number).collect();
        assert!(numbers.into_iter().eq(0..=54));
    }
}
