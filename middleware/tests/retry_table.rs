//! What the default retry does with each error, as it does it, and the table of that in the docs.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::fmt::Write;
use std::time::Duration;

use cqlstack_core::testing::{Answer, ScriptedSession, error_kinds};
use cqlstack_core::{
    Client, Error, ErrorClass, ErrorKind, Recovery, Request, Statement, StatementKind,
};
use cqlstack_middleware::RetryLayer;
use cqlstack_middleware::retry::{Exhausted, Jitter, StopReason};
use tokio::time::Instant;
use tower::Layer;

/// The default, with waits that are the same each time.
fn retry() -> RetryLayer {
    RetryLayer::builder().jitter(Jitter::None).build().unwrap()
}

fn statements() -> [Statement; 5] {
    let insert = Statement::new("INSERT INTO t (k) VALUES (1)");
    [
        Statement::new("SELECT k FROM t WHERE k = 1"),
        insert.clone(),
        insert.clone().idempotent(false),
        insert.with_kind(StatementKind::Counter),
        Statement::new("INSERT INTO t (k) VALUES (1) IF NOT EXISTS"),
    ]
}

/// What became of a request.
struct Seen {
    bare: Error,
    error: Error,
    waits: Vec<Duration>,
    took: Duration,
}

async fn send(kind: &ErrorKind, statement: &Statement) -> Seen {
    let session = || ScriptedSession::new().otherwise(Answer::error(kind.clone()));
    let mut request = Request::from(statement);
    if matches!(kind, ErrorKind::DeadlinePassed(_)) {
        request.set_deadline(Instant::now());
    }
    let bare = Client::new(session()).request(request.clone()).await.unwrap_err();
    let session = session();
    let began = Instant::now();
    let db = Client::new(retry().layer(session.clone()));
    let error = db.request(request).await.unwrap_err();
    let sent = session.sent();
    let waits = sent.windows(2).map(|two| two[1].at - two[0].at).collect();
    Seen { bare, error, waits, took: began.elapsed() }
}

fn name(kind: &ErrorKind) -> String {
    format!("{kind:?}").split(['(', ' ']).next().unwrap().to_owned()
}

/// Among errors of the same name.
fn detail(kind: &ErrorKind) -> String {
    match kind {
        ErrorKind::ReadFailure(replicas) => match replicas.reason {
            Some(reason) => format!("`{reason:?}`"),
            None => "no reason that is known".to_owned(),
        },
        ErrorKind::WriteTimeout(_, phase) | ErrorKind::WriteFailure(_, phase) => {
            format!("`{phase:?}`")
        }
        ErrorKind::RateLimited { by_coordinator } => {
            if *by_coordinator { "by the coordinator" } else { "by a replica" }.to_owned()
        }
        ErrorKind::UnreadableType(it) => {
            if it.executed { "in an answer" } else { "when it is prepared" }.to_owned()
        }
        _ => String::new(),
    }
}

fn cell(seen: &Seen) -> String {
    let again = if seen.waits.is_empty() { "no" } else { "again" };
    let class = match seen.bare.class() {
        ErrorClass::Permanent => "P",
        ErrorClass::NotExecuted => "N",
        ErrorClass::Overload => "O",
        ErrorClass::Ambiguous => "A",
        class => panic!("{class:?}"),
    };
    let is_final = seen.bare.recovery() == Recovery::Final && class != "P";
    let why = if is_final { ", final" } else { "" };
    format!("{again}: {class}{why}")
}

fn wait(seen: &[Seen]) -> String {
    let Some(longest) = seen.iter().map(|seen| &seen.waits).max_by_key(|waits| waits.len()) else {
        return String::new();
    };
    match longest.len() {
        0 => "none".to_owned(),
        1 | 2 => {
            let waits: Vec<_> = longest.iter().map(|wait| format!("{wait:?}")).collect();
            format!("up to {}", waits.join(", then "))
        }
        _ => "up to 20ms, 40ms, ... 200ms, until there is a connection".to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn the_docs_table() {
    let mut table = String::from(
        "| error | read | idempotent write | other write | counter | conditional | waits |\n\
         |---|---|---|---|---|---|---|\n",
    );
    // What is the same for all of a name is one row.
    let mut names: Vec<String> = Vec::new();
    let mut rows: Vec<Vec<(String, String)>> = Vec::new();
    for kind in error_kinds() {
        let mut seen = Vec::new();
        for statement in statements() {
            seen.push(send(&kind, &statement).await);
        }
        let cells: Vec<_> = seen.iter().map(cell).collect();
        let row = format!("{} | {}", cells.join(" | "), wait(&seen));
        let place = names.iter().position(|known| *known == name(&kind)).unwrap_or_else(|| {
            names.push(name(&kind));
            rows.push(Vec::new());
            names.len() - 1
        });
        rows[place].push((detail(&kind), row));
    }
    for (name, rows) in names.into_iter().zip(rows) {
        let is_one = rows.iter().all(|(_, row)| *row == rows[0].1);
        for (detail, row) in rows.iter().take(if is_one { 1 } else { rows.len() }) {
            let detail = if is_one { String::new() } else { format!(", {detail}") };
            writeln!(table, "| `{name}`{detail} | {row} |").unwrap();
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/retry/ERRORS.md");
    if std::env::var_os("CQLSTACK_WRITE").is_some() {
        std::fs::write(path, &table).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap();
    assert_eq!(
        written, table,
        "write it anew: CQLSTACK_WRITE=1 cargo test -p cqlstack-middleware --test retry_table"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_final_is_sent_once_and_comes_back_as_it_is() {
    let kinds = error_kinds();
    let mut finals = 0;
    for kind in &kinds {
        for statement in statements() {
            let Seen { bare, error, waits, .. } = send(kind, &statement).await;
            if bare.recovery() != Recovery::Final {
                continue;
            }
            finals += 1;
            assert!(waits.is_empty(), "{kind:?}");
            assert_eq!((error.kind(), error.class()), (kind, bare.class()));
            assert_eq!(error.to_string(), bare.to_string());
            // No wish of the user's makes it another.
            let session = ScriptedSession::new().otherwise(Answer::error(kind.clone()));
            let wishful = RetryLayer::builder().retry_if(|_| true).build().unwrap();
            let db = Client::new(wishful.layer(session.clone()));
            db.request(&statement).await.unwrap_err();
            assert_eq!(session.sent().len(), 1, "{kind:?}");
        }
    }
    assert!(finals > 100, "{finals}");
    // What a session says when it is shut down was not executed, and is final all the same.
    let closed = send(&ErrorKind::Closed, &statements()[1]).await.error;
    assert_eq!((closed.class(), closed.recovery()), (ErrorClass::NotExecuted, Recovery::Final));
    // A layer of the user's says it of its own errors.
    let own = || Error::other(ErrorClass::NotExecuted, std::fmt::Error);
    assert_eq!((own().recovery(), own().finally().recovery()), (Recovery::Wait, Recovery::Final));
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_waited_for_within_the_total() {
    for statement in statements() {
        let Seen { error, waits, took, .. } = send(&ErrorKind::NoConnection, &statement).await;
        println!("{error}");
        let exhausted = error.downcast_ref::<Exhausted>().unwrap();
        assert_eq!((exhausted.attempts, exhausted.reason), (0, StopReason::Time));
        assert_eq!(exhausted.unconnected as usize, waits.len() + 1);
        assert_eq!(
            (error.worst_class(), error.class()),
            (ErrorClass::NotExecuted, ErrorClass::Exhausted)
        );
        // Half of 200 ms each, on average.
        assert!((60..180).contains(&waits.len()), "{}", waits.len());
        assert!(waits.iter().all(|wait| *wait <= Duration::from_millis(201)));
        assert!(took <= Duration::from_secs(10) && took > Duration::from_millis(9_700), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn looks_for_a_connection_are_no_attempts() {
    let error = |kind: ErrorKind| Answer::error(kind);
    let broken = || error(ErrorKind::ConnectionBroken);
    let mut script = vec![broken()];
    script.extend((0..40).map(|_| error(ErrorKind::NoConnection)));
    script.extend([broken(), error(ErrorKind::NoConnection), Answer::done()]);
    let session = ScriptedSession::new().then(script);
    let layer = retry();
    let db = Client::new(layer.layer(session.clone()));
    let read = &statements()[0];
    db.request(read).await.unwrap();
    assert_eq!(session.sent().len(), 44);
    let stats = layer.handle().stats();
    assert_eq!((stats.resent(), stats.unconnected, stats.exhausted), (3, 1, 0));

    // One attempt is one: whoever wants no retry has an answer at once.
    let once = RetryLayer::builder().attempts(1).build().unwrap();
    let session = ScriptedSession::new().otherwise(error(ErrorKind::NoConnection));
    let failed = Client::new(once.layer(session.clone())).request(read).await.unwrap_err();
    assert_eq!((failed.kind(), session.sent().len()), (&ErrorKind::NoConnection, 1));
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_deadline_gets_one_and_no_other_does() {
    let session = ScriptedSession::new().otherwise(Answer::error(ErrorKind::Overloaded));
    let total = Duration::from_secs(3);
    let layer = RetryLayer::builder().max_elapsed(total).build().unwrap();
    let none = RetryLayer::builder().without_max_elapsed().build().unwrap();
    let [read, ..] = statements();
    let change = Statement::new("CREATE TABLE t (k int PRIMARY KEY)");
    let began = Instant::now();
    let own = began + Duration::from_secs(60);
    let request = || Request::from(&read);
    let db = Client::new(layer.layer(session.clone()));
    for (request, deadline) in [
        (request(), Some(began + total)),
        (request().with_deadline(own), Some(own)),
        (Request::from(&change), None),
    ] {
        let before = session.sent().len();
        // The clock stands still until something waits.
        let _ = tokio::time::timeout(Duration::ZERO, db.request(request)).await;
        assert_eq!(session.sent()[before].request.deadline(), deadline);
    }
    let before = session.sent().len();
    Client::new(none.layer(session.clone())).request(request()).await.unwrap_err();
    assert!(session.sent()[before..].iter().all(|sent| sent.request.deadline().is_none()));
}
