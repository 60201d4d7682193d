//! What servers answer, and the row of the table of promises for each.

use std::sync::Arc;

use cqlstack_core::Consistency;
use scylla::errors::{DbError, WriteType};
use scylla_proxy::{Reaction, RequestFrame, RequestReaction, ResponseFrame, ResponseOpcode};

use super::Driver;

/// A row: an outcome, what the driver does, and a letter for R, RS, W, M, L, C, X as in
/// `ErrorClass`: N, O(verload), A, P; small, n and a, where it is final.
pub(super) type Row = (DbError, Driver, &'static str);

/// A row that is ready to be played.
pub(super) struct Play {
    pub(super) name: String,
    pub(super) reaction: RequestReaction,
    pub(super) driver: Driver,
    pub(super) row: &'static str,
}

impl From<&Row> for Play {
    fn from((error, driver, row): &Row) -> Self {
        let reaction = RequestReaction::forge_with_error(error.clone());
        Self { name: format!("{error:?}"), reaction, driver: *driver, row }
    }
}

/// What a server says in words, or so that it cannot be understood.
pub(super) fn told_otherwise() -> Vec<Play> {
    let failed = |reason: &str| {
        let (received, required, numfailures, data_present) = (0, 1, 1, false);
        let consistency = Consistency::One;
        let failure =
            DbError::ReadFailure { consistency, received, required, numfailures, data_present };
        let from = "from /127.0.0.1:7000";
        let words =
            format!("Operation failed - received 0 responses and 1 failures: {reason} {from}");
        RequestReaction::forge_with_error_and_message(failure, Some(words))
    };
    let garbled = |body: &'static [u8]| {
        RequestReaction::forge_response(Arc::new(move |frame: RequestFrame| {
            let opcode = ResponseOpcode::Result;
            ResponseFrame::new(frame.params.for_response(), opcode, body.into())
        }))
    };
    let (is_final, is_not) = ("nnaaaaa", "NNAAAAA");
    [
        ("too many tombstones", failed("READ_TOO_MANY_TOMBSTONES"), is_final),
        ("a read too large", failed("READ_SIZE"), is_final),
        ("too many indexes", failed("READ_TOO_MANY_INDEXES"), is_final),
        ("a replica that was late", failed("TIMEOUT"), is_not),
        ("an index that is being built", failed("INDEX_NOT_AVAILABLE"), is_not),
        ("a reason that is not known", failed("NEW"), is_not),
        ("no kind of result", garbled(&[0, 0, 0, 99]), is_final),
        ("half a result", garbled(&[0, 0, 0, 2, 0]), is_final),
    ]
    .map(|(name, reaction, row)| Play {
        name: name.to_owned(),
        reaction,
        driver: Driver::Stops,
        row,
    })
    .into()
}

pub(super) fn read_timeout(received: i32, data_present: bool) -> DbError {
    let (consistency, required) = (Consistency::Quorum, 2);
    DbError::ReadTimeout { consistency, received, required, data_present }
}

fn write_timeout(write_type: WriteType) -> DbError {
    let (consistency, received, required) = (Consistency::Quorum, 1, 2);
    DbError::WriteTimeout { consistency, received, required, write_type }
}

pub(super) fn table() -> Vec<Row> {
    let consistency = Consistency::Quorum;
    let (received, required, numfailures, data_present) = (1, 2, 1, false);
    let write_failure = |write_type| DbError::WriteFailure {
        consistency,
        received,
        required,
        numfailures,
        write_type,
    };
    let text = String::new;
    vec![
        (DbError::IsBootstrapping, Driver::All, "NNNNNNN"),
        (DbError::Unprepared { statement_id: "1".into() }, Driver::Prepares, "NNNNNNN"),
        (DbError::Unavailable { consistency, required, alive: 1 }, Driver::OneMore, "NNNANNA"),
        (DbError::Overloaded, Driver::AllIfIdempotent, "OOAAAAA"),
        (DbError::ServerError, Driver::AllIfIdempotent, "NNAAAAA"),
        (DbError::TruncateError, Driver::AllIfIdempotent, "NNAAAAA"),
        (read_timeout(1, false), Driver::Stops, "NNAAAAA"),
        (read_timeout(2, true), Driver::Stops, "NNAAAAA"),
        (read_timeout(2, false), Driver::Same, "NNAAAAA"),
        (
            DbError::ReadFailure { consistency, received, required, numfailures, data_present },
            Driver::Stops,
            "NNAAAAA",
        ),
        (write_timeout(WriteType::Simple), Driver::Stops, "AAAAAAA"),
        (write_timeout(WriteType::UnloggedBatch), Driver::Stops, "AAAAAAA"),
        (write_timeout(WriteType::Counter), Driver::Stops, "AAAAAAA"),
        (write_timeout(WriteType::View), Driver::Stops, "AAAAAAA"),
        (write_timeout(WriteType::Cdc), Driver::Stops, "AAAAAAA"),
        (write_timeout(WriteType::Batch), Driver::Stops, "AAAAAAA"),
        (write_timeout(WriteType::BatchLog), Driver::SameIfIdempotent, "AAAAAAA"),
        (write_timeout(WriteType::Cas), Driver::Stops, "ANAAAAA"),
        (write_timeout(WriteType::Other("NEW".into())), Driver::Stops, "AAAAAAA"),
        (write_failure(WriteType::Simple), Driver::Stops, "AAAAAAA"),
        (write_failure(WriteType::BatchLog), Driver::Stops, "AAAAAAA"),
        (DbError::Other(0x1600), Driver::Stops, "NNAAAAA"),
        (DbError::SyntaxError, Driver::Stops, "PPPPPPP"),
        (DbError::Invalid, Driver::Stops, "PPPPPPP"),
        (DbError::AuthenticationError, Driver::Stops, "PPPPPPP"),
        (DbError::Unauthorized, Driver::Stops, "PPPPPPP"),
        (DbError::ConfigError, Driver::Stops, "PPPPPPP"),
        (DbError::ProtocolError, Driver::Stops, "PPPPPPP"),
        (DbError::AlreadyExists { keyspace: text(), table: text() }, Driver::Stops, "PPPPPPP"),
        (
            DbError::FunctionFailure { keyspace: text(), function: text(), arg_types: vec![] },
            Driver::Stops,
            "PPPPPPP",
        ),
    ]
}
