//! The recommended stack over a scripted session: what comes back, and what was sent when.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::time::Duration;

use cqlstack_core::testing::{Answer, ScriptedSession, error_kinds};
use cqlstack_core::{
    Client, ColumnType, CqlService, ErrorClass, ErrorKind, NativeType, PagingState, Recovery,
    Request, Statement, StatementKind,
};
use cqlstack_middleware::retry::{Exhausted, Jitter};
use cqlstack_middleware::{ConcurrencyLimitLayer, RetryLayer, StatementCacheLayer};
use tower::ServiceBuilder;

const WAIT: Duration = Duration::from_millis(100);

fn stack(session: &ScriptedSession) -> Client<impl CqlService + use<>> {
    let retry = RetryLayer::builder().min_delay(WAIT).jitter(Jitter::None).build().unwrap();
    Client::new(
        ServiceBuilder::new()
            .layer(retry)
            .layer(ConcurrencyLimitLayer::new(2).unwrap())
            .layer(StatementCacheLayer::new(100).unwrap())
            .service(session.clone()),
    )
}

/// Every kind of error. A missing connection is no attempt: `retry_table.rs` has it.
fn errors() -> Vec<ErrorKind> {
    let kinds = error_kinds().into_iter();
    kinds.filter(|kind| *kind != ErrorKind::NoConnection).collect()
}

fn statements() -> Vec<Statement> {
    let insert = || Statement::new("INSERT INTO t (k) VALUES (?)");
    let of = |kind| insert().with_kind(kind).idempotent(true);
    vec![
        Statement::new("SELECT v FROM t WHERE k = ?"),
        insert(),
        insert().idempotent(true),
        of(StatementKind::MultiPartition),
        of(StatementKind::LoggedBatch),
        of(StatementKind::Counter),
        of(StatementKind::Conditional),
    ]
}

#[tokio::test(start_paused = true)]
async fn every_error_of_every_kind_of_statement_is_sent_and_waited_for_as_its_class_says() {
    for kind in errors() {
        for statement in statements() {
            let session = ScriptedSession::new().otherwise(Answer::error(kind.clone()));
            let bare = Client::new(session.clone()).execute(&statement, (1,)).await.unwrap_err();
            let again = match bare.class() {
                _ if bare.recovery() == Recovery::Final => false,
                ErrorClass::NotExecuted | ErrorClass::Overload => true,
                ErrorClass::Ambiguous => statement.is_idempotent(),
                _ => false,
            };

            let session = ScriptedSession::new().otherwise(Answer::error(kind.clone()));
            let error = stack(&session).execute(&statement, (1,)).await.unwrap_err();
            assert_eq!(error.worst_class(), bare.class(), "{kind:?} of {statement:?}");
            let attempts = error.downcast_ref::<Exhausted>().map_or(1, |e| e.attempts);
            assert_eq!(attempts, if again { 3 } else { 1 }, "{kind:?} of {statement:?}");
            assert_eq!(session.prepares(), 1);
            let sent = session.sent();
            assert_eq!(sent.len(), 1 + attempts as usize);
            let waits: Vec<_> = sent[1..].windows(2).map(|two| two[1].at - two[0].at).collect();
            assert_eq!(waits, [WAIT, WAIT * 2][..attempts as usize - 1]);
            // Each attempt is the same logical write, bound.
            let timestamp = sent[1].request.timestamp();
            assert!(sent[1..].iter().all(|sent| sent.request.timestamp() == timestamp));
            assert!(sent[1..].iter().all(|sent| sent.request.unprepared().is_none()));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_prepare_that_fails_is_retried_with_the_request_that_needs_it() {
    let select = Statement::new("SELECT v FROM t WHERE k = ?").named("select");
    for (kind, prepares) in [(ErrorKind::PrepareFailed, 3), (ErrorKind::Syntax, 1)] {
        let session = ScriptedSession::new().otherwise_prepare(Answer::error(kind.clone()));
        let error = stack(&session).execute(&select, (1,)).await.unwrap_err();
        assert_eq!((session.prepares(), session.executes()), (prepares, 0), "{error}");
    }
    let failing = Answer::error(ErrorKind::PrepareTimeout { after: WAIT });
    let session = ScriptedSession::new().on_prepare("select", [failing]).then([Answer::done()]);
    stack(&session).execute(&select, (1,)).await.unwrap();
    assert_eq!((session.prepares(), session.executes()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn every_shape_of_response_comes_through() {
    let int = ColumnType::Native(NativeType::Int);
    let boolean = ColumnType::Native(NativeType::Boolean);
    let page = PagingState::from_bytes(&[7]);
    let session = ScriptedSession::new().then([
        Answer::done(),
        Answer::rows([("n", int.clone())], [(1,), (2,)]).unwrap(),
        Answer::rows([("n", int.clone())], Vec::<(i32,)>::new()).unwrap(),
        Answer::rows([("n", int)], [(3,)]).unwrap().followed_by(page),
        Answer::rows([("[applied]", boolean)], [(true,)]).unwrap().after(WAIT),
    ]);
    let db = stack(&session);
    let select = Statement::new("SELECT n FROM t");
    assert_eq!(db.request(&select).await.unwrap().rows_count(), 0);
    let two = db.request(&select).await.unwrap();
    let two: Vec<(i32,)> = two.rows().unwrap().map(Result::unwrap).collect();
    assert_eq!(two, [(1,), (2,)]);
    assert!(db.request(&select).await.unwrap().maybe_row::<(i32,)>().unwrap().is_none());
    let first = db.request(&select).await.unwrap();
    assert!(first.next_page().is_some() && first.rows::<(i32,)>().is_err());
    let conditional = Statement::new("DELETE FROM t WHERE k = 1 IF EXISTS");
    assert!(db.request(&conditional).await.unwrap().applied().unwrap());
    let prepared = db.request(Request::prepare(&select)).await.unwrap();
    assert!(prepared.prepared().is_some());
    assert_eq!(session.prepares(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_prepare_holds_up_nobody_but_those_who_need_it() {
    let slow = Statement::new("SELECT a FROM t").named("slow");
    let session =
        ScriptedSession::new().on_prepare("slow", [Answer::never()]).otherwise(Answer::done());
    let db = stack(&session);
    let hanging = tokio::spawn(db.request(&slow));
    tokio::task::yield_now().await;
    db.request(Statement::new("SELECT b FROM t")).await.unwrap();
    hanging.abort();
    assert!(hanging.await.unwrap_err().is_cancelled());
    db.request(&slow).await.unwrap();
    assert_eq!(session.in_flight(), 0);
}
