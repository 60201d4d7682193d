//! The nodes of a cluster, looked at again and again.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cqlstack_core::{NodeFigures, Report, Session, Sink};
use tokio::task::JoinHandle;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

/// Watches the nodes of a session: for a snapshot, for gauges, and for the log.
///
/// It looks twice a second at what the session knows anyway, and asks every node that is up for its
/// connections each ten seconds. A killed node is seen by the next look, a frozen one when it owes its
/// sign of life for too long, 3.2 s by default. A node that left the cluster is not reported any more,
/// and its series disappear from the exporter within a minute.
///
/// Requests in flight by node are not in it: the driver does not tell of attempts that are given up.
///
/// ```no_run
/// use cqlstack_core::Session;
/// use cqlstack_metrics::{NodeMonitor, PrometheusExporter};
/// use std::time::Duration;
///
/// # async fn run(session: Session, exporter: PrometheusExporter) {
/// let nodes = NodeMonitor::new(&session).log_every(Duration::from_secs(60)).start().await;
/// exporter.report(nodes.handle());
/// for node in nodes.handle().figures() {
///     println!("{node}"); // node 127.0.0.1:9042 is up, connections 2, attempts 9, errors 0, mean 1.2ms
/// }
/// # }
/// ```
#[must_use = "it does nothing until it is started"]
pub struct NodeMonitor {
    session: Session,
    ask_every: Duration,
    log_every: Option<Duration>,
}

const LOOK_EVERY: Duration = Duration::from_millis(500);

impl NodeMonitor {
    /// Asks for connections each ten seconds, and logs nothing.
    pub fn new(session: &Session) -> Self {
        let ask_every = Duration::from_secs(10);
        Self { session: session.clone(), ask_every, log_every: None }
    }

    /// Sets the time from one count of the connections to the next, at least half a second. Each node
    /// lists all its clients for it.
    pub fn count_connections_every(mut self, every: Duration) -> Self {
        self.ask_every = every.max(LOOK_EVERY);
        self
    }

    /// Writes a line for each node to the log, again and again: `tracing`, level `INFO`, target
    /// `cqlstack::nodes`.
    #[doc(alias = "log_cluster_metrics")]
    pub fn log_every(mut self, every: Duration) -> Self {
        self.log_every = Some(every);
        self
    }

    /// Looks and asks for the first time, and goes on until the watch is dropped.
    pub async fn start(self) -> NodeWatch {
        let handle = NodeHandle::default();
        self.session.count_connections().await;
        handle.set(self.session.nodes());
        let looked_at = handle.clone();
        let task = tokio::spawn(async move {
            // Side by side: a look does not wait for an answer.
            tokio::join!(self.look(&looked_at), self.ask());
        });
        NodeWatch { handle, task }
    }

    async fn look(&self, handle: &NodeHandle) {
        let mut ticks = ticks(LOOK_EVERY);
        let mut logged: Option<Instant> = None;
        loop {
            ticks.tick().await;
            let nodes = self.session.nodes();
            let is_due = |every| logged.is_none_or(|logged| logged.elapsed() >= every);
            if self.log_every.is_some_and(is_due) {
                logged = Some(Instant::now());
                for node in &nodes {
                    tracing::info!(target: "cqlstack::nodes", "{node}");
                }
            }
            handle.set(nodes);
        }
    }

    async fn ask(&self) {
        let mut ticks = ticks(self.ask_every);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            self.session.count_connections().await;
        }
    }
}

fn ticks(every: Duration) -> Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

impl fmt::Debug for NodeMonitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeMonitor")
            .field("ask_every", &self.ask_every)
            .field("log_every", &self.log_every)
            .finish_non_exhaustive()
    }
}

/// A [`NodeMonitor`] at work. It ends when this is dropped.
#[derive(Debug)]
#[must_use = "it ends when it is dropped"]
pub struct NodeWatch {
    handle: NodeHandle,
    task: JoinHandle<()>,
}

impl NodeWatch {
    /// A handle that reads the last look.
    #[must_use]
    pub fn handle(&self) -> NodeHandle {
        self.handle.clone()
    }
}

impl Drop for NodeWatch {
    fn drop(&mut self) {
        self.task.abort();
        // What is not looked at any more is not true any more.
        self.handle.set(Vec::new());
    }
}

/// Reads what a [`NodeMonitor`] saw last.
#[derive(Debug, Clone, Default)]
pub struct NodeHandle {
    nodes: Arc<Mutex<Vec<NodeFigures>>>,
}

impl NodeHandle {
    /// The nodes as of the last look; none when the watch has ended.
    #[must_use]
    pub fn figures(&self) -> Vec<NodeFigures> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, nodes: Vec<NodeFigures>) {
        *self.nodes.lock().unwrap_or_else(PoisonError::into_inner) = nodes;
    }
}

impl Report for NodeHandle {
    fn report(&self, sink: &mut dyn Sink) {
        for figures in self.figures() {
            let address = figures.address.to_string();
            let node = [("node", &*address)];
            sink.level("node_up", &node, f64::from(u8::from(figures.up)));
            if let Some(connections) = figures.connections {
                #[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 connections")]
                sink.level("active_connections", &node, connections as f64);
            }
            sink.count("node_attempts_total", &node, figures.attempts);
            sink.count("node_errors_total", &node, figures.errors);
            sink.level("node_latency_seconds", &node, figures.avg_latency().as_secs_f64());
        }
    }
}
