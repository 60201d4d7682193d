//! Outside of a tokio runtime: an error, and no panic.

use std::time::Duration;

use cqlstack_core::{
    Batch, Client, CqlService, Error, ErrorClass, ErrorKind, Request, Session, Statement,
};
use cqlstack_middleware::ConcurrencyLimitLayer;
use futures::executor::block_on;
use futures::{FutureExt, StreamExt};
use tokio::runtime::Runtime;

use crate::support::{connect, full_stack};

fn is_told(error: &Error) {
    assert!(matches!(error.kind(), ErrorKind::InvalidRequest(_)), "{error}");
    assert!(error.to_string().contains("no tokio runtime"), "{error}");
    assert_eq!(error.class(), ErrorClass::Permanent);
}

/// Each way of a request through the session.
fn requests(session: &Session, runtime: &Runtime) -> Vec<Request> {
    let insert = Statement::new("INSERT INTO t (k, v) VALUES (?, 1)");
    let prepared = runtime.block_on(session.prepare(&insert)).unwrap();
    let bound = Request::new(&insert, (1,)).bind(&prepared).unwrap();
    let alter = Statement::new("ALTER TABLE t ADD w int");
    let altered = Request::from(&alter).bind(&runtime.block_on(session.prepare(&alter)).unwrap());
    vec![
        bound.clone(),
        bound.without_paging(),
        altered.unwrap(),
        Request::new(&insert, (1,)),
        Request::prepare(&insert),
        Request::from(Batch::same_partition().add(&insert, (1,))),
        Request::from("TRUNCATE t"),
        Request::from("USE system"),
        Request::from("CREATE TABLE u (k int PRIMARY KEY)"),
    ]
}

async fn all_are_told(db: &Client<impl CqlService>, requests: Vec<Request>) {
    for request in requests {
        is_told(&db.request(request).await.unwrap_err());
    }
}

#[test]
fn every_request_and_every_method_of_a_session_ends() {
    let runtime = Runtime::new().unwrap();
    let db = runtime.block_on(connect(&["t (k int PRIMARY KEY, v int)"]));
    let session = db.session().unwrap();
    let requests = requests(session, &runtime);
    block_on(async {
        is_told(&Session::builder().build().await.unwrap_err());
        all_are_told(&db, requests.clone()).await;
        all_are_told(&full_stack(session), requests).await;
        is_told(&session.prepare("SELECT k FROM t").await.unwrap_err());
        is_told(&db.rows::<(i32,)>("SELECT k FROM t").next_row().await.unwrap_err());
        is_told(&db.run_script("TRUNCATE t").await.unwrap_err().error);
        let second = Duration::from_secs(1);
        assert!(session.check_ready(second).await.is_err());
        assert!(!session.health(second).await.nodes.is_empty());
        assert!(!session.warm_up(1).await.is_complete());
        session.count_connections().await;
        let id = uuid::Uuid::from_u128(7);
        assert!(matches!(
            session.trace(id, second).await.unwrap_err().kind(),
            ErrorKind::Timeout { .. }
        ));
    });
    // Nothing was sent, and it is as good as before.
    let count = runtime.block_on(db.request("SELECT count(*) FROM t")).unwrap();
    assert_eq!(count.value::<i64>().unwrap(), 0);
    let shutdown = block_on(session.shutdown(Duration::from_secs(1)));
    assert_eq!(shutdown.aborted, 0);
}

/// They are refused by a full limit, or wait for it, and what waits has nobody to tell the time.
#[test]
fn what_waits_for_a_permit_or_for_another_attempt_ends() {
    let runtime = Runtime::new().unwrap();
    let (db, first) = runtime.block_on(async {
        let db = connect(&["t (k int PRIMARY KEY)"]).await;
        let db = Client::new(db.service().clone()).layer(ConcurrencyLimitLayer::new(1).unwrap());
        let mut first = Box::pin(db.request("SELECT k FROM t"));
        // It has the permit.
        assert!(first.as_mut().now_or_never().is_none());
        (db, first)
    });
    let hurried = Request::from("SELECT k FROM t").with_attempt_timeout(Duration::from_secs(9));
    let refused = block_on(db.request(hurried)).unwrap_err();
    assert_eq!(refused.class(), ErrorClass::Overload);
    let rows =
        block_on(db.many("INSERT INTO t (k) VALUES (?)", (0..3).map(|k| (k,))).collect::<Vec<_>>());
    is_told(rows[0].1.as_ref().unwrap_err());
    drop(first);
}
