//! Batches as a node gets them.

use std::time::{Duration, Instant};

use cqlstack_core::{
    Batch, BatchGuard, Client, Consistency, ErrorClass, ErrorKind, Recovery, Request,
    SerialConsistency, Statement,
};
use cqlstack_middleware::RetryLayer;
use scylla::errors::DbError;
use scylla_proxy::{RequestOpcode, RequestReaction};
use tower::{Layer, ServiceBuilder};

use crate::forged::{Forged, ID, Reader};

const LOGGED: u8 = 0;
const UNLOGGED: u8 = 1;
const COUNTER: u8 = 2;

/// What a BATCH frame of protocol 4 says.
#[derive(Debug, PartialEq)]
struct Said {
    kind: u8,
    /// Of each statement, all of which are prepared, its values.
    values: Vec<Vec<Vec<u8>>>,
    consistency: Consistency,
    serial: Option<u16>,
    timestamp: Option<i64>,
}

fn said(body: &[u8]) -> Said {
    let mut body = Reader(body);
    let kind = body.byte();
    let mut values = Vec::new();
    for _ in 0..body.short() {
        assert_eq!(body.byte(), 1, "it is prepared");
        let id = body.short();
        assert_eq!(body.take(id.into()), ID);
        let mut row = Vec::new();
        for _ in 0..body.short() {
            let length = usize::try_from(body.int()).unwrap();
            row.push(body.take(length));
        }
        values.push(row);
    }
    let consistency = Consistency::try_from(body.short()).unwrap();
    let flags = body.byte();
    let serial = (flags & 0x10 != 0).then(|| body.short());
    let timestamp = (flags & 0x20 != 0).then(|| body.long());
    Said { kind, values, consistency, serial, timestamp }
}

fn text(text: &'static str) -> Statement {
    Statement::new(text)
}

/// A frame takes 40 ms through the proxy.
const PATIENT: Duration = Duration::from_secs(10);
const TIME: Duration = Duration::from_millis(600);

/// C36: whatever its statements are, texts with literals or with values, one of them or both.
#[tokio::test]
async fn its_kind_is_the_one_that_was_asked_for_in_all_mixes() {
    let mut forged = Forged::start(1).await;
    let db = Client::new(forged.session(TIME).await);
    let mut frames = forged.keep_batches();
    let one = |batch: Batch<'static>| batch.add(text("INSERT INTO ks.t (k) VALUES (1)"), ());
    let bound = |batch: Batch<'static>| batch.add(text("DELETE FROM ks.t WHERE k = ?"), (7,));
    let tick = |batch: Batch<'static>| batch.add(text("UPDATE ks.c SET n = n + 1 WHERE k = 1"), ());
    let tick_bound =
        |batch: Batch<'static>| batch.add(text("UPDATE ks.c SET n = n + 1 WHERE k = ?"), (7,));
    let warned = || Batch::same_partition().with_guard(BatchGuard::Warn);
    for (batch, kind, rows) in [
        (one(Batch::logged()), LOGGED, vec![0]),
        (bound(Batch::logged()), LOGGED, vec![1]),
        (bound(one(Batch::logged())), LOGGED, vec![0, 1]),
        (bound(Batch::same_partition()), UNLOGGED, vec![1]),
        (one(warned()), UNLOGGED, vec![0]),
        (one(bound(one(warned()))), UNLOGGED, vec![0, 1, 0]),
        (tick(Batch::counter()), COUNTER, vec![0]),
        (tick_bound(Batch::counter()), COUNTER, vec![1]),
        (tick_bound(tick(tick_bound(Batch::counter()))), COUNTER, vec![1, 0, 1]),
    ] {
        db.request(batch).await.unwrap();
        let said = said(&frames.next_body());
        assert_eq!(said.kind, kind, "{rows:?}");
        assert_eq!(said.values.iter().map(Vec::len).collect::<Vec<_>>(), rows);
        assert!(said.values.iter().flatten().all(|value| *value == [0, 0, 0, 7]));
    }
}

#[tokio::test]
async fn it_carries_the_options_of_its_request() {
    let mut forged = Forged::start(1).await;
    let db = Client::new(forged.session(TIME).await);
    let mut frames = forged.keep_batches();
    let batch = Batch::logged().add(
        // What a statement sets counts for nothing in a batch.
        text("DELETE FROM ks.t WHERE k = ?").with_consistency(Consistency::Three),
        (7,),
    );
    let request = Request::from(batch);
    let given = request.timestamp();
    assert!(given.is_some());
    let set = request.clone().with_consistency(Consistency::One).with_timestamp(Some(5));
    let set = set.with_serial_consistency(SerialConsistency::Serial);
    for (request, consistency, serial, timestamp) in [
        (request, Consistency::LocalQuorum, Some(9), given),
        (set, Consistency::One, Some(8), Some(5)),
    ] {
        db.request(request).await.unwrap();
        let said = said(&frames.next_body());
        assert_eq!((said.consistency, said.serial), (consistency, serial));
        assert_eq!(said.timestamp, timestamp);
    }
}

#[tokio::test]
async fn sent_again_it_is_the_same_and_only_if_it_is_idempotent() {
    let mut forged = Forged::start(1).await;
    let session = forged.session(TIME).await;
    let retry = RetryLayer::default();
    let db = Client::new(ServiceBuilder::new().layer(retry).service(session));
    let overloaded = RequestReaction::forge_with_error(DbError::Overloaded);
    let mut frames = forged.react(RequestOpcode::Batch, &overloaded);
    let delete = || text("DELETE FROM ks.t WHERE k = ?");
    let append = || text("UPDATE ks.t SET l = l + ['a'] WHERE k = ?");
    let error = db.request(Batch::logged().add(delete(), (7,))).await.unwrap_err();
    assert_eq!(
        (error.class(), error.worst_class()),
        (ErrorClass::Exhausted, ErrorClass::Ambiguous)
    );
    let first = said(&frames.next_body());
    assert!(first.timestamp.is_some());
    assert_eq!(said(&frames.next_body()), first);
    assert_eq!(said(&frames.next_body()), first);
    let error = db.request(Batch::logged().add(append(), (7,))).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Ambiguous);
    assert_eq!(frames.count(), 1);
}

/// The driver prepares anew for as long as the server forgets.
#[tokio::test]
async fn a_server_that_forgets_for_ever_has_a_batch_for_each_of_its_texts_and_a_few_times_more() {
    let mut forged = Forged::start(1).await;
    let db = Client::new(forged.session(PATIENT).await);
    let unprepared = DbError::Unprepared { statement_id: ID.to_vec().into() };
    let unprepared = RequestReaction::forge_with_error(unprepared);
    let mut frames = forged.react(RequestOpcode::Batch, &unprepared);
    let batch = Batch::logged().add(text("DELETE FROM ks.t WHERE k = ?"), (7,));
    let patient = Request::from(batch.clone()).with_attempt_timeout(Duration::MAX);
    let three = ["v = 1", "v = 2", "v = 3"].map(|v| format!("UPDATE ks.t SET {v} WHERE k = ?"));
    let three = three
        .into_iter()
        .fold(batch.clone(), |batch, update| batch.add(Statement::new(update), (7,)));
    for (request, texts) in [(Request::from(batch), 1), (patient, 1), (three.into(), 4)] {
        let began = Instant::now();
        let error = db.request(request).await.unwrap_err();
        println!("{error}, after {:?}", began.elapsed());
        assert_eq!(*error.kind(), ErrorKind::StatementsForgotten { texts });
        // Each answer proves that it was not executed.
        assert_eq!((error.class(), error.recovery()), (ErrorClass::NotExecuted, Recovery::Final));
        assert_eq!(frames.count(), texts + 5);
        assert!(began.elapsed() < PATIENT);
    }
}

/// A batch that the server forgets while its time is over may be on its way once more.
#[tokio::test]
async fn a_batch_whose_time_is_over_while_it_is_prepared_anew_is_not_sent_again() {
    let mut forged = Forged::start(1).await;
    let session = forged.session(TIME * 4).await;
    let unprepared = DbError::Unprepared { statement_id: ID.to_vec().into() };
    let answer = Box::new(move || unprepared.clone());
    let slow = RequestReaction::forge_with_error_lazy_delay(answer, Some(TIME / 2));
    let mut frames = forged.react(RequestOpcode::Batch, &slow);
    let texts =
        ["v = 1", "v = 2", "v = 3", "v = 4"].map(|v| format!("UPDATE ks.t SET {v} WHERE k = ?"));
    let batch = texts
        .into_iter()
        .fold(Batch::logged(), |batch, update| batch.add(Statement::new(update), (7,)));
    let db = Client::new(RetryLayer::default().layer(session));
    let error = db.request(batch).await.unwrap_err();
    println!("{error}");
    assert!(matches!(error.kind(), ErrorKind::Timeout { .. }), "{error:?}");
    assert_eq!((error.class(), error.recovery()), (ErrorClass::Ambiguous, Recovery::Final));
    assert!((3..=7).contains(&frames.count()));
}
