//! The statistics within the program, and their table.

use std::fmt;
use std::time::Duration;

use cqlstack_core::ErrorClass;
use histogram::{Quantile, SparseHistogram};

use crate::catalog::BUCKETS;
use crate::statements::{Series, Statements};

/// The statistics of all statements, read while requests go on.
///
/// `Display` prints them as a table, the most time first.
#[derive(Debug, Clone)]
pub struct Snapshot {
    statements: Vec<StatementStats>,
}

/// What the requests of one statement came to. The statistics are of the same requests, those that had
/// ended; only `in_flight` is read beside them.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StatementStats {
    /// The name of the statement.
    pub name: Box<str>,
    /// Requests that ended: answered, failed or cancelled.
    pub query_count: u64,
    /// The time of all of them together.
    pub total_time: Duration,
    /// Requests that failed.
    pub error_count: u64,
    /// Requests that their callers gave up.
    pub cancelled: u64,
    /// Requests that are under way.
    pub in_flight: u64,
    failed: [u64; ErrorClass::ALL.len()],
    pub(crate) buckets: [u64; BUCKETS.len() + 1],
    latencies: SparseHistogram,
}

impl Snapshot {
    pub(crate) fn of(statements: &Statements) -> Self {
        let mut statements: Vec<_> = statements.all().map(StatementStats::of).collect();
        statements
            .sort_by(|a, b| b.total_time.cmp(&a.total_time).then_with(|| a.name.cmp(&b.name)));
        Self { statements }
    }

    /// All statements that were seen, the one that took the most time first.
    #[must_use]
    pub fn statements(&self) -> &[StatementStats] {
        &self.statements
    }

    /// The statements one after the other, as [`statements`](Self::statements) has them.
    pub fn iter(&self) -> std::slice::Iter<'_, StatementStats> {
        self.statements.iter()
    }

    /// The statistics of the statements of this name.
    #[must_use]
    pub fn statement(&self, name: &str) -> Option<&StatementStats> {
        self.statements.iter().find(|stats| *stats.name == *name)
    }
}

impl IntoIterator for Snapshot {
    type Item = StatementStats;
    type IntoIter = std::vec::IntoIter<StatementStats>;

    fn into_iter(self) -> Self::IntoIter {
        self.statements.into_iter()
    }
}

impl<'s> IntoIterator for &'s Snapshot {
    type Item = &'s StatementStats;
    type IntoIter = std::slice::Iter<'s, StatementStats>;

    fn into_iter(self) -> Self::IntoIter {
        self.statements.iter()
    }
}

impl StatementStats {
    pub(crate) fn of(series: &Series) -> Self {
        let (totals, in_flight) = series.totals();
        Self {
            name: series.name().into(),
            query_count: totals.count(),
            error_count: totals.failed.iter().sum(),
            in_flight,
            total_time: totals.time,
            cancelled: totals.cancelled,
            failed: totals.failed,
            buckets: totals.buckets,
            latencies: totals.latencies,
        }
    }

    /// Requests that failed with an error of this class.
    #[must_use]
    pub fn errors(&self, class: ErrorClass) -> u64 {
        self.failed[class.index()]
    }

    /// The mean time of a request; zero when none has ended.
    #[must_use]
    pub fn avg_latency(&self) -> Duration {
        let nanos = self.total_time.as_nanos().checked_div(self.query_count.into());
        Duration::from_nanos(nanos.and_then(|nanos| nanos.try_into().ok()).unwrap_or(0))
    }

    /// The time within which this part of the requests ended, from 0 to 1; zero when none has ended.
    /// It is up to 3 % too long, never too short, and at most 67 s.
    #[must_use]
    pub fn quantile(&self, part: f64) -> Duration {
        let part = if part.is_nan() { 1.0 } else { part.clamp(0.0, 1.0) };
        let end = self.latencies.quantile(part).ok().flatten().and_then(|result| {
            let bucket = result.get(&Quantile::new(part).ok()?)?;
            Some(bucket.end())
        });
        end.map_or(Duration::ZERO, Duration::from_micros)
    }

    /// The median.
    #[must_use]
    pub fn p50(&self) -> Duration {
        self.quantile(0.5)
    }

    /// The time within which 95 of 100 ended.
    #[must_use]
    pub fn p95(&self) -> Duration {
        self.quantile(0.95)
    }

    /// The time within which 99 of 100 ended.
    #[must_use]
    pub fn p99(&self) -> Duration {
        self.quantile(0.99)
    }

    /// The time within which 999 of 1,000 ended.
    #[must_use]
    pub fn p999(&self) -> Duration {
        self.quantile(0.999)
    }
}

const COLUMNS: [&str; 10] = [
    "statement",
    "count",
    "errors",
    "cancelled",
    "in flight",
    "mean",
    "p50",
    "p95",
    "p99",
    "p99.9",
];

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<[String; 10]> = self.statements.iter().map(StatementStats::row).collect();
        let widths: [usize; 10] = std::array::from_fn(|column| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.chain([COLUMNS[column].len()]).max().unwrap_or(0)
        });
        write_row(f, &widths, COLUMNS)?;
        for row in &rows {
            writeln!(f)?;
            write_row(f, &widths, row.each_ref().map(String::as_str))?;
        }
        Ok(())
    }
}

/// Names to the left, numbers to the right.
fn write_row(f: &mut fmt::Formatter<'_>, widths: &[usize; 10], cells: [&str; 10]) -> fmt::Result {
    write!(f, "{:<1$}", cells[0], widths[0])?;
    cells[1..].iter().zip(&widths[1..]).try_for_each(|(cell, width)| write!(f, "  {cell:>width$}"))
}

impl StatementStats {
    fn row(&self) -> [String; 10] {
        let time = |time: Duration| format!("{time:.1?}");
        [
            // A name with a line break would break the table.
            self.name.escape_debug().to_string(),
            self.query_count.to_string(),
            self.error_count.to_string(),
            self.cancelled.to_string(),
            self.in_flight.to_string(),
            time(self.avg_latency()),
            time(self.p50()),
            time(self.p95()),
            time(self.p99()),
            time(self.p999()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use cqlstack_core::Statement;

    use super::*;
    use crate::recorder::Outcome;

    fn snapshot() -> Snapshot {
        let statements = Statements::new(4);
        let slow = statements.of(&Statement::new("SELECT a FROM users"));
        for millis in 1..=100 {
            slow.begin().end(Duration::from_millis(millis), Outcome::Answered);
        }
        let _under_way = slow.begin();
        let odd = statements.of(&Statement::new("TRUNCATE t").named("a\n\"b\""));
        odd.begin().end(Duration::from_micros(80), Outcome::Failed(ErrorClass::Overload));
        odd.begin().end(Duration::from_micros(20), Outcome::Cancelled);
        statements.of(&Statement::new("INSERT INTO t (k) VALUES (?)"));
        Snapshot::of(&statements)
    }

    #[test]
    fn it_has_counts_times_and_quantiles() {
        let snapshot = snapshot();
        let users = snapshot.statement("SELECT users").unwrap();
        assert_eq!((users.query_count, users.error_count, users.in_flight), (100, 0, 1));
        assert_eq!(users.total_time, Duration::from_millis(5_050));
        assert_eq!(users.avg_latency(), Duration::from_micros(50_500));
        let within = |quantile: Duration, millis: u64| {
            let exact = Duration::from_millis(millis);
            assert!(quantile >= exact && quantile <= exact * 104 / 100, "{quantile:?}");
        };
        within(users.p50(), 50);
        within(users.p95(), 95);
        within(users.p99(), 99);
        within(users.p999(), 100);

        let odd = &snapshot.statements()[1];
        assert_eq!((odd.query_count, odd.error_count, odd.cancelled), (2, 1, 1));
        assert_eq!((odd.errors(ErrorClass::Overload), odd.errors(ErrorClass::Permanent)), (1, 0));

        let unused = snapshot.statement("INSERT t").unwrap();
        assert_eq!((unused.avg_latency(), unused.p99()), (Duration::ZERO, Duration::ZERO));
    }

    #[test]
    fn it_prints_as_a_table() {
        let table = snapshot().to_string();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines.iter().all(|line| line.chars().count() == lines[0].len()), "{table}");
        assert!(lines[0].starts_with("statement     count  errors"), "{table}");
        assert!(lines[1].starts_with("SELECT users    100       0"), "{table}");
        assert!(lines[2].starts_with(r#"a\n\"b\""#), "{table}");
    }
}
