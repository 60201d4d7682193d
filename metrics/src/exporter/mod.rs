//! Prometheus: the recorder, its text, and an HTTP endpoint to scrape.

mod error;
mod router;
mod server;
mod text;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use cqlstack_core::Report;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use metrics_util::MetricKindMask;
use tokio::runtime::Handle;
use tokio::time::interval;

pub use error::ExporterError;
pub use server::Server;

use crate::declared::{BUCKETS, DURATION, Kind, METRICS, Metric};
use crate::publish::Publisher;

/// How often samples are moved into their buckets when nobody scrapes.
const DRAIN: Duration = Duration::from_secs(1);

/// How long a counter or gauge of ours stays after its layer reported it last.
const IDLE: Duration = Duration::from_secs(60);

/// Collects all metrics of the process, renders them for Prometheus, and serves them over HTTP.
///
/// It installs the process's recorder of the `metrics` facade, so that metrics of your own, made by
/// `metrics::counter!` and the like, are on the same page. Histograms always have buckets
/// ([`BUCKETS`]), never quantiles, which cannot be added up over instances. Samples are moved into
/// them each second, so that memory does not grow when nobody scrapes. Our own are exact, and take no
/// samples at all.
///
/// ```no_run
/// use cqlstack_metrics::{MetricsLayer, PrometheusExporter};
///
/// # async fn run() -> Result<(), cqlstack_metrics::ExporterError> {
/// let exporter = PrometheusExporter::install()?;
/// let metrics = MetricsLayer::new();
/// exporter.report(metrics.handle());
///
/// let server = exporter.serve(9187).await?; // http://127.0.0.1:9187/metrics and /healthz
/// // ...
/// server.shutdown().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PrometheusExporter {
    inner: Arc<Inner>,
}

struct Inner {
    /// Whatever else the process records. It never drops a series: a handle that was resolved once
    /// would go on writing to one that is gone.
    recorded: PrometheusHandle,
    /// Our counters and gauges, registered anew with each reading: one that is not read any more
    /// disappears.
    published: PrometheusRecorder,
    publisher: Publisher,
}

impl PrometheusExporter {
    /// Installs the recorder, and moves samples into buckets for as long as the exporter or a clone of
    /// it, a router or a server lives.
    ///
    /// # Errors
    ///
    /// [`ExporterError::RecorderInstalled`] if the program has a recorder already: give that one a
    /// [`Publisher`]. [`ExporterError::NoRuntime`] outside of a tokio runtime.
    pub fn install() -> Result<Self, ExporterError> {
        let runtime = Handle::try_current().map_err(|_| ExporterError::NoRuntime)?;
        let recorder = recorder_with_buckets();
        let handle = recorder.handle();
        metrics::set_global_recorder(Others(recorder))
            .map_err(|_| ExporterError::RecorderInstalled)?;
        let published = recorder_that_forgets(IDLE);
        describe(&published);
        let inner = Arc::new(Inner { recorded: handle, published, publisher: Publisher::new() });
        let exporter = Arc::downgrade(&inner);
        runtime.spawn(async move {
            let mut ticks = interval(DRAIN);
            loop {
                ticks.tick().await;
                let Some(exporter) = exporter.upgrade() else { break };
                exporter.recorded.run_upkeep();
            }
        });
        Ok(Self { inner })
    }

    /// Exports these figures too: the handle of a layer, or a [`Report`] of your own.
    pub fn report(&self, source: impl Report + 'static) {
        self.inner.publisher.add(source);
    }

    /// All metrics in Prometheus' text format, as of now: for those who have an endpoint already.
    #[must_use]
    pub fn render(&self) -> String {
        let figures = self.inner.publisher.figures();
        let mut text = self.inner.recorded.render();
        let _ = text::write_times(&mut text, &figures);
        figures.publish_to(&self.inner.published);
        text.push_str(&self.inner.published.handle().render());
        text
    }

    /// `GET` and `HEAD` of `/metrics` and `/healthz`, for those who have a server already. The server
    /// has to bound connections and the time to read a request.
    pub fn router(&self) -> Router {
        router::router(self.clone())
    }

    /// Serves on this port of 127.0.0.1; 0 takes a free one, which [`Server::address`] tells.
    ///
    /// # Errors
    ///
    /// [`ExporterError::Bind`] if the port is taken.
    pub async fn serve(&self, port: u16) -> Result<Server, ExporterError> {
        self.serve_at(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await
    }

    /// Serves on this address. Anybody who can reach it can read the metrics; one that is not of this
    /// machine alone is worth a line in the log.
    ///
    /// # Errors
    ///
    /// [`ExporterError::Bind`] if it cannot be bound.
    pub async fn serve_at(&self, address: SocketAddr) -> Result<Server, ExporterError> {
        Server::start(address, self.router()).await
    }
}

fn recorder_with_buckets() -> PrometheusRecorder {
    let builder = PrometheusBuilder::new().set_buckets(&BUCKETS);
    builder.unwrap_or_else(|_| unreachable!("there are buckets")).build_recorder()
}

fn recorder_that_forgets(idle: Duration) -> PrometheusRecorder {
    let kinds = MetricKindMask::COUNTER | MetricKindMask::GAUGE;
    PrometheusBuilder::new().idle_timeout(kinds, Some(idle)).build_recorder()
}

fn describe(recorder: &dyn Recorder) {
    for Metric { name, kind, help, .. } in METRICS {
        match kind {
            Kind::Counter => recorder.describe_counter((*name).into(), None, (*help).into()),
            Kind::Gauge => recorder.describe_gauge((*name).into(), None, (*help).into()),
            // Not this recorder's: see `text`.
            Kind::Histogram => {}
        }
    }
}

/// Records what is not ours: our latencies are counted by the layers already.
struct Others(PrometheusRecorder);

impl Recorder for Others {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, help: SharedString) {
        self.0.describe_counter(key, unit, help);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, help: SharedString) {
        self.0.describe_gauge(key, unit, help);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, help: SharedString) {
        self.0.describe_histogram(key, unit, help);
    }

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        self.0.register_counter(key, metadata)
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        self.0.register_gauge(key, metadata)
    }

    fn register_histogram(&self, key: &Key, metadata: &Metadata<'_>) -> Histogram {
        if key.name() == DURATION.name {
            return Histogram::noop();
        }
        self.0.register_histogram(key, metadata)
    }
}

impl fmt::Debug for PrometheusExporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let publisher = &self.inner.publisher;
        f.debug_struct("PrometheusExporter").field("publisher", publisher).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Instant;

    use cqlstack_core::Sink;

    use super::*;

    /// Two nodes, one of which leaves.
    #[derive(Clone, Default)]
    struct Nodes(Arc<AtomicBool>);

    impl Report for Nodes {
        fn report(&self, sink: &mut dyn Sink) {
            sink.level("node_up", &[("node", "stays")], 1.0);
            if !self.0.load(Ordering::Relaxed) {
                sink.level("node_up", &[("node", "leaves")], 1.0);
                sink.count("node_attempts_total", &[("node", "leaves")], 7);
            }
        }
    }

    #[test]
    fn what_is_not_reported_any_more_disappears_and_the_rest_stays() {
        let recorder = recorder_that_forgets(Duration::from_millis(50));
        let publisher = Publisher::new();
        let nodes = Nodes::default();
        publisher.add(nodes.clone());
        let scrape = || {
            publisher.publish_to(&recorder);
            recorder.handle().render()
        };
        let started = Instant::now();
        assert_eq!(scrape().matches("leaves").count(), 2);
        nodes.0.store(true, Ordering::Relaxed);
        while scrape().contains("leaves") {
            assert!(started.elapsed() < Duration::from_secs(10));
            std::thread::yield_now();
        }
        assert!(started.elapsed() >= Duration::from_millis(50));
        assert!(scrape().contains("cassandra_node_up{node=\"stays\"} 1"));
    }
}
