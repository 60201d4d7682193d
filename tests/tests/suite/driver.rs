//! Faults of the driver that the session works around, on the bare driver: a test here fails when its fault is
//! mended. `docs/driver.md` lists them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use cqlstack_core::{Batch, Client, Session, Statement};
use cqlstack_tests::cluster::Cluster;
use cqlstack_tests::fault::{FaultProxy, Playing, Script, Step};
use scylla::client::session::Session as Driver;
use scylla::client::session_builder::SessionBuilder;
use scylla::errors::{DbError, TranslationError};
use scylla::policies::address_translator::{AddressTranslator, UntranslatedPeer};
use scylla::statement::batch::{Batch as DriverBatch, BatchType};
use scylla_proxy::{RequestOpcode, RequestReaction};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::forged::{Forged, ID};
use crate::keyspaces::builder_through;
use crate::support::{keyspace, run};

fn knows_the_cluster(driver: &Driver) -> bool {
    let known = driver.get_cluster_state();
    known.get_nodes_info().iter().all(|node| node.datacenter.is_some())
}

/// The proxy says that the keyspaces of one replica in `dc1` have `x` of them, which is no number.
fn spoil_replication(proxy: &FaultProxy) -> Playing {
    let (one, none) = (b"dc1\0\0\0\x011", b"dc1\0\0\0\x01x");
    let answers = Script::answers().on_every_connection().when(|frame| frame.has(one));
    proxy.play(answers.then(Step::replace(one, none)).over_and_over()).unwrap()
}

#[tokio::test]
async fn a_replication_that_is_no_number_hides_the_cluster_at_every_level_but_the_lowest() {
    let cluster = Cluster::shared().await.unwrap();
    // One that is told with the name of its datacentre.
    keyspace().await;
    let proxy = FaultProxy::before(cluster.node(0).unwrap().address()).await.unwrap();
    let _spoiled = spoil_replication(&proxy);
    let translation: HashMap<_, _> = [proxy.translation()].into();
    for (names, knows) in [(true, false), (false, true)] {
        let driver = SessionBuilder::new()
            .known_node_addr(proxy.address())
            .address_translator(Arc::new(translation.clone()))
            .fetch_full_schema_metadata(false)
            .fetch_schema_metadata(names)
            .build()
            .await
            .unwrap();
        assert_eq!(knows_the_cluster(&driver), knows, "names: {names}");
    }
}

/// The session works nevertheless, and one that was built before goes on with what it knew.
#[tokio::test]
async fn sessions_work_beside_a_replication_that_is_no_number() {
    let cluster = Cluster::shared().await.unwrap();
    let keyspace = keyspace().await;
    let proxy = FaultProxy::before(cluster.node(0).unwrap().address()).await.unwrap();
    let build =
        async || builder_through(&proxy, &keyspace).local_datacenter("dc1").build().await.unwrap();
    let before = build().await;
    let _spoiled = spoil_replication(&proxy);
    for (session, table) in [(before, "one"), (build().await, "other")] {
        let db = Client::new(session.clone());
        run(&db, &format!("CREATE TABLE {table} (k int PRIMARY KEY, v int)")).await;
        let delete = format!("DELETE FROM {table} WHERE k = 1");
        let insert = format!("INSERT INTO {table} (k, v) VALUES (1, 2)");
        let batch =
            Batch::same_partition().add(Statement::new(delete), ()).add(Statement::new(insert), ());
        db.request(batch).await.unwrap();
        run(&db, &format!("SELECT v FROM {table} WHERE k = 1")).await;
        let nodes = session.nodes();
        assert!(nodes.iter().all(|node| node.datacenter.as_deref() == Some("dc1")), "{nodes:?}");
    }
}

#[tokio::test]
async fn a_batch_is_prepared_again_for_as_long_as_the_server_forgets() {
    let mut forged = Forged::start(1).await;
    let driver = SessionBuilder::new().known_nodes(forged.points()).build().await.unwrap();
    forged.count_prepares();
    let prepared = driver.prepare("DELETE FROM ks.t WHERE k = ?").await.unwrap();
    let unprepared = DbError::Unprepared { statement_id: ID.to_vec().into() };
    let unprepared = RequestReaction::forge_with_error(unprepared);
    let mut frames = forged.react(RequestOpcode::Batch, &unprepared);
    let mut batch = DriverBatch::new(BatchType::Logged);
    batch.append_statement(prepared);
    let sent = timeout(Duration::from_secs(2), driver.batch(&batch, ((7,),))).await;
    assert!(sent.is_err(), "it ends by itself: {sent:?}");
    assert!(frames.count() > 3);
}

#[tokio::test]
async fn the_keyspace_in_use_is_told_before_it_is_known_to_be_one() {
    let cluster = Cluster::shared().await.unwrap();
    let driver = SessionBuilder::new().known_nodes(cluster.contact_points()).build().await.unwrap();
    assert!(driver.use_keyspace("nowhere_at_all", true).await.is_err());
    assert_eq!(driver.get_keyspace().unwrap().as_str(), "nowhere_at_all");
}

/// Keeps what nodes are said to be called.
#[derive(Default)]
struct Asked(Mutex<Vec<SocketAddr>>);

#[async_trait]
impl AddressTranslator for Asked {
    async fn translate_address(
        &self,
        node: &UntranslatedPeer,
    ) -> Result<SocketAddr, TranslationError> {
        self.0.lock().unwrap().push(node.untranslated_address());
        Ok(node.untranslated_address())
    }
}

/// Where connections are led to this node.
async fn forwarding_to(node: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            let mut to = TcpStream::connect(node).await.unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut from, &mut to).await });
        }
    });
    address
}

#[tokio::test]
async fn a_node_is_said_to_have_the_port_of_the_contact_point() {
    let cluster = Cluster::shared().await.unwrap();
    let own = cluster.node(0).unwrap().address();
    let forward = forwarding_to(own).await;
    assert_ne!(forward.port(), own.port());
    let asked = Arc::new(Asked::default());
    let driver = SessionBuilder::new().known_node_addr(forward);
    let driver = driver.address_translator(Arc::clone(&asked) as Arc<dyn AddressTranslator>);
    let built = timeout(Duration::from_secs(10), driver.build()).await;
    drop(built);
    let said = asked.0.lock().unwrap().clone();
    let expected = SocketAddr::new(own.ip(), forward.port());
    assert!(!said.is_empty() && said.iter().all(|address| *address == expected), "{said:?}");
}

#[tokio::test]
async fn a_session_reaches_a_node_by_another_port() {
    let cluster = Cluster::shared().await.unwrap();
    let own = cluster.node(0).unwrap().address();
    let forward = forwarding_to(own).await;
    let builder = Session::builder().contact_points([forward.to_string()]);
    let session = builder.address_translation([(own, forward)]).build().await.unwrap();
    assert!(session.nodes().iter().all(|node| node.up), "{:?}", session.nodes());
    run(&Client::new(session), "SELECT key FROM system.local").await;
}
