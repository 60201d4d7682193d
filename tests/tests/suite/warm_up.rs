//! Warming up.

use cqlstack_core::{ErrorClass, Session};
use cqlstack_tests::cluster::Cluster;

use crate::support::shared_builder;

#[tokio::test]
async fn each_node_answers_as_often_as_it_is_asked() {
    let session = shared_builder().await.build().await.unwrap();
    let report = session.warm_up(5).await;
    println!("{report}");
    assert!(report.is_complete());
    for node in &report.nodes {
        assert_eq!((node.answered, node.failed), (5, 0));
        assert!(node.latency.is_some() && node.error.is_none());
    }
    assert_eq!(session.warm_up(0).await.nodes.len(), report.nodes.len());
}

#[tokio::test]
async fn a_dead_node_is_in_the_report_and_the_others_are_warm() {
    let cluster = Cluster::shared_three().await.unwrap();
    let builder = Session::builder().contact_points(cluster.contact_points());
    let session = builder.build().await.unwrap();
    let dead = cluster.node(1).unwrap().address();
    cluster.node(1).unwrap().kill().await.unwrap();
    let report = session.warm_up(10).await;
    println!("{report}");
    assert!(!report.is_complete());
    assert_eq!(report.nodes.len(), 3);
    for node in &report.nodes {
        let is_dead = node.address == dead;
        assert_eq!((node.answered, node.failed), if is_dead { (0, 10) } else { (10, 0) });
        if let Some(error) = &node.error {
            assert_eq!(error.class(), ErrorClass::NotExecuted);
        }
    }
}
