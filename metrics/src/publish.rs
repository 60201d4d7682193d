//! From the handles of layers to a recorder of the `metrics` facade.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cqlstack_core::Report;
use tokio::time::{MissedTickBehavior, interval};

use crate::figures::Figures;

/// Publishes the counters and gauges of layers to the recorder that the program has installed.
///
/// Latencies go to a recorder by themselves; all other figures are kept by the layers, at less cost to
/// the requests, and become visible when they are published. Only for recorders other than that of
/// [`PrometheusExporter`](crate::PrometheusExporter), which reads the layers by itself. Figures of the
/// same name, of two sessions say, are added up.
///
/// ```
/// use cqlstack_metrics::{MetricsLayer, Publisher};
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let layer = MetricsLayer::new();
/// let publisher = Publisher::new();
/// publisher.add(layer.handle());
/// tokio::spawn(publisher.run(Duration::from_secs(1)));
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Publisher {
    sources: Arc<Mutex<Vec<Arc<dyn Report>>>>,
}

impl Publisher {
    /// One that has nothing to publish yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Publishes these figures too, from now on. Clones share what they publish.
    pub fn add(&self, source: impl Report + 'static) {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::new(source));
    }

    /// Publishes all figures as they are now. Costs some microseconds for each statement.
    pub fn publish(&self) {
        metrics::with_recorder(|recorder| self.figures().publish_to(recorder));
    }

    /// Publishes again and again, until it is dropped.
    pub async fn run(self, every: Duration) {
        let mut ticks = interval(every.max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.publish();
        }
    }

    pub(crate) fn figures(&self) -> Figures {
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut figures = Figures::default();
        for source in sources {
            source.report(&mut figures);
        }
        figures
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner).len();
        f.debug_struct("Publisher").field("sources", &sources).finish()
    }
}

#[cfg(test)]
mod tests {
    use cqlstack_core::Sink;
    use metrics::with_local_recorder;
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    struct Queue(u64);

    impl Report for Queue {
        fn report(&self, sink: &mut dyn Sink) {
            sink.count("shed_total", &[("why", "full")], self.0);
            sink.level("limit_waiting", &[], 1.5);
        }
    }

    #[test]
    fn figures_reach_whichever_recorder_there_is_and_add_up() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let publisher = Publisher::new();
        publisher.add(Queue(2));
        publisher.clone().add(Queue(3));
        for _ in 0..2 {
            with_local_recorder(&recorder, || publisher.publish());
        }
        let text = recorder.handle().render();
        assert!(text.contains("cassandra_shed_total{why=\"full\"} 5"), "{text}");
        assert!(text.contains("cassandra_limit_waiting 3"), "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn it_publishes_again_and_again_until_it_is_dropped() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let publisher = Publisher::new();
        let running = publisher.clone().run(Duration::from_secs(1));
        let _recorded = metrics::set_default_local_recorder(&recorder);
        let waited = tokio::time::timeout(Duration::from_millis(500), running).await;
        assert!(waited.is_err());
        publisher.add(Queue(1));
        let _ = tokio::time::timeout(Duration::ZERO, publisher.run(Duration::ZERO)).await;
        assert!(recorder.handle().render().contains("cassandra_shed_total"));
    }
}
