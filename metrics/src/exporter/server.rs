//! Few connections, each for a short time: a scrape gets through whoever else connects.

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tower::ServiceExt;

use super::error::ExporterError;

const MOST_CONNECTIONS: usize = 32;
/// From the connection on, for the whole head of the request.
const HEAD: Duration = Duration::from_secs(5);
const HEAD_BYTES: usize = 16 * 1024;
/// From the connection on, until the last byte of the answer is taken.
const WHOLE: Duration = Duration::from_secs(15);
/// No connection is closed for another one before it had this long to send what is under way.
const GRACE: Duration = Duration::from_millis(10);
/// After the system refused a connection, for lack of file descriptors for example.
const AFTER_REFUSAL: Duration = Duration::from_millis(100);
const SHUTDOWN: Duration = Duration::from_secs(5);

/// The HTTP endpoint. It serves until it is shut down or dropped.
///
/// At most 32 connections are open; for a new one, the one that has waited longest without a whole
/// request head is closed. A head has 5 s and 16 KiB, a connection one request and 15 s.
#[must_use = "it serves until it is dropped"]
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Server {
    pub(super) async fn start(address: SocketAddr, router: Router) -> Result<Self, ExporterError> {
        let bind = |error| ExporterError::Bind { address, error };
        let listener = TcpListener::bind(address).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        if address.ip().is_loopback() {
            tracing::info!("metrics are on http://{address}/metrics");
        } else {
            tracing::warn!(
                "metrics are on http://{address}/metrics for everybody who can reach this machine"
            );
        }
        let (stop, stopped) = watch::channel(false);
        let accepting = tokio::spawn(accept(listener, router, stopped));
        Ok(Self { address, stop, accepting })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more connections, finishes the answers under way, for 5 s at most, and ends.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

async fn accept(listener: TcpListener, router: Router, mut stopped: watch::Receiver<bool>) {
    let mut connections = Connections::default();
    let graceful = GracefulShutdown::new();
    while let Some(accepted) = unless(&mut stopped, listener.accept()).await {
        match accepted {
            Ok((stream, _)) => {
                let Some(()) = unless(&mut stopped, connections.make_room()).await else { break };
                connections.add(stream, router.clone(), graceful.watcher());
            }
            Err(error) => {
                tracing::warn!("the metrics endpoint cannot take a connection: {error}");
                sleep(AFTER_REFUSAL).await;
            }
        }
    }
    drop(listener);
    let _ = timeout(SHUTDOWN, graceful.shutdown()).await;
}

/// The future's output, unless the server is stopped before.
async fn unless<T>(
    stopped: &mut watch::Receiver<bool>,
    future: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        biased;
        _ = stopped.wait_for(|stopped| *stopped) => None,
        output = future => Some(output),
    }
}

#[derive(Default)]
struct Connections {
    tasks: JoinSet<()>,
    /// In the order in which they came.
    open: VecDeque<Connection>,
}

struct Connection {
    since: Instant,
    /// Its request head is complete.
    serving: Arc<AtomicBool>,
    task: AbortHandle,
}

impl Connections {
    fn add(&mut self, stream: TcpStream, router: Router, watcher: Watcher) {
        let serving = Arc::new(AtomicBool::new(false));
        let served = serve(stream, router, Arc::clone(&serving), watcher);
        let task = self.tasks.spawn(async {
            // What goes wrong on a connection is for its peer to see.
            let _ = timeout(WHOLE, served).await;
        });
        self.open.push_back(Connection { since: Instant::now(), serving, task });
    }

    /// Waits until there is a place for one more, and closes another connection for it.
    async fn make_room(&mut self) {
        loop {
            while self.tasks.try_join_next().is_some() {}
            self.open.retain(|connection| !connection.task.is_finished());
            if self.open.len() < MOST_CONNECTIONS {
                return;
            }
            let waits = |connection: &Connection| !connection.serving.load(Ordering::Relaxed);
            match self.open.iter().position(waits) {
                Some(longest) if self.open[longest].since.elapsed() >= GRACE => {
                    if let Some(connection) = self.open.remove(longest) {
                        connection.task.abort();
                    }
                }
                Some(longest) => {
                    let grace = self.open[longest].since + GRACE;
                    tokio::select! {
                        () = sleep_until(grace) => {}
                        _ = self.tasks.join_next() => {}
                    }
                }
                None => {
                    self.tasks.join_next().await;
                }
            }
        }
    }
}

async fn serve(stream: TcpStream, router: Router, serving: Arc<AtomicBool>, watcher: Watcher) {
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        serving.store(true, Ordering::Relaxed);
        router.clone().oneshot(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(HEAD_BYTES);
    http.keep_alive(false);
    let _ = watcher.watch(http.serve_connection(TokioIo::new(stream), service)).await;
}
