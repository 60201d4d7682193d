//! Retry over a real Cassandra.

use std::time::{Duration, Instant};

use cqlstack_core::{Client, Error, ErrorClass, Request, Response, Session, Statement};
use cqlstack_middleware::retry::{Exhausted, Jitter, StopReason};
use cqlstack_middleware::{ConcurrencyLimitLayer, RetryLayer};
use cqlstack_tests::cluster::{Cluster, Lent};
use scylla::value::Counter;
use tokio::time::Instant as Clock;
use tower::{Layer, ServiceBuilder};

use crate::support::run;

/// One node, and a session that waits half a second for an answer.
async fn node() -> (Lent, Client<Session>) {
    let cluster = Cluster::shared_one_to_break().await.unwrap();
    let name = cluster.keyspace(1).await.unwrap().name().to_owned();
    let session = Session::builder()
        .contact_points(cluster.contact_points())
        .keyspace(name)
        .keepalive(Duration::from_secs(60), Duration::from_secs(60))
        .attempt_timeout(Duration::from_millis(500))
        .build()
        .await
        .unwrap();
    (cluster, Client::new(session))
}

fn retry(attempts: u32) -> RetryLayer {
    let builder = RetryLayer::builder().attempts(attempts).min_delay(Duration::from_millis(200));
    builder.multiplier(1.0).jitter(Jitter::None).build().unwrap()
}

async fn bound(db: &Client<Session>, statement: &Statement) -> Request {
    let prepared = db.service().prepare(statement).await.unwrap();
    Request::from(statement).bind(&prepared).unwrap()
}

fn attempts(outcome: &Result<Response, Error>) -> u32 {
    let error = outcome.as_ref().unwrap_err();
    error.downcast_ref::<Exhausted>().map_or(1, |exhausted| exhausted.attempts)
}

#[tokio::test]
async fn what_may_have_been_applied_is_applied_once_and_what_is_idempotent_is_sent_again() {
    let (cluster, db) = node().await;
    run(&db, "CREATE TABLE tick (id int PRIMARY KEY, n counter)").await;
    run(&db, "CREATE TABLE parcel (id int PRIMARY KEY, log list<text>, seen int)").await;
    // Where there are conditional statements, servers stamp plain ones, which are not sent again.
    run(&db, "CREATE TABLE claim (id int PRIMARY KEY, seen int)").await;
    // The user is wrong about the first, and says nothing about the others: their texts tell.
    let count = Statement::new("UPDATE tick SET n = n + 1 WHERE id = 1").idempotent(true);
    let count_another = Statement::new("UPDATE tick SET n = n + 1 WHERE id = 2");
    let append = Statement::new("UPDATE parcel SET log = log + ['x'] WHERE id = 1");
    let conditional = Statement::new("INSERT INTO claim (id, seen) VALUES (2, 2) IF NOT EXISTS");
    let set = Statement::new("UPDATE parcel SET seen = 1 WHERE id = 1");
    let insert = Statement::new("INSERT INTO parcel (id, seen) VALUES (3, 3)");
    let beside = Statement::new("INSERT INTO claim (id, seen) VALUES (3, 3)");
    let mut requests = Vec::new();
    for statement in [&count, &count_another, &append, &conditional, &beside, &set, &insert] {
        requests.push(bound(&db, statement).await);
    }
    let retrying = Client::new(retry(3).layer(db.service().clone()));

    cluster.node(0).unwrap().freeze().await.unwrap();
    for (request, expected) in requests.into_iter().zip([1, 1, 1, 1, 1, 3, 3]) {
        let outcome = retrying.request(request).await;
        let error = outcome.as_ref().unwrap_err();
        println!("{error}");
        assert_eq!(error.worst_class(), ErrorClass::Ambiguous);
        assert_eq!(attempts(&outcome), expected);
    }
    cluster.node(0).unwrap().resume().await.unwrap();

    // What was given up may still be applied, once.
    let settled = async {
        loop {
            let read = Statement::new("SELECT n FROM tick WHERE id = 1");
            let counted = db.request(&read).await;
            if let Ok(Some((n,))) = counted.and_then(|n| n.maybe_row::<(Counter,)>()) {
                return n;
            }
        }
    };
    assert_eq!(tokio::time::timeout(Duration::from_secs(20), settled).await.unwrap().0, 1);
    let log = run(&db, "SELECT log FROM parcel WHERE id = 1").await;
    assert_eq!(log.value::<Vec<String>>().unwrap(), ["x"]);
}

#[tokio::test]
async fn a_read_outlives_a_node_that_stands_still_for_a_while() {
    let (cluster, db) = node().await;
    let read = Statement::new("SELECT key FROM system.local WHERE key = 'local'");
    let request = bound(&db, &read).await;
    let limit = ConcurrencyLimitLayer::new(10).unwrap();
    let handle = limit.handle();
    let stack = ServiceBuilder::new().layer(retry(20)).layer(limit);
    let retrying = Client::new(stack.service(db.service().clone()));
    let node = cluster.node(0).unwrap();
    node.freeze().await.unwrap();
    let reads: Vec<_> = (0..100).map(|_| tokio::spawn(retrying.request(request.clone()))).collect();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(handle.stats().in_flight <= 10);
    node.resume().await.unwrap();
    for read in reads {
        assert_eq!(read.await.unwrap().unwrap().value::<&str>().unwrap(), "local");
    }
    assert_eq!((handle.stats().in_flight, handle.stats().waiting), (0, 0));
}

#[tokio::test]
async fn a_deadline_bounds_attempts_waits_and_the_queue_together() {
    let (cluster, db) = node().await;
    let read = Statement::new("SELECT key FROM system.local WHERE key = 'local'");
    let request = bound(&db, &read).await;
    let limit = ConcurrencyLimitLayer::new(1).unwrap();
    let stack = ServiceBuilder::new().layer(retry(100)).layer(limit);
    let retrying = Client::new(stack.service(db.service().clone()));
    cluster.node(0).unwrap().freeze().await.unwrap();
    let started = Instant::now();
    let deadline = Clock::now() + Duration::from_millis(1_500);
    let calls = (0..5).map(|_| retrying.request(request.clone().with_deadline(deadline)));
    for outcome in futures::future::join_all(calls).await {
        let error = outcome.unwrap_err();
        println!("{error}");
        if let Some(exhausted) = error.downcast_ref::<Exhausted>() {
            assert_ne!(exhausted.reason, StopReason::Attempts);
        }
    }
    let took = started.elapsed();
    assert!(took < Duration::from_millis(1_900), "{took:?}");
}
