//! Rows over many pages, from a real Cassandra.

use std::time::Duration;

use cqlstack_core::{Client, ErrorKind, Request, Session, Statement};
use cqlstack_metrics::MetricsLayer;
use cqlstack_middleware::{ConcurrencyLimitLayer, StatementCacheLayer};
use futures::{StreamExt, TryStreamExt};
use tokio::time::timeout;
use tower::ServiceBuilder;

use crate::support::{connect, run, soon};

const LONG: Duration = Duration::from_secs(60);

async fn filled(rows: i32) -> Client<Session> {
    let db = connect(&["t (k int PRIMARY KEY, v int)"]).await;
    let cached = ServiceBuilder::new().layer(StatementCacheLayer::new(10).unwrap());
    let writer = Client::new(cached.service(db.service().clone()));
    let insert = Statement::new("INSERT INTO t (k, v) VALUES (?, ?)");
    writer.many(&insert, (0..rows).map(|k| (k, k % 20))).run().await.unwrap();
    db
}

fn all(page_size: u32) -> Request {
    Request::from(&Statement::new("SELECT k FROM t")).with_page_size(page_size)
}

#[tokio::test]
async fn every_row_comes_once() {
    let db = filled(1_000).await;
    let mut rows = db.rows::<(i32,)>(all(99));
    let mut seen: Vec<i32> = rows.by_ref().map_ok(|(k,)| k).try_collect().await.unwrap();
    assert_eq!(rows.page_count(), 11);
    seen.sort_unstable();
    assert_eq!(seen, (0..1_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn pages_without_rows_end_nothing() {
    let db = filled(200).await;
    let filtered = Statement::new("SELECT k FROM t WHERE v = 14 AND k > 150 ALLOW FILTERING");
    let request = Request::from(&filtered).with_page_size(1);
    let mut rows = db.rows::<(i32,)>(request);
    assert_eq!(rows.by_ref().count().await, 3);
}

#[tokio::test]
async fn a_write_for_each_row_does_not_wait_for_the_page_ahead() {
    let db = filled(200).await;
    let limited = ServiceBuilder::new().layer(ConcurrencyLimitLayer::new(1).unwrap());
    let db = Client::new(limited.service(db.service().clone()));
    let update = Statement::new("UPDATE t SET v = ? WHERE k = ?");
    let each = async {
        let mut rows = db.rows::<(i32,)>(all(7));
        let mut count = 0;
        while let Some((k,)) = rows.next_row().await.unwrap() {
            db.execute(&update, (1, k)).await.unwrap();
            count += 1;
        }
        count
    };
    assert_eq!(timeout(LONG, each).await.unwrap(), 200);
}

#[tokio::test]
async fn a_column_that_is_added_between_pages_is_a_typed_error_or_no_matter() {
    let db = connect(&["parcel (a int, b int, d int, PRIMARY KEY (a, b))"]).await;
    for b in 0..10 {
        run(&db, &format!("INSERT INTO parcel (a, b, d) VALUES (1, {b}, {b})")).await;
    }
    for text in ["SELECT * FROM parcel", "SELECT a, b, d FROM parcel"] {
        let request = Request::from(&Statement::new(text)).with_page_size(2);
        let mut rows = db.pages(request).without_prefetch().rows::<(i32, i32, i32)>();
        assert_eq!(rows.next_row().await.unwrap(), Some((1, 0, 0)));
        run(&db, "ALTER TABLE parcel ADD c text").await;
        let mut seen = vec![(1, 0, 0)];
        let end = loop {
            match rows.next_row().await {
                Ok(Some(row)) => seen.push(row),
                end => break end,
            }
        };
        // What came is right, and what ends it says where.
        assert!(seen.iter().zip(0..).all(|(row, b)| *row == (1, b, b)), "{seen:?}");
        match end {
            Ok(_) => assert_eq!(seen.len(), 10),
            Err(error) => {
                println!("{error}");
                assert!(matches!(error.kind(), ErrorKind::Rows(_)), "{error}");
                assert!(error.to_string().contains("page 2"), "{error}");
            }
        }
        run(&db, "ALTER TABLE parcel DROP c").await;
    }
}

#[tokio::test]
async fn a_table_that_is_dropped_between_pages_is_an_error_after_the_rows_before() {
    let db = filled(100).await;
    let mut rows = db.pages(all(10)).without_prefetch().rows::<(i32,)>();
    rows.next_row().await.unwrap().unwrap();
    run(&db, "DROP TABLE t").await;
    let rest: Vec<_> = timeout(LONG, rows.collect()).await.unwrap();
    assert_eq!(rest.len(), 10);
    println!("{}", rest[9].as_ref().unwrap_err());
    assert!(rest[..9].iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_page_of_no_rows_is_refused() {
    let db = filled(10).await;
    let error = db.rows::<(i32,)>(all(0)).next_row().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidRequest(_)), "{error}");
}

#[tokio::test]
async fn dropped_anywhere_it_leaves_no_permit_no_gauge_and_no_task() {
    let db = filled(200).await;
    let metrics = MetricsLayer::new();
    let limit = ConcurrencyLimitLayer::new(3).unwrap();
    let (stats, permits) = (metrics.handle(), limit.handle());
    let stack = ServiceBuilder::new().layer(metrics).layer(limit);
    let stack = stack.layer(StatementCacheLayer::new(10).unwrap());
    let db = Client::new(stack.service(db.service().clone()));
    db.rows::<(i32,)>(all(50)).next_row().await.unwrap();
    tokio::task::yield_now().await;
    let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let tasks = alive();
    for _ in 0..1_000 {
        let mut rows = db.rows::<(i32,)>(all(9));
        let every = async { while rows.next_row().await.unwrap().is_some() {} };
        // Dropped wherever it is by then.
        let _ = timeout(Duration::from_micros(fastrand::u64(0..20_000)), every).await;
    }
    tokio::task::yield_now().await;
    soon("no task is left", || alive() <= tasks);
    assert_eq!((permits.stats().in_flight, permits.stats().waiting), (0, 0));
    assert!(stats.snapshot().statements().iter().all(|statement| statement.in_flight == 0));
}
