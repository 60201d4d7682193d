//! What each layer leaves of the driver's throughput, in a closed loop.

use std::time::Duration;

use super::Scenario;
use crate::bench::{Bench, progress};
use crate::load::{Outcome, Plan};
use crate::report::Figure;
use crate::rounds::{self, Rounds};
use crate::{Failure, sides};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "throughput",
    about: "reads one row by its key, in a closed loop: the driver, others' layers, ours",
    run,
    probe: None,
};

fn run(bench: &mut Bench) -> Result<(), Failure> {
    let runtime = Bench::runtime()?;
    let nodes = bench.nodes(&runtime)?;
    let sides = runtime.block_on(sides::all(&nodes))?;
    for in_flight in bench.arguments.concurrency.clone() {
        // The one that the bounds are about gets more rounds.
        let rounds = bench.arguments.rounds.unwrap_or(if in_flight == 100 { 10 } else { 3 });
        let time = bench.arguments.seconds.unwrap_or(Duration::from_secs(1));
        let plan = Plan { in_flight, time, rate: None, slo: Duration::MAX };
        let bar = progress(&format!("{in_flight} in flight"), rounds::steps(sides.len(), rounds))?;
        let all = runtime.block_on(rounds::in_turns(&sides, plan, rounds, &bar));
        bar.finish_and_clear();
        println!("\n{in_flight} in flight, {rounds} rounds of {time:.1?}");
        println!(
            "{:<28} {:>8} {:>6} {:>13} {:>8} {:>6} {:>8} {:>8} {:>8} {:>8} {:>7} {:>7} {:>7}",
            "",
            "reads/s",
            "ratio",
            "lowest-highest",
            "CPU us",
            "ratio",
            "p50 ms",
            "p95",
            "p99",
            "p99.9",
            "errors",
            "peak MB",
            "threads"
        );
        for (side, rounds) in sides.iter().zip(&all) {
            show(bench, in_flight, side.name, rounds, &all[0])?;
        }
    }
    Ok(())
}

/// Name, unit, and where it stands.
type Metric = (&'static str, &'static str, fn(&Outcome) -> f64);

fn show(
    bench: &mut Bench,
    in_flight: usize,
    side: &str,
    rounds: &Rounds,
    baseline: &Rounds,
) -> Result<(), Failure> {
    let Some(together) = rounds.together() else { return Ok(()) };
    let (rate, spread) = rounds.ratio(baseline, Outcome::rate);
    let (cpu, _) = rounds.ratio(baseline, Outcome::cpu_micros);
    let ms = |percent| together.recorded.response.millis(percent);
    let peak = together.peak_megabytes();
    println!(
        "{side:<28} {:>8.0} {rate:>6.3} {:>6.3}-{:<6.3} {:>8.1} {cpu:>6.3} {:>8.2} {:>8.2} {:>8.2} {:>8.2} {:>7} {peak:>7.0} {:>7}",
        rounds.median(Outcome::rate),
        spread[0],
        spread[1],
        rounds.median(Outcome::cpu_micros),
        ms(50.0),
        ms(95.0),
        ms(99.0),
        ms(99.9),
        together.recorded.failed_count(),
        together.threads
    );
    for (failed, count) in &together.recorded.errors {
        println!("  {count} {failed}");
    }
    let metrics: [Metric; 10] = [
        ("operations", "1/s", Outcome::rate),
        ("cpu per operation", "us", Outcome::cpu_micros),
        ("p50", "ms", |o| o.recorded.response.millis(50.0)),
        ("p95", "ms", |o| o.recorded.response.millis(95.0)),
        ("p99", "ms", |o| o.recorded.response.millis(99.0)),
        ("p99.9", "ms", |o| o.recorded.response.millis(99.9)),
        ("goodput", "1/s", Outcome::good_rate),
        ("errors", "part", Outcome::error_part),
        ("peak memory", "MB", Outcome::peak_megabytes),
        ("threads", "count", Outcome::thread_count),
    ];
    for (metric, unit, of) in metrics {
        let (ratio, spread) = rounds.ratio(baseline, of);
        bench.figure(&Figure {
            scenario: SCENARIO.name,
            metric,
            unit,
            side,
            load: Some(format!("{in_flight} in flight")),
            ours: rounds.median(of),
            baseline: Some(baseline.median(of)),
            ratio: Some(ratio).filter(|ratio| ratio.is_finite()),
            spread: Some(spread).filter(|spread| spread.iter().all(|end| end.is_finite())),
        })?;
    }
    Ok(())
}
