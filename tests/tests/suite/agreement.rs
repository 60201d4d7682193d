//! Changes of the schema that the nodes agree on, or do not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cqlstack_core::{Client, Error, ErrorClass, ErrorKind, Request, Response, Session, Statement};
use cqlstack_tests::cluster::Cluster;
use cqlstack_tests::fault::{FaultProxy, Playing, Script, Step};
use futures::future::join;
use tokio::time::{sleep, timeout};

use crate::keyspaces::through;
use crate::support::{count, keyspace, run};

const VERSION: &[u8; 14] = b"schema_version";

/// How long nodes may take to agree.
const AGREEMENT: Duration = Duration::from_secs(3);

/// What a change takes besides waiting for agreement, on a machine that is not busy.
const SLACK: Duration = Duration::from_millis(1_500);

/// A node that does not tell the version of its schema.
fn silent() -> Script {
    Script::answers().whenever(|frame| frame.has(VERSION)).then(Step::Lose(1))
}

/// Three nodes, of which the last one is behind a proxy, and a session that makes tables.
struct Changes {
    proxy: FaultProxy,
    db: Client<Session>,
    /// How often a change was sent to the last node.
    by_the_last: Arc<AtomicUsize>,
    tables: usize,
}

impl Changes {
    async fn new(cluster: &Cluster) -> Self {
        let keyspace = cluster.keyspace(3).await.unwrap();
        let proxy = FaultProxy::before(cluster.node(2).unwrap().address()).await.unwrap();
        let session = Session::builder()
            .contact_points(&cluster.contact_points()[..1])
            .address_translation([proxy.translation()])
            .schema_agreement_timeout(AGREEMENT)
            // So that a silent node is believed in for as long as the test goes on.
            .keepalive(Duration::from_secs(60), Duration::from_secs(60))
            .keyspace(keyspace.name())
            .build();
        let db = Client::new(session.await.unwrap());
        Self { proxy, db, by_the_last: Arc::default(), tables: 0 }
    }

    fn count(&mut self) -> Playing {
        let (passed, counting) = count(&self.proxy, |frame| frame.has(b"CREATE TABLE"));
        self.by_the_last = passed;
        counting
    }

    /// Makes another table: what came of it, how long it took, and whether the last node was to do it.
    async fn make(&mut self, within: Duration) -> (Result<Response, Error>, Duration, bool) {
        self.tables += 1;
        let text = format!("CREATE TABLE t{} (k int PRIMARY KEY)", self.tables);
        let before = self.by_the_last.load(Ordering::Relaxed);
        let request = Request::from(&Statement::new(text)).with_attempt_timeout(within);
        let began = Instant::now();
        let made = timeout(Duration::from_secs(20), self.db.request(request)).await;
        let took = began.elapsed();
        (made.expect("it ends"), took, self.by_the_last.load(Ordering::Relaxed) > before)
    }

    /// Whether the last table is there, as nodes that answer say.
    async fn is_made(&self, cluster: &Cluster) {
        let keyspace = self.db.service().driver().unwrap().get_keyspace().unwrap();
        let text = format!("SELECT k FROM {keyspace}.t{}", self.tables);
        cluster.run(text).await.expect("it was done");
    }
}

/// Nor is it asked whether it agrees with itself.
#[tokio::test]
async fn on_one_node_a_change_is_done_when_it_is_answered() {
    let cluster = Cluster::shared().await.unwrap();
    let keyspace = keyspace().await;
    let proxy = FaultProxy::before(cluster.node(0).unwrap().address()).await.unwrap();
    let db = Client::new(through(&proxy, &keyspace).await);
    let _silent = proxy.play(silent()).unwrap();
    let began = Instant::now();
    run(&db, "CREATE TABLE t (k int PRIMARY KEY)").await;
    println!("a table on one node that tells no version: {:.1?}", began.elapsed());
    // The version is asked for once more, to know the tables anew.
    assert!(began.elapsed() < Duration::from_secs(2) + SLACK);
}

#[tokio::test]
async fn what_nodes_disagree_on_is_told_as_such_and_what_is_done_as_done() {
    let cluster = Cluster::shared_three().await.unwrap();
    let mut changes = Changes::new(&cluster).await;
    what_nodes_disagree_on_is_told_with_nodes_and_versions(&cluster, &mut changes).await;
    beside_a_frozen_node_what_is_done_is_told_as_done(&cluster, &mut changes).await;
}

async fn what_nodes_disagree_on_is_told_with_nodes_and_versions(
    cluster: &Cluster,
    changes: &mut Changes,
) {
    let long = Duration::from_secs(30);
    let mut usual = Duration::ZERO;
    for _ in 0..3 {
        let (made, took, _) = changes.make(long).await;
        made.unwrap();
        println!("a table on three nodes: {took:.1?}");
        usual = usual.max(took);
    }
    // Beside other tests three nodes may take a second for a table that nobody disturbs.
    let slack = SLACK + usual;

    // The last byte is the version's last.
    let forge = Step::edit(|frame| frame.iter_mut().rev().take(1).for_each(|last| *last ^= 1));
    let forged = Script::answers().whenever(|frame| frame.has(VERSION)).then(forge);
    let playing = changes.proxy.play(forged).unwrap();
    // The time of a call that is shorter has to be enough for the statement itself.
    let short = Duration::from_millis(2_500);
    for (within, expected) in [(long, AGREEMENT), (short, short)] {
        let (made, took, _) = changes.make(within).await;
        let error = made.unwrap_err();
        println!("after {took:.2?}: {error}");
        let ErrorKind::SchemaDisagreement(versions) = error.kind() else { panic!("{error}") };
        assert_eq!(error.class(), ErrorClass::Ambiguous);
        let range = expected.mul_f32(0.5)..expected + slack;
        assert!(range.contains(&took), "{took:?}");
        let of = |node: usize| {
            let address = cluster.node(node).unwrap().address();
            let told = versions.told.iter().find(|(node, _)| *node == address);
            told.and_then(|(_, version)| *version).expect("each node told")
        };
        assert!(of(0) == of(1) && of(0) != of(2), "{error}");
        let last = cluster.node(2).unwrap().address().to_string();
        assert!(error.to_string().contains(&last), "{error}");
        changes.is_made(cluster).await;
    }
    // What was there already is done, whatever they disagree on.
    for nothing in
        ["CREATE TABLE IF NOT EXISTS t1 (k int PRIMARY KEY)", "DROP TABLE IF EXISTS nowhere"]
    {
        let began = Instant::now();
        run(&changes.db, nothing).await;
        assert!(began.elapsed() < AGREEMENT / 2, "{nothing}: {:.2?}", began.elapsed());
    }
    // One that has told another version, and tells nothing any more, still disagrees.
    let falls_silent = async {
        sleep(AGREEMENT / 2).await;
        drop(playing);
        changes.proxy.play(silent()).unwrap()
    };
    let request = Request::from(&Statement::new("CREATE TABLE late (k int PRIMARY KEY)"));
    let (made, playing) = join(changes.db.request(request), falls_silent).await;
    let error = made.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::SchemaDisagreement(_)), "{error}");
    drop(playing);

    // One that does not tell its version is waited for, unless it made the change.
    let _playing = [changes.proxy.play(silent()).unwrap(), changes.count()];
    let (mut done, mut unconfirmed) = (0, 0);
    while done == 0 || unconfirmed == 0 {
        assert!(done + unconfirmed < 20, "{done}, {unconfirmed}");
        let (made, took, by_the_last) = changes.make(long).await;
        println!("beside a silent node: {took:.2?}, {:?}", made.as_ref().err());
        if by_the_last {
            let error = made.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::SchemaUnconfirmed(_)), "{error}");
            assert!(took < AGREEMENT + slack, "{took:?}");
            unconfirmed += 1;
        } else {
            made.unwrap();
            let silence = Duration::from_secs(1);
            assert!(silence < took && took < silence + slack, "{took:?}, as a rule {usual:?}");
            done += 1;
        }
        changes.is_made(cluster).await;
    }
}

async fn beside_a_frozen_node_what_is_done_is_told_as_done(
    cluster: &Cluster,
    changes: &mut Changes,
) {
    let _counting = changes.count();
    cluster.node(2).unwrap().freeze().await.unwrap();
    let within = Duration::from_secs(3);
    let mut done = 0;
    while done < 1 {
        let (made, took, by_the_last) = changes.make(within).await;
        println!("beside a frozen node: {took:.2?}, {:?}", made.as_ref().err());
        if by_the_last {
            // It may do so when it is back.
            let error = made.unwrap_err();
            assert_eq!(error.class(), ErrorClass::Ambiguous);
            assert!(took < within + SLACK, "{took:?}");
        } else {
            made.unwrap();
            assert!(took < within, "{took:?}");
            done += 1;
        }
    }
}
