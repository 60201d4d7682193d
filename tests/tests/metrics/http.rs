//! The endpoint, met by those it is meant for and by others.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use cqlstack_metrics::{ExporterError, MetricsLayer, Server};
use cqlstack_tests::scrape::Scrape;
use tower::ServiceExt;

use crate::support::exporter;
use crate::{answering, statement};

const PATIENCE: Duration = Duration::from_secs(10);

async fn serve() -> Server {
    exporter().serve(0).await.unwrap()
}

/// Sends these bytes, and returns all that comes back. On a thread of its own, for the server's sake.
async fn send(address: SocketAddr, bytes: impl Into<Vec<u8>>) -> String {
    let bytes = bytes.into();
    let exchange = move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // The server may answer and close before it has read all of it.
        let _ = stream.write_all(&bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    };
    tokio::task::spawn_blocking(exchange).await.unwrap()
}

async fn get(address: SocketAddr, path: &str) -> (String, String) {
    let answer = send(address, format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

/// Of axum 0.8, in a server that is there already.
#[tokio::test(flavor = "multi_thread")]
async fn the_router_answers_as_the_endpoint_does() {
    let router = axum::Router::new().nest("/internal", exporter().router());
    for (path, status) in
        [("/internal/metrics", 200), ("/internal/healthz", 200), ("/metrics", 404)]
    {
        let request = axum::http::Request::get(path).body(axum::body::Body::empty()).unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scrape_has_the_statistics_and_healthz_says_ok() {
    let db = answering(&MetricsLayer::new());
    db.request(statement("scraped")).await.unwrap();
    let server = serve().await;
    assert!(server.address().ip().is_loopback());
    let (head, body) = get(server.address(), "/metrics").await;
    assert_eq!(status(&head), "200");
    assert!(head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{head}");
    let scrape = Scrape::parse(&body).unwrap();
    assert_eq!(scrape.sum("cassandra_queries_total", &[("statement", "scraped")]), 1);

    let (head, body) = get(server.address(), "/healthz").await;
    assert_eq!((status(&head), &*body), ("200", "ok\n"));
    let head = send(server.address(), "HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(status(&head), "200");
    assert!(head.ends_with("\r\n\r\n"), "a body: {head}");
    let gzip = "GET /metrics HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n";
    assert!(send(server.address(), gzip).await.contains("content-encoding: gzip"));
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anything_else_is_refused() {
    let server = serve().await;
    let header = "x".repeat(64 * 1024);
    for (request, expected) in [
        ("POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc".to_owned(), "405"),
        ("DELETE /healthz HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), "405"),
        ("GET /x HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), "404"),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), "404"),
        (format!("GET /metrics HTTP/1.1\r\nHost: a\r\nX: {header}\r\n\r\n"), "431"),
        ("nonsense\r\n\r\n".to_owned(), "400"),
    ] {
        let answer = send(server.address(), request.clone()).await;
        assert_eq!(status(&answer), expected, "{}", &request[..30.min(request.len())]);
    }
    let (head, _) = get(server.address(), "/healthz").await;
    assert_eq!(status(&head), "200");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_an_error_that_names_it() {
    let server = serve().await;
    let port = server.address().port();
    let error = exporter().serve(port).await.unwrap_err();
    assert!(matches!(error, ExporterError::Bind { .. }));
    assert!(error.to_string().contains(&port.to_string()), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_shutdown_or_a_drop_nobody_listens() {
    let server = serve().await;
    let address = server.address();
    server.shutdown().await;
    assert!(TcpStream::connect(address).is_err());

    let server = serve().await;
    let address = server.address();
    drop(server);
    let until = Instant::now() + PATIENCE;
    while TcpStream::connect(address).is_ok() {
        assert!(Instant::now() < until, "it still listens");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_waits_for_no_connection_without_a_request() {
    let server = serve().await;
    let _idle = TcpStream::connect(server.address()).unwrap();
    let started = Instant::now();
    server.shutdown().await;
    assert!(started.elapsed() < PATIENCE);
}

/// Whether the other side closes the connection within this time.
fn is_closed(stream: &mut TcpStream, within: Duration) -> bool {
    stream.set_read_timeout(Some(within)).unwrap();
    match stream.read(&mut [0; 1024]) {
        Ok(0) => true,
        // It may say why before.
        Ok(_) => is_closed(stream, within),
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_head_has_five_seconds() {
    let server = serve().await;
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost").unwrap();
    let started = Instant::now();
    let closed = move || is_closed(&mut stream, PATIENCE);
    assert!(tokio::task::spawn_blocking(closed).await.unwrap());
    let took = started.elapsed();
    assert!(took > Duration::from_secs(4) && took < Duration::from_secs(8), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_of_more_than_32_connections_are_closed() {
    let server = serve().await;
    let address = server.address();
    let opened = move || {
        let mut streams: Vec<_> = (0..40).map(|_| TcpStream::connect(address).unwrap()).collect();
        let oldest = streams[..8].iter_mut().all(|stream| is_closed(stream, PATIENCE / 3));
        let youngest = streams[8..].iter_mut().filter_map(|stream| {
            stream.set_nonblocking(true).unwrap();
            let read = stream.read(&mut [0]);
            read.err().filter(|error| error.kind() == std::io::ErrorKind::WouldBlock)
        });
        (oldest, youngest.count())
    };
    assert_eq!(tokio::task::spawn_blocking(opened).await.unwrap(), (true, 32));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scrape_gets_through_a_thousand_slow_connections() {
    let server = serve().await;
    let address = server.address();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let (sent, first) = std::sync::mpsc::channel();
    // Each sends a byte of a request every second, and comes back when it was closed.
    let slow = std::thread::spawn(move || {
        let connect = || TcpStream::connect(address).ok();
        let mut streams: Vec<_> = (0..1_000).map(|_| connect()).collect();
        let mut bytes =
            "GET /metrics HTTP/1.1\r\nHost: a\r\nX: ".bytes().chain(std::iter::repeat(b'x'));
        loop {
            let byte = [bytes.next().unwrap()];
            for stream in &mut streams {
                if stream.as_mut().is_none_or(|stream| stream.write_all(&byte).is_err()) {
                    *stream = connect();
                }
            }
            let _ = sent.send(());
            if stopped.recv_timeout(Duration::from_secs(1)).is_ok() {
                return;
            }
        }
    });
    tokio::task::spawn_blocking(move || first.recv().unwrap()).await.unwrap();
    let mut slowest = Duration::ZERO;
    for _ in 0..5 {
        let started = Instant::now();
        let (head, _) = get(address, "/metrics").await;
        assert_eq!(status(&head), "200");
        slowest = slowest.max(started.elapsed());
    }
    println!("5 scrapes beside 1,000 slow connections: {slowest:.1?} at most");
    stop.send(()).unwrap();
    tokio::task::spawn_blocking(move || slow.join().unwrap()).await.unwrap();
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
}
