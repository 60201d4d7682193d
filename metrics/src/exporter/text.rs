//! The statistics of layers and nodes, in Prometheus' text format.
//!
//! They do not go through the recorder. That of `metrics-exporter-prometheus` takes latencies one by
//! one, and can lose one that comes while it moves them into buckets (one of 30 million was, in a
//! test), and it keeps a series for ever, or drops whatever is idle, also of others.

use std::fmt::{self, Display, Write};

use crate::catalog::{self, Kind};
use crate::collected::{Collected, Summed, Value, full_name};

pub(super) fn write(text: &mut String, stats: &Collected) -> fmt::Result {
    for (reported, series) in stats.iter() {
        let name = full_name(reported);
        if let Some(known) = catalog::find(reported) {
            writeln!(text, "# HELP {name} {}", known.help)?;
        }
        if let Some(value) = series.values().next() {
            writeln!(text, "# TYPE {name} {}", kind(value))?;
        }
        for (labels, value) in series {
            let labels: Vec<String> = labels
                .iter()
                .map(|(name, value)| format!("{name}=\"{}\"", Escaped(value)))
                .collect();
            let labels = labels.join(",");
            match value {
                Value::Count(value) => writeln!(text, "{name}{} {value}", Braced(&labels))?,
                Value::Level(value) => writeln!(text, "{name}{} {value}", Braced(&labels))?,
                Value::Times(times) => write_times(text, &name, &labels, times)?,
            }
        }
        writeln!(text)?;
    }
    Ok(())
}

fn kind(value: &Value) -> Kind {
    match value {
        Value::Count(_) => Kind::Counter,
        Value::Level(_) => Kind::Gauge,
        Value::Times(_) => Kind::Histogram,
    }
}

fn write_times(text: &mut String, name: &str, labels: &str, times: &Summed) -> fmt::Result {
    let and = if labels.is_empty() { "" } else { "," };
    let mut count = 0_u64;
    for (bound, within) in times.bounds.iter().zip(&times.counts) {
        count = count.saturating_add(*within);
        writeln!(text, "{name}_bucket{{{labels}{and}le=\"{bound}\"}} {count}")?;
    }
    let longer = times.counts.last().copied().unwrap_or(0);
    let count = count.saturating_add(longer);
    writeln!(text, "{name}_bucket{{{labels}{and}le=\"+Inf\"}} {count}")?;
    let labels = Braced(labels);
    writeln!(text, "{name}_sum{labels} {}", times.total.as_secs_f64())?;
    writeln!(text, "{name}_count{labels} {count}")
}

/// Labels in their braces, if there are any.
struct Braced<'l>(&'l str);

impl Display for Braced<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => Ok(()),
            labels => write!(f, "{{{labels}}}"),
        }
    }
}

/// The value of a label.
struct Escaped<'v>(&'v str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|char| match char {
            '\\' => f.write_str(r"\\"),
            '"' => f.write_str("\\\""),
            '\n' => f.write_str(r"\n"),
            char => f.write_char(char),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cqlstack_core::layer::{Sink, Times};

    use super::*;

    #[test]
    fn buckets_are_cumulative_and_labels_escaped() {
        let mut stats = Collected::default();
        let times =
            Times { bounds: &[0.5, 1.0], counts: &[1, 2, 4], sum: Duration::from_millis(9_500) };
        stats.histogram("wait_seconds", &[("a", "\\ \" \n")], times);
        stats.histogram("wait_seconds", &[("a", "\\ \" \n")], times);
        stats.histogram("wait_seconds", &[("b", "")], times);
        let mut text = String::new();
        write(&mut text, &stats).unwrap();
        let expected = r#"# TYPE cassandra_wait_seconds histogram
cassandra_wait_seconds_bucket{a="\\ \" \n",le="0.5"} 2
cassandra_wait_seconds_bucket{a="\\ \" \n",le="1"} 6
cassandra_wait_seconds_bucket{a="\\ \" \n",le="+Inf"} 14
cassandra_wait_seconds_sum{a="\\ \" \n"} 19
cassandra_wait_seconds_count{a="\\ \" \n"} 14
cassandra_wait_seconds_bucket{b="",le="0.5"} 1
"#;
        assert!(text.starts_with(expected), "{text}");
    }

    #[test]
    fn times_without_labels_have_only_their_bound() {
        let mut stats = Collected::default();
        stats.histogram("x", &[], Times { bounds: &[1.0], counts: &[1, 0], sum: Duration::ZERO });
        let mut text = String::new();
        write(&mut text, &stats).unwrap();
        assert!(text.contains("cassandra_x_bucket{le=\"1\"} 1\n"), "{text}");
        assert!(text.contains("cassandra_x_count 1\n"), "{text}");
    }

    #[test]
    fn counters_and_gauges_have_help_if_they_are_declared() {
        let mut stats = Collected::default();
        stats.counter("cache_hits_total", &[], 3);
        stats.gauge("own", &[("node", "a")], 1.5);
        let mut text = String::new();
        write(&mut text, &stats).unwrap();
        let expected = "# HELP cassandra_cache_hits_total Queries that found their statement\n\
                        # TYPE cassandra_cache_hits_total counter\ncassandra_cache_hits_total 3\n\n\
                        # TYPE cassandra_own gauge\ncassandra_own{node=\"a\"} 1.5\n\n";
        assert_eq!(text, expected);
    }
}
