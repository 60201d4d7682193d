//! What is final is sent once: on the wire, and on a real node.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use cqlstack_core::{
    Batch, BatchFault, BatchLimits, Client, CqlService, Error, ErrorClass, ErrorKind,
    FailureReason, Recovery, Request, Session, Statement,
};
use cqlstack_middleware::retry::Exhausted;
use cqlstack_middleware::{RetryLayer, StatementCacheLayer};
use cqlstack_tests::cluster::Cluster;
use cqlstack_tests::fault::{FaultProxy, opcode};
use futures::future::join_all;
use tower::{Layer, ServiceBuilder};

use crate::support::{HEAVY, count, run, soon};

const LONG: Duration = Duration::from_secs(60);

/// A session through a proxy, with the default retry and a cache.
async fn retrying(proxy: &FaultProxy, keyspace: &str, texts: usize) -> Client<impl CqlService> {
    let limits = BatchLimits { texts, ..BatchLimits::CASSANDRA };
    let session = Session::builder()
        .contact_points([proxy.address().to_string()])
        .address_translation([proxy.translation()])
        .keyspace(keyspace)
        .batch_limits(limits)
        .build()
        .await
        .unwrap();
    let stack =
        ServiceBuilder::new().layer(RetryLayer::default()).layer(StatementCacheLayer::default());
    Client::new(stack.service(session))
}

/// A session that does not give up a silent node by itself.
async fn undying(cluster: &Cluster) -> Session {
    let builder = Session::builder().contact_points(cluster.contact_points());
    builder.keepalive(LONG, LONG).build().await.unwrap()
}

fn attempts(error: &Error) -> u32 {
    error.downcast_ref::<Exhausted>().map_or(1, |exhausted| exhausted.attempts)
}

/// One node that fails at few tombstones and has the smallest cache of statements there is.
async fn small() -> Cluster {
    let threshold = if HEAVY { "100000" } else { "1000" };
    Cluster::builder()
        .yaml("prepared_statements_cache_size", "1MiB")
        .yaml("tombstone_warn_threshold", "900")
        .yaml("tombstone_failure_threshold", threshold)
        .start()
        .await
        .unwrap()
}

/// Both on one node, which takes its time to start.
#[tokio::test]
async fn on_a_small_node_tombstones_and_many_texts_cost_one_send() {
    let cluster = small().await;
    let keyspace = cluster.keyspace(1).await.unwrap().name().to_owned();
    let direct = Session::builder().contact_points(cluster.contact_points()).keyspace(&keyspace);
    let direct = Client::new(direct.build().await.unwrap());
    let proxy = FaultProxy::before(cluster.node(0).unwrap().address()).await.unwrap();
    too_many_tombstones(&direct, &proxy, &keyspace).await;
    batches_of_many_texts(&direct, &proxy, &keyspace).await;
}

async fn too_many_tombstones(direct: &Client<Session>, proxy: &FaultProxy, keyspace: &str) {
    run(direct, "CREATE TABLE queue (id int, at int, v text, PRIMARY KEY (id, at))").await;
    let rows = if HEAVY { 120_000 } else { 1_200 };
    let stack = StatementCacheLayer::default().layer(direct.service().clone());
    let delete = Statement::new("DELETE FROM queue WHERE id = 1 AND at = ?");
    let deleted = Client::new(stack).many(&delete, (0..rows).map(|at| (at,))).run().await;
    assert_eq!(deleted.unwrap(), usize::try_from(rows).unwrap());

    let db = retrying(proxy, keyspace, 100).await;
    let read = Statement::new("SELECT v FROM queue WHERE id = ?");
    db.execute(&read, (2,)).await.unwrap();
    let (sent, _counting) =
        count(proxy, |frame| !frame.is_control() && frame.request() == Some(opcode::EXECUTE));
    let began = Instant::now();
    let error = db.execute(&read, (1,)).await.unwrap_err();
    println!("{error} ({:.1?})", began.elapsed());
    assert_eq!(sent.load(Ordering::Relaxed), 1);
    let ErrorKind::ReadFailure(replicas) = error.kind() else { panic!("{error:?}") };
    assert_eq!(replicas.reason, Some(FailureReason::TooManyTombstones));
    let node = replicas.node.unwrap();
    assert_eq!(node.ip(), proxy.translation().0.ip());
    assert_eq!((error.class(), error.recovery()), (ErrorClass::NotExecuted, Recovery::Final));
    let text = error.to_string();
    for part in [&*node.to_string(), "tombstones", "read a smaller range"] {
        assert!(text.contains(part), "{text}");
    }
}

async fn batches_of_many_texts(direct: &Client<Session>, proxy: &FaultProxy, keyspace: &str) {
    run(direct, "CREATE TABLE texts (id int, n int, v text, w int, PRIMARY KEY (id, n))").await;
    let batch = |texts: usize| {
        (0..texts).fold(Batch::logged(), |batch, n| {
            let text = format!("INSERT INTO texts (id, n, v, w) VALUES (1, ?, 'its own', {n})");
            batch.add(Statement::new(text), (i32::try_from(n).unwrap(),))
        })
    };
    // A cache that is full of what is used often does not take what is new at once.
    let again = RetryLayer::builder().attempts(100).build().unwrap();
    let again = Client::new(again.layer(direct.service().clone()));
    let rows = Statement::new("SELECT count(*) FROM texts");
    let written = async || again.request(&rows).await.unwrap().value::<i64>().unwrap();
    let (prepares, _counting) =
        count(proxy, |frame| !frame.is_control() && frame.request() == Some(opcode::PREPARE));
    let default = retrying(proxy, keyspace, BatchLimits::CASSANDRA.texts).await;
    for texts in [300, 600, 1_000] {
        let error = default.request(batch(texts)).await.unwrap_err();
        println!("{error}");
        let fault = BatchFault::TooManyTexts { texts, limit: 100 };
        assert_eq!(*error.kind(), ErrorKind::Batch(fault));
        assert_eq!((error.class(), attempts(&error)), (ErrorClass::Permanent, 1));
    }
    // Of the first text, which tells whose limit it is.
    assert!(prepares.load(Ordering::Relaxed) <= 1);
    assert_eq!(written().await, 0);
    default.request(batch(100)).await.unwrap();
    assert_eq!(written().await, 100);

    // Who raises the limit beyond what the server holds is told in time that nothing was executed.
    let raised = retrying(proxy, keyspace, 1_000).await;
    for texts in [300, 600, 1_000] {
        run(direct, "TRUNCATE texts").await;
        let before = prepares.load(Ordering::Relaxed);
        let began = Instant::now();
        // As long as it takes: here the count ends it, and not the time.
        let patient = Request::from(batch(texts)).with_attempt_timeout(LONG);
        let outcome = raised.request(patient).await;
        let took = began.elapsed();
        let frames = prepares.load(Ordering::Relaxed) - before;
        let told = outcome.as_ref().map_or_else(ToString::to_string, |_| "done".to_owned());
        println!("{texts} texts: {told}; {frames} prepares, {took:.1?}");
        assert!(took < LONG, "{took:?}");
        let expected = match &outcome {
            Ok(_) => i64::try_from(texts).unwrap(),
            Err(error) => {
                assert_eq!(error.worst_class(), ErrorClass::NotExecuted, "{error}");
                assert_eq!(attempts(error), 1);
                0
            }
        };
        assert_eq!(written().await, expected);
        // Once by the cache, and once more for each text, and a few times more, by the driver.
        assert!(frames <= 2 * texts + 6, "{frames}");
    }
}

/// What a service does when it is stopped: its requests do not hold it up.
#[tokio::test]
async fn a_session_that_is_shut_down_is_asked_once() {
    let cluster = Cluster::shared_one_to_break().await.unwrap();
    let keyspace = cluster.keyspace(1).await.unwrap().name().to_owned();
    cluster.run(format!("CREATE TABLE {keyspace}.t (k int PRIMARY KEY, v int)")).await.unwrap();
    let insert = Statement::new(format!("INSERT INTO {keyspace}.t (k, v) VALUES (?, ?)"));
    for retry in [RetryLayer::default(), RetryLayer::guide()] {
        let session = undying(&cluster).await;
        let handle = retry.handle();
        let stack = ServiceBuilder::new().layer(retry).layer(StatementCacheLayer::default());
        let db = Client::new(stack.service(session.clone()));
        db.execute(&insert, (1, 1)).await.unwrap();
        cluster.node(0).unwrap().freeze().await.unwrap();
        let in_flight: Vec<_> =
            (0..10).map(|k| tokio::spawn(db.execute(&insert, (k, k)))).collect();
        tokio::task::yield_now().await;
        let shutdown = session.shutdown(Duration::from_millis(100)).await;
        assert_eq!(shutdown.aborted, 10);
        let ended = Instant::now();
        for outcome in join_all(in_flight).await {
            let error = outcome.unwrap().unwrap_err();
            assert_eq!(
                (error.kind(), error.class()),
                (&ErrorKind::AbortedByShutdown, ErrorClass::Ambiguous)
            );
            assert!(
                error.to_string().ends_with("send it again, through another session"),
                "{error}"
            );
        }
        let error = db.execute(&insert, (1, 1)).await.unwrap_err();
        println!("{error}");
        assert_eq!((error.kind(), error.class()), (&ErrorKind::Closed, ErrorClass::NotExecuted));
        assert!(ended.elapsed() < Duration::from_millis(500), "{:?}", ended.elapsed());
        assert_eq!(handle.stats().resent(), 0);
        cluster.node(0).unwrap().resume().await.unwrap();
    }
}

/// Requests are counted, and not what else holds a session.
#[tokio::test]
async fn a_shutdown_counts_requests() {
    let cluster = Cluster::shared_one_to_break().await.unwrap();
    let session = undying(&cluster).await;
    let db = Client::new(session.clone());
    let read = Statement::new("SELECT key FROM system.local WHERE key = 'local'");
    let prepared = session.prepare(&read).await.unwrap();
    let request = || Request::from(&read).bind(&prepared).unwrap();
    let drivers = (session.driver().unwrap(), session.driver().unwrap());
    cluster.node(0).unwrap().freeze().await.unwrap();
    let in_flight: Vec<_> = (0..3).map(|_| tokio::spawn(db.request(request()))).collect();
    // A text that depends on the keyspace goes on when its caller has given up.
    let given_up = tokio::spawn(db.request(Statement::new("TRUNCATE t")));
    tokio::time::sleep(Duration::from_millis(100)).await;
    given_up.abort();
    let asking = tokio::spawn({
        let session = session.clone();
        async move { session.health(Duration::from_secs(3)).await.nodes.len() }
    });
    tokio::task::yield_now().await;
    let shutdown = session.shutdown(Duration::from_millis(200)).await;
    println!("{shutdown:?}");
    assert_eq!(shutdown.aborted, 3);
    for outcome in join_all(in_flight).await {
        assert_eq!(*outcome.unwrap().unwrap_err().kind(), ErrorKind::AbortedByShutdown);
    }
    drop(drivers);
    cluster.node(0).unwrap().resume().await.unwrap();
    soon("the look at its health ends", || asking.is_finished());
}
