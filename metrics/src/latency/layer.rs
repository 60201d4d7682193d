//! The layer, its settings, and the handle that reads its statistics.

use std::sync::Arc;

use cqlstack_core::layer::{Report, Sink, Times};
use cqlstack_core::{ErrorClass, InvalidConfig};
use tower_layer::Layer;

use super::config::MetricsConfig;
use super::guard::Shared;
use super::service::Metrics;
use super::slow::{Slow, SlowRequests};
use crate::catalog::BUCKETS;
use crate::snapshot::{Snapshot, StatementStats};
use crate::statements::Statements;

/// Counts and times requests by statement. See the [module](super).
///
/// Clones share the statistics, and so do the services that they make.
#[derive(Debug, Clone)]
#[must_use = "a layer does nothing until it is put around a service"]
pub struct MetricsLayer {
    shared: Arc<Shared>,
}

/// How many names there may be: each takes up to 96 KB here, and 28 lines of `/metrics`.
const MOST: usize = 100_000;

impl Default for MetricsLayer {
    fn default() -> Self {
        Self::with(MetricsConfig::default().names, None)
    }
}

impl MetricsLayer {
    /// At most 256 statement names, no event for slow requests.
    pub fn new() -> Self {
        Self::default()
    }

    fn with(names: usize, slow: Option<Arc<Slow>>) -> Self {
        Self { shared: Arc::new(Shared { statements: Arc::new(Statements::new(names)), slow }) }
    }

    /// Keeps so many statement names apart; all others are counted under `other`. The statistics begin
    /// anew: set this first.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] for `names`, if it is 0 or above 100,000.
    pub fn most_statements(self, names: usize) -> Result<Self, InvalidConfig> {
        match names {
            0 => Err(InvalidConfig::new("names", "is 0: leave the layer out to count nothing")),
            1..=MOST => Ok(Self::with(names, self.shared.slow.clone())),
            _ => Err(InvalidConfig::new("names", "is above 100,000")),
        }
    }

    /// Writes an event for requests that take long. See [`SlowRequests`].
    pub fn slow_requests(self, slow: SlowRequests) -> Self {
        let statements = Arc::clone(&self.shared.statements);
        Self { shared: Arc::new(Shared { statements, slow: Some(Arc::new(Slow::new(slow))) }) }
    }

    /// A handle that reads the statistics. It stays good when the layer is gone.
    #[must_use]
    pub fn handle(&self) -> MetricsHandle {
        MetricsHandle { statements: Arc::clone(&self.shared.statements) }
    }
}

impl<S> Layer<S> for MetricsLayer {
    type Service = Metrics<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Metrics::new(inner, Arc::clone(&self.shared))
    }
}

/// Reads the statistics of a [`MetricsLayer`]. Cloning is one atomic increment.
#[derive(Debug, Clone)]
pub struct MetricsHandle {
    statements: Arc<Statements>,
}

impl MetricsHandle {
    /// The statistics now. Requests never wait for it; it waits some nanoseconds for those that are just
    /// being counted.
    #[must_use]
    #[doc(alias = "get_metrics")]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.statements)
    }
}

impl Report for MetricsHandle {
    fn report(&self, sink: &mut dyn Sink) {
        for series in self.statements.all() {
            report_statement(&StatementStats::of(series), sink);
        }
    }

    fn is_gone(&self) -> bool {
        let is_alone = Arc::strong_count(&self.statements) == 1;
        // Requests in flight hold what they count, and not the statements.
        is_alone && self.statements.all().all(|series| series.totals().1 == 0)
    }
}

fn report_statement(stats: &StatementStats, sink: &mut dyn Sink) {
    let statement = ("statement", &*stats.name);
    sink.counter("queries_total", &[statement], stats.query_count);
    sink.counter("queries_cancelled_total", &[statement], stats.cancelled);
    #[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 requests in flight")]
    sink.gauge("queries_in_flight", &[statement], stats.in_flight as f64);
    let times = Times { bounds: BUCKETS, counts: &stats.buckets, sum: stats.total_time };
    sink.histogram("query_duration_seconds", &[statement], times);
    for class in ErrorClass::ALL.iter().copied() {
        let labels = [statement, ("class", class.as_str())];
        sink.counter("query_errors_total", &labels, stats.errors(class));
    }
}
