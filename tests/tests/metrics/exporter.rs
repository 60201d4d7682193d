//! The exporter of a test process.

use std::sync::OnceLock;

use cqlstack_metrics::PrometheusExporter;
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
