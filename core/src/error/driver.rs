//! From the driver's errors to ours.

use std::error::Error as StdError;
use std::sync::Arc;

use scylla::errors::{
    BadQuery, DbError, ExecutionError, PrepareError, RequestAttemptError, UseKeyspaceError,
    WriteType as DriverWriteType,
};

use super::kind::{ErrorKind, Replicas, WriteType};
use super::misfit::values_kind;
use super::reason;
use super::unreadable::{self, UnreadableType};
use crate::batch::BatchFault;
use crate::sent::may_be_sent;

/// What the driver reported.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    /// Whether the request itself, not only a preparation of it, may have gone to a node.
    pub(crate) attempted: bool,
    pub(crate) server_message: Option<String>,
    pub(crate) cause: Option<Arc<dyn StdError + Send + Sync>>,
}

impl From<ErrorKind> for Failure {
    /// One that happened before the driver was asked.
    fn from(kind: ErrorKind) -> Self {
        Self { kind, attempted: false, server_message: None, cause: None }
    }
}

impl From<ExecutionError> for Failure {
    fn from(error: ExecutionError) -> Self {
        let mut server_message = None;
        let mut attempted = true;
        #[deny(clippy::wildcard_enum_match_arm)]
        let kind = match &error {
            ExecutionError::BadQuery(bad) => bad_query(bad),
            // Of the last node that was tried. Whether one before it had it, the session knows.
            ExecutionError::EmptyPlan | ExecutionError::ConnectionPoolError(_) => {
                attempted = false;
                ErrorKind::NoConnection
            }
            ExecutionError::PrepareError(prepare) => {
                attempted = false;
                server_message = prepare_message(prepare);
                prepare_kind(prepare)
            }
            ExecutionError::LastAttemptError(attempt) => {
                attempted = may_be_sent(attempt);
                server_message = attempt_message(attempt);
                attempt_kind(attempt)
            }
            ExecutionError::RequestTimeout(after) => ErrorKind::Timeout { after: *after },
            ExecutionError::UseKeyspaceError(error) => use_keyspace(error),
            // The driver is told neither to wait for agreement nor to read the schema after a change.
            ExecutionError::SchemaAgreementError(_) | ExecutionError::MetadataError(_) | _ => {
                ErrorKind::UnreadableAnswer
            }
        };
        Self { kind, attempted, server_message, cause: Some(Arc::new(error)) }
    }
}

impl From<PrepareError> for Failure {
    fn from(error: PrepareError) -> Self {
        Self::from(ExecutionError::PrepareError(error))
    }
}

fn bad_query(error: &BadQuery) -> ErrorKind {
    match error {
        BadQuery::SerializationError(error) => values_kind(error),
        BadQuery::ValuesTooLongForKey(size, limit) => ErrorKind::InvalidRequest(format!(
            "the partition key of {size} bytes is longer than the {limit} that are possible: shorten it"
        )),
        BadQuery::TooManyQueriesInBatchStatement(statements) => {
            ErrorKind::Batch(BatchFault::TooMany { statements: *statements })
        }
        _ => ErrorKind::InvalidRequest("the driver refused the request as malformed".to_owned()),
    }
}

fn use_keyspace(error: &UseKeyspaceError) -> ErrorKind {
    match error {
        UseKeyspaceError::RequestError(attempt) => attempt_kind(attempt),
        UseKeyspaceError::RequestTimeout(after) => ErrorKind::Timeout { after: *after },
        _ => ErrorKind::InvalidRequest("the keyspace name is not valid".to_owned()),
    }
}

/// A PREPARE that got lost, or that an overloaded server refused, proves that nothing was executed;
/// what the server says about the text counts.
fn prepare_kind(error: &PrepareError) -> ErrorKind {
    match error {
        PrepareError::AllAttemptsFailed { first_attempt } => match attempt_kind(first_attempt) {
            kind @ (ErrorKind::Syntax
            | ErrorKind::Invalid
            | ErrorKind::Protocol
            | ErrorKind::Unauthorized
            | ErrorKind::Authentication
            | ErrorKind::ServerConfiguration
            | ErrorKind::AlreadyExists { .. }
            | ErrorKind::Bootstrapping
            | ErrorKind::NoStreamId
            // The text is too long for a frame.
            | ErrorKind::InvalidRequest(_)) => kind,
            ErrorKind::UnreadableAnswer => ErrorKind::PrepareUnreadable,
            ErrorKind::UnreadableType(it) => {
                ErrorKind::UnreadableType(Box::new(UnreadableType { executed: false, ..*it }))
            }
            _ => ErrorKind::PrepareFailed,
        },
        PrepareError::ConnectionPoolError(_) => ErrorKind::NoConnection,
        PrepareError::PreparedStatementIdsMismatch => ErrorKind::PreparedIdsDiffer,
        _ => ErrorKind::PrepareFailed,
    }
}

fn prepare_message(error: &PrepareError) -> Option<String> {
    match error {
        PrepareError::AllAttemptsFailed { first_attempt } => attempt_message(first_attempt),
        _ => None,
    }
}

fn attempt_message(error: &RequestAttemptError) -> Option<String> {
    match error {
        RequestAttemptError::DbError(_, message) => Some(message.clone()),
        _ => None,
    }
}

/// What one send of the driver ended with.
fn attempt_kind(error: &RequestAttemptError) -> ErrorKind {
    if let Some(unreadable) = unreadable::of_attempt(error) {
        return ErrorKind::UnreadableType(Box::new(unreadable));
    }
    #[deny(clippy::wildcard_enum_match_arm)]
    match error {
        RequestAttemptError::SerializationError(error) => values_kind(error),
        RequestAttemptError::CqlRequestSerialization(_) => {
            let why = "the request cannot be written as a frame: its text or its values are too long, send less at once";
            ErrorKind::InvalidRequest(why.to_owned())
        }
        RequestAttemptError::UnableToAllocStreamId => ErrorKind::NoStreamId,
        RequestAttemptError::BrokenConnectionError(_) => ErrorKind::ConnectionBroken,
        RequestAttemptError::DbError(error, message) => server_kind(error, message),
        RequestAttemptError::RepreparedIdChanged { .. }
        | RequestAttemptError::RepreparedIdMissingInBatch => ErrorKind::Unprepared,
        RequestAttemptError::BodyExtensionsParseError(_)
        | RequestAttemptError::CqlResultParseError(_)
        | RequestAttemptError::CqlErrorParseError(_)
        | RequestAttemptError::UnexpectedResponse(_)
        | RequestAttemptError::NonfinishedPagingState
        | _ => ErrorKind::UnreadableAnswer,
    }
}

fn server_kind(error: &DbError, message: &str) -> ErrorKind {
    let because = |replicas: Replicas| match reason::of_message(message) {
        Some((reason, node)) => replicas.because(reason, node),
        None => replicas,
    };
    #[deny(clippy::wildcard_enum_match_arm)]
    match error {
        DbError::SyntaxError => ErrorKind::Syntax,
        DbError::Invalid => ErrorKind::Invalid,
        DbError::ProtocolError => ErrorKind::Protocol,
        DbError::AlreadyExists { keyspace, table } => {
            ErrorKind::AlreadyExists { keyspace: keyspace.clone(), table: table.clone() }
        }
        DbError::FunctionFailure { keyspace, function, .. } => {
            ErrorKind::FunctionFailure { keyspace: keyspace.clone(), function: function.clone() }
        }
        DbError::AuthenticationError => ErrorKind::Authentication,
        DbError::Unauthorized => ErrorKind::Unauthorized,
        DbError::ConfigError => ErrorKind::ServerConfiguration,
        DbError::Unavailable { consistency, required, alive } => {
            ErrorKind::Unavailable { consistency: *consistency, required: *required, alive: *alive }
        }
        DbError::Overloaded => ErrorKind::Overloaded,
        DbError::IsBootstrapping => ErrorKind::Bootstrapping,
        DbError::TruncateError => ErrorKind::TruncateError,
        DbError::ReadTimeout { consistency, received, required, .. } => {
            ErrorKind::ReadTimeout(Replicas::new(*consistency, *received, *required, 0))
        }
        DbError::WriteTimeout { consistency, received, required, write_type } => {
            ErrorKind::WriteTimeout(
                Replicas::new(*consistency, *received, *required, 0),
                write_phase(write_type),
            )
        }
        DbError::ReadFailure { consistency, received, required, numfailures, .. } => {
            let replicas = Replicas::new(*consistency, *received, *required, *numfailures);
            ErrorKind::ReadFailure(because(replicas))
        }
        DbError::WriteFailure { consistency, received, required, numfailures, write_type } => {
            let replicas = Replicas::new(*consistency, *received, *required, *numfailures);
            ErrorKind::WriteFailure(because(replicas), write_phase(write_type))
        }
        DbError::Unprepared { .. } => ErrorKind::Unprepared,
        DbError::RateLimitReached { rejected_by_coordinator, .. } => {
            ErrorKind::RateLimited { by_coordinator: *rejected_by_coordinator }
        }
        DbError::Other(code) => ErrorKind::UnknownCode(*code),
        DbError::ServerError | _ => ErrorKind::ServerError,
    }
}

fn write_phase(phase: &DriverWriteType) -> WriteType {
    match phase {
        DriverWriteType::Simple => WriteType::Simple,
        DriverWriteType::Batch => WriteType::Batch,
        DriverWriteType::UnloggedBatch => WriteType::UnloggedBatch,
        DriverWriteType::Counter => WriteType::Counter,
        DriverWriteType::BatchLog => WriteType::BatchLog,
        DriverWriteType::Cas => WriteType::Cas,
        DriverWriteType::View => WriteType::View,
        DriverWriteType::Cdc => WriteType::Cdc,
        DriverWriteType::Other(_) => WriteType::Other,
    }
}

#[cfg(test)]
mod tests {
    use scylla::errors::ConnectionPoolError;
    use scylla::errors::{OperationType, RequestAttemptError as Attempt, SerializationError};

    use super::*;
    use crate::error::{Error, ErrorClass, Work};
    use crate::statement::{Statement, StatementKind};

    const KINDS: [StatementKind; 6] = [
        StatementKind::Read,
        StatementKind::Write,
        StatementKind::MultiPartition,
        StatementKind::LoggedBatch,
        StatementKind::Counter,
        StatementKind::Conditional,
    ];

    /// The classes for every kind, of an error that no forged server can cause.
    fn classes(error: &ExecutionError) -> [ErrorClass; 6] {
        let statement = Statement::new("SELECT a FROM t");
        KINDS.map(|kind| {
            let work = Work::of(kind);
            Error::of_driver(error.clone().into(), &statement, work, false).class()
        })
    }

    fn attempt(error: Attempt) -> ExecutionError {
        ExecutionError::LastAttemptError(error)
    }

    fn rate_limit(rejected_by_coordinator: bool) -> ExecutionError {
        let op_type = OperationType::Write;
        let error = DbError::RateLimitReached { op_type, rejected_by_coordinator };
        attempt(Attempt::DbError(error, "hush".to_owned()))
    }

    #[test]
    fn what_was_never_sent_was_not_executed_whatever_it_is() {
        let no_connection = ExecutionError::ConnectionPoolError(ConnectionPoolError::Initializing);
        for error in [ExecutionError::EmptyPlan, no_connection] {
            assert_eq!(classes(&error), [ErrorClass::NotExecuted; 6]);
        }
        for error in [attempt(Attempt::UnableToAllocStreamId), rate_limit(true)] {
            assert_eq!(classes(&error), [ErrorClass::Overload; 6]);
        }
    }

    #[test]
    fn a_value_that_cannot_be_serialised_is_the_caller_s_mistake() {
        let mistake = SerializationError::new(std::io::Error::other("hush"));
        for error in [
            ExecutionError::BadQuery(BadQuery::SerializationError(mistake.clone())),
            attempt(Attempt::SerializationError(mistake)),
        ] {
            assert_eq!(classes(&error), [ErrorClass::Permanent; 6]);
            assert!(!format!("{:?}", Failure::from(error).kind).contains("hush"));
        }
    }

    #[test]
    fn a_rate_limit_of_a_replica_leaves_writes_open() {
        let [read, writes @ ..] = classes(&rate_limit(false));
        assert_eq!(read, ErrorClass::NotExecuted);
        assert_eq!(writes, [ErrorClass::Ambiguous; 5]);
    }

    #[test]
    fn a_statement_that_another_node_prepares_differently_was_not_executed() {
        let error = attempt(Attempt::RepreparedIdChanged {
            statement: "hush".to_owned(),
            expected_id: vec![1],
            reprepared_id: vec![2],
        });
        assert_eq!(classes(&error), [ErrorClass::NotExecuted; 6]);
    }
}
