//! What each layer leaves of the driver's throughput, in a closed loop.

use std::time::Duration;

use super::Scenario;
use crate::bench::{Bench, progress};
use crate::load::{self, Outcome, Plan};
use crate::rounds::{self, Rounds};
use crate::table::table;
use crate::{Failure, figures, sides};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "throughput",
    about: "reads one row by its key, in a closed loop: the driver, others' layers, ours",
    run,
    probe: None,
    without: &[],
};

fn run(bench: &mut Bench) -> Result<(), Failure> {
    let runtime = bench.runtime()?;
    let connect = bench.connect(&runtime)?;
    let sides = sides::chosen(runtime.block_on(sides::all(&connect))?, &bench.arguments.side)?;
    for in_flight in bench.arguments.levels(&[1, 10, 100, 1_000]) {
        // The one that the bounds are about gets more rounds.
        let rounds = bench.arguments.rounds.unwrap_or(if in_flight == 100 { 10 } else { 3 });
        let time = bench.arguments.seconds.unwrap_or(Duration::from_secs(1));
        let plan = Plan { in_flight, time, rate: None, slo: bench.arguments.slo };
        let load = format!("{in_flight} in flight");
        let bar = progress(&load, rounds::steps(sides.len(), rounds))?;
        let all = rounds::in_turns(sides.len(), plan, rounds, &bar, |index, plan| {
            Ok(runtime.block_on(load::run(&sides[index], plan, None)))
        })?;
        bar.finish_and_clear();
        let mut table = table(&columns(&load));
        for (side, rounds) in sides.iter().zip(&all) {
            table.add_row(row(side.name, rounds, &all[0]));
            figures::write(bench, SCENARIO.name, &load, side.name, rounds, &all[0])?;
        }
        println!("\n{table}\n{rounds} rounds of {time:.1?} for each side");
    }
    Ok(())
}

pub(super) fn columns(load: &str) -> [&str; 14] {
    [
        load, "reads/s", "ratio", "lowest", "highest", "CPU us", "ratio", "p50 ms", "p95", "p99",
        "p99.9", "errors", "peak MB", "threads",
    ]
}

pub(super) fn row(side: &str, rounds: &Rounds, baseline: &Rounds) -> Vec<String> {
    let Some(together) = rounds.together() else { return Vec::new() };
    let (rate, [lowest, highest]) = rounds.ratio(baseline, Outcome::rate);
    let (cpu, _) = rounds.ratio(baseline, Outcome::cpu_micros);
    let millis = |percent| format!("{:.2}", together.recorded.response.millis(percent));
    vec![
        side.to_owned(),
        format!("{:.0}", rounds.median(Outcome::rate)),
        format!("{rate:.3}"),
        format!("{lowest:.3}"),
        format!("{highest:.3}"),
        format!("{:.1}", rounds.median(Outcome::cpu_micros)),
        format!("{cpu:.3}"),
        millis(50.0),
        millis(95.0),
        millis(99.0),
        millis(99.9),
        figures::errors(&together),
        whole(together.peak_megabytes()),
        whole(together.thread_count()),
    ]
}

/// Nothing where it is not known.
fn whole(value: f64) -> String {
    if value.is_nan() { String::new() } else { format!("{value:.0}") }
}
