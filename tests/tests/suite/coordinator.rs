//! Which node a request is sent to.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use cqlstack_core::{Client, Consistency, Request, Session, Statement, StaticStatement};
use cqlstack_tests::cluster::Cluster;
use futures::future::try_join_all;
use scylla::statement::prepared::PreparedStatement;
use tokio::time::{sleep, timeout};
use tracing::level_filters::LevelFilter;

use crate::support::{Log, full_stack, run};

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

static SELECT: StaticStatement = StaticStatement::new("SELECT v FROM t WHERE k = ?");
static INSERT_IF: StaticStatement =
    StaticStatement::new("INSERT INTO t (k, v) VALUES (?, 1) IF NOT EXISTS");
/// Of as many reads, one of three replicas has none at 1 key in 3,700,000.
const EACH: usize = 40;

/// A session in a keyspace of its own, with the name of that.
async fn with_table(cluster: &Cluster, factor: usize, replica_cache: bool) -> (Session, String) {
    let keyspace = cluster.keyspace(factor).await.unwrap().name().to_owned();
    let builder = Session::builder().contact_points(cluster.contact_points());
    let builder = builder.keyspace(keyspace.as_str()).replica_cache(replica_cache);
    let session = builder.consistency(Consistency::One).build().await.unwrap();
    run(&Client::new(session.clone()), "CREATE TABLE t (k int PRIMARY KEY, v int)").await;
    (session, keyspace)
}

#[tokio::test]
async fn each_replica_that_the_driver_finds_has_the_same_chance_with_the_cache_and_without() {
    let cluster = Cluster::shared_three().await.unwrap();
    for (factor, replica_cache) in [(1, true), (2, true), (3, true), (2, false), (3, false)] {
        let (session, keyspace) = with_table(&cluster, factor, replica_cache).await;
        let read = session.driver().unwrap().prepare("SELECT v FROM t WHERE k = ?").await.unwrap();
        let db = full_stack(&session);
        let mut shares = BTreeMap::<SocketAddr, usize>::new();
        for k in 0..20 {
            let replicas = replicas(&session, &keyspace, &read, k);
            assert_eq!(replicas.len(), factor);
            let reads = (0..EACH).map(|_| db.execute(&SELECT, (k,)));
            let answers = timeout(Duration::from_secs(20), try_join_all(reads)).await;
            let asked = answers.unwrap().unwrap().into_iter();
            let asked: Vec<_> = asked.map(|answer| answer.coordinator().unwrap()).collect();
            for node in &asked {
                *shares.entry(*node).or_default() += 1;
            }
            assert_eq!(asked.into_iter().collect::<BTreeSet<_>>(), replicas, "{factor} replicas");
        }
        println!("{factor} replicas, replica cache {replica_cache}: {shares:?}");
        if factor == 3 {
            // Five standard deviations around a third of 800.
            assert!(shares.values().all(|share| (200..334).contains(share)), "{shares:?}");
        }
    }
}

#[tokio::test]
async fn a_replica_that_is_known_to_be_down_is_not_chosen() {
    let cluster = Cluster::shared_three().await.unwrap();
    let (session, _) = with_table(&cluster, 3, true).await;
    let db = full_stack(&session);
    db.execute(&SELECT, (0,)).await.unwrap();
    cluster.node(2).unwrap().stop().await.unwrap();
    let known = async {
        while session.nodes().iter().all(|node| node.up) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(20), known).await.expect("a connection that is closed is noticed");
    let (log, _listening) = Log::listen_from(LevelFilter::TRACE);
    let mut shares = BTreeMap::<SocketAddr, usize>::new();
    for k in 0..200 {
        let answer = db.execute(&SELECT, (k,)).await.unwrap();
        *shares.entry(answer.coordinator().unwrap()).or_default() += 1;
    }
    // Six standard deviations around the half.
    assert!(
        shares.len() == 2 && shares.values().all(|share| (58..143).contains(share)),
        "{shares:?}"
    );
    for k in 0..100 {
        db.execute(&INSERT_IF, (k,)).await.unwrap();
    }
    // By the driver, at each attempt and at each node without a connection.
    assert!(log.lines("Execution attempt started").len() >= 200);
    let without_a_connection = log.lines("Choosing connection failed");
    assert_eq!(without_a_connection.len(), 0, "{:?}", without_a_connection.first());
}
