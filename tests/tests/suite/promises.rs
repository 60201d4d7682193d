//! The table of promises, cell by cell: what went wrong, of what kind of statement, on how many nodes;
//! and how many frames went out, in how many attempts, and what the caller is told.

mod answers;

use std::sync::Arc;
use std::time::Duration;

use cqlstack_core::{
    Client, Consistency, Error, ErrorClass, ErrorKind, Recovery, Request, Session, Statement,
    StatementKind, Timestamps,
};
use cqlstack_middleware::RetryLayer;
use cqlstack_middleware::retry::{Exhausted, Jitter, Retry};
use futures::future::join_all;
use scylla::errors::DbError;
use scylla_proxy::{
    Reaction, RequestFrame, RequestOpcode, RequestReaction, ResponseFrame, ResponseOpcode,
};
use tower::Layer;

use crate::forged::{Forged, Frames};
use answers::{Play, read_timeout, table, told_otherwise};

const ATTEMPTS: usize = 3;

/// A column: a kind of statement, and whether the user calls it idempotent.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Column {
    Read,
    SerialRead,
    Write,
    IdempotentWrite,
    Several,
    IdempotentSeveral,
    Logged,
    IdempotentLogged,
    /// Their texts are idempotent, and each attempt would be stamped anew.
    WriteByServer,
    SeveralByServer,
    LoggedByServer,
    /// Whoever says so knows.
    IdempotentByServer,
    Counter,
    Conditional,
}

use Column::{
    Conditional, Counter, IdempotentByServer, IdempotentLogged, IdempotentSeveral, IdempotentWrite,
    Logged, LoggedByServer, Read, SerialRead, Several, SeveralByServer, Write, WriteByServer,
};

const COLUMNS: [Column; 14] = [
    Read,
    SerialRead,
    Write,
    IdempotentWrite,
    Several,
    IdempotentSeveral,
    Logged,
    IdempotentLogged,
    WriteByServer,
    SeveralByServer,
    LoggedByServer,
    IdempotentByServer,
    Counter,
    Conditional,
];

impl Column {
    fn request(self) -> Request {
        const BATCH: &str = "BATCH INSERT INTO t (k) VALUES (1); APPLY BATCH";
        let batch = |kind: &str| Statement::new(format!("BEGIN {kind} {BATCH}"));
        let insert = || Statement::new("INSERT INTO t (k) VALUES (1)");
        let read = || Statement::new("SELECT k FROM t WHERE k = 1");
        let statement = match self {
            Read | SerialRead => read(),
            Write => insert().idempotent(false),
            IdempotentWrite | WriteByServer => insert(),
            IdempotentByServer => insert().idempotent(true),
            Several => batch("UNLOGGED").idempotent(false),
            IdempotentSeveral | SeveralByServer => batch("UNLOGGED"),
            Logged => batch("").idempotent(false),
            IdempotentLogged | LoggedByServer => batch(""),
            // Said to be idempotent, which must not be believed.
            Counter => insert().with_kind(StatementKind::Counter).idempotent(true),
            Conditional => Statement::new("DELETE FROM t WHERE k = 1 IF EXISTS").idempotent(true),
        };
        let request = Request::from(&statement);
        match self {
            SerialRead => request.with_consistency(Consistency::Serial),
            WriteByServer | SeveralByServer | LoggedByServer | IdempotentByServer => {
                request.with_timestamps(Timestamps::Server)
            }
            _ => request,
        }
    }

    fn is_idempotent(self) -> bool {
        matches!(
            self,
            Read | SerialRead
                | IdempotentWrite
                | IdempotentSeveral
                | IdempotentLogged
                | IdempotentByServer
        )
    }

    /// Its letter in a row of the table.
    fn of(self, row: &str) -> char {
        let index = match self {
            Read => 0,
            SerialRead => 1,
            Write | IdempotentWrite | WriteByServer | IdempotentByServer => 2,
            Several | IdempotentSeveral | SeveralByServer => 3,
            Logged | IdempotentLogged | LoggedByServer => 4,
            Counter => 5,
            Conditional => 6,
        };
        row.chars().nth(index).unwrap()
    }
}

/// How far the driver goes by itself within one attempt, where its policy is on.
#[derive(Debug, Clone, Copy)]
enum Driver {
    /// It stops.
    Stops,
    /// To one more node, whatever the idempotence.
    OneMore,
    /// To all nodes, whatever the idempotence.
    All,
    /// To all nodes, if idempotent.
    AllIfIdempotent,
    /// To the same node again, whatever the idempotence.
    Same,
    /// To the same node again, if idempotent.
    SameIfIdempotent,
    /// It prepares anew and executes again, whatever its policy.
    Prepares,
}

impl Driver {
    fn frames(self, column: Column, nodes: usize) -> usize {
        let on =
            matches!(column, Read | Write | IdempotentWrite | WriteByServer | IdempotentByServer);
        let if_idempotent = |frames| if column.is_idempotent() { frames } else { 1 };
        match self {
            Self::Prepares => 2,
            _ if !on => 1,
            Self::Stops => 1,
            Self::OneMore => nodes.min(2),
            Self::All => nodes,
            Self::AllIfIdempotent => if_idempotent(nodes),
            Self::Same => 2,
            Self::SameIfIdempotent => if_idempotent(2),
        }
    }
}

/// What a cell has to be: the worst class, and how many attempts.
fn expected(letter: char, column: Column, attempted: bool) -> (ErrorClass, usize) {
    let class = match letter.to_ascii_uppercase() {
        // After a failover of an idempotent write, the last node's word is not enough.
        'N' | 'O' if matches!(column, IdempotentWrite | IdempotentByServer) && attempted => {
            ErrorClass::Ambiguous
        }
        'N' => ErrorClass::NotExecuted,
        'O' => ErrorClass::Overload,
        'A' => ErrorClass::Ambiguous,
        _ => ErrorClass::Permanent,
    };
    let again = match class {
        ErrorClass::Permanent => false,
        _ if letter.is_ascii_lowercase() => false,
        ErrorClass::Ambiguous => column.is_idempotent(),
        _ => true,
    };
    (class, if again { ATTEMPTS } else { 1 })
}

fn attempts(error: &Error) -> usize {
    error.downcast_ref::<Exhausted>().map_or(1, |exhausted| exhausted.attempts as usize)
}

fn with_retry(session: &Session, wait: Duration) -> Client<Retry<Session, Error>> {
    let builder = RetryLayer::builder().min_delay(wait).jitter(Jitter::None).multiplier(1.0);
    Client::new(builder.build().unwrap().layer(session.clone()))
}

/// Sends one bound request, and says how the cell is not as it should be.
async fn cell(
    db: &Client<Retry<Session, Error>>,
    session: &Session,
    frames: &mut Frames,
    column: Column,
    (letter, driver_frames): (char, usize),
) -> Result<(), String> {
    let request = column.request();
    let prepared = session.prepare(request.statement()).await.map_err(|e| e.to_string())?;
    let request = request.bind(&prepared).unwrap();
    frames.count();
    let Err(error) = db.request(request).await else { return Err("it succeeded".into()) };
    let (class, expected_attempts) = expected(letter, column, true);
    let seen = (error.worst_class(), attempts(&error), frames.count());
    let right = (class, expected_attempts, expected_attempts * driver_frames);
    if seen == right { Ok(()) } else { Err(format!("{seen:?} instead of {right:?}: {error}")) }
}

/// Runs some rows on a cluster of their own, and returns mismatches and the number of cells.
async fn rows(rows: &[Play], nodes: usize) -> (Vec<String>, usize) {
    let mut forged = Forged::start(nodes).await;
    let session = forged.session(Duration::from_secs(10)).await;
    let db = with_retry(&session, Duration::from_millis(1));
    let mut wrong = Vec::new();
    for Play { name, reaction, driver, row } in rows {
        let mut frames = forged.react(RequestOpcode::Execute, reaction);
        for column in COLUMNS {
            let right = (column.of(row), driver.frames(column, nodes));
            if let Err(what) = cell(&db, &session, &mut frames, column, right).await {
                wrong.push(format!("{name}, {column:?}, {nodes} nodes: {what}"));
            }
        }
    }
    (wrong, rows.len() * COLUMNS.len())
}

#[tokio::test]
async fn every_cell_of_what_a_server_answers() {
    let mut table: Vec<_> = table().iter().map(Play::from).collect();
    table.extend(told_otherwise());
    let runs = [1, 3].into_iter().flat_map(|nodes| {
        // A frame takes 40 ms through the proxy, which is waiting: in parallel it costs nothing.
        table.chunks(4).map(move |chunk| rows(chunk, nodes))
    });
    let outcomes = join_all(runs).await;
    let cells: usize = outcomes.iter().map(|(_, cells)| cells).sum();
    let wrong: Vec<String> = outcomes.into_iter().flat_map(|(wrong, _)| wrong).collect();
    println!("{cells} cells, {} mismatches", wrong.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// No answer, and a connection that is cut after the server has got the frame.
async fn lost(reaction: RequestReaction, nodes: usize, driver: Driver) -> Vec<String> {
    let mut forged = Forged::start(nodes).await;
    let mut wrong = Vec::new();
    for column in COLUMNS {
        let mut frames = forged.react(RequestOpcode::Execute, &reaction);
        // A session of its own: the driver takes its time to open broken connections again.
        let session = forged.session(Duration::from_millis(600)).await;
        let db = with_retry(&session, Duration::from_millis(700));
        let right = (column.of("NNAAAAA"), driver.frames(column, nodes));
        if let Err(what) = cell(&db, &session, &mut frames, column, right).await {
            wrong.push(format!("{column:?}, {nodes} nodes: {what}"));
        }
    }
    wrong
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_ambiguous_for_what_writes() {
    let silent = RequestReaction::drop_frame;
    let wrong = join_all([1, 3].map(|nodes| lost(silent(), nodes, Driver::Stops))).await;
    assert!(wrong.concat().is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn a_connection_that_is_cut_is_ambiguous_for_what_writes() {
    let cut = RequestReaction::drop_connection;
    let wrong = join_all([1, 3].map(|nodes| lost(cut(), nodes, Driver::AllIfIdempotent))).await;
    assert!(wrong.concat().is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn what_could_not_be_prepared_was_not_executed() {
    for (error, letter) in [
        (DbError::Overloaded, 'N'),
        (DbError::ServerError, 'N'),
        (DbError::IsBootstrapping, 'N'),
        (read_timeout(1, false), 'N'),
        (DbError::SyntaxError, 'P'),
        (DbError::Invalid, 'P'),
        (DbError::Unauthorized, 'P'),
    ] {
        let mut forged = Forged::start(1).await;
        let session = forged.session(Duration::from_secs(10)).await;
        let reaction = RequestReaction::forge_with_error(error.clone());
        let mut frames = forged.react(RequestOpcode::Prepare, &reaction);
        let db = with_retry(&session, Duration::from_millis(1));
        for column in COLUMNS {
            let failed = db.request(column.request()).await.unwrap_err();
            let (class, expected_attempts) = expected(letter, column, false);
            assert_eq!(failed.worst_class(), class, "{error:?} {column:?}: {failed}");
            assert_eq!(attempts(&failed), expected_attempts, "{error:?} {column:?}: {failed}");
            assert!(frames.count() >= expected_attempts, "{error:?} {column:?}");
        }
    }
}

/// A node's answer to a PREPARE that cannot be understood, and ids that differ from node to node.
#[tokio::test]
async fn what_no_attempt_can_prepare_is_prepared_once() {
    let garbled = RequestReaction::forge_response(Arc::new(|frame: RequestFrame| {
        let body = [0, 0, 0, 4, 0];
        let opcode = ResponseOpcode::Result;
        ResponseFrame::new(frame.params.for_response(), opcode, body.to_vec().into())
    }));
    for nodes in [1, 2] {
        let mut forged = Forged::start(nodes).await;
        let session = forged.session(Duration::from_secs(10)).await;
        let db = with_retry(&session, Duration::from_millis(1));
        let kind = if nodes == 1 {
            forged.react(RequestOpcode::Prepare, &garbled);
            ErrorKind::PrepareUnreadable
        } else {
            forged.prepare_differently();
            ErrorKind::PreparedIdsDiffer
        };
        for column in COLUMNS {
            let failed = db.request(column.request()).await.unwrap_err();
            assert_eq!(*failed.kind(), kind, "{column:?}: {failed}");
            assert_eq!(failed.class(), ErrorClass::NotExecuted, "{column:?}: {failed}");
            assert_eq!(failed.recovery(), Recovery::Final, "{column:?}: {failed}");
        }
    }
}

#[tokio::test]
async fn without_a_retry_layer_only_the_driver_s_failover_acts() {
    let mut forged = Forged::start(3).await;
    for (column, frames_sent) in
        [(IdempotentWrite, 3), (Write, 1), (WriteByServer, 1), (Counter, 1), (Conditional, 1)]
    {
        let session = forged.session(Duration::from_secs(10)).await;
        let request = column.request();
        let prepared = session.prepare(request.statement()).await.unwrap();
        let mut frames = forged.react(RequestOpcode::Execute, &RequestReaction::drop_connection());
        let request = request.bind(&prepared).unwrap();
        let error = Client::new(session).request(request).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Ambiguous, "{column:?}: {error}");
        assert_eq!(frames.count(), frames_sent, "{column:?}");
    }
}
