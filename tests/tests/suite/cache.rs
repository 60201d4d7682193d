//! The statement cache over real and forged nodes.

use std::time::{Duration, Instant};

use cqlstack_core::{Client, Consistency, Request, Session, Statement};
use cqlstack_middleware::cache::{CacheHandle, StatementCache};
use cqlstack_middleware::{RetryLayer, StatementCacheLayer};
use cqlstack_tests::cluster::{Cluster, Lent};
use futures::future::join_all;
use scylla::client::caching_session::{CachingSession, CachingSessionBuilder};
use scylla::client::session_builder::SessionBuilder;
use tokio::time::timeout;
use tower::{Layer, ServiceBuilder};

use crate::forged::Forged;
use crate::support::{HEAVY, connect, run};

pub(crate) fn cached(session: &Session) -> (Client<StatementCache<Session>>, CacheHandle) {
    let layer = StatementCacheLayer::default();
    (Client::new(layer.layer(session.clone())), layer.handle())
}

#[tokio::test]
async fn a_thousand_first_uses_at_once_send_one_prepare_to_each_node() {
    const TEXT: &str = "SELECT k FROM t";
    let mut forged = Forged::start(3).await;
    let (db, _) = cached(&forged.session(Duration::from_secs(10)).await);
    let mut frames = forged.count_prepares();
    let select = Statement::new(TEXT);
    let all = join_all((0..1_000).map(|_| db.request(&select))).await;
    assert!(all.iter().all(Result::is_ok));
    let ours = frames.count();

    let driver = SessionBuilder::new().known_nodes(forged.points()).build().await.unwrap();
    let theirs: CachingSession = CachingSessionBuilder::new(driver).max_capacity(1_000).build();
    frames.count();
    let all = join_all((0..1_000).map(|_| theirs.execute_unpaged(TEXT, ()))).await;
    assert!(all.iter().all(Result::is_ok));
    println!("1,000 first uses, 3 nodes: {ours} PREPAREs; CachingSession: {}", frames.count());
    assert_eq!(ours, 3);
}

#[tokio::test]
async fn each_request_has_its_own_options_whoever_was_first() {
    let session = connect(&["t (k int PRIMARY KEY)"]).await;
    let (db, handle) = cached(session.service());
    for k in 0..4 {
        db.execute(Statement::new("INSERT INTO t (k) VALUES (?)"), (k,)).await.unwrap();
    }
    let select = Statement::new("SELECT k FROM t");
    let all = Request::from(&select).with_page_size(5_000).with_consistency(Consistency::One);
    let page = Request::from(&select).with_page_size(3);
    for (first, second) in [(&all, &page), (&page, &all)] {
        handle.clear();
        let (first, second) = tokio::join!(db.request(first.clone()), db.request(second.clone()));
        let mut counts = [first, second].map(|answer| {
            let answer = answer.unwrap();
            (answer.rows_count(), answer.next_page().is_some())
        });
        counts.sort_unstable();
        assert_eq!(counts, [(3, true), (4, false)]);
    }
    let impossible = Request::from(&select).with_consistency(Consistency::Three);
    assert!(db.request(impossible).await.is_err());
    assert!(db.request(&select).await.is_ok());
}

#[tokio::test]
async fn another_keyspace_in_use_prepares_anew() {
    let session = connect(&["t (k int PRIMARY KEY, here text)"]).await;
    let other = connect(&["t (k int PRIMARY KEY, here text)"]).await;
    let (db, handle) = cached(session.service());
    let insert = Statement::new("INSERT INTO t (k, here) VALUES (1, ?)");
    let select = Statement::new("SELECT here FROM t WHERE k = 1");
    db.execute(&insert, ("first",)).await.unwrap();
    let generation = session.service().schema_generation();
    let second = other.service().driver().unwrap().get_keyspace().unwrap();
    run(&session, &format!("USE {second}")).await;
    assert_ne!(session.service().schema_generation(), generation);
    db.execute(&insert, ("second",)).await.unwrap();
    assert_eq!(run(&other, "SELECT here FROM t").await.value::<&str>().unwrap(), "second");
    assert_eq!(db.request(&select).await.unwrap().value::<&str>().unwrap(), "second");
    assert_eq!((handle.stats().stale, handle.stats().prepares), (1, 3));
}

#[tokio::test]
async fn a_value_that_does_not_fit_leaves_the_entry_where_it_is() {
    let session = connect(&["t (k int PRIMARY KEY)"]).await;
    let (db, handle) = cached(session.service());
    let insert = Statement::new("INSERT INTO t (k) VALUES (?)");
    for _ in 0..10 {
        assert!(db.execute(&insert, ("no number",)).await.is_err());
    }
    db.execute(&insert, (1,)).await.unwrap();
    assert_eq!(handle.stats().prepares, 1);
}

/// Three nodes, a session with them, and a table on all of them.
async fn three_nodes(consistency: Consistency) -> (Lent, Session, String) {
    let cluster = Cluster::shared_three().await.unwrap();
    let table = format!("{}.t", cluster.keyspace(3).await.unwrap().name());
    cluster.run(format!("CREATE TABLE {table} (k int PRIMARY KEY, v int)")).await.unwrap();
    let builder = Session::builder().contact_points(cluster.contact_points());
    let session = builder.consistency(consistency).build().await.unwrap();
    (cluster, session, table)
}

#[tokio::test]
async fn first_uses_beside_a_frozen_node_are_answered_in_time() {
    let (cluster, session, table) = three_nodes(Consistency::One).await;
    // A coordinator may choose the frozen replica, and on a new table waits 2.5 s before it asks
    // another one: that is the server's time, not that of a first use.
    cluster.run(format!("ALTER TABLE {table} WITH speculative_retry = 'ALWAYS'")).await.unwrap();
    let driver = SessionBuilder::new().known_nodes(cluster.contact_points()).build().await.unwrap();
    let (db, _) = cached(&session);
    let texts: Vec<String> =
        (0..100).map(|n| format!("SELECT v AS v{n} FROM {table} WHERE k = 1")).collect();

    cluster.node(1).unwrap().freeze().await.unwrap();
    let started = Instant::now();
    let ours = join_all(texts.iter().map(|text| {
        let call = db.request(Statement::new(text.clone()));
        async move { (call.await, started.elapsed()) }
    }))
    .await;
    let slowest = ours.iter().map(|(_, took)| *took).max().unwrap();
    assert!(ours.iter().all(|(answer, _)| answer.is_ok()));

    let started = Instant::now();
    let theirs = join_all(texts.iter().map(|text| {
        timeout(Duration::from_secs(10), async {
            let prepared = driver.prepare(text.as_str()).await.ok()?;
            driver.execute_unpaged(&prepared, ()).await.ok()
        })
    }))
    .await;
    let answered = theirs.iter().filter(|answer| matches!(answer, Ok(Some(_)))).count();
    println!(
        "100 first uses beside a frozen node: all within {slowest:.1?}; the raw driver: {answered} \
         within {:.1?}",
        started.elapsed()
    );
    assert!(slowest < Duration::from_secs(6), "{slowest:?}");
}

/// One of three nodes is restarted under load, or each in turn.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restarted_nodes_cost_idempotent_callers_no_error() {
    let (cluster, session, table) = three_nodes(Consistency::Quorum).await;
    let cache = StatementCacheLayer::default();
    let handle = cache.handle();
    let stack = ServiceBuilder::new().layer(RetryLayer::default()).layer(cache);
    let db = Client::new(stack.service(session));
    let insert = Statement::new(format!("INSERT INTO {table} (k, v) VALUES (?, ?)"));
    let insert = insert.idempotent(true);
    let select = Statement::new(format!("SELECT v FROM {table} WHERE k = ?"));

    let (stop, stopped) = tokio::sync::watch::channel(false);
    let load = tokio::spawn(async move {
        let mut every = tokio::time::interval(Duration::from_millis(10));
        let mut calls = Vec::new();
        for k in 0_i32.. {
            if *stopped.borrow() {
                break;
            }
            every.tick().await;
            calls.push(tokio::spawn(db.execute(&insert, (k, k))));
            calls.push(tokio::spawn(db.execute(&select, (k,))));
        }
        join_all(calls).await.into_iter().map(Result::unwrap).collect::<Vec<_>>()
    });
    let restarted = if HEAVY { 3 } else { 1 };
    for node in &cluster.nodes()[..restarted] {
        node.restart().await.unwrap();
        cluster.settled().await.unwrap();
    }
    stop.send_replace(true);
    let outcomes = load.await.unwrap();
    let errors: Vec<String> =
        outcomes.iter().filter_map(|o| o.as_ref().err().map(ToString::to_string)).collect();
    println!(
        "{restarted} of 3 nodes restarted under 200 requests/s: {} requests, {} errors, {:?}",
        outcomes.len(),
        errors.len(),
        handle.stats()
    );
    assert!(errors.is_empty(), "{errors:?}");
}
