//! What is bounded in time beside a node that does not answer, and what the caller then knows.

use std::time::{Duration, Instant};

use cqlstack_core::{Client, ErrorClass, ErrorKind, Request, Session, Statement, Waited};
use cqlstack_tests::cluster::Cluster;
use tokio::time::Instant as Clock;

use crate::support::run;

const SHORT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn beside_a_frozen_node_every_call_ends_in_time_with_its_class() {
    let cluster = Cluster::shared_one_to_break().await.unwrap();
    let session = Session::builder()
        .contact_points(cluster.contact_points())
        .attempt_timeout(Duration::from_secs(1))
        .prepare_timeout(Duration::from_millis(700))
        // Longer than the test: it is the session's own clock that is looked at.
        .keepalive(Duration::from_secs(60), Duration::from_secs(60))
        .build()
        .await
        .unwrap();
    let db = Client::new(session.clone());
    let keyspace = cluster.keyspace(1).await.unwrap();
    let table = format!("{}.t", keyspace.name());
    run(&db, &format!("CREATE TABLE {table} (k int PRIMARY KEY, v int)")).await;
    let read = Statement::new(format!("SELECT v FROM {table} WHERE k = 1"));
    let write = Statement::new(format!("INSERT INTO {table} (k, v) VALUES (1, 1)"));
    let conditional = Statement::new(format!("DELETE FROM {table} WHERE k = 1 IF EXISTS"));
    let mut bound = Vec::new();
    for statement in [&read, &write, &conditional] {
        let prepared = session.prepare(statement).await.unwrap();
        bound.push(Request::from(statement).bind(&prepared).unwrap());
    }

    cluster.node(0).unwrap().freeze().await.unwrap();
    let expected = [ErrorClass::NotExecuted, ErrorClass::Ambiguous, ErrorClass::Ambiguous];
    for (request, class) in bound.iter().zip(expected) {
        // The session's own timeout, the request's, its deadline: the earliest ends the call.
        let long = Duration::from_secs(9);
        for (limit, timeout, deadline) in [
            (Duration::from_secs(1), None, None),
            (SHORT, Some(SHORT), Some(long)),
            (SHORT, Some(long), Some(SHORT)),
        ] {
            let mut request = request.clone();
            if let Some(timeout) = timeout {
                request = request.with_attempt_timeout(timeout);
            }
            if let Some(time) = deadline {
                request = request.with_deadline(Clock::now() + time);
            }
            let started = Instant::now();
            let error = db.request(request).await.unwrap_err();
            let took = started.elapsed();
            println!("{error} ({took:.1?})");
            assert!(matches!(error.kind(), ErrorKind::Timeout { .. }));
            assert_eq!(error.class(), class);
            assert!(took + Duration::from_millis(50) >= limit, "{took:?}");
            assert!(took < limit + Duration::from_millis(500), "{took:?}");
        }
    }

    let passed = bound[1].clone().with_deadline(Clock::now());
    let error = db.request(passed).await.unwrap_err();
    println!("{error}");
    assert_eq!(*error.kind(), ErrorKind::DeadlinePassed(Waited::BeforeTheSession));
    assert_eq!(error.class(), ErrorClass::NotExecuted);

    // What is not prepared is certainly not executed, whatever its kind.
    for statement in [&read, &write, &conditional] {
        for request in [Request::prepare(statement), Request::from(statement)] {
            let started = Instant::now();
            let error = db.request(request).await.unwrap_err();
            println!("{error} ({:.1?})", started.elapsed());
            assert!(matches!(error.kind(), ErrorKind::PrepareTimeout { .. }));
            assert_eq!(error.class(), ErrorClass::NotExecuted);
            assert!(started.elapsed() < Duration::from_millis(1_200));
        }
    }

    cluster.node(0).unwrap().resume().await.unwrap();
    assert!(run(&db, "SELECT key FROM system.local").await.rows_count() == 1);
}
