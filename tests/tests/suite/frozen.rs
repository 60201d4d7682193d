//! Building a session beside frozen nodes. The driver asks contact points in an order of its own each
//! time, hence many builds.

use std::time::{Duration, Instant};

use cqlstack_core::{Error, ErrorKind, Session, Statement};
use cqlstack_tests::cluster::Cluster;
use futures::future::join_all;
use tokio::time::timeout;

use crate::support::HEAVY;

const BUILDS: usize = 20;

/// Builds many sessions at a time; returns the outcomes, and prints how long they took.
async fn build(what: &str, points: &[String]) -> Vec<(Result<Session, Error>, Duration)> {
    let builds = (0..BUILDS).map(|_| async {
        let started = Instant::now();
        let session = Session::builder().contact_points(points).build().await;
        (session, started.elapsed())
    });
    let outcomes = join_all(builds).await;
    let mut times: Vec<Duration> = outcomes.iter().map(|(_, time)| *time).collect();
    times.sort_unstable();
    let sessions = outcomes.iter().filter(|(outcome, _)| outcome.is_ok()).count();
    println!(
        "{what}: {sessions} sessions of {BUILDS}, minimum {:.2?}, median {:.2?}, maximum {:.2?}",
        times[0],
        times[BUILDS / 2],
        times[BUILDS - 1]
    );
    outcomes
}

fn check(outcomes: Vec<(Result<Session, Error>, Duration)>, points: &[String], needed: bool) {
    for (outcome, took) in outcomes {
        assert!(took < Duration::from_millis(if needed { 10_000 } else { 10_500 }), "{took:?}");
        if let Err(error) = outcome {
            assert!(!needed, "{error}");
            assert!(matches!(error.kind(), ErrorKind::Unreachable { .. }), "{error}");
            assert!(error.to_string().contains(&points.join(", ")));
        }
    }
}

#[tokio::test]
async fn a_session_or_a_typed_error_comes_in_time() {
    let cluster = Cluster::shared_three().await.unwrap();
    let all = cluster.contact_points();

    let session = Session::builder().contact_points(&all).build().await.unwrap();
    cluster.node(1).unwrap().freeze().await.unwrap();
    let started = Instant::now();
    let select = Statement::new("SELECT key FROM system.local");
    session.prepare(&select).await.unwrap();
    println!("a first use beside one frozen node: {:.2?}", started.elapsed());
    assert!(started.elapsed() < Duration::from_secs(5));

    check(build("one frozen beside a good one", &all[..2]).await, &all[..2], true);

    if HEAVY {
        let started = Instant::now();
        let driver = scylla::client::session_builder::SessionBuilder::new();
        let built = timeout(Duration::from_secs(90), driver.known_nodes(&all[..2]).build()).await;
        let ends = built.is_ok_and(|built| built.is_ok());
        println!("the driver beside one frozen: {:.1?}, a session: {ends}", started.elapsed());
    }

    cluster.node(2).unwrap().freeze().await.unwrap();
    check(build("two frozen beside a good one", &all).await, &all, false);

    let frozen = build("only frozen ones", &all[1..]).await;
    assert!(frozen.iter().all(|(outcome, _)| outcome.is_err()));
    check(frozen, &all[1..], false);
}
