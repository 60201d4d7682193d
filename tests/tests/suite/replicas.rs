//! Which replicas of a token requests go to.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use cqlstack_core::{Client, Consistency, Session, StaticStatement};
use cqlstack_tests::cluster::Cluster;
use futures::future::try_join_all;
use tokio::time::{sleep, timeout};
use tracing::level_filters::LevelFilter;

use crate::support::{Log, full_stack, run};

static INSERT: StaticStatement = StaticStatement::new("INSERT INTO t (k, v) VALUES (?, 1)");
static INSERT_IF: StaticStatement =
    StaticStatement::new("INSERT INTO t (k, v) VALUES (?, 1) IF NOT EXISTS");
static SELECT: StaticStatement = StaticStatement::new("SELECT v FROM t WHERE k = ?");
const KEYS: i32 = 20;
/// That one of three is missed has a chance of 1 : 3,700,000.
const READS: usize = 40;

async fn session(cluster: &Cluster, replicas: usize, replica_cache: bool) -> Session {
    let keyspace = cluster.keyspace(replicas).await.unwrap();
    let builder = Session::builder().contact_points(cluster.contact_points());
    let builder = builder.keyspace(keyspace.name()).replica_cache(replica_cache);
    let session = builder.consistency(Consistency::One).build().await.unwrap();
    run(&Client::new(session.clone()), "CREATE TABLE t (k int PRIMARY KEY, v int)").await;
    session
}

/// The nodes that the driver finds on its ring for each key.
async fn replicas(session: &Session) -> Vec<BTreeSet<IpAddr>> {
    let driver = session.driver().unwrap();
    let read = driver.prepare("SELECT v FROM t WHERE k = ?").await.unwrap();
    let (cluster, keyspace) = (driver.get_cluster_state(), driver.get_keyspace().unwrap());
    let of_key = |k: i32| {
        let token = read.calculate_token(&(k,)).unwrap().unwrap();
        let endpoints = cluster.get_token_endpoints(&keyspace, "t", token);
        endpoints.into_iter().map(|(node, _)| node.address.ip()).collect()
    };
    (0..KEYS).map(of_key).collect()
}

#[tokio::test]
async fn each_replica_that_the_driver_finds_has_the_same_chance_with_the_cache_and_without() {
    let cluster = Cluster::shared_three().await.unwrap();
    for (factor, replica_cache) in [(1, true), (2, true), (3, true), (2, false), (3, false)] {
        let session = session(&cluster, factor, replica_cache).await;
        let db = full_stack(&session);
        let mut shares = BTreeMap::<IpAddr, usize>::new();
        for (k, replicas) in (0..).zip(replicas(&session).await) {
            assert_eq!(replicas.len(), factor);
            db.execute(&INSERT, (k,)).await.unwrap();
            let reads = (0..READS).map(|_| db.execute(&SELECT, (k,)));
            let answers = timeout(Duration::from_secs(20), try_join_all(reads)).await;
            let asked = answers.unwrap().unwrap().into_iter();
            let asked: Vec<_> = asked.map(|answer| answer.coordinator().unwrap().ip()).collect();
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
    let session = session(&cluster, 3, true).await;
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
    let mut shares = BTreeMap::<IpAddr, usize>::new();
    for k in 0..200 {
        let answer = db.execute(&SELECT, (k,)).await.unwrap();
        *shares.entry(answer.coordinator().unwrap().ip()).or_default() += 1;
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
