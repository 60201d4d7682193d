//! How the nodes are.

use std::time::{Duration, Instant};

use cqlstack_core::{ErrorKind, Session};
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
