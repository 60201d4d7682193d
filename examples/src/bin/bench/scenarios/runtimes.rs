//! What a read costs on one thread, on a runtime of many, and on a runtime of one thread for each core.

use std::time::Duration;

use super::Scenario;
use super::throughput::{columns, row};
use crate::bench::{Bench, progress};
use crate::hosts::{Host, SIDES};
use crate::load::Plan;
use crate::table::table;
use crate::{Failure, figures, hosts, rounds};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "runtimes",
    about: "reads one row by its key on one thread, on many, and on a runtime with a session for each core",
    run,
    probe: None,
    without: &["--threads", "--side"],
};

fn run(bench: &mut Bench) -> Result<(), Failure> {
    let connect = bench.connect(&bench.runtime()?)?;
    let hosts = Host::all(&connect)?;
    println!("{}", hosts::idle());
    let count = hosts.len() * SIDES.len();
    for in_flight in bench.arguments.levels(&[1, 10, 100, 1_000]) {
        let rounds = bench.arguments.rounds.unwrap_or(5);
        let time = bench.arguments.seconds.unwrap_or(Duration::from_secs(2));
        let plan = Plan { in_flight, time, rate: None, slo: bench.arguments.slo };
        let load = format!("{in_flight} in flight");
        let bar = progress(&load, rounds::steps(count, rounds))?;
        let all = rounds::in_turns(count, plan, rounds, &bar, |index, plan| {
            hosts[index / SIDES.len()].run(index % SIDES.len(), plan)
        })?;
        bar.finish_and_clear();
        for (host, rounds) in hosts.iter().zip(all.chunks(SIDES.len())) {
            let load = format!("{load}, {}", host.name());
            let mut table = table(&columns(&load));
            for (side, rounds_of_side) in SIDES.into_iter().zip(rounds) {
                table.add_row(row(side, rounds_of_side, &rounds[0]));
                figures::write(bench, SCENARIO.name, &load, side, rounds_of_side, &rounds[0])?;
            }
            println!("\n{table}");
        }
        println!("{rounds} rounds of {time:.1?} for each side on each runtime");
    }
    Ok(())
}
