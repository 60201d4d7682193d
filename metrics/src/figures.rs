//! What was reported, added up.

use std::collections::BTreeMap;
use std::time::Duration;

use cqlstack_core::{Sink, Times};
use metrics::{Key, Label, Level, Metadata, Recorder};

use crate::declared::{self, PREFIX};

/// The figures of all sources. Those of the same name and labels, of two sessions say, are one.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    values: BTreeMap<Name, Value>,
    pub(crate) times: BTreeMap<Name, Summed>,
}

/// The name as it was reported, and the labels.
type Name = (&'static str, Vec<(&'static str, String)>);

#[derive(Debug)]
enum Value {
    Count(u64),
    Level(f64),
}

/// The times of all sources together.
#[derive(Debug)]
#[cfg_attr(not(feature = "exporter"), expect(dead_code, reason = "only the exporter writes them"))]
pub(crate) struct Summed {
    pub(crate) bounds: Vec<f64>,
    pub(crate) counts: Vec<u64>,
    pub(crate) total: Duration,
}

/// The name under which a figure is published.
pub(crate) fn full_name(reported: &'static str) -> String {
    declared::find(reported)
        .map_or_else(|| format!("{PREFIX}{reported}"), |known| known.name.into())
}

impl Figures {
    /// Counters and gauges, registered anew each time: the recorder may have dropped what was idle.
    /// Not the times, of which a recorder takes one after the other only.
    pub(crate) fn publish_to(self, recorder: &dyn Recorder) {
        let metadata = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));
        for ((name, labels), value) in self.values {
            let labels: Vec<_> =
                labels.into_iter().map(|(name, value)| Label::new(name, value)).collect();
            let key = Key::from_parts(full_name(name), labels);
            match value {
                Value::Count(value) => recorder.register_counter(&key, &metadata).absolute(value),
                Value::Level(value) => recorder.register_gauge(&key, &metadata).set(value),
            }
        }
    }
}

fn owned(name: &'static str, labels: &[(&'static str, &str)]) -> Name {
    (name, labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect())
}

impl Sink for Figures {
    fn count(&mut self, name: &'static str, labels: &[(&'static str, &str)], value: u64) {
        let sum = self.values.entry(owned(name, labels)).or_insert(Value::Count(0));
        if let Value::Count(sum) = sum {
            *sum = sum.saturating_add(value);
        }
    }

    fn level(&mut self, name: &'static str, labels: &[(&'static str, &str)], value: f64) {
        let sum = self.values.entry(owned(name, labels)).or_insert(Value::Level(0.0));
        if let Value::Level(sum) = sum {
            *sum += value;
        }
    }

    fn times(&mut self, name: &'static str, labels: &[(&'static str, &str)], times: Times<'_>) {
        let summed = self.times.entry(owned(name, labels)).or_insert_with(|| Summed {
            bounds: times.bounds.to_vec(),
            counts: vec![0; times.bounds.len() + 1],
            total: Duration::ZERO,
        });
        for (sum, count) in summed.counts.iter_mut().zip(times.counts) {
            *sum = sum.saturating_add(*count);
        }
        summed.total = summed.total.saturating_add(times.sum);
    }
}
