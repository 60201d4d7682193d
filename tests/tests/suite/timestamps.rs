//! One timestamp for each logical write.

use std::sync::atomic::Ordering;
use std::time::Duration;

use cqlstack_core::{
    Batch, Client, Error, ErrorClass, Profile, Request, Response, Statement, Timestamps,
};
use cqlstack_middleware::{RetryLayer, StatementCacheLayer};
use cqlstack_tests::fault::{Frame, Script, Step, opcode};
use futures::future::join;
use tower::ServiceBuilder;

use crate::definitions::behind_a_proxy;
use crate::support::{connect, connect_by, count, run, shared_builder};

const WRITETIME: &str = "SELECT writetime(v) FROM t WHERE k = 1";

#[tokio::test]
async fn the_server_stores_the_request_s_timestamp_and_a_resend_keeps_it() {
    let db = connect(&["t (k int PRIMARY KEY, v int)"]).await;
    let insert = Statement::new("INSERT INTO t (k, v) VALUES (1, ?)");
    let late = Request::new(&insert, (1,));
    let newer = Request::new(&insert, (2,));
    db.request(late.clone()).await.unwrap();
    assert_eq!(run(&db, WRITETIME).await.value::<i64>().unwrap(), late.timestamp().unwrap());
    db.request(newer.clone()).await.unwrap();
    // A resend that comes late does not overwrite what was written in between.
    db.request(late).await.unwrap();
    assert_eq!(run(&db, "SELECT v FROM t WHERE k = 1").await.value::<i32>().unwrap(), 2);
    assert_eq!(run(&db, WRITETIME).await.value::<i64>().unwrap(), newer.timestamp().unwrap());
}

#[tokio::test]
async fn the_user_sets_it_or_leaves_it_to_the_server() {
    let db = connect(&["t (k int PRIMARY KEY, v int)"]).await;
    let insert = Statement::new("INSERT INTO t (k, v) VALUES (1, ?)");
    db.request(Request::new(&insert, (1,)).with_timestamp(Some(77))).await.unwrap();
    assert_eq!(run(&db, WRITETIME).await.value::<i64>().unwrap(), 77);
    let unstamped = Request::new(&insert, (2,)).with_timestamp(None);
    let before = Request::new(&insert, (3,)).timestamp().unwrap();
    db.request(unstamped).await.unwrap();
    // The server counts in milliseconds.
    assert!(run(&db, WRITETIME).await.value::<i64>().unwrap() >= before - 1_000);
}

#[tokio::test]
async fn a_timestamp_in_the_text_goes_before_ours() {
    let db = connect(&["t (k int PRIMARY KEY, v int)"]).await;
    run(&db, "INSERT INTO t (k, v) VALUES (1, 1) USING TIMESTAMP 5").await;
    assert_eq!(run(&db, WRITETIME).await.value::<i64>().unwrap(), 5);
}

/// A write of which the first answer is lost, and a newer one by somebody else before it is sent again, if it is.
async fn held(timestamps: Timestamps) -> (Result<Response, Error>, usize, i32) {
    let (other, proxy, session) = behind_a_proxy("t (k int PRIMARY KEY, v int)").await;
    let retry = RetryLayer::builder().min_delay(Duration::from_millis(10)).build().unwrap();
    let layers = ServiceBuilder::new().layer(retry).layer(StatementCacheLayer::default());
    let db = Client::new(layers.service(session));
    let insert = Statement::new("INSERT INTO t (k, v) VALUES (1, ?)");
    db.execute(&insert, (0,)).await.unwrap();
    let is_execute =
        |frame: &Frame<'_>| frame.request() == Some(opcode::EXECUTE) && !frame.is_control();
    let (sent, _counting) = count(&proxy, is_execute);
    let lost = proxy.play(Script::answers().with(&[opcode::EXECUTE]).then(Step::Lose(1))).unwrap();
    let request = Request::new(&insert, (1,)).with_timestamps(timestamps);
    let request = request.with_attempt_timeout(Duration::from_millis(800));
    let newer = async {
        lost.finished(Duration::from_secs(5)).await.unwrap();
        other.request(Request::new(&insert, (2,))).await.unwrap();
    };
    let (answer, ()) = join(db.request(request), newer).await;
    let v = run(&other, "SELECT v FROM t WHERE k = 1").await.value::<i32>().unwrap();
    (answer, sent.load(Ordering::Relaxed), v)
}

#[tokio::test]
async fn a_resend_leaves_a_newer_write_as_it_is() {
    let (answer, sent, v) = held(Timestamps::Client).await;
    answer.unwrap();
    assert_eq!((sent, v), (2, 2));
}

#[tokio::test]
async fn what_a_server_stamps_is_not_sent_again() {
    let (answer, sent, v) = held(Timestamps::Server).await;
    assert_eq!(answer.unwrap_err().class(), ErrorClass::Ambiguous);
    assert_eq!((sent, v), (1, 2));
}

#[tokio::test]
async fn each_place_of_a_choice_goes_before_the_next_one() {
    let session = shared_builder().await.timestamps(Timestamps::Server);
    let db = connect_by(session, &["t (k int PRIMARY KEY, v int)"]).await;
    let mut by_client = Profile::default();
    by_client.timestamps = Some(Timestamps::Client);
    // A row each: what a server stamps may be newer than what was made at the same time.
    let plain = Statement::new("INSERT INTO t (k, v) VALUES (?, 1)");
    let of_profile = plain.clone().with_profile(&by_client);
    let writetime = Statement::new("SELECT writetime(v) FROM t WHERE k = ?");
    for ((request, keeps), k) in [
        (Request::new(&plain, (0,)), false),
        (Request::new(&of_profile, (1,)), true),
        (Request::new(&of_profile, (2,)).with_timestamps(Timestamps::Server), false),
        (Request::new(&of_profile, (3,)).with_timestamp(None), false),
        (Request::new(&plain, (4,)).with_timestamps(Timestamps::Client), true),
    ]
    .into_iter()
    .zip(0..)
    {
        let made = request.timestamp();
        db.request(request.clone()).await.unwrap();
        let stored = db.execute(&writetime, (k,)).await.unwrap().value::<i64>().unwrap();
        assert_eq!(made == Some(stored), keeps, "{request:?}, {stored}");
        assert_eq!(request.is_idempotent(), keeps);
    }
}

/// What was sent before keeps its timestamp, if it is sent again.
#[tokio::test]
async fn a_table_s_first_conditional_statement_leaves_its_plain_writes_to_the_server() {
    let db = connect(&["t (k int PRIMARY KEY, v int)", "other (k int PRIMARY KEY, v int)"]).await;
    let insert = Statement::new("INSERT INTO t (k, v) VALUES (1, ?)");
    let made_before = Request::new(&insert, (1,));
    let keeps = async |request: Request| {
        let made = request.timestamp();
        db.request(request.with_attempt_timeout(Duration::from_secs(5))).await.unwrap();
        made == Some(run(&db, WRITETIME).await.value::<i64>().unwrap())
    };
    let sent_before = Request::new(&insert, (2,));
    assert!(keeps(sent_before.clone()).await);
    db.request(Statement::new("UPDATE t SET v = 3 WHERE k = 1 IF v = 2")).await.unwrap();
    assert!(!keeps(Request::new(&insert, (4,))).await);
    // Never sent before, it is as one that is made now.
    assert!(!keeps(made_before).await);
    db.request(sent_before.clone()).await.unwrap();
    assert!(sent_before.is_idempotent());
    let batch = || Batch::logged().add(&insert, (5,));
    assert!(!keeps(batch().into()).await);
    assert!(keeps(Request::from(batch()).with_timestamps(Timestamps::Client)).await);
    // A batch is the server's if one of its statements is.
    let of_server = insert.clone().with_timestamps(Timestamps::Server);
    let other = Statement::new("INSERT INTO other (k, v) VALUES (1, ?)");
    assert_eq!(
        Request::from(Batch::logged().add(&other, (1,)).add(&of_server, (6,))).timestamp(),
        None
    );
    assert!(
        Request::from(Batch::logged().add(&other, (1,)).add(&insert, (6,))).timestamp().is_some()
    );
    assert!(!Request::new(&of_server, (7,)).is_idempotent(), "before it was ever sent");
    // Another table.
    let request = Request::from(&Statement::new("INSERT INTO other (k, v) VALUES (1, 1)"));
    db.request(request.clone()).await.unwrap();
    assert!(request.is_idempotent());
}
