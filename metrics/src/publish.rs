//! From the handles of layers to a recorder of the `metrics` facade.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cqlstack_core::{Report, Sink};
use metrics::{Key, Label, Level, Metadata, Recorder};
use tokio::time::{MissedTickBehavior, interval};

use crate::declared::{self, PREFIX};

/// Publishes the counters and gauges of layers to the recorder that the program has installed.
///
/// Latencies go to it by themselves; all other figures are kept by the layers, at less cost to the
/// requests, and become visible when they are published. [`PrometheusExporter`](crate::PrometheusExporter)
/// has a publisher of its own. Figures of the same name, of two sessions say, are added up.
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
        metrics::with_recorder(|recorder| self.publish_to(recorder));
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

    /// Each time anew, since the recorder may have dropped a series that was idle.
    pub(crate) fn publish_to(&self, recorder: &dyn Recorder) {
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut figures = Figures::default();
        for source in sources {
            source.report(&mut figures);
        }
        let metadata = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));
        for ((name, labels), value) in figures.0 {
            let labels: Vec<Label> =
                labels.into_iter().map(|(key, value)| Label::new(key, value)).collect();
            let name = declared::find(name)
                .map_or_else(|| format!("{PREFIX}{name}").into(), |metric| metric.name.into());
            let key = Key::from_parts::<metrics::KeyName, _>(name, labels);
            match value {
                Value::Count(value) => recorder.register_counter(&key, &metadata).absolute(value),
                Value::Level(value) => recorder.register_gauge(&key, &metadata).set(value),
            }
        }
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner).len();
        f.debug_struct("Publisher").field("sources", &sources).finish()
    }
}

type Labels = Vec<(&'static str, String)>;

/// What was reported, added up.
#[derive(Default)]
struct Figures(BTreeMap<(&'static str, Labels), Value>);

enum Value {
    Count(u64),
    Level(f64),
}

impl Figures {
    fn of(
        &mut self,
        name: &'static str,
        labels: &[(&'static str, &str)],
        none: Value,
    ) -> &mut Value {
        let labels = labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.0.entry((name, labels)).or_insert(none)
    }
}

impl Sink for Figures {
    fn count(&mut self, name: &'static str, labels: &[(&'static str, &str)], value: u64) {
        if let Value::Count(sum) = self.of(name, labels, Value::Count(0)) {
            *sum = sum.saturating_add(value);
        }
    }

    fn level(&mut self, name: &'static str, labels: &[(&'static str, &str)], value: f64) {
        if let Value::Level(sum) = self.of(name, labels, Value::Level(0.0)) {
            *sum += value;
        }
    }
}
