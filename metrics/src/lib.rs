//! Latency metrics for a Cassandra session, within the program and for Prometheus.
//!
//! [`MetricsLayer`] counts and times requests by statement. What it knows is read in three ways:
//!
//! - [`MetricsHandle::snapshot`]: statistics and quantiles within the program, and a table that prints;
//! - [`PrometheusExporter`] (feature `exporter`, on by default): recorder, text, HTTP endpoint;
//! - any other recorder of the [`metrics`](https://docs.rs/metrics) facade: latencies reach it by
//!   themselves, counters and gauges through a [`Publisher`].
//!
//! ```
//! use cqlstack_core::testing::{Answer, ScriptedSession};
//! use cqlstack_core::{Client, StaticStatement};
//! use cqlstack_metrics::{MetricsLayer, PrometheusExporter};
//! use tower::Layer;
//!
//! static NAME: StaticStatement =
//!     StaticStatement::new("SELECT name FROM app.users WHERE id = ?").named("user_name");
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let exporter = PrometheusExporter::install()?;
//! let metrics = MetricsLayer::new();
//! exporter.report(metrics.handle());
//!
//! let session = ScriptedSession::new().on("user_name", [Answer::done()]); // or a real one
//! let db = Client::new(metrics.layer(session));
//! db.execute(&NAME, (42,)).await?;
//!
//! println!("{}", metrics.handle().snapshot());
//! assert!(exporter.render().contains("cassandra_queries_total{statement=\"user_name\"} 1"));
//! # Ok(())
//! # }
//! ```
//!
//! The feature `serde` reads [`MetricsConfig`] and [`ExporterConfig`] from files and the environment.
//!
//! [`NodeMonitor`] tells of the nodes: up or down, connections, attempts, errors, latency.
//!
//! # All metrics
//!
//! They are declared in one place, [`METRICS`]. What a layer or a node does not report is not there.
//!
#![doc = include_str!("../METRICS.md")]

mod catalog;
mod collected;
#[cfg(feature = "exporter")]
pub mod exporter;
pub mod latency;
mod nodes;
mod publish;
mod recorded;
mod recorder;
#[cfg(test)]
mod recorder_tests;
mod snapshot;
mod statements;
mod sync;

pub use catalog::{BUCKETS, Kind, METRICS, Metric};
#[cfg(feature = "exporter")]
pub use exporter::{ExporterConfig, ExporterError, PrometheusExporter, Server};
pub use latency::{MetricsConfig, MetricsHandle, MetricsLayer, SlowRequests};
pub use nodes::{NodeHandle, NodeMonitor, NodeWatch};
pub use publish::Publisher;
pub use snapshot::{Snapshot, StatementStats};
