//! Prometheus: the recorder, its text, and an HTTP endpoint to scrape.

mod config;
mod error;
mod router;
mod server;
mod text;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "axum-08")]
use axum::Router;
use cqlstack_core::layer::Report;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use tokio::runtime::Handle;
use tokio::time::interval;

pub use config::ExporterConfig;
pub use error::ExporterError;
pub use server::Server;

use crate::catalog::{BUCKETS, DURATION};
use crate::publish::Publisher;

/// How often samples are moved into their buckets when nobody scrapes.
const DRAIN: Duration = Duration::from_secs(1);

/// Collects all metrics of the process, renders them for Prometheus, and serves them over HTTP.
///
/// It installs the process's recorder of the `metrics` facade, so that metrics of your own, made by
/// `metrics::counter!` and the like, are on the same page. Histograms always have buckets
/// ([`BUCKETS`]), never quantiles, which cannot be added up over instances. Samples are moved into
/// them each second, so that memory does not grow when nobody scrapes. The statistics of layers and nodes
/// are written as these report them: exactly, and only for as long as they do.
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
    /// What the process records, but for our latencies.
    recorded: PrometheusHandle,
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
        let inner = Arc::new(Inner { recorded: handle, publisher: Publisher::new() });
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

    /// Exports these statistics too: the handle of a layer, or a [`Report`] of your own.
    pub fn report(&self, source: impl Report + 'static) {
        self.inner.publisher.add(source);
    }

    /// All metrics in Prometheus' text format, as of now: for those who have an endpoint already.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = self.inner.recorded.render();
        // Writing to a string does not fail.
        let _ = text::write(&mut text, &self.inner.publisher.collect());
        text
    }

    /// `GET` and `HEAD` of `/metrics` and `/healthz`, for those who have a server of axum 0.8 already: feature
    /// `axum-08`. The server has to bound connections and the time to read a request.
    #[cfg(feature = "axum-08")]
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
        Server::start(address, router::router(self.clone())).await
    }
}

fn recorder_with_buckets() -> PrometheusRecorder {
    let builder = PrometheusBuilder::new().set_buckets(BUCKETS);
    builder.unwrap_or_else(|_| unreachable!("there are buckets")).build_recorder()
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
