//! Prometheus' text, as others read it: a parser that is not ours, and Prometheus' own check.

use std::io::{self, Write};
use std::process::{Command, Stdio};

use prometheus_parse::{Sample, Value};

/// A page of metrics, parsed.
#[derive(Debug)]
pub struct Scrape(prometheus_parse::Scrape);

impl Scrape {
    /// Parses a page.
    ///
    /// # Errors
    ///
    /// If it is not in Prometheus' text format.
    pub fn parse(text: &str) -> io::Result<Self> {
        prometheus_parse::Scrape::parse(text.lines().map(|line| Ok(line.to_owned()))).map(Self)
    }

    /// The samples of a metric that have these labels; those of a histogram by its buckets' name.
    pub fn samples<'s>(
        &'s self,
        metric: &'s str,
        labels: &'s [(&str, &str)],
    ) -> impl Iterator<Item = &'s Sample> {
        self.0.samples.iter().filter(move |sample| {
            let has = |(name, value): &(&str, &str)| sample.labels.get(name) == Some(*value);
            sample.metric == metric && labels.iter().all(has)
        })
    }

    /// The names of all metrics.
    pub fn metrics(&self) -> impl Iterator<Item = &str> {
        self.0.samples.iter().map(|sample| &*sample.metric)
    }

    /// The sum of all counters or gauges of this name with these labels, which are whole numbers.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "they count")]
    pub fn sum(&self, metric: &str, labels: &[(&str, &str)]) -> u64 {
        let values = self.samples(metric, labels).map(|sample| match sample.value {
            Value::Counter(value) | Value::Gauge(value) | Value::Untyped(value) => value,
            Value::Histogram(_) | Value::Summary(_) => 0.0,
        });
        values.sum::<f64>() as u64
    }
}

/// Whether `promtool check metrics` has no complaint; `None` where it is not installed (Debian's
/// package `prometheus` has it), which is said.
///
/// # Errors
///
/// If it cannot be run.
pub fn promtool(text: &str) -> io::Result<Option<bool>> {
    let mut check = Command::new("promtool");
    match check.args(["check", "metrics"]).stdin(Stdio::piped()).spawn() {
        Ok(mut check) => {
            if let Some(mut input) = check.stdin.take() {
                input.write_all(text.as_bytes())?;
            }
            Ok(Some(check.wait()?.success()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            println!("promtool is not installed: only a parser has read the text");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
