//! All metrics, declared once: the docs' table, the help texts and the tests come from here.

use std::fmt;

/// One metric, as it stands on `/metrics`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What goes up, or up and down.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it counts, and in which unit.
    pub help: &'static str,
}

/// The kind of a metric, in the words of Prometheus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts values by size.
    Histogram,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        })
    }
}

/// What stands before the name that a layer reports.
pub(crate) const PREFIX: &str = "cassandra_";

const fn of(
    kind: Kind,
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric { name, kind, labels, help }
}

pub(crate) const DURATION: Metric = of(
    Kind::Histogram,
    "cassandra_query_duration_seconds",
    STATEMENT,
    "Time of a query in seconds, whether it was answered, failed or was cancelled",
);

const STATEMENT: &[&str] = &["statement"];
const NODE: &[&str] = &["node"];
const NONE: &[&str] = &[];
const STATEMENT_CLASS: &[&str] = &["statement_class"];

/// [`BUCKETS`] in nanoseconds.
pub(crate) const BUCKET_NANOS: [u64; 17] = [
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
];

/// Upper bounds of the histogram's buckets in seconds: 50 µs to 10 s.
pub const BUCKETS: &[f64] = &SECONDS;

const SECONDS: [f64; 17] = {
    let mut seconds = [0.0; 17];
    let mut bucket = 0;
    while bucket < seconds.len() {
        #[expect(clippy::cast_precision_loss, reason = "all are below 2^52")]
        let nanos = BUCKET_NANOS[bucket] as f64;
        seconds[bucket] = nanos / 1e9;
        bucket += 1;
    }
    seconds
};

/// All metrics of cqlstack. Layers that are not in the stack report nothing.
pub const METRICS: &[Metric] = &[
    of(
        Kind::Counter,
        "cassandra_queries_total",
        STATEMENT,
        "Queries that ended: answered, failed or cancelled",
    ),
    DURATION,
    of(
        Kind::Counter,
        "cassandra_query_errors_total",
        &["statement", "class"],
        "Queries that failed, by the class of their error",
    ),
    of(
        Kind::Counter,
        "cassandra_queries_cancelled_total",
        STATEMENT,
        "Queries whose caller gave them up before they ended",
    ),
    of(Kind::Gauge, "cassandra_queries_in_flight", STATEMENT, "Queries under way"),
    of(Kind::Gauge, "cassandra_limit_permits", NONE, "The concurrency limit"),
    of(Kind::Gauge, "cassandra_limit_in_flight", NONE, "Queries that hold a permit"),
    of(Kind::Gauge, "cassandra_limit_waiting", NONE, "Queries that wait for a permit"),
    of(
        Kind::Gauge,
        "cassandra_limit_waited_seconds",
        NONE,
        "Time that queries have waited for permits since the start, in seconds",
    ),
    of(Kind::Counter, "cassandra_limit_refused_total", NONE, "Queries that the limit refused"),
    of(
        Kind::Gauge,
        "cassandra_adaptive_limit_permits",
        STATEMENT_CLASS,
        "The adaptive limit of a class of statements",
    ),
    of(
        Kind::Gauge,
        "cassandra_adaptive_limit_in_flight",
        STATEMENT_CLASS,
        "Queries of a class that hold a permit",
    ),
    of(
        Kind::Gauge,
        "cassandra_adaptive_limit_waiting",
        STATEMENT_CLASS,
        "Queries of a class that wait for a permit",
    ),
    of(
        Kind::Gauge,
        "cassandra_adaptive_limit_waited_seconds",
        STATEMENT_CLASS,
        "Time that queries of a class have waited for permits since the start, in seconds",
    ),
    of(
        Kind::Gauge,
        "cassandra_adaptive_limit_baseline_seconds",
        STATEMENT_CLASS,
        "The latency that the adaptive limit takes for that of a cluster without a queue, in seconds",
    ),
    of(
        Kind::Counter,
        "cassandra_adaptive_limit_refused_total",
        &["statement_class", "reason"],
        "Queries that the adaptive limit refused, by the reason",
    ),
    of(
        Kind::Counter,
        "cassandra_retries_total",
        &["class"],
        "Attempts after the first, by the class of the error before them",
    ),
    of(
        Kind::Counter,
        "cassandra_retries_exhausted_total",
        NONE,
        "Queries on which the retry layer gave up",
    ),
    of(
        Kind::Counter,
        "cassandra_retries_unconnected_total",
        NONE,
        "Queries that waited for a connection in the retry layer",
    ),
    of(Kind::Gauge, "cassandra_cache_statements", NONE, "Prepared statements in the cache"),
    of(Kind::Counter, "cassandra_cache_hits_total", NONE, "Queries that found their statement"),
    of(Kind::Counter, "cassandra_cache_misses_total", NONE, "Queries that did not"),
    of(Kind::Counter, "cassandra_cache_prepares_total", NONE, "Prepares that were sent"),
    of(
        Kind::Counter,
        "cassandra_cache_evictions_total",
        NONE,
        "Statements that made room for others",
    ),
    of(
        Kind::Counter,
        "cassandra_cache_stale_total",
        NONE,
        "Statements that went because their table or the keyspace in use had changed",
    ),
    of(
        Kind::Gauge,
        "cassandra_schema_age_seconds",
        NONE,
        "Time in seconds since a session knew its tables to be those of the cluster, of all sessions together",
    ),
    of(
        Kind::Gauge,
        "cassandra_schema_stale",
        NONE,
        "Sessions that could not read the schema for too long: more than 0 is worth an alarm",
    ),
    of(Kind::Gauge, "cassandra_node_up", NODE, "1 if there is a working connection, else 0"),
    of(
        Kind::Gauge,
        "cassandra_active_connections",
        NODE,
        "Connections of this session that the node has open; not there while it does not tell",
    ),
    of(
        Kind::Gauge,
        "cassandra_node_clock_offset_seconds",
        NODE,
        "How far the node's clock is ahead of the program's in seconds; not there while it does not tell",
    ),
    of(
        Kind::Counter,
        "cassandra_node_attempts_total",
        NODE,
        "Attempts that the node ended, with an answer or an error",
    ),
    of(
        Kind::Counter,
        "cassandra_node_errors_total",
        NODE,
        "Attempts that the node ended with an error",
    ),
    of(
        Kind::Gauge,
        "cassandra_node_latency_seconds",
        NODE,
        "Mean time in seconds of the attempts that the node ended, since the start",
    ),
];

/// What a layer reports under this name, if it is one of ours.
#[cfg(any(test, feature = "exporter"))]
pub(crate) fn find(reported: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name.strip_prefix(PREFIX) == Some(reported))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> String {
        let rows = METRICS.iter().map(|metric| {
            let Metric { name, kind, labels, help } = metric;
            let labels: Vec<_> = labels.iter().map(|label| format!("`{label}`")).collect();
            format!("| `{name}` | {kind} | {} | {help} |\n", labels.join(", "))
        });
        let head = "| metric | kind | labels | what it tells |\n|---|---|---|---|\n";
        std::iter::once(head.to_owned()).chain(rows).collect()
    }

    /// To write it anew: `CQLSTACK_WRITE=1 cargo test -p cqlstack-metrics the_docs_table`.
    #[test]
    fn the_docs_table_is_made_from_the_declarations() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/METRICS.md");
        if std::env::var_os("CQLSTACK_WRITE").is_some() {
            std::fs::write(path, table()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), table());
    }

    #[test]
    fn names_follow_prometheus_conventions() {
        for metric in METRICS {
            assert!(metric.name.starts_with(PREFIX), "{}", metric.name);
            assert_eq!(
                metric.name.ends_with("_total"),
                metric.kind == Kind::Counter,
                "{}",
                metric.name
            );
            assert_eq!(find(&metric.name[PREFIX.len()..]), Some(metric));
        }
        assert!(BUCKETS.is_sorted());
    }
}
