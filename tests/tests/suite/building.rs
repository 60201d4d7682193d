//! Building a session: what the settings do, and the errors of those that cannot be.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use cqlstack_core::{
    Client, Compression, Consistency, ErrorClass, ErrorKind, Request, SerialConsistency, Session,
    SessionBuilder, Statement,
};
use cqlstack_tests::cluster::Cluster;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::support::{HEAVY, connect, keyspace, run, shared_builder};

async fn refused(builder: SessionBuilder) -> cqlstack_core::Error {
    let error = builder.build().await.unwrap_err();
    println!("{error}");
    error
}

async fn answers(session: Session) -> bool {
    let local = Statement::new("SELECT release_version FROM system.local");
    let answer = Client::new(session).request(&local).await;
    answer.inspect_err(|error| println!("{error}")).is_ok()
}

#[tokio::test]
async fn contact_points_are_addresses_or_names() {
    let node = Cluster::shared().await.unwrap().nodes()[0].address();
    let without_port = node.ip().to_string();
    assert!(
        answers(Session::builder().contact_points([without_port]).build().await.unwrap()).await
    );

    // The only name that leads to loopback everywhere.
    let (here, ways) = forwarded("127.0.0.1:0".parse().unwrap(), node).await;
    let by_name = Session::builder().contact_points([format!("localhost:{}", here.port())]);
    assert!(answers(by_name.build().await.unwrap()).await);
    for way in ways {
        way.abort();
    }
}

/// Where a session that is sent to the first address finds the node: the driver expects it at the same port of
/// the node's own address.
async fn forwarded(from: SocketAddr, node: SocketAddr) -> (SocketAddr, [JoinHandle<()>; 2]) {
    let here = TcpListener::bind(from).await.unwrap();
    let address = here.local_addr().unwrap();
    let there = TcpListener::bind((node.ip(), address.port())).await.unwrap();
    (address, [here, there].map(|listener| tokio::spawn(forward(listener, node))))
}

async fn forward(listener: TcpListener, node: SocketAddr) {
    while let Ok((mut client, _)) = listener.accept().await {
        let mut server = TcpStream::connect(node).await.unwrap();
        tokio::spawn(async move { copy_bidirectional(&mut client, &mut server).await });
    }
}

#[tokio::test]
async fn a_dead_contact_point_beside_a_good_one_does_no_harm() {
    let mut points = vec!["127.0.0.1:1".to_owned()];
    points.extend(Cluster::shared().await.unwrap().contact_points());
    assert!(answers(Session::builder().contact_points(points).build().await.unwrap()).await);
}

#[tokio::test]
async fn no_contact_point_is_an_error_before_anything_is_tried() {
    let error = refused(Session::builder()).await;
    assert!(matches!(error.kind(), ErrorKind::InvalidConfig(_)));
    assert_eq!(error.class(), ErrorClass::Permanent);
    assert!(error.to_string().contains("`contact_points`"));
}

#[tokio::test]
async fn unreachable_contact_points_are_named() {
    let builder = Session::builder().contact_points(["127.0.0.1:1", "127.0.0.1:2"]);
    let error = refused(builder.build_timeout(Duration::from_secs(1))).await;
    assert!(matches!(error.kind(), ErrorKind::Unreachable { .. }));
    assert_eq!(error.class(), ErrorClass::NotExecuted);
    assert!(error.to_string().contains("127.0.0.1:1, 127.0.0.1:2"));
}

#[tokio::test]
async fn building_has_a_deadline_of_its_own() {
    // The kernel accepts the connection, and nobody ever answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = silent.local_addr().unwrap();
    let started = Instant::now();
    let builder = Session::builder().contact_points([address.to_string()]);
    let error = refused(builder.build_timeout(Duration::from_secs(1))).await;
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    assert!(error.to_string().contains(&address.to_string()));
}

#[tokio::test]
async fn contact_points_are_tried_again_until_somebody_answers() {
    let node = Cluster::shared().await.unwrap().nodes()[0].address();
    let here = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = here.local_addr().unwrap();
    drop(here);
    let building = tokio::spawn(Session::builder().contact_points([address.to_string()]).build());
    // Nobody is there when it begins, and somebody after it has been refused a few times.
    sleep(Duration::from_millis(500)).await;
    assert!(!building.is_finished());
    let (_, ways) = forwarded(address, node).await;
    assert!(answers(building.await.unwrap().unwrap()).await);
    for way in ways {
        way.abort();
    }
}

/// A listener whose queue is full drops what comes: nobody answers, not even with a refusal.
#[tokio::test]
async fn beside_a_black_hole_a_session_is_built_in_time() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let hole = socket.listen(1).unwrap();
    let address = hole.local_addr().unwrap();
    let mut queue = Vec::new();
    while let Ok(waiting) = timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
        queue.push(waiting);
    }
    let good = Cluster::shared().await.unwrap().contact_points().remove(0);
    let points = [address.to_string(), good];
    let mut times = Vec::new();
    for _ in 0..if HEAVY { 20 } else { 3 } {
        let began = Instant::now();
        assert!(answers(Session::builder().contact_points(&points).build().await.unwrap()).await);
        times.push(began.elapsed());
    }
    times.sort_unstable();
    println!("beside a black hole: {times:.1?}");
    assert!(times.iter().all(|time| *time < Duration::from_secs(10)));
    let began = Instant::now();
    let driver = scylla::client::session_builder::SessionBuilder::new().known_nodes(&points);
    let outcome = driver.build().await.map(drop);
    println!("the driver: {:.1?}, {outcome:?}", began.elapsed());
    let alone = Session::builder().contact_points(&points[..1]);
    let error = refused(alone.build_timeout(Duration::from_secs(2))).await;
    assert!(matches!(error.kind(), ErrorKind::Unreachable { .. }));
}

#[tokio::test]
async fn ipv6_is_an_address_like_others() {
    let error = Session::builder().contact_points(["[::1]:1"]);
    let error = refused(error.build_timeout(Duration::from_secs(1))).await;
    assert!(error.to_string().contains("[::1]:1"));
    let node = Cluster::shared().await.unwrap().nodes()[0].address();
    let (here, ways) = forwarded("[::1]:0".parse().unwrap(), node).await;
    let builder = Session::builder().contact_points([here.to_string()]);
    assert!(answers(builder.build().await.unwrap()).await);
    for way in ways {
        way.abort();
    }
}

#[tokio::test]
async fn a_datacentre_that_no_node_is_in_is_an_error_at_once() {
    let db = Client::new(shared_builder().await.build().await.unwrap());
    let local = run(&db, "SELECT data_center FROM system.local").await;
    let local = local.value::<&str>().unwrap();
    assert!(answers(shared_builder().await.local_datacenter(local).build().await.unwrap()).await);
    // C45: what only looks alike is another one.
    for name in ["dc7", &local.to_uppercase(), &format!("{local} "), ""] {
        let error = refused(shared_builder().await.local_datacenter(name)).await;
        assert!(matches!(error.kind(), ErrorKind::UnknownDatacenter { .. }));
        let text = error.to_string();
        assert!(text.contains(&format!("`{name}`")) && text.contains(local), "{text}");
    }
}

#[tokio::test]
async fn an_unknown_keyspace_is_an_error_at_once() {
    let error = refused(shared_builder().await.keyspace("nowhere")).await;
    assert!(matches!(error.kind(), ErrorKind::UnknownKeyspace { .. }));
    let error = refused(shared_builder().await.keyspace("a; DROP KEYSPACE b")).await;
    assert!(matches!(error.kind(), ErrorKind::InvalidConfig(_)));
}

#[tokio::test]
async fn the_keyspace_completes_table_names() {
    let db = connect(&["t (k int PRIMARY KEY)"]).await;
    assert_eq!(run(&db, "SELECT k FROM t").await.rows_count(), 0);
}

#[tokio::test]
async fn frames_are_compressed_as_asked() {
    for compression in [Compression::Lz4, Compression::Snappy] {
        let name = keyspace().await;
        let builder = shared_builder().await.keyspace(name).compression(compression);
        let db = Client::new(builder.build().await.unwrap());
        run(&db, "CREATE TABLE t (k int PRIMARY KEY, v text)").await;
        let long = "x".repeat(100_000);
        let insert = Statement::new("INSERT INTO t (k, v) VALUES (?, ?)");
        db.execute(&insert, (1, long.clone())).await.unwrap();
        assert_eq!(run(&db, "SELECT v FROM t").await.value::<String>().unwrap(), long);
    }
}

#[tokio::test]
async fn each_node_gets_as_many_connections_as_asked() {
    for connections in [1, 4] {
        let connections_per_node = NonZeroUsize::new(connections).unwrap();
        let builder = shared_builder().await.connections_per_node(connections_per_node);
        let session = builder.build().await.unwrap();
        let id = session.driver().unwrap().session_id().to_string();
        let db = Client::new(session);
        // The control connection is one more. The driver opens all but the first in the background.
        let opened = async { while connections_of(&db, &id).await != connections + 1 {} };
        tokio::time::timeout(Duration::from_secs(10), opened).await.unwrap();
    }
}

/// The connections of a session, as the server counts them.
async fn connections_of(db: &Client<Session>, id: &str) -> usize {
    let clients = run(db, "SELECT client_options FROM system_views.clients").await;
    let options = clients.rows::<(Option<HashMap<String, String>>,)>().unwrap();
    let ids = options.filter_map(|row| row.unwrap().0?.remove("SESSION_ID"));
    ids.filter(|other| other == id).count()
}

#[tokio::test]
async fn default_consistency_levels_hold_where_the_request_names_none() {
    let name = keyspace().await;
    let builder = shared_builder()
        .await
        .keyspace(name)
        .consistency(Consistency::Two)
        .serial_consistency(SerialConsistency::Serial);
    let db = Client::new(builder.build().await.unwrap());
    run(&db, "CREATE TABLE t (k int PRIMARY KEY)").await;
    let read = Statement::new("SELECT k FROM t WHERE k = 1");
    let error = db.request(&read).await.unwrap_err();
    let ErrorKind::Unavailable { consistency, required: 2, alive: 1 } = error.kind() else {
        panic!("{error}");
    };
    assert_eq!(*consistency, Consistency::Two);
    let at_one = Request::from(&read).with_consistency(Consistency::One);
    assert!(db.request(at_one).await.is_ok());
}

#[tokio::test]
async fn the_default_page_size_holds_where_the_request_names_none() {
    let name = keyspace().await;
    let session = shared_builder().await.keyspace(name).page_size(2).build().await.unwrap();
    let db = Client::new(session);
    run(&db, "CREATE TABLE t (k int PRIMARY KEY)").await;
    for k in 0..3 {
        db.execute(Statement::new("INSERT INTO t (k) VALUES (?)"), (k,)).await.unwrap();
    }
    assert_eq!(run(&db, "SELECT k FROM t").await.rows_count(), 2);
}

#[tokio::test]
async fn neither_builder_nor_session_shows_the_password() {
    let builder = shared_builder().await.user("ada", "hush");
    let session = builder.clone().build().await.unwrap();
    assert!(!format!("{builder:?} {session:?}").contains("hush"));
}
