//! Which node a request is sent to.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use cqlstack_core::{Client, Consistency, Request, Session, Statement};
use cqlstack_tests::cluster::Cluster;
use scylla::statement::prepared::PreparedStatement;

use crate::support::run;

const KEYS: i32 = 40;
const READS: u64 = 8;

fn attempts(session: &Session) -> BTreeMap<SocketAddr, u64> {
    session.nodes().into_iter().map(|node| (node.address, node.attempts)).collect()
}

/// The nodes that have replicas of what this statement reads, as the driver says.
fn replicas(
    session: &Session,
    keyspace: &str,
    read: &PreparedStatement,
    key: i32,
) -> BTreeSet<SocketAddr> {
    let cluster = session.driver().unwrap().get_cluster_state();
    let token = read.calculate_token(&(key,)).unwrap().unwrap();
    let replicas = cluster.get_token_endpoints(keyspace, "t", token);
    let address =
        |node: &scylla::cluster::Node| SocketAddr::new(node.address.ip(), node.address.port());
    replicas.iter().map(|(node, _)| address(node)).collect()
}

/// Reads all keys, and says how many reads each replica of each key got.
async fn reads_by_replica(db: &Client<Session>, keyspace: &str, factor: usize) -> Vec<u64> {
    let session = db.service();
    let select = Statement::new(format!("SELECT v FROM {keyspace}.t WHERE k = ?"));
    let prepared = session.prepare(&select).await.unwrap();
    let of_driver = session.driver().unwrap().prepare(select.text()).await.unwrap();
    let mut by_replica = Vec::new();
    for key in 0..KEYS {
        let replicas = replicas(session, keyspace, &of_driver, key);
        assert_eq!(replicas.len(), factor);
        let request = Request::new(&select, (key,)).with_consistency(Consistency::One);
        let request = request.bind(&prepared).unwrap();
        let before = attempts(session);
        for _ in 0..READS {
            db.request(request.clone()).await.unwrap();
        }
        let reads: BTreeMap<_, _> = attempts(session)
            .into_iter()
            .map(|(node, attempts)| (node, attempts - before[&node]))
            .collect();
        assert_eq!(reads.values().sum::<u64>(), READS);
        let of_replicas = replicas.iter().map(|node| reads[node]);
        assert_eq!(of_replicas.clone().sum::<u64>(), READS, "{key} of {replicas:?}: {reads:?}");
        by_replica.extend(of_replicas);
    }
    by_replica
}

#[tokio::test]
async fn a_read_goes_to_any_of_the_replicas_of_its_partition_also_when_these_change() {
    let cluster = Cluster::shared_three().await.unwrap();
    let keyspace = cluster.keyspace(1).await.unwrap().name().to_owned();
    let session = Session::builder().contact_points(cluster.contact_points()).build();
    let db = Client::new(session.await.unwrap());
    run(&db, &format!("CREATE TABLE {keyspace}.t (k int PRIMARY KEY, v int)")).await;
    for factor in [1, 2, 3] {
        let replication = format!("{{'class': 'NetworkTopologyStrategy', 'dc1': {factor}}}");
        run(&db, &format!("ALTER KEYSPACE {keyspace} WITH replication = {replication}")).await;
        db.service().driver().unwrap().refresh_metadata().await.unwrap();
        let reads = reads_by_replica(&db, &keyspace, factor).await;
        // Of three, one has none of eight reads at 1 key in 25.
        let none = reads.iter().filter(|reads| **reads == 0).count();
        assert!(none < reads.len() / 4, "{reads:?}");
    }
}
