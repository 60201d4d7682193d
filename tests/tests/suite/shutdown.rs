//! The end of a session.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cqlstack_core::{
    Client, Consistency, Error, ErrorClass, ErrorKind, Request, Session, Statement,
};
use cqlstack_middleware::StatementCacheLayer;
use cqlstack_tests::cluster::Cluster;
use cqlstack_tests::fault::{FaultProxy, Script, Step};
use cqlstack_tests::polls::counted;
use futures::future::join_all;
use tokio::time::{sleep, timeout};
use tower::Layer;

use crate::keyspaces::builder_through;
use crate::support::{connect, keyspace, run, shared_builder};

const LONG: Duration = Duration::from_secs(5);
const REQUESTS: i32 = 500;

/// How many connections the nodes have from clients that call themselves like this session.
async fn connections(watch: &Client<Session>, session_id: &str) -> usize {
    let text = "SELECT client_options FROM system_views.clients";
    let mut count = 0;
    for node in watch.service().nodes() {
        let alone = Session::builder().contact_points([node.address.to_string()]);
        let Ok(session) = alone.build().await else { continue };
        let answer = run(&Client::new(session), text).await;
        let rows = answer.rows::<(Option<std::collections::HashMap<String, String>>,)>().unwrap();
        count += rows
            .filter_map(|row| row.unwrap().0)
            .filter(|options| options.values().any(|value| value == session_id))
            .count();
    }
    count
}

fn alive_tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

/// Tasks that were told to end do so when they are scheduled next.
async fn until_tasks_are(most: usize) {
    let ended = async {
        while alive_tasks() > most {
            sleep(Duration::from_millis(10)).await;
        }
    };
    let in_time = timeout(LONG, ended).await.is_ok();
    assert!(in_time, "{} tasks are left, of {most}", alive_tasks());
}

#[tokio::test]
async fn what_is_in_flight_is_answered_and_what_comes_later_is_refused() {
    let watch = connect(&["t (k int PRIMARY KEY, v int)"]).await;
    let keyspace = watch.service().driver().unwrap().get_keyspace().unwrap();
    let tasks = alive_tasks();
    let session = shared_builder().await.keyspace(keyspace.as_str()).build().await.unwrap();
    let db = Client::new(StatementCacheLayer::default().layer(session.clone()));
    let insert = Statement::new("INSERT INTO t (k, v) VALUES (?, ?)");
    db.execute(&insert, (-1, -1)).await.unwrap();
    let id = session.driver().unwrap().session_id().to_string();
    assert!(connections(&watch, &id).await >= 1);
    let writes: Vec<_> = (0..REQUESTS).map(|k| tokio::spawn(db.execute(&insert, (k, k)))).collect();
    // Each has been polled once, and is in flight, or comes too late.
    tokio::task::yield_now().await;
    let began = Instant::now();
    let shutdown = session.shutdown(LONG).await;
    println!("{shutdown:?} after {:?}", began.elapsed());
    assert_eq!((shutdown.aborted, shutdown.complete), (0, true));
    assert!(began.elapsed() < LONG);
    let outcomes: Vec<Result<_, Error>> =
        join_all(writes).await.into_iter().map(Result::unwrap).collect();
    let answered = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    for error in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert_eq!((error.kind(), error.class()), (&ErrorKind::Closed, ErrorClass::NotExecuted));
    }
    let count = run(&watch, "SELECT count(*) FROM t").await.value::<i64>().unwrap();
    assert_eq!(usize::try_from(count).unwrap(), answered + 1);
    println!("{answered} answered");
    // An answer holds on to the driver's pool of the node that gave it.
    drop(outcomes);
    // Twice is fine, and nobody hangs.
    assert!(session.shutdown(LONG).await.complete);
    for error in [
        db.execute(&insert, (1, 1)).await.unwrap_err(),
        session.prepare(&insert).await.unwrap_err(),
        session.check_ready(LONG).await.unwrap_err(),
        session.driver().unwrap_err(),
    ] {
        println!("{error}");
        assert_eq!(*error.kind(), ErrorKind::Closed);
    }
    assert!(session.nodes().is_empty() && session.health(LONG).await.nodes.is_empty());
    until_tasks_are(tasks).await;
    until_gone(&watch, &id).await;
}

/// Until no node has a connection of this session any more.
async fn until_gone(watch: &Client<Session>, session_id: &str) {
    let gone = async {
        while connections(watch, session_id).await > 0 {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(LONG, gone).await.expect("connections are left");
}

#[tokio::test]
async fn two_at_once_and_requests_that_race_with_them_all_end() {
    for _ in 0..20 {
        let session = shared_builder().await.build().await.unwrap();
        let db = Client::new(session.clone());
        let select = Statement::new("SELECT key FROM system.local");
        let requests = (0..100).map(|_| db.request(&select));
        let (one, two, outcomes) =
            tokio::join!(session.shutdown(LONG), session.shutdown(LONG), join_all(requests));
        assert!(one.complete && two.complete);
        for error in outcomes.into_iter().filter_map(Result::err) {
            assert_eq!(*error.kind(), ErrorKind::Closed, "{error}");
        }
    }
}

#[tokio::test]
async fn dropping_every_handle_leaves_no_task() {
    let tasks = alive_tasks();
    let session = shared_builder().await.build().await.unwrap();
    let db = Client::new(session.clone());
    db.request(Statement::new("SELECT key FROM system.local")).await.unwrap();
    drop((db, session));
    until_tasks_are(tasks).await;
}

/// C52.
#[tokio::test(flavor = "multi_thread")]
async fn beside_a_frozen_node_it_ends_in_time_and_each_request_with_it() {
    let cluster = Cluster::shared_three().await.unwrap();
    let name = cluster.keyspace(1).await.unwrap().name().to_owned();
    let watch = Session::builder().contact_points(cluster.contact_points()).keyspace(&name);
    let watch = Client::new(watch.build().await.unwrap());
    run(&watch, "CREATE TABLE t (k int PRIMARY KEY, v int)").await;
    // A session that does not give up the frozen node by itself.
    let session = Session::builder()
        .contact_points(cluster.contact_points())
        .keyspace(&name)
        .keepalive(Duration::from_secs(60), Duration::from_secs(60))
        .attempt_timeout(Duration::from_secs(60))
        .build()
        .await
        .unwrap();
    let id = session.driver().unwrap().session_id().to_string();
    assert!(connections(&watch, &id).await >= 3, "one to each node, and one for control");
    let insert = Statement::new("INSERT INTO t (k, v) VALUES (?, ?)");
    let prepared = session.prepare(&insert).await.unwrap();
    let db = Client::new(session.clone());
    cluster.node(1).unwrap().freeze().await.unwrap();
    let writes = (0..REQUESTS).map(|k| {
        let write = Request::new(&insert, (k, k)).with_consistency(Consistency::One);
        tokio::spawn(db.request(write.bind(&prepared).unwrap()))
    });
    let writes: Vec<_> = writes.collect();
    // Those to the other nodes are answered, and those to the frozen one are on their way.
    let answered = async {
        while writes.iter().filter(|write| write.is_finished()).count() < 200 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(30), answered).await.unwrap();
    let began = Instant::now();
    let shutdown = session.shutdown(LONG).await;
    let took = began.elapsed();
    println!("{shutdown:?} after {took:?}");
    assert!(took <= LONG + Duration::from_millis(500), "{took:?}");
    assert!(shutdown.complete && shutdown.aborted > 0);
    let outcomes = timeout(LONG, join_all(writes)).await.unwrap();
    let (mut answered, mut aborted) = (0, 0);
    for outcome in outcomes {
        match outcome.unwrap() {
            Ok(_) => answered += 1,
            Err(error) => {
                assert_eq!(
                    (error.kind(), error.class()),
                    (&ErrorKind::AbortedByShutdown, ErrorClass::Ambiguous)
                );
                aborted += 1;
            }
        }
    }
    println!("{answered} answered, {aborted} aborted");
    assert_eq!((answered + aborted, aborted), (REQUESTS, i32::try_from(shutdown.aborted).unwrap()));
    cluster.node(1).unwrap().resume().await.unwrap();
    until_gone(&watch, &id).await;
}

#[tokio::test]
async fn requests_that_wait_for_a_silent_node_are_not_polled_and_a_shutdown_wakes_them() {
    const WAITING: usize = 2_000;
    const MINUTE: Duration = Duration::from_secs(60);
    let cluster = Cluster::shared().await.unwrap();
    let proxy = FaultProxy::before(cluster.node(0).unwrap().address()).await.unwrap();
    let builder = builder_through(&proxy, &keyspace().await).attempt_timeout(MINUTE);
    let session = builder.keepalive(MINUTE, MINUTE).build().await.unwrap();
    let select = Statement::new("SELECT key FROM system.local WHERE key = ?");
    let bound = Request::new(&select, ("local",)).bind(&session.prepare(&select).await.unwrap());
    let bound = bound.unwrap();
    let _silent = proxy.play(Script::requests().then(Step::BlackHole)).unwrap();

    let polls = Arc::new(AtomicU64::new(0));
    let db = Client::new(session.clone());
    let send = |_| tokio::spawn(counted(Arc::clone(&polls), db.request(bound.clone())));
    let waiting: Vec<_> = (0..WAITING).map(send).collect();
    // Each looks once, when it has waited for a quarter of a second.
    let looked = async {
        let mut before = 0;
        while before < 2 * WAITING as u64 || polls.load(Ordering::Relaxed) > before {
            before = polls.load(Ordering::Relaxed);
            sleep(Duration::from_millis(500)).await;
        }
    };
    timeout(LONG, looked).await.expect("each looks, and then nobody");
    let before = polls.load(Ordering::Relaxed);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(polls.load(Ordering::Relaxed) - before, 0, "polls in two seconds");

    // And one that has just begun.
    let late = send(0);
    tokio::task::yield_now().await;
    let began = Instant::now();
    let shutdown = session.shutdown(Duration::ZERO).await;
    println!("{shutdown:?} after {:?}", began.elapsed());
    assert_eq!((shutdown.aborted, shutdown.complete), (WAITING + 1, true));
    for outcome in timeout(LONG, join_all(waiting.into_iter().chain([late]))).await.unwrap() {
        assert_eq!(*outcome.unwrap().unwrap_err().kind(), ErrorKind::AbortedByShutdown);
    }
}
