//! What was reported, added up.

use std::collections::BTreeMap;
use std::time::Duration;

use cqlstack_core::layer::{Sink, Times};
use metrics::{Key, Label, Level, Metadata, Recorder};

use crate::catalog::PREFIX;

/// The statistics of all sources. Those of the same name and labels, of two sessions say, are one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Collected(BTreeMap<&'static str, BTreeMap<Labels, Value>>);

type Labels = Vec<(&'static str, String)>;

#[derive(Debug, Clone)]
pub(crate) enum Value {
    Count(u64),
    Level(f64),
    Times(Summed),
}

/// The times of all sources together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Summed {
    pub(crate) bounds: Vec<f64>,
    pub(crate) counts: Vec<u64>,
    pub(crate) total: Duration,
}

/// The name under which a statistic is published.
pub(crate) fn full_name(reported: &'static str) -> String {
    format!("{PREFIX}{reported}")
}

impl Collected {
    /// By name as it was reported, and by labels.
    #[cfg(feature = "exporter")]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &BTreeMap<Labels, Value>)> {
        self.0.iter().map(|(name, series)| (*name, series))
    }

    /// Counters and gauges, registered anew each time: the recorder may have dropped what was idle.
    /// Not the times, of which a recorder takes one after the other only.
    pub(crate) fn publish_to(self, recorder: &dyn Recorder) {
        let metadata = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));
        for (name, series) in self.0 {
            let name = full_name(name);
            for (labels, value) in series {
                let labels: Vec<_> =
                    labels.into_iter().map(|(name, value)| Label::new(name, value)).collect();
                let key = Key::from_parts(name.clone(), labels);
                match value {
                    Value::Count(n) => recorder.register_counter(&key, &metadata).absolute(n),
                    Value::Level(n) => recorder.register_gauge(&key, &metadata).set(n),
                    Value::Times(_) => {}
                }
            }
        }
    }

    fn of(
        &mut self,
        name: &'static str,
        labels: &[(&'static str, &str)],
        new: Value,
    ) -> &mut Value {
        let labels = labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.0.entry(name).or_default().entry(labels).or_insert(new)
    }
}

impl Collected {
    /// Adds what only grows, and nothing for what goes up and down: its source is gone, and a recorder keeps what it
    /// was told last.
    pub(crate) fn add_counts(&mut self, gone: Self) {
        for (name, series) in gone.0 {
            for (labels, value) in series {
                let labels: Vec<_> =
                    labels.iter().map(|(name, value)| (*name, value.as_str())).collect();
                match value {
                    Value::Count(count) => self.counter(name, &labels, count),
                    Value::Times(Summed { bounds, counts, total }) => {
                        let times = Times { bounds: &bounds, counts: &counts, sum: total };
                        self.histogram(name, &labels, times);
                    }
                    Value::Level(_) => self.gauge(name, &labels, 0.0),
                }
            }
        }
    }
}

impl Sink for Collected {
    fn counter(&mut self, name: &'static str, labels: &[(&'static str, &str)], value: u64) {
        if let Value::Count(sum) = self.of(name, labels, Value::Count(0)) {
            *sum = sum.saturating_add(value);
        }
    }

    fn gauge(&mut self, name: &'static str, labels: &[(&'static str, &str)], value: f64) {
        if let Value::Level(sum) = self.of(name, labels, Value::Level(0.0)) {
            *sum += value;
        }
    }

    fn histogram(&mut self, name: &'static str, labels: &[(&'static str, &str)], times: Times<'_>) {
        let Value::Times(sum) = self.of(name, labels, Value::Times(Summed::default())) else {
            return;
        };
        if sum.bounds.is_empty() {
            sum.bounds = times.bounds.to_vec();
        }
        sum.counts.resize(sum.bounds.len() + 1, 0);
        for (sum, count) in sum.counts.iter_mut().zip(times.counts) {
            *sum = sum.saturating_add(*count);
        }
        sum.total = sum.total.saturating_add(times.sum);
    }
}
