//! What is told of a side under load.

use crate::Failure;
use crate::bench::Bench;
use crate::load::Outcome;
use crate::report::Figure;
use crate::rounds::Rounds;

/// Name, unit, and where it stands.
type Metric = (&'static str, &'static str, fn(&Outcome) -> f64);

const METRICS: [Metric; 17] = [
    ("operations", "1/s", Outcome::rate),
    ("goodput", "1/s", Outcome::good_rate),
    ("offered", "1/s", Outcome::offered_rate),
    ("cpu per operation", "us", Outcome::cpu_micros),
    ("response p50", "ms", |o| o.recorded.response.millis(50.0)),
    ("response p95", "ms", |o| o.recorded.response.millis(95.0)),
    ("response p99", "ms", |o| o.recorded.response.millis(99.0)),
    ("response p99.9", "ms", |o| o.recorded.response.millis(99.9)),
    ("service p50", "ms", |o| o.recorded.service.millis(50.0)),
    ("service p99", "ms", |o| o.recorded.service.millis(99.0)),
    ("p99 of failed", "ms", |o| o.recorded.failed.millis(99.0)),
    ("failed and undone", "part", Outcome::error_part),
    ("undone", "requests", Outcome::undone),
    ("event-loop lag p99", "ms", |o| o.lag.millis(99.0)),
    ("connections broken", "1", Outcome::broken_connections),
    ("peak memory", "MB", Outcome::peak_megabytes),
    ("threads", "1", Outcome::thread_count),
];

/// Writes all that is known of a side, beside the baseline.
pub(crate) fn write(
    bench: &mut Bench,
    scenario: &str,
    load: &str,
    side: &str,
    rounds: &Rounds,
    baseline: &Rounds,
) -> Result<(), Failure> {
    for (metric, unit, of) in METRICS {
        if rounds.median(of).is_nan() {
            continue;
        }
        let (ratio, spread) = rounds.ratio(baseline, of);
        bench.figure(&Figure {
            scenario,
            metric,
            unit,
            side,
            load: Some(load),
            ours: rounds.median(of),
            baseline: Some(baseline.median(of)),
            ratio: Some(ratio).filter(|ratio| ratio.is_finite()),
            spread: Some(spread).filter(|ends| ends.iter().all(|end| end.is_finite())),
        })?;
    }
    Ok(())
}

/// `12 timeout, 3 overload`.
pub(crate) fn errors(outcome: &Outcome) -> String {
    let classes = outcome.recorded.errors.iter().map(|(class, count)| format!("{count} {class}"));
    let classes: Vec<_> = classes.collect();
    if classes.is_empty() { "0".to_owned() } else { classes.join(", ") }
}
