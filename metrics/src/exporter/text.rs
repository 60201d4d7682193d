//! Our histograms in Prometheus' text format.
//!
//! The recorder of `metrics-exporter-prometheus` takes samples one by one, and can lose one that comes
//! while it moves them into buckets (one of 30 million was, in a test). The layers count by themselves,
//! so what they have counted is written as it is.

use std::fmt::{self, Display, Write};

use crate::declared::{self, Kind};
use crate::figures::{Figures, full_name};

pub(super) fn write_times(text: &mut String, figures: &Figures) -> fmt::Result {
    let mut last = None;
    for ((name, labels), times) in &figures.times {
        let full = full_name(name);
        if last != Some(name) {
            last = Some(name);
            if let Some(known) = declared::find(name) {
                writeln!(text, "# HELP {full} {}", known.help)?;
            }
            writeln!(text, "# TYPE {full} {}", Kind::Histogram)?;
        }
        let labels: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", Escaped(value))).collect();
        let labels = labels.join(",");
        let and = if labels.is_empty() { "" } else { "," };
        let mut count = 0_u64;
        for (bound, within) in times.bounds.iter().zip(&times.counts) {
            count = count.saturating_add(*within);
            writeln!(text, "{full}_bucket{{{labels}{and}le=\"{bound}\"}} {count}")?;
        }
        let longer = times.counts.last().copied().unwrap_or(0);
        let count = count.saturating_add(longer);
        writeln!(text, "{full}_bucket{{{labels}{and}le=\"+Inf\"}} {count}")?;
        writeln!(text, "{full}_sum{{{labels}}} {}", times.total.as_secs_f64())?;
        writeln!(text, "{full}_count{{{labels}}} {count}")?;
    }
    Ok(())
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

    use cqlstack_core::{Sink, Times};

    use super::*;

    #[test]
    fn buckets_are_cumulative_and_labels_escaped() {
        let mut figures = Figures::default();
        let times =
            Times { bounds: &[0.5, 1.0], counts: &[1, 2, 4], sum: Duration::from_millis(9_500) };
        figures.times("wait_seconds", &[("a", "\\ \" \n")], times);
        figures.times("wait_seconds", &[("a", "\\ \" \n")], times);
        figures.times("wait_seconds", &[("b", "")], times);
        let mut text = String::new();
        write_times(&mut text, &figures).unwrap();
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
        let mut figures = Figures::default();
        figures.times("x", &[], Times { bounds: &[1.0], counts: &[1, 0], sum: Duration::ZERO });
        let mut text = String::new();
        write_times(&mut text, &figures).unwrap();
        assert!(text.contains("cassandra_x_bucket{le=\"1\"} 1\n"), "{text}");
    }
}
