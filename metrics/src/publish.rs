//! From the handles of layers to a recorder of the `metrics` facade.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cqlstack_core::layer::Report;
use tokio::time::{MissedTickBehavior, interval};

use crate::collected::Collected;

/// Publishes the counters and gauges of layers to the recorder that the program has installed.
///
/// Latencies go to a recorder by themselves; all other statistics are kept by the layers, at less cost to
/// the requests, and become visible when they are published. Only for recorders other than that of
/// [`PrometheusExporter`](crate::PrometheusExporter), which reads the layers by itself. Statistics of the
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
    sources: Arc<Mutex<Sources>>,
}

#[derive(Default)]
struct Sources {
    live: Vec<Arc<dyn Report>>,
    /// The counts and times of those that are gone.
    gone: Collected,
}

impl Publisher {
    /// One that has nothing to publish yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Publishes these statistics too, from now on. Clones share what they publish.
    ///
    /// Once their layer, its services and all other handles are gone
    /// ([`Report::is_gone`]), the counts stay in the sums, and the handle is let go.
    pub fn add(&self, source: impl Report + 'static) {
        self.sources().live.push(Arc::new(source));
    }

    /// Publishes all statistics as they are now. Costs some microseconds for each statement.
    pub fn publish(&self) {
        metrics::with_recorder(|recorder| self.collect().publish_to(recorder));
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

    pub(crate) fn collect(&self) -> Collected {
        let (live, mut stats) = {
            let sources = self.sources();
            (sources.live.clone(), sources.gone.clone())
        };
        for source in live {
            // Before it is read: what is read then is the last there is.
            let is_gone = source.is_gone();
            source.report(&mut stats);
            if is_gone {
                self.retire(&source);
            }
        }
        stats
    }

    fn retire(&self, source: &Arc<dyn Report>) {
        // Without the lock: it may be a user's.
        let mut last = Collected::default();
        source.report(&mut last);
        let mut sources = self.sources();
        // Another reader may have been faster.
        let place = sources.live.iter().position(|live| Arc::ptr_eq(live, source));
        if let Some(place) = place {
            sources.live.remove(place);
            sources.gone.add_counts(last);
        }
    }

    fn sources(&self) -> MutexGuard<'_, Sources> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("sources", &self.sources().live.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use cqlstack_core::layer::Sink;
    use metrics::with_local_recorder;
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    struct Queue(u64);

    impl Report for Queue {
        fn report(&self, sink: &mut dyn Sink) {
            sink.counter("shed_total", &[("why", "full")], self.0);
            sink.gauge("limit_waiting", &[], 1.5);
        }
    }

    #[test]
    fn statistics_reach_whichever_recorder_there_is_and_add_up() {
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

    struct Gone(Queue);

    impl Report for Gone {
        fn report(&self, sink: &mut dyn Sink) {
            self.0.report(sink);
        }

        fn is_gone(&self) -> bool {
            true
        }
    }

    #[test]
    fn sources_that_are_gone_leave_their_counts_and_no_memory() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let publisher = Publisher::new();
        publisher.add(Queue(1));
        for _ in 0..1_000 {
            publisher.add(Gone(Queue(2)));
        }
        let read = || {
            with_local_recorder(&recorder, || publisher.publish());
            recorder.handle().render()
        };
        assert!(read().contains("cassandra_limit_waiting 1501.5"));
        assert_eq!(publisher.sources().live.len(), 1);
        for _ in 0..2 {
            let text = read();
            assert!(text.contains("cassandra_shed_total{why=\"full\"} 2001"), "{text}");
            assert!(text.contains("cassandra_limit_waiting 1.5"), "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_layer_is_gone_with_its_last_service_and_request() {
        use cqlstack_core::testing::{Answer, ScriptedSession};
        use cqlstack_core::{Client, Statement};
        use futures::FutureExt;
        use tower::Layer;

        let layer = crate::MetricsLayer::new();
        let handle = layer.handle();
        let service = layer.layer(ScriptedSession::new().otherwise(Answer::never()));
        let db = Client::new(service);
        drop(layer);
        let mut request = Box::pin(db.request(Statement::new("SELECT a FROM t")));
        assert!(request.as_mut().now_or_never().is_none());
        assert!(!handle.is_gone());
        drop(db);
        assert!(!handle.is_gone(), "a request is in flight");
        drop(request);
        assert!(handle.is_gone());
        assert!(!handle.clone().is_gone(), "somebody else has it");
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
