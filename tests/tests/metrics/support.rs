//! The exporter of a test process, and what its text says.

use std::sync::OnceLock;

use cqlstack_metrics::PrometheusExporter;
use prometheus_parse::{Sample, Scrape, Value};
use tokio::runtime::{Builder, Runtime};

/// The exporter of this process, which has only one, on a runtime that outlives each test's.
pub(crate) fn exporter() -> &'static PrometheusExporter {
    static EXPORTER: OnceLock<PrometheusExporter> = OnceLock::new();
    EXPORTER.get_or_init(|| {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let runtime: &'static Runtime = Box::leak(Box::new(runtime));
        let _within = runtime.enter();
        PrometheusExporter::install().unwrap()
    })
}

pub(crate) fn parse(text: &str) -> Scrape {
    Scrape::parse(text.lines().map(|line| Ok(line.to_owned()))).unwrap()
}

/// The samples of this name with these labels.
pub(crate) fn samples<'s>(
    scrape: &'s Scrape,
    name: &'s str,
    labels: &'s [(&str, &str)],
) -> impl Iterator<Item = &'s Sample> {
    scrape.samples.iter().filter(move |sample| {
        let has = |(name, value): &(&str, &str)| sample.labels.get(name) == Some(*value);
        sample.metric == name && labels.iter().all(has)
    })
}

/// The sum of all counters or gauges of this name with these labels, which are whole numbers.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts of tests")]
pub(crate) fn value(scrape: &Scrape, name: &str, labels: &[(&str, &str)]) -> u64 {
    let values = samples(scrape, name, labels).map(|sample| match sample.value {
        Value::Counter(value) | Value::Gauge(value) | Value::Untyped(value) => value,
        Value::Histogram(_) | Value::Summary(_) => panic!("{name} has buckets"),
    });
    values.sum::<f64>() as u64
}

/// How many values the histogram of this statement has, by its own count.
pub(crate) fn count(scrape: &Scrape, statement: &str) -> u64 {
    value(scrape, "cassandra_query_duration_seconds_count", &[("statement", statement)])
}
