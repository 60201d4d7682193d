//! Nodes that go and come back, under load.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cqlstack_core::{
    Client, Consistency, CqlService, Credentials, Request, Session, Statement, StaticStatement,
};
use cqlstack_tests::cluster::{Cluster, Lent, PASSWORD, USER};
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};

use crate::support::{full_stack, run};

const LONG: Duration = Duration::from_secs(5);

static INSERT: StaticStatement = StaticStatement::new("INSERT INTO t (k, v) VALUES (?, ?)");

async fn table() -> (Lent, Session) {
    let cluster = Cluster::shared_three().await.unwrap();
    let name = cluster.keyspace(3).await.unwrap().name().to_owned();
    // The control connection goes to the first node.
    let builder = Session::builder().contact_points(&cluster.contact_points()[..1]).keyspace(name);
    let session = builder.build().await.unwrap();
    run(&Client::new(session.clone()), "CREATE TABLE t (k int PRIMARY KEY, v int)").await;
    (cluster, session)
}

/// 500 writes a second, until it is told to end; how many there were, and what failed.
async fn write_on(
    db: Client<impl CqlService>,
    end: tokio::sync::watch::Receiver<bool>,
) -> (i32, Vec<String>) {
    let mut every = interval(Duration::from_millis(2));
    let (mut writes, mut errors, mut k) = (JoinSet::new(), Vec::new(), 0);
    while !*end.borrow() {
        every.tick().await;
        let write = Request::new(&INSERT, (k, k)).with_consistency(Consistency::Quorum);
        writes.spawn(db.request(write));
        k += 1;
        while let Some(outcome) = writes.try_join_next() {
            errors.extend(outcome.unwrap().err().map(|error| error.to_string()));
        }
    }
    for outcome in writes.join_all().await {
        errors.extend(outcome.err().map(|error| error.to_string()));
    }
    (k, errors)
}

async fn until_up(session: &Session, most: Duration) -> Duration {
    let began = Instant::now();
    let up = async {
        while !session.nodes().iter().all(|node| node.up) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(most, up).await.unwrap_or_else(|_| panic!("{:?}", session.nodes()));
    began.elapsed()
}

/// C49.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_restart_one_after_another_cost_no_error() {
    let (cluster, session) = table().await;
    let db = full_stack(&session);
    let (end, ended) = tokio::sync::watch::channel(false);
    let writing = tokio::spawn(write_on(db, ended));
    for round in 0..2 {
        for node in 0..3 {
            cluster.node(node).unwrap().restart().await.unwrap();
            let took = until_up(&session, Duration::from_secs(10)).await;
            println!("round {round}: node {node} has connections {took:.1?} after it answers");
            cluster.settled().await.unwrap();
        }
    }
    end.send(true).unwrap();
    let (writes, errors) = writing.await.unwrap();
    println!("{} of {writes} writes failed: {:?}", errors.len(), errors.first());
    assert!(errors.is_empty());
}

/// C55.
#[tokio::test(flavor = "multi_thread")]
async fn with_the_node_of_the_control_connection_frozen_the_session_goes_on() {
    let (cluster, session) = table().await;
    let db = full_stack(&session);
    let write = |k: i32| Request::new(&INSERT, (k, k)).with_consistency(Consistency::Quorum);
    db.request(write(0)).await.unwrap();
    cluster.node(0).unwrap().freeze().await.unwrap();
    let began = Instant::now();
    for k in 0..200 {
        db.request(write(k)).await.unwrap();
    }
    println!("200 writes within {:.1?} beside it", began.elapsed());
    let keyspace = session.driver().unwrap().get_keyspace().unwrap();
    let other = Session::builder().contact_points(&cluster.contact_points()[1..]);
    let other = Client::new(other.keyspace(keyspace.as_str()).build().await.unwrap());
    let create = "CREATE TABLE later (k int PRIMARY KEY, v int)";
    // The frozen node does not agree: that it was done is what counts.
    let _ = timeout(Duration::from_secs(5), other.request(Statement::new(create))).await;
    let later = Statement::new("INSERT INTO later (k, v) VALUES (1, 1)");
    let usable = async {
        while db.request(&later).await.is_err() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    let began = Instant::now();
    timeout(Duration::from_secs(15), usable).await.unwrap();
    println!("a new table is usable after {:.1?}", began.elapsed());
    // Not in order: it would wait for the frozen one.
    cluster.node(2).unwrap().kill().await.unwrap();
    cluster.node(2).unwrap().start().await.unwrap();
    let frozen = cluster.node(0).unwrap().address();
    let began = Instant::now();
    let back = async {
        while !session.nodes().iter().all(|node| node.up || node.address == frozen) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(15), back).await.unwrap();
    println!("the restarted node has connections after {:.1?}", began.elapsed());
    cluster.node(0).unwrap().resume().await.unwrap();
    until_up(&session, Duration::from_secs(15)).await;
}

/// C46: what the role's password is while the program runs.
#[tokio::test]
async fn a_password_that_is_changed_is_told_by_health_and_mended_by_its_provider() {
    let cluster = Cluster::builder().password_auth().start().await.unwrap();
    let builder = || Session::builder().contact_points(cluster.contact_points());
    let admin = Client::new(builder().user(USER, PASSWORD).build().await.unwrap());
    run(&admin, "CREATE ROLE ada WITH PASSWORD = 'first' AND LOGIN = true").await;
    let password = Arc::new(Mutex::new("first"));
    let current = Arc::clone(&password);
    let session = builder()
        .credentials_from(move || Ok(Credentials::new("ada", *current.lock().unwrap())))
        .build()
        .await
        .unwrap();
    run(&admin, "ALTER ROLE ada WITH PASSWORD = 'second'").await;
    // What is connected stays.
    assert!(session.health(LONG).await.all_reachable());
    cluster.node(0).unwrap().restart().await.unwrap();
    let health = session.health(LONG).await;
    println!("{health}");
    assert!(!health.any_reachable());
    assert!(!format!("{health} {health:?}").contains("first"));
    *password.lock().unwrap() = "second";
    let began = Instant::now();
    let back = async {
        while !session.health(LONG).await.all_reachable() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(15), back).await.unwrap();
    println!("reachable {:.1?} after its provider knows", began.elapsed());
}
