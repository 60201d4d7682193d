//! Metrics as Prometheus sees them. No Cassandra is needed here; the suite and the quickstart's test
//! have one.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod exporter;
mod http;
mod labels;
mod stack;
mod support;

use cqlstack_core::testing::{Answer, ScriptedSession};
use cqlstack_core::{Client, Statement};
use cqlstack_metrics::latency::Metrics;
use cqlstack_metrics::{ExporterError, MetricsLayer, PrometheusExporter};
use tower::Layer;

use support::{exporter, scrape};

/// A client that answers everything at once, in a layer that is exported.
fn answering(layer: &MetricsLayer) -> Client<Metrics<ScriptedSession>> {
    exporter().report(layer.handle());
    Client::new(layer.layer(ScriptedSession::new().otherwise(Answer::done())))
}

#[tokio::test]
async fn a_second_exporter_is_an_error_that_says_what_to_do() {
    exporter();
    let error = PrometheusExporter::install().unwrap_err();
    assert!(matches!(error, ExporterError::RecorderInstalled));
    assert!(error.to_string().contains("Publisher"), "{error}");
}

#[test]
fn without_a_runtime_there_is_no_exporter() {
    let error = PrometheusExporter::install().unwrap_err();
    assert!(matches!(error, ExporterError::NoRuntime), "{error}");
}

#[tokio::test]
async fn metrics_of_the_program_s_own_are_on_the_page() {
    exporter();
    metrics::counter!("orders_total").increment(3);
    assert_eq!(scrape().sum("orders_total", &[]), 3);
}

fn statement(name: &'static str) -> Statement {
    Statement::new("SELECT v FROM t WHERE k = 1").named(name)
}
