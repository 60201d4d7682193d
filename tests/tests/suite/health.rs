//! How the nodes are.

use std::time::{Duration, Instant};

use cqlstack_core::{Consistency, ErrorKind, Session};
use cqlstack_tests::cluster::Cluster;

use crate::support::shared_builder;

const WITHIN: Duration = Duration::from_secs(1);

#[tokio::test]
async fn every_node_answers_and_the_session_is_ready() {
    let session = shared_builder().await.build().await.unwrap();
    session.check_ready(WITHIN).await.unwrap();
    let health = session.health(WITHIN).await;
    println!("{health}");
    assert!(health.all_reachable() && health.any_reachable());
    assert_eq!(health.nodes.len(), session.nodes().len());
}

#[tokio::test]
async fn a_frozen_node_is_told_in_bounded_time_and_the_session_is_still_ready() {
    let cluster = Cluster::shared_three().await.unwrap();
    let builder = Session::builder().contact_points(cluster.contact_points());
    // So that the driver believes in the node all the while.
    let builder = builder.keepalive(Duration::from_secs(60), Duration::from_secs(60));
    let session = builder.build().await.unwrap();
    let frozen = cluster.node(2).unwrap().address();
    cluster.node(2).unwrap().freeze().await.unwrap();
    for _ in 0..3 {
        let began = Instant::now();
        let health = session.health(WITHIN).await;
        let took = began.elapsed();
        println!("{health}\nafter {took:?}");
        assert!(took < WITHIN + Duration::from_millis(300), "{took:?}");
        assert!(!health.all_reachable() && health.any_reachable());
        for node in &health.nodes {
            assert_eq!(node.is_reachable(), node.address != frozen, "{node}");
        }
        let began = Instant::now();
        session.check_ready(WITHIN).await.unwrap();
        assert!(began.elapsed() < WITHIN);
    }
    for node in [0, 1] {
        cluster.node(node).unwrap().freeze().await.unwrap();
    }
    let began = Instant::now();
    let error = session.check_ready(WITHIN).await.unwrap_err();
    println!("{error}");
    assert_eq!(*error.kind(), ErrorKind::NoConnection);
    assert!(began.elapsed() < WITHIN + Duration::from_millis(300));
    for node in [0, 1, 2] {
        cluster.node(node).unwrap().resume().await.unwrap();
    }
    assert!(session.health(Duration::from_secs(10)).await.all_reachable());
}

/// How soon a session tells that it is, or is not, ready at a level after something happened.
async fn told(session: &Session, level: Consistency, ready: bool) -> Duration {
    let began = Instant::now();
    loop {
        let answer = session.check_ready_at(level, WITHIN).await;
        match &answer {
            Ok(readiness) => println!("{readiness}"),
            Err(error) => println!("{error}"),
        }
        if answer.is_ok() == ready {
            return began.elapsed();
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{answer:?}");
    }
}

/// With three replicas, two of them are a quorum.
#[tokio::test]
async fn a_session_is_ready_at_a_level_as_long_as_some_range_has_its_replicas() {
    let cluster = Cluster::shared_three().await.unwrap();
    let keyspace = cluster.keyspace(3).await.unwrap();
    let builder = Session::builder().contact_points(cluster.contact_points());
    let session = builder.keyspace(keyspace.name()).build().await.unwrap();
    let all = session.check_ready_at(Consistency::All, WITHIN).await.unwrap();
    assert!(all.ready == all.ranges && all.ranges > 0 && all.down.is_empty(), "{all}");

    let nodes = [1, 2].map(|node| cluster.node(node).unwrap());
    let limit = Duration::from_secs(2);
    for by_kill in [true, false] {
        for (node, is_ready) in [(nodes[0], true), (nodes[1], false)] {
            if by_kill {
                node.kill().await.unwrap();
            } else {
                node.freeze().await.unwrap();
            }
            let took = told(&session, Consistency::Quorum, is_ready).await;
            println!("killed {by_kill}: {took:.1?}");
            assert!(took < limit, "{took:?}");
        }
        let error = session.check_ready_at(Consistency::Quorum, WITHIN).await.unwrap_err();
        let ErrorKind::TooFewReplicas(readiness) = error.kind() else { panic!("{error}") };
        assert_eq!((readiness.ready, readiness.down.len()), (0, 2));
        assert!(error.to_string().contains("0 of 24 ranges (0 %)"), "{error}");
        let one = session.check_ready_at(Consistency::One, WITHIN).await.unwrap();
        assert_eq!(one.ready, one.ranges);
        session.check_ready(WITHIN).await.unwrap();

        for node in nodes {
            if by_kill {
                node.start().await.unwrap();
            } else {
                node.resume().await.unwrap();
            }
        }
        told(&session, Consistency::All, true).await;
    }
    cluster.settled().await.unwrap();

    // Without a keyspace nobody knows which ranges are meant.
    let without =
        Session::builder().contact_points(cluster.contact_points()).build().await.unwrap();
    let error = without.check_ready_at(Consistency::One, WITHIN).await.unwrap_err();
    assert!(error.to_string().contains("`keyspace` is not set"), "{error}");
}

/// One node of three that has a partition to itself.
#[tokio::test]
async fn the_share_of_the_ranges_is_told() {
    let cluster = Cluster::shared_three().await.unwrap();
    let keyspace = cluster.keyspace(1).await.unwrap();
    let builder = Session::builder().contact_points(cluster.contact_points());
    let session = builder.keyspace(keyspace.name()).build().await.unwrap();
    cluster.node(2).unwrap().freeze().await.unwrap();
    let readiness = session.check_ready_at(Consistency::Quorum, WITHIN).await.unwrap();
    println!("{readiness}");
    cluster.node(2).unwrap().resume().await.unwrap();
    assert_eq!((readiness.ready, readiness.ranges, readiness.down.len()), (16, 24, 1));
}
