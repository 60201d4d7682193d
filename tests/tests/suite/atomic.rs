//! LOGGED batches while nodes die.

use std::collections::BTreeSet;
use std::time::Duration;

use cqlstack_core::{
    Batch, Client, Consistency, CqlService, Error, ErrorClass, Request, Session, Statement,
    StaticStatement,
};
use cqlstack_middleware::StatementCacheLayer;
use cqlstack_tests::cluster::Cluster;
use futures::{StreamExt, TryStreamExt, stream};
use tokio::time::{Instant, sleep};
use tower::Layer;

use crate::support::{HEAVY, run};

static BY_ID: StaticStatement =
    StaticStatement::new("INSERT INTO users_by_id (id, email) VALUES (?, ?)");
static BY_EMAIL: StaticStatement =
    StaticStatement::new("INSERT INTO users_by_email (email, id) VALUES (?, ?)");

const BATCHES: i32 = 1_000;
const IN_FLIGHT: usize = 100;

fn batch(id: i32) -> Request {
    let email = format!("{id}@example.org");
    let both = Batch::logged().add(&BY_ID, (id, email.clone())).add(&BY_EMAIL, (email, id));
    Request::from(both).with_consistency(Consistency::Quorum)
}

async fn ids(db: &Client<impl CqlService>, table: &str) -> Result<BTreeSet<i32>, Error> {
    let text = format!("SELECT id FROM {table}");
    let all = Request::from(&Statement::new(text)).with_consistency(Consistency::Quorum);
    let ids = db.rows::<(i32,)>(all).map_ok(|(id,)| id);
    ids.try_collect().await
}

/// What is in both tables, once it is the same. The batch log of a dead coordinator is replayed late, and
/// until the others have noticed that it is dead, they wait for it.
async fn written_in_both(db: &Client<impl CqlService>) -> BTreeSet<i32> {
    let until = Instant::now() + Duration::from_secs(90);
    loop {
        let both = (ids(db, "users_by_id").await, ids(db, "users_by_email").await);
        match both {
            (Ok(by_id), Ok(by_email)) if by_id == by_email => return by_id,
            (Ok(by_id), Ok(by_email)) => {
                let half: Vec<_> = by_id.symmetric_difference(&by_email).collect();
                assert!(Instant::now() < until, "half: {half:?}");
            }
            (Err(error), _) | (_, Err(error)) => {
                println!("{error}");
                assert!(Instant::now() < until, "{error}");
            }
        }
        sleep(Duration::from_secs(1)).await;
    }
}

/// Sends batches, 100 at a time, and kills a node among them; then looks until each is both or none.
async fn kill_among(cluster: &Cluster, db: &Client<impl CqlService>, round: i32) {
    let node = round.unsigned_abs() as usize % 3;
    let first = round * BATCHES;
    let mut outcomes = stream::iter(first..first + BATCHES)
        .map(|id| async move { (id, db.request(batch(id)).await) })
        .buffer_unordered(IN_FLIGHT);
    let (mut acknowledged, mut ambiguous, mut refused, mut killed) = (BTreeSet::new(), 0, 0, false);
    while let Some((id, outcome)) = outcomes.next().await {
        match outcome.map_err(|error| error.class()) {
            Ok(_) => drop(acknowledged.insert(id)),
            Err(ErrorClass::Ambiguous) => ambiguous += 1,
            Err(ErrorClass::NotExecuted) => refused += 1,
            Err(class) => panic!("{class:?}"),
        }
        if acknowledged.len() == 300 && !killed {
            killed = true;
            cluster.node(node).unwrap().kill().await.unwrap();
        }
    }
    assert!(killed);
    let started = Instant::now();
    let written = written_in_both(db).await;
    println!(
        "node {node} killed: {} acknowledged, {ambiguous} ambiguous, {refused} not executed, {} written, \
         both or none after {:.1?}",
        acknowledged.len(),
        written.range(first..).count(),
        started.elapsed()
    );
    assert!(written.is_superset(&acknowledged), "what was acknowledged stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_node_killed_each_batch_is_written_in_all_or_not_at_all() {
    let cluster = Cluster::shared_three().await.unwrap();
    let name = cluster.keyspace(3).await.unwrap().name().to_owned();
    let builder = Session::builder().contact_points(cluster.contact_points()).keyspace(name);
    let session = builder.build().await.unwrap();
    let bare = Client::new(session.clone());
    run(&bare, "CREATE TABLE users_by_id (id int PRIMARY KEY, email text)").await;
    run(&bare, "CREATE TABLE users_by_email (email text PRIMARY KEY, id int)").await;
    let db = Client::new(StatementCacheLayer::default().layer(session));
    for round in 0..if HEAVY { 5 } else { 1 } {
        kill_among(&cluster, &db, round).await;
        cluster.node(round.unsigned_abs() as usize % 3).unwrap().start().await.unwrap();
        cluster.settled().await.unwrap();
    }
}
