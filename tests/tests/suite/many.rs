//! Many rows through the stack.

use std::time::Duration;

use cqlstack_core::{Client, ErrorKind, Statement};
use cqlstack_metrics::MetricsLayer;
use cqlstack_middleware::{ConcurrencyLimitLayer, RetryLayer, StatementCacheLayer};
use futures::StreamExt;
use tokio::time::timeout;
use tower::ServiceBuilder;

use crate::support::{HEAVY, connect, soon};

const LONG: Duration = Duration::from_secs(60);

fn insert() -> Statement {
    Statement::new("INSERT INTO t (k, v) VALUES (?, ?)")
}

#[tokio::test]
async fn ten_thousand_rows_are_written_and_prepared_once() {
    let db = connect(&["t (k int PRIMARY KEY, v text)"]).await;
    let cache = StatementCacheLayer::new(10).unwrap();
    let handle = cache.handle();
    let db = Client::new(ServiceBuilder::new().layer(cache).service(db.service().clone()));
    let rows = (0..10_000).map(|k| (k, format!("v{k}")));
    assert_eq!(db.many(insert(), rows).run().await.unwrap(), 10_000);
    assert_eq!(handle.stats().prepares, 1);
    let count = db.request(Statement::new("SELECT count(*) FROM t")).await.unwrap();
    assert_eq!(count.value::<i64>().unwrap(), 10_000);
}

#[tokio::test]
async fn values_of_the_wrong_type_are_told_by_their_row() {
    let db = connect(&["t (k int PRIMARY KEY, v int)"]).await;
    let cached = ServiceBuilder::new().layer(StatementCacheLayer::new(10).unwrap());
    let db = Client::new(cached.service(db.service().clone()));
    let mixed = Statement::new("INSERT INTO t (k, v) VALUES (?, ?)");
    // One of ten thousand rows is too short.
    let rows = (0..10_000).map(|k| if k == 7_341 { vec![k] } else { vec![k, k] });
    let error = db.many(&mixed, rows).run().await.unwrap_err();
    println!("{error}");
    assert_eq!(error.index, 7_341);
    assert!(matches!(error.error.kind(), ErrorKind::Values(_)));
    assert_eq!(error.failed, 1);
    let count = db.request(Statement::new("SELECT count(*) FROM t")).await.unwrap();
    assert_eq!(count.value::<i64>().unwrap(), i64::try_from(error.succeeded).unwrap());
}

#[tokio::test]
async fn more_at_a_time_than_a_limit_lets_through_is_no_deadlock() {
    let db = connect(&["t (k int PRIMARY KEY, v text)"]).await;
    let limited = ServiceBuilder::new().layer(ConcurrencyLimitLayer::new(1).unwrap());
    let db = Client::new(limited.service(db.service().clone()));
    let all = async {
        let rows = (0..50).map(|k| (k, "v".to_owned()));
        let mut many = db.many(insert(), rows).in_flight(20).unwrap();
        while let Some((index, answer)) = many.next().await {
            answer.unwrap();
            let again = i32::try_from(index).unwrap();
            db.execute(insert(), (again, "w".to_owned())).await.unwrap();
        }
    };
    timeout(LONG, all).await.unwrap();
}

#[tokio::test]
async fn ten_thousand_rows_pass_limits_that_refuse() {
    let half_of_all = if HEAVY { 5_000 } else { 1_000 };
    let db = connect(&["t (k int PRIMARY KEY, v text)"]).await;
    let limit = |limit| ConcurrencyLimitLayer::new(limit).unwrap();
    let bounded = limit(20).wait_bounded(50, Duration::from_secs(1)).unwrap();
    for (name, limit) in [
        ("of 1", limit(1)),
        ("of 20 with 50 places", bounded),
        ("of 20 that refuses", limit(20).reject()),
        ("of 100 that refuses", limit(100).reject()),
    ] {
        db.request(Statement::new("TRUNCATE t")).await.unwrap();
        let handle = limit.handle();
        // As they are recommended to be stacked, with others in flight.
        let stack = ServiceBuilder::new().layer(RetryLayer::default()).layer(limit);
        let stack = stack.layer(StatementCacheLayer::new(10).unwrap());
        let limited = Client::new(stack.service(db.service().clone()));
        let half = |from: i32| {
            let rows = (from..from + half_of_all).map(|k| (k, format!("v{k}")));
            limited.many(insert(), rows)
        };
        let both = async { tokio::join!(half(0).run(), half(half_of_all).run_all()) };
        let began = std::time::Instant::now();
        let (run, all) = timeout(LONG, both).await.unwrap();
        println!("{name}: {:.1?}, {:?}", began.elapsed(), handle.stats());
        assert_eq!(run.unwrap(), usize::try_from(half_of_all).unwrap(), "{name}");
        assert!(all.is_complete && all.failed.is_empty(), "{name}");
        let count = db.request(Statement::new("SELECT count(*) FROM t")).await.unwrap();
        assert_eq!(count.value::<i64>().unwrap(), i64::from(half_of_all) * 2, "{name}");
    }
}

#[tokio::test]
async fn a_deadline_ends_an_import_and_tells_how_far_it_came() {
    let db = connect(&["t (k int PRIMARY KEY, v text)"]).await;
    let limited = ServiceBuilder::new().layer(ConcurrencyLimitLayer::new(1).unwrap().reject());
    let limited = Client::new(limited.service(db.service().clone()));
    let rows = || (0..).map(|k: i32| (k, "v".to_owned()));
    let time = Duration::from_secs(1);
    let until = tokio::time::Instant::now() + time;
    let began = std::time::Instant::now();
    let report = limited.many(insert(), rows()).with_deadline(until).run_all().await;
    assert!(began.elapsed() < time + Duration::from_millis(500), "{:?}", began.elapsed());
    println!("{} rows in {time:?}, {} failed", report.succeeded, report.failed.len());
    assert!(!report.is_complete && report.succeeded > 0);
    let count = db.request(Statement::new("SELECT count(*) FROM t")).await.unwrap();
    let written = usize::try_from(count.value::<i64>().unwrap()).unwrap();
    // One that was in flight may have been applied.
    assert!((report.succeeded..=report.succeeded + 1).contains(&written), "{written}");
}

#[tokio::test]
async fn dropped_anywhere_it_leaves_no_permit_no_gauge_and_no_task() {
    let db = connect(&["t (k int PRIMARY KEY, v text)"]).await;
    let metrics = MetricsLayer::new();
    let limit = ConcurrencyLimitLayer::new(7).unwrap();
    let (stats, permits) = (metrics.handle(), limit.handle());
    let stack = ServiceBuilder::new().layer(metrics).layer(RetryLayer::default()).layer(limit);
    let stack = stack.layer(StatementCacheLayer::new(10).unwrap());
    let db = Client::new(stack.service(db.service().clone()));
    db.execute(insert(), (0, "v".to_owned())).await.unwrap();
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    for _ in 0..1_000 {
        let rows = (0..40).map(|k| (k, "v".to_owned()));
        let mut many = db.many(insert(), rows).in_flight(10).unwrap();
        if fastrand::bool() {
            many = many.ordered();
        }
        let all = async {
            if fastrand::bool() {
                return drop(many.run().await);
            }
            while many.next().await.is_some() {}
        };
        // Dropped wherever it is by then.
        let _ = timeout(Duration::from_micros(fastrand::u64(0..6_000)), all).await;
    }
    tokio::task::yield_now().await;
    let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    soon("no task is left", || alive() <= tasks);
    assert_eq!((permits.stats().in_flight, permits.stats().waiting), (0, 0));
    assert!(stats.snapshot().statements().iter().all(|statement| statement.in_flight == 0));
}
