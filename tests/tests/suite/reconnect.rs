//! A connection that is gone is waited for by the retry layer, and by nobody else.

use std::time::{Duration, Instant};

use cqlstack_core::{Client, CqlService, ErrorClass, ErrorKind, Request, Session, Statement};
use cqlstack_middleware::retry::{Exhausted, StopReason};
use cqlstack_middleware::{RetryLayer, StatementCacheLayer};
use cqlstack_tests::cluster::Cluster;
use cqlstack_tests::fault::{FaultProxy, Script, Step, opcode};
use tokio::time::Instant as Clock;
use tower::{Layer, ServiceBuilder};

use crate::support::keyspace;

/// As long as no test takes.
const NEVER: Duration = Duration::from_secs(60);

fn stack(session: &Session, retry: &RetryLayer) -> Client<impl CqlService> {
    let stack = ServiceBuilder::new().layer(retry.clone()).layer(StatementCacheLayer::default());
    Client::new(stack.service(session.clone()))
}

/// Until no node has a connection that is not known to be broken.
async fn until_down(session: &Session) {
    let down = async {
        while session.nodes().iter().any(|node| node.up) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), down).await.unwrap();
}

#[tokio::test]
async fn a_connection_that_is_reset_on_use_costs_no_request() {
    const TIMES: u32 = 100;
    let name = keyspace().await;
    // One node: to others a session would go without the proxy.
    let shared = Cluster::shared().await.unwrap();
    assert_eq!(shared.nodes().len(), 1, "the shared cluster has one node");
    shared.run(format!("CREATE TABLE {name}.t (k int PRIMARY KEY, v int)")).await.unwrap();
    let proxy = FaultProxy::before(shared.node(0).unwrap().address()).await.unwrap();
    let session = Session::builder()
        .contact_points([proxy.address().to_string()])
        .address_translation([proxy.translation()])
        .keepalive(NEVER, NEVER)
        .build()
        .await
        .unwrap();
    let retry = RetryLayer::default();
    let db = stack(&session, &retry);
    let read = Statement::new(format!("SELECT v FROM {name}.t WHERE k = ?"));
    let write = Statement::new(format!("INSERT INTO {name}.t (k, v) VALUES (?, ?)"));
    db.execute(&read, (1,)).await.unwrap();
    db.execute(&write, (1, 1)).await.unwrap();

    let (mut in_time, mut slowest) = (0, Duration::ZERO);
    for time in 0..TIMES {
        let used = |frame: &cqlstack_tests::fault::Frame<'_>| {
            !frame.is_control() && frame.request() == Some(opcode::EXECUTE)
        };
        let playing = proxy.play(Script::requests().when(used).then(Step::Reset)).unwrap();
        let began = Instant::now();
        // Three reads and a write that may be sent again, in turn.
        let answer = if time % 4 == 3 {
            db.execute(&write, (1, 1)).await
        } else {
            db.execute(&read, (1,)).await
        };
        let took = began.elapsed();
        assert_eq!(playing.begun(), 1, "nothing was reset");
        slowest = slowest.max(took);
        match answer {
            Ok(_) if took <= Duration::from_secs(2) => in_time += 1,
            outcome => println!("{outcome:?} after {took:.1?}"),
        }
    }
    let stats = retry.handle().stats();
    println!("{in_time} of {TIMES} in time, the slowest after {slowest:.1?}; {stats:?}");
    assert!(in_time >= TIMES * 99 / 100);
    assert!(stats.unconnected > u64::from(TIMES) / 2);
}

#[tokio::test]
async fn what_met_no_connection_was_not_executed_and_waits_for_one() {
    let cluster = Cluster::shared_one_to_break().await.unwrap();
    let name = cluster.keyspace(1).await.unwrap().name().to_owned();
    cluster.run(format!("CREATE TABLE {name}.t (k int PRIMARY KEY, v int)")).await.unwrap();
    let session =
        Session::builder().contact_points(cluster.contact_points()).build().await.unwrap();
    let bare = Client::new(session.clone());
    let insert = Statement::new(format!("INSERT INTO {name}.t (k, v) VALUES (1, 1)"));
    let prepared = session.prepare(&insert).await.unwrap();
    let request = || Request::from(&insert).bind(&prepared).unwrap();
    assert!(request().is_idempotent());
    let node = cluster.node(0).unwrap();
    node.kill().await.unwrap();
    until_down(&session).await;

    // The session alone says so at once.
    let began = Instant::now();
    let error = bare.request(request()).await.unwrap_err();
    println!("{error} ({:.1?})", began.elapsed());
    assert_eq!((error.kind(), error.class()), (&ErrorKind::NoConnection, ErrorClass::NotExecuted));
    assert!(began.elapsed() < Duration::from_millis(100));

    // The retry layer waits, until the request's deadline.
    let db = stack(&session, &RetryLayer::default());
    let (began, wait) = (Instant::now(), Duration::from_millis(1_500));
    let error = db.request(request().with_deadline(Clock::now() + wait)).await.unwrap_err();
    println!("{error} ({:.1?})", began.elapsed());
    let exhausted = error.downcast_ref::<Exhausted>().unwrap();
    assert_eq!((exhausted.attempts, exhausted.reason), (0, StopReason::Deadline));
    assert!(exhausted.unconnected > 5);
    assert_eq!(error.worst_class(), ErrorClass::NotExecuted);
    assert!(began.elapsed() <= wait && began.elapsed() > wait * 4 / 5);

    // Or until there is a connection.
    let patient = Clock::now() + Duration::from_secs(60);
    let waiting = tokio::spawn(db.request(request().with_deadline(patient)));
    node.start().await.unwrap();
    waiting.await.unwrap().unwrap();
}

/// Below a retry of one attempt nothing waits.
#[tokio::test]
async fn one_attempt_is_one() {
    let cluster = Cluster::shared_one_to_break().await.unwrap();
    let session =
        Session::builder().contact_points(cluster.contact_points()).build().await.unwrap();
    let read = Statement::new("SELECT key FROM system.local WHERE key = 'local'");
    let prepared = session.prepare(&read).await.unwrap();
    let node = cluster.node(0).unwrap();
    node.kill().await.unwrap();
    until_down(&session).await;
    let once = RetryLayer::builder().attempts(1).build().unwrap();
    let db = Client::new(once.layer(session.clone()));
    let began = Instant::now();
    let error = db.request(Request::from(&read).bind(&prepared).unwrap()).await.unwrap_err();
    println!("{error}");
    assert!(began.elapsed() < Duration::from_millis(500));
    assert_eq!(*error.kind(), ErrorKind::NoConnection);
    node.start().await.unwrap();
}
