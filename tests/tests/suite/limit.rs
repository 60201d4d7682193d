//! The concurrency limit over a real Cassandra.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use cqlstack_core::{
    Client, Error, ErrorClass, ErrorKind, Prepared, Request, Response, Session, Statement,
};
use cqlstack_middleware::ConcurrencyLimitLayer;
use cqlstack_tests::cluster::Cluster;
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use tower::{Layer, Service};

use crate::support::{connect, run};

/// Counts what is in flight below the limit, and remembers the order of the calls.
#[derive(Clone)]
struct Counting {
    session: Session,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    in_flight: AtomicUsize,
    peak: AtomicUsize,
    timestamps: Mutex<Vec<i64>>,
}

impl Service<Request> for Counting {
    type Response = Response;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response, Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.session.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let seen = Arc::clone(&self.seen);
        seen.timestamps.lock().unwrap().extend(request.timestamp());
        let now = seen.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        seen.peak.fetch_max(now, Ordering::Relaxed);
        let answer = self.session.call(request);
        let done = move |_: &_| {
            seen.in_flight.fetch_sub(1, Ordering::Relaxed);
        };
        answer.inspect(done).boxed()
    }
}

async fn prepare(db: &Client<Session>, text: &'static str) -> (Statement, Prepared) {
    let statement = Statement::new(text);
    let prepared = db.service().prepare(&statement).await.unwrap();
    (statement, prepared)
}

/// On one thread, where an order can be told.
#[tokio::test]
async fn ten_thousand_at_once_run_a_hundred_at_a_time_in_the_order_of_their_first_poll() {
    let db = connect(&["t (k int PRIMARY KEY)"]).await;
    let (insert, prepared) = prepare(&db, "INSERT INTO t (k) VALUES (?)").await;
    let seen = Arc::<Seen>::default();
    let limit = ConcurrencyLimitLayer::new(100).unwrap();
    let handle = limit.handle();
    let counting = Counting { session: db.service().clone(), seen: Arc::clone(&seen) };
    let limited = Client::new(limit.layer(counting));
    let tasks: Vec<_> = (0..10_000)
        .map(|k| {
            let request = Request::new(&insert, (k,)).with_timestamp(Some(k.into()));
            tokio::spawn(limited.request(request.bind(&prepared).unwrap()))
        })
        .collect();
    for answer in join_all(tasks).await {
        answer.unwrap().unwrap();
    }
    assert_eq!(seen.peak.load(Ordering::Relaxed), 100);
    assert_eq!(*seen.timestamps.lock().unwrap(), (0..10_000).collect::<Vec<_>>());
    let stats = handle.stats();
    println!("10,000 under a limit of 100: {stats:?}");
    assert_eq!((stats.in_flight, stats.waiting, stats.refused), (0, 0, 0));
    let count = run(&db, "SELECT count(*) FROM t").await;
    assert_eq!(count.value::<i64>().unwrap(), 10_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_tasks_at_once_get_a_hundred_thousand_answers() {
    let db = connect(&["t (k int PRIMARY KEY, v int)"]).await;
    let (insert, prepared) = prepare(&db, "INSERT INTO t (k, v) VALUES (?, ?)").await;
    let layer = ConcurrencyLimitLayer::new(100).unwrap();
    let handle = layer.handle();
    let seen = Arc::<Seen>::default();
    let counting = Counting { session: db.service().clone(), seen: Arc::clone(&seen) };
    let limited = Client::new(layer.layer(counting));
    let writes = (0..10_000)
        .map(|k| limited.request(Request::new(&insert, (k, -k)).bind(&prepared).unwrap()));
    assert!(join_all(writes).await.iter().all(Result::is_ok));
    let (select, prepared) = prepare(&db, "SELECT v FROM t WHERE k = ?").await;
    let tasks: Vec<_> = (0..100_000)
        .map(|n| {
            let request = Request::new(&select, (n % 10_000,)).bind(&prepared).unwrap();
            let call = limited.request(request);
            tokio::spawn(
                async move { call.await.unwrap().value::<i32>().unwrap() == -(n % 10_000) },
            )
        })
        .collect();
    assert!(join_all(tasks).await.into_iter().all(Result::unwrap));
    assert!(seen.peak.load(Ordering::Relaxed) <= 100);
    let stats = handle.stats();
    assert_eq!((stats.in_flight, stats.waiting, stats.refused), (0, 0, 0));
}

/// More than the 32,768 stream ids of the one connection, on a node that stands still for a while.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_limit_what_is_too_much_fails_with_its_class_and_the_session_recovers() {
    let cluster = Cluster::shared_one_to_break().await.unwrap();
    let session = Session::builder()
        .contact_points(cluster.contact_points())
        .keepalive(Duration::from_secs(30), Duration::from_secs(30))
        .attempt_timeout(Duration::from_secs(5))
        .build()
        .await
        .unwrap();
    let db = Client::new(session);
    let (select, prepared) = prepare(&db, "SELECT key FROM system.local WHERE key = 'local'").await;
    let bound = Request::from(&select).bind(&prepared).unwrap();
    cluster.node(0).unwrap().freeze().await.unwrap();
    let tasks: Vec<_> = (0..40_000).map(|_| tokio::spawn(db.request(bound.clone()))).collect();
    tokio::time::sleep(Duration::from_secs(3)).await;
    cluster.node(0).unwrap().resume().await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(60), join_all(tasks)).await.unwrap();
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    for outcome in ended {
        let what = match outcome.unwrap() {
            Ok(_) => "answered".to_owned(),
            Err(error) => {
                let class = match error.kind() {
                    ErrorKind::NoStreamId => ErrorClass::Overload,
                    // A read: what is lost has changed nothing.
                    _ => ErrorClass::NotExecuted,
                };
                assert_eq!(error.class(), class, "{error}");
                error.what().to_string()
            }
        };
        *counts.entry(what).or_default() += 1;
    }
    println!("40,000 at once on a node frozen for 3 s: {counts:?}");
    assert!(counts.contains_key("answered"));
    assert!(db.request(bound).await.is_ok());
}
