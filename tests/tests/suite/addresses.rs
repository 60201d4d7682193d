//! Nodes that are reached at other addresses than they say, and the addresses to which no password goes.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cqlstack_core::{
    Client, Consistency, ErrorKind, NodeKey, Request, Session, SessionBuilder, Statement,
};
use cqlstack_tests::cluster::{Cluster, Node};
use cqlstack_tests::fault::FaultProxy;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::support::{Log, full_stack};

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

async fn within<T>(what: &str, time: Duration, future: impl Future<Output = T>) -> T {
    timeout(time, future).await.unwrap_or_else(|_| panic!("{what} took longer than {time:?}"))
}

/// Counts what connects here, and answers nothing.
async fn count_connections(address: SocketAddr) -> (Arc<AtomicUsize>, JoinHandle<()>) {
    let listener = TcpListener::bind(address).await.unwrap();
    let accepted = Arc::<AtomicUsize>::default();
    let counter = Arc::clone(&accepted);
    let accepting = tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    (accepted, accepting)
}

/// Reads at ONE until nodes at all these addresses have coordinated.
async fn reach(db: &Client<impl cqlstack_core::CqlService>, expected: &BTreeSet<SocketAddr>) {
    let all = async {
        let mut reached = BTreeSet::new();
        while !reached.is_superset(expected) {
            let read = Request::from(&Statement::new("SELECT k FROM t"));
            let answer = db.request(read.with_consistency(Consistency::One)).await.unwrap();
            reached.extend(answer.coordinator());
            sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(reached, *expected);
    };
    within("reaching all nodes", Duration::from_secs(60), all).await;
}

fn shown(session: &Session) -> BTreeSet<SocketAddr> {
    session.nodes().iter().map(|node| node.address).collect()
}

/// As with ssh, docker or kubectl: each node is a port of this machine.
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one cluster, of which a node moves once")]
async fn nodes_behind_forwarded_ports_are_reached_also_when_one_of_them_moves() {
    let builder = Cluster::builder().nodes(2).password_auth();
    let builder = builder.yaml("auth_read_consistency_level", "LOCAL_ONE");
    let cluster = builder.start().await.unwrap();
    // A role of which both nodes know by themselves what it may do.
    let on_both = "{'class': 'SimpleStrategy', 'replication_factor': 2}";
    let role = "CREATE ROLE ada WITH PASSWORD = 'hush' AND LOGIN = true AND SUPERUSER = true";
    for text in [format!("ALTER KEYSPACE system_auth WITH replication = {on_both}"), role.into()] {
        cluster.run(text).await.unwrap();
    }
    let keyspace = cluster.keyspace(2).await.unwrap();
    let own = [0, 1].map(|node| cluster.node(node).unwrap().address());
    let elsewhere = {
        let IpAddr::V4(first) = own[0].ip() else { panic!("{own:?}") };
        let [a, b, c, _] = first.octets();
        IpAddr::from([a, b, c, 9])
    };
    let login = |points: &[SocketAddr]| -> SessionBuilder {
        let points = points.iter().map(ToString::to_string);
        Session::builder().contact_points(points).user("ada", "hush").keyspace(keyspace.name())
    };
    let direct = login(&own).build().await.unwrap();
    let id_of = |address| {
        let nodes = direct.nodes();
        nodes.iter().find(|node| node.address == address).unwrap().host_id
    };
    let ids = own.map(id_of);
    let create = Statement::new("CREATE TABLE t (k int PRIMARY KEY)");
    Client::new(direct.clone()).request(&create).await.unwrap();
    let mut forwards = Vec::new();
    for node in own {
        let free = SocketAddr::new(HERE, 0);
        forwards.push(FaultProxy::listening_on(free, node).await.unwrap());
    }
    let ports: Vec<_> = forwards.iter().map(FaultProxy::address).collect();
    let both: BTreeSet<_> = ports.iter().copied().collect();
    assert!(both.iter().all(|port| port.port() != own[0].port()));

    // By the addresses that the nodes say are theirs, whose port is not the contact point's.
    let pairs = [(own[0], ports[0]), (own[1], ports[1])];
    let by_address = login(&ports[..1]).address_translation(pairs).build().await.unwrap();
    assert_eq!(shown(&by_address), both);
    reach(&full_stack(&by_address), &both).await;
    let health = by_address.health(Duration::from_secs(5)).await;
    assert!(health.all_reachable(), "{health}");
    assert_eq!(health.nodes.iter().map(|node| node.address).collect::<BTreeSet<_>>(), both);

    drop((by_address, direct));

    // By the ids, which stay when a node moves.
    let pairs = [(ids[0], ports[0]), (ids[1], ports[1])];
    let by_id = login(&ports[..1]).address_translation(pairs).build().await.unwrap();
    let db = full_stack(&by_id);
    reach(&db, &both).await;

    // One for whom the second node is where it says, which will be where no password may go.
    let (log, _listening) = Log::listen();
    let cautious = login(&ports[..1])
        .address_translation([(ids[0], ports[0])])
        .trusted_addresses(move |address| address != elsewhere);
    let port = ports[0].port();
    let second = SocketAddr::new(own[1].ip(), port);
    let passage = FaultProxy::listening_on(second, own[1]).await.unwrap();
    let learning = cautious.clone().build().await.unwrap();
    reach(&full_stack(&learning), &BTreeSet::from([ports[0], second])).await;
    assert!(log.lines("cannot be reached").is_empty(), "{:?}", log.lines("node "));

    let refused = SocketAddr::new(elsewhere, port);
    let (connections, counting) = count_connections(refused).await;
    let node = cluster.node(1).unwrap();
    let going_on = tokio::spawn({
        let db = full_stack(&by_id);
        async move {
            for _ in 0.. {
                let read = Request::from(&Statement::new("SELECT k FROM t"));
                db.request(read.with_consistency(Consistency::One)).await.unwrap();
                sleep(Duration::from_millis(5)).await;
            }
        }
    });
    node.stop().await.unwrap();
    drop(passage);
    node.set_yaml("broadcast_rpc_address", &elsewhere.to_string()).unwrap();
    node.start().await.unwrap();
    reach(&db, &both).await;
    assert!(!going_on.is_finished());
    going_on.abort();
    assert_eq!(shown(&by_id), both);

    let told = async {
        while !shown(&learning).contains(&refused) {
            sleep(Duration::from_millis(50)).await;
        }
        while log.lines("the password would be sent to node").is_empty() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    within("learning of the new address", Duration::from_secs(60), told).await;
    let health = learning.health(Duration::from_secs(1)).await;
    println!("{health}");
    let other = health.nodes.iter().find(|node| node.address == refused).unwrap();
    let kind = other.answer.as_ref().unwrap_err().kind().clone();
    assert_eq!(kind, ErrorKind::UnencryptedPassword { node: refused });
    reach(&full_stack(&learning), &BTreeSet::from([ports[0]])).await;

    // Also when the driver looks for another node to control, and has no other.
    forwards.remove(0);
    let driver = || log.lines("Falling back to initial contact points").len();
    let before = driver();
    let looked = async {
        while driver() < before + 2 {
            sleep(Duration::from_millis(50)).await;
        }
    };
    within("looking for another node", Duration::from_secs(60), looked).await;
    assert_eq!(connections.load(Ordering::Relaxed), 0);
    let warnings = log.lines("the password would be sent to node");
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    assert!(warnings[0].contains(&format!("{refused}")) && warnings[0].contains("WARN"));
    drop(learning);
    let first = FaultProxy::listening_on(ports[0], own[0]).await.unwrap();
    forwards.insert(0, first);

    // A session that is built now is told the same; one that may, connects.
    let told_at_once = cautious.clone().build().await.unwrap();
    reach(&full_stack(&told_at_once), &BTreeSet::from([ports[0]])).await;
    let translated = login(&ports[..1])
        .address_translation([(NodeKey::from(own[0]), refused), (NodeKey::from(ids[1]), refused)])
        .trusted_addresses(move |address| address != elsewhere);
    let error = translated.build().await.unwrap_err();
    assert!(error.to_string().contains("`user` would send the password"), "{error}");
    assert_eq!(connections.load(Ordering::Relaxed), 0);
    let allowed = cautious.allow_unencrypted_password().build().await.unwrap();
    let connected = async {
        while connections.load(Ordering::Relaxed) == 0 {
            sleep(Duration::from_millis(50)).await;
        }
    };
    within("connecting where it is allowed", Duration::from_secs(20), connected).await;
    drop(allowed);
    counting.abort();
}

/// Nodes that told of addresses at which nobody is.
#[tokio::test]
async fn a_session_is_built_when_a_node_can_be_used_and_not_before() {
    let cluster = Cluster::shared_three().await.unwrap();
    let points = cluster.contact_points();
    let own: Vec<_> = cluster.nodes().iter().map(Node::address).collect();
    let dead = SocketAddr::from(([127, 0, 0, 1], 1));
    let (hole, _queue) = black_hole().await;
    let builder = |to: &[Option<SocketAddr>]| {
        let pairs = own.iter().zip(to).filter_map(|(own, to)| Some((*own, (*to)?)));
        let builder = Session::builder().contact_points(&points).address_translation(pairs);
        builder.build_timeout(Duration::from_secs(4))
    };

    let (log, _listening) = Log::listen();
    let session = builder(&[None, None, None]).build().await.unwrap();
    assert!(session.nodes().iter().all(|node| node.up));
    assert!(log.lines(" WARN ").iter().all(|line| !line.contains("cannot be reached")));
    drop(session);

    for bad in [dead, hole] {
        let (log, _listening) = Log::listen();
        let began = Instant::now();
        let session = builder(&[None, Some(bad), None]).build().await.unwrap();
        println!("with one of three at {bad}: {:.1?}", began.elapsed());
        assert!(began.elapsed() < Duration::from_secs(4));
        assert_eq!(session.nodes().iter().filter(|node| node.up).count(), 2);
        let lines = log.lines("cannot be reached");
        assert_eq!(lines.len(), 1, "{lines:#?}");
        assert!(lines[0].contains("WARN") && lines[0].contains(&format!("node {bad}")));

        // Nor does one that is silent for longer than a session may take to be built.
        let patient = builder(&[None, Some(bad), None]).connect_timeout(Duration::from_secs(60));
        assert_eq!(patient.build().await.unwrap().nodes().iter().filter(|node| node.up).count(), 2);

        let (log, _listening) = Log::listen();
        let began = Instant::now();
        let error = builder(&[Some(bad), Some(bad), Some(bad)]).build().await.unwrap_err();
        println!("with all at {bad}: {:.1?}: {error}", began.elapsed());
        assert!((3..10).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
        let ErrorKind::Unreachable { learned, .. } = error.kind() else { panic!("{error}") };
        assert_eq!(*learned, [bad, bad, bad]);
        let text = error.to_string();
        assert!(
            text.contains(&bad.to_string()) && text.contains("`address_translation`"),
            "{text}"
        );
        let lines = log.lines("no session could be built");
        assert!(lines.len() == 1 && lines[0].contains(&bad.to_string()), "{lines:#?}");
    }
}

/// A listener whose queue is full drops what comes: nobody answers, not even with a refusal.
async fn black_hole() -> (SocketAddr, (TcpListener, Vec<TcpStream>)) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let hole = socket.listen(1).unwrap();
    let address = hole.local_addr().unwrap();
    let mut queue = Vec::new();
    while let Ok(waiting) = timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
        queue.push(waiting.unwrap());
    }
    (address, (hole, queue))
}
