//! The nodes of a cluster, looked at again and again.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cqlstack_core::layer::{Report, Sink};
use cqlstack_core::{NodeStats, SchemaStats, Session};
use tokio::task::AbortHandle;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// Watches the nodes of a session: for a snapshot, for gauges, and for the log.
///
/// Up or down, attempts, errors and latency are what the session knows at any time. A killed node is
/// down at once, a frozen one when it owes its sign of life for too long, 3.2 s by default. What only
/// the nodes know, their connections, they are asked for each ten seconds. A node that left the
/// cluster is not reported any more, and its series are gone.
///
/// How old what the session knows of the schema is, is reported beside them.
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
/// for node in nodes.handle().stats() {
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

const LEAST: Duration = Duration::from_millis(500);

fn at_least(setting: &str, every: Duration) -> Duration {
    if every < LEAST {
        tracing::warn!(
            "`{setting}` is {every:?}, and as often as each {LEAST:?} is enough: that is taken"
        );
    }
    every.max(LEAST)
}

impl NodeMonitor {
    /// Asks for connections each ten seconds, and logs nothing.
    pub fn new(session: &Session) -> Self {
        let ask_every = Duration::from_secs(10);
        Self { session: session.clone(), ask_every, log_every: None }
    }

    /// Sets the time from one count of the connections to the next, at least half a second. Each node
    /// lists all its clients for it.
    pub fn count_connections_every(mut self, every: Duration) -> Self {
        self.ask_every = at_least("count_connections_every", every);
        self
    }

    /// Writes a line for each node to the log, again and again, at most twice a second: `tracing`, level
    /// `INFO`, target `cqlstack::nodes`.
    #[doc(alias = "log_cluster_metrics")]
    pub fn log_every(mut self, every: Duration) -> Self {
        self.log_every = Some(at_least("log_every", every));
        self
    }

    /// Asks for the connections, and goes on until the watch is dropped.
    pub async fn start(self) -> NodeWatch {
        self.session.count_connections().await;
        let handle = NodeHandle {
            session: Arc::new(Mutex::new(Some(self.session.clone()))),
            counts: Arc::default(),
        };
        let task = tokio::spawn(async move { tokio::join!(self.ask(), self.log()) });
        NodeWatch { handle, task: task.abort_handle() }
    }

    async fn ask(&self) {
        let mut ticks = ticks(self.ask_every);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            self.session.count_connections().await;
        }
    }

    async fn log(&self) {
        let Some(every) = self.log_every else { return };
        let mut ticks = ticks(every);
        loop {
            ticks.tick().await;
            for node in self.session.nodes() {
                tracing::info!(target: "cqlstack::nodes", "{node}");
            }
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
    task: AbortHandle,
}

impl NodeWatch {
    /// A handle that reads the statistics.
    #[must_use]
    pub fn handle(&self) -> NodeHandle {
        self.handle.clone()
    }
}

impl Drop for NodeWatch {
    fn drop(&mut self) {
        self.task.abort();
        self.handle.remember(&self.handle.stats());
        // An exporter that still has the handle keeps no session.
        *self.handle.session() = None;
    }
}

/// Reads what a session knows of its nodes, for as long as they are watched.
#[derive(Debug, Clone)]
pub struct NodeHandle {
    session: Arc<Mutex<Option<Session>>>,
    /// Attempts and errors by node, as of when it was read last: they stay when the session is gone.
    counts: Arc<Mutex<Vec<(String, u64, u64)>>>,
}

impl NodeHandle {
    /// The nodes now; none when the watch has ended.
    #[must_use]
    pub fn stats(&self) -> Vec<NodeStats> {
        self.session().as_ref().map(Session::nodes).unwrap_or_default()
    }

    /// How old what the session knows of the schema is; `None` when the watch has ended.
    #[must_use]
    pub fn schema(&self) -> Option<SchemaStats> {
        self.session().as_ref().and_then(Session::schema)
    }

    fn remember(&self, stats: &[NodeStats]) {
        if !stats.is_empty() {
            let counts = stats.iter().map(|it| (it.address.to_string(), it.attempts, it.errors));
            *self.counts() = counts.collect();
        }
    }

    fn counts(&self) -> MutexGuard<'_, Vec<(String, u64, u64)>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn session(&self) -> MutexGuard<'_, Option<Session>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Report for NodeHandle {
    fn report(&self, sink: &mut dyn Sink) {
        if let Some(schema) = self.schema() {
            sink.gauge("schema_age_seconds", &[], schema.age.as_secs_f64());
            sink.gauge("schema_stale", &[], f64::from(u8::from(schema.stale)));
        }
        let nodes = self.stats();
        self.remember(&nodes);
        // Without the lock: the sink is somebody else's.
        let counts = self.counts().clone();
        for (node, attempts, errors) in counts {
            let node = [("node", node.as_str())];
            sink.counter("node_attempts_total", &node, attempts);
            sink.counter("node_errors_total", &node, errors);
        }
        for stats in nodes {
            let address = stats.address.to_string();
            let node = [("node", &*address)];
            sink.gauge("node_up", &node, f64::from(u8::from(stats.up)));
            if let Some(connections) = stats.connections {
                #[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 connections")]
                sink.gauge("active_connections", &node, connections as f64);
            }
            if let Some(clock) = stats.clock {
                #[expect(clippy::cast_precision_loss, reason = "a clock is not off by 2^53 µs")]
                sink.gauge("node_clock_offset_seconds", &node, clock.ahead_micros as f64 / 1e6);
            }
            sink.gauge("node_latency_seconds", &node, stats.avg_latency().as_secs_f64());
        }
    }

    /// The watch has ended, or the session was shut down.
    fn is_gone(&self) -> bool {
        self.schema().is_none()
    }
}
