//! What a session knows of each node, as a snapshot and on the page that Prometheus scrapes.

use std::io::{BufRead, BufReader, pipe};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cqlstack_core::{Client, Consistency, Request, Session, Statement};
use cqlstack_metrics::{NodeHandle, NodeMonitor};
use cqlstack_tests::cluster::{Cluster, Node};
use cqlstack_tests::scrape::Scrape;
use tokio::time::{sleep, timeout};

use crate::exporter::exporter;
use crate::support::{Log, run, subscribe};

/// Waits until the nodes are up or down as given; says how long it took.
async fn until(nodes: &NodeHandle, up: &[(SocketAddr, bool)], longest: Duration) -> Duration {
    let started = Instant::now();
    loop {
        let stats = nodes.stats();
        let is = |(address, up): &(SocketAddr, bool)| {
            stats.iter().any(|node| node.address == *address && node.up == *up)
        };
        if up.iter().all(is) {
            return started.elapsed();
        }
        assert!(started.elapsed() < longest, "after {longest:?}: {stats:#?}");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_and_a_frozen_node_are_down_within_5_s_and_up_again_within_15_s() {
    let exporter = exporter();
    let cluster = Cluster::shared_three().await.unwrap();
    let builder = Session::builder().contact_points(cluster.contact_points());
    let session = builder.consistency(Consistency::One).build().await.unwrap();
    let watch = NodeMonitor::new(&session).count_connections_every(Duration::from_secs(1));
    let watch = watch.start().await;
    let nodes = watch.handle();
    exporter.report(watch.handle());
    let addresses: Vec<_> = cluster.nodes().iter().map(Node::address).collect();
    let [good, killed, frozen] = addresses[..] else { panic!("three nodes: {addresses:?}") };
    let all = [(good, true), (killed, true), (frozen, true)];
    until(&nodes, &all, Duration::from_secs(15)).await;
    let db = Client::new(session.clone());
    for _ in 0..30 {
        run(&db, "SELECT key FROM system.local").await;
    }

    cluster.node(1).unwrap().kill().await.unwrap();
    cluster.node(2).unwrap().freeze().await.unwrap();
    let down = [(good, true), (killed, false), (frozen, false)];
    let noticed = until(&nodes, &down, Duration::from_secs(5)).await;
    let scrape_text = exporter.render();
    let scrape = Scrape::parse(&scrape_text).unwrap();
    for (address, up) in down {
        let node = address.to_string();
        assert_eq!(scrape.sum("cassandra_node_up", &[("node", &node)]), u64::from(up));
        let connections = scrape.sum("cassandra_active_connections", &[("node", &node)]);
        assert_eq!(connections > 0, up, "{node}: {connections}");
    }

    cluster.node(2).unwrap().resume().await.unwrap();
    let resumed = until(&nodes, &all[2..], Duration::from_secs(15)).await;
    // It answers CQL when this returns.
    cluster.node(1).unwrap().start().await.unwrap();
    let restarted = until(&nodes, &all, Duration::from_secs(15)).await;
    println!(
        "down after {noticed:.1?}; up again {resumed:.1?} after it was resumed, {restarted:.1?} \
         after it answered CQL"
    );
    drop(watch);
    assert_eq!(nodes.stats(), []);
    let series = format!("cassandra_node_up{{node=\"{good}\"");
    assert!(scrape_text.contains(&series) && !exporter.render().contains(&series), "they are gone");
    // What was counted is not: a sum that falls would be taken for one that began anew.
    let good = good.to_string();
    let attempts = |text: &str| {
        Scrape::parse(text).unwrap().sum("cassandra_node_attempts_total", &[("node", &good)])
    };
    for _ in 0..2 {
        assert!(attempts(&exporter.render()) >= attempts(&scrape_text));
    }
    assert!(attempts(&scrape_text) > 0);
}

#[tokio::test]
async fn a_line_for_each_node_is_logged_again_and_again() {
    let (log, writer) = pipe().unwrap();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(Arc::new(writer));
    let _subscribed = subscribe(subscriber.finish());
    let cluster = Cluster::shared().await.unwrap();
    let session = Session::builder().contact_points(cluster.contact_points()).build();
    let session = session.await.unwrap();
    let watch = NodeMonitor::new(&session).log_every(Duration::from_millis(500)).start().await;
    let line = format!("cqlstack::nodes: node {} is up", session.nodes()[0].address);
    let lines = BufReader::new(log).lines().map_while(Result::ok);
    let twice = tokio::task::spawn_blocking(move || {
        lines.filter(|logged| logged.contains(&line)).take(2).count()
    });
    let twice = tokio::time::timeout(Duration::from_secs(10), twice).await;
    assert_eq!(twice.unwrap().unwrap(), 2);
    drop(watch);
}

#[tokio::test]
async fn attempts_errors_and_connections_are_those_of_this_session() {
    let cluster = Cluster::shared().await.unwrap();
    let build = || Session::builder().contact_points(cluster.contact_points()).build();
    let (session, other) = (build().await.unwrap(), build().await.unwrap());
    let keyspace = cluster.keyspace(1).await.unwrap().name().to_owned();
    let db = Client::new(session.clone());
    run(&db, &format!("CREATE TABLE {keyspace}.t (k int PRIMARY KEY)")).await;
    let of = |session: &Session| session.nodes().into_iter().next().unwrap();
    assert_eq!(of(&session).connections, None, "nobody has counted them");
    session.count_connections().await;
    let before = of(&session);
    // One for requests and one for control, whoever else is connected.
    assert_eq!((before.up, before.connections), (true, Some(2)));

    let read = Statement::new(format!("SELECT k FROM {keyspace}.t WHERE k = ?"));
    let prepared = session.prepare(&read).await.unwrap();
    for k in 0..10 {
        let request = Request::new(&read, (k,)).bind(&prepared).unwrap();
        db.request(request).await.unwrap();
    }
    let request = Request::new(&read, (0,)).bind(&prepared).unwrap();
    db.request(request.with_consistency(Consistency::Three)).await.unwrap_err();
    let after = of(&session);
    // The driver asks once more at what is unavailable.
    let attempts = after.attempts - before.attempts;
    assert!((11..=12).contains(&attempts), "{attempts}");
    assert_eq!(after.errors - before.errors, attempts - 10);
    assert!(after.avg_latency() > Duration::ZERO && after.time > before.time);
    let line = after.to_string();
    assert!(line.starts_with(&format!("node {} is up, connections 2", after.address)), "{line}");
    assert_eq!(of(&other).attempts, 0);
}

#[tokio::test]
async fn a_line_tells_when_a_node_goes_down_and_one_when_it_comes_up() {
    let (log, _listening) = Log::listen();
    let cluster = Cluster::shared_one_to_break().await.unwrap();
    let points = cluster.contact_points();
    let session = Session::builder().contact_points(&points).build().await.unwrap();
    let node = cluster.node(0).unwrap();
    let told = async |words: &str| {
        let line = async {
            while log.lines(words).is_empty() {
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(Duration::from_secs(30), line).await.expect(words);
    };
    node.kill().await.unwrap();
    told("is down, after it was up for").await;
    node.start().await.unwrap();
    told("is up, after it was down for").await;
    let address = node.address();
    for (level, words) in [("WARN", "is down"), ("INFO", "is up")] {
        let lines = log.lines(&format!("node {address} {words}"));
        println!("{lines:#?}");
        assert!(lines.len() == 1 && lines[0].contains(level), "{lines:#?}");
    }
    drop(session);
}
