//! Ours beside drivers of other languages, in one run, in turns.

mod process;
mod programs;

use std::time::Duration;

use self::process::Peer;
use self::programs::{ALL, Program};
use super::Scenario;
use super::throughput::{columns, row};
use crate::bench::{Bench, progress};
use crate::hosts::{Host, SIDES};
use crate::load::{Outcome, Plan};
use crate::rounds::{Rounds, median};
use crate::table::table;
use crate::{Failure, figures, hosts, rounds};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "peers",
    about: "reads one row by its key: the driver and the stack on each runtime, Java, Go, Python, cdrs-tokio",
    run,
    probe: None,
    without: &["--threads", "--side", "--timeout", "--connections", "--consistency"],
};

/// Rates over spans of this time are compared while a side warms up.
const SPAN: Duration = Duration::from_millis(500);
/// The spans of a window: two windows that follow each other have the same rate when a side is warm.
const WINDOW: usize = 6;
/// How much the rates of two windows may differ.
const STABLE: f64 = 0.03;
/// The JVM compiles what runs often for so long.
const COMPILED_AFTER: Duration = Duration::from_secs(20);
const WARM_AT_MOST: Duration = Duration::from_secs(45);

/// One of those that are compared.
struct Contender {
    name: String,
    /// Which of them are one, in different settings.
    of: &'static str,
    way: Way,
    warm_after: Duration,
}

enum Way {
    /// A host, and one of its sides.
    Ours(usize, usize),
    Peer(Peer),
}

impl Contender {
    fn run(&mut self, hosts: &[Host], plan: Plan) -> Result<Outcome, Failure> {
        let outcome = match &mut self.way {
            Way::Ours(host, side) => hosts[*host].run(*side, plan),
            Way::Peer(peer) => peer.run(plan),
        };
        outcome.map_err(|error| format!("{}: {error}", self.name).into())
    }

    /// Loads it until its rate is stable, and tells how it went.
    fn warm_up(&mut self, hosts: &[Host], plan: Plan) -> Result<String, Failure> {
        let (mut rates, mut difference) = (Vec::new(), f64::INFINITY);
        let mut taken = Duration::ZERO;
        while taken < WARM_AT_MOST && (taken < self.warm_after || difference > STABLE) {
            let outcome = self.run(hosts, Plan { time: SPAN, ..plan })?;
            if outcome.recorded.answered == 0 {
                let errors = figures::errors(&outcome);
                return Err(format!("{}: no request was answered: {errors}", self.name).into());
            }
            rates.push(outcome.rate());
            taken += SPAN;
            if let Some((before, last)) =
                rates.last_chunk::<{ 2 * WINDOW }>().map(|it| it.split_at(WINDOW))
            {
                let (before, last) = (median(before.to_vec()), median(last.to_vec()));
                difference = (last / before - 1.0).abs();
            }
        }
        Ok(format!(
            "{}: {taken:.1?}, then {:.1} % from window to window",
            self.name,
            difference * 100.0
        ))
    }
}

/// Ours, and the peers that there are: a line tells which are not, and why.
fn contenders(hosts: &[Host], node: &str) -> Vec<Contender> {
    let mut all = Vec::new();
    for side in [0, 2] {
        for (index, host) in hosts.iter().enumerate() {
            all.push(Contender {
                name: format!("{}, {}", SIDES[side], host.name()),
                of: SIDES[side],
                way: Way::Ours(index, side),
                warm_after: Duration::ZERO,
            });
        }
    }
    for program in ALL {
        let Program { name, threads, is_compiled_late, .. } = program;
        let peer = program.build().and_then(|command| Peer::start(command, node, threads));
        match peer {
            Ok(peer) => {
                println!("{name}: {}", peer.about);
                let of = name.split(',').next().unwrap_or(name);
                let warm_after = if is_compiled_late { COMPILED_AFTER } else { Duration::ZERO };
                all.push(Contender { name: name.to_owned(), of, way: Way::Peer(peer), warm_after });
            }
            Err(why) => println!("{name} is left out: {why}"),
        }
    }
    all
}

fn run(bench: &mut Bench) -> Result<(), Failure> {
    let connect = bench.connect(&bench.runtime()?)?;
    let hosts = Host::all(&connect)?;
    println!("{}", hosts::idle());
    let node = connect.nodes.first().ok_or("there is no node")?;
    let mut contenders = contenders(&hosts, node);
    for in_flight in bench.arguments.levels(&[100, 1_000]) {
        let rounds = bench.arguments.rounds.unwrap_or(5);
        let time = bench.arguments.seconds.unwrap_or(Duration::from_secs(2));
        let plan = Plan { in_flight, time, rate: None, slo: bench.arguments.slo };
        let load = format!("{in_flight} in flight");
        println!("\nWarmed up, {load}:");
        let mut index = 0;
        while index < contenders.len() {
            match contenders[index].warm_up(&hosts, plan) {
                Ok(told) => {
                    println!("  {told}");
                    index += 1;
                }
                Err(error) => leave_out(&mut contenders, index, error)?,
            }
        }
        let all = loop {
            match measure(&mut contenders, &hosts, plan, rounds, &load) {
                Ok(all) => break all,
                // What was measured beside it was measured beside others than the rest will be.
                Err((Some(index), error)) => leave_out(&mut contenders, index, error)?,
                Err((None, error)) => return Err(error),
            }
        };
        let mut table = table(&columns(&load));
        for (contender, rounds) in contenders.iter().zip(&all) {
            table.add_row(row(&contender.name, rounds, &all[0]));
            figures::write(bench, SCENARIO.name, &load, &contender.name, rounds, &all[0])?;
        }
        println!("\n{table}\n{rounds} rounds of {time:.1?} for each side");
        compare(&contenders, &all);
    }
    Ok(())
}

/// All rounds of each, or which one failed.
fn measure(
    contenders: &mut [Contender],
    hosts: &[Host],
    plan: Plan,
    rounds: u32,
    load: &str,
) -> Result<Vec<Rounds>, (Option<usize>, Failure)> {
    let count = contenders.len();
    let bar = progress(load, rounds::steps(count, rounds)).map_err(|error| (None, error))?;
    let mut failed = None;
    let all = rounds::in_turns(count, plan, rounds, &bar, |index, plan| {
        contenders[index].run(hosts, plan).inspect_err(|_| failed = Some(index))
    });
    bar.finish_and_clear();
    all.map_err(|error| (failed, error))
}

/// A peer that has failed is not asked again. Without ours there is nothing to compare.
fn leave_out(contenders: &mut Vec<Contender>, index: usize, error: Failure) -> Result<(), Failure> {
    if matches!(contenders[index].way, Way::Ours(..)) {
        return Err(error);
    }
    println!("{error}: it is left out from here on");
    contenders.remove(index);
    Ok(())
}

/// The full stack beside each peer, each in the setting in which it did most.
fn compare(contenders: &[Contender], all: &[Rounds]) {
    let best = |of: &str| {
        let own = contenders.iter().zip(all).filter(|(contender, _)| contender.of == of);
        own.max_by(|(_, one), (_, other)| {
            one.median(Outcome::rate).total_cmp(&other.median(Outcome::rate))
        })
    };
    let Some((ours, our_rounds)) = best(SIDES[2]) else { return };
    let mut names: Vec<_> = contenders.iter().map(|contender| contender.of).collect();
    names.dedup();
    for name in names.into_iter().filter(|name| *name != ours.of) {
        let Some((theirs, their_rounds)) = best(name) else { continue };
        let (rate, _) = our_rounds.ratio(their_rounds, Outcome::rate);
        let (cpu, _) = our_rounds.ratio(their_rounds, Outcome::cpu_micros);
        println!("{} beside {}: operations {rate:.2} x, CPU {cpu:.2} x", ours.name, theirs.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(name: &str, script: &str) -> Contender {
        let mut command = std::process::Command::new("sh");
        command.args(["-c", script]);
        let peer = Peer::start(command, "127.0.0.1:9042", 0).unwrap();
        Contender {
            name: name.to_owned(),
            of: "sh",
            way: Way::Peer(peer),
            warm_after: Duration::ZERO,
        }
    }

    #[test]
    fn a_peer_that_fails_is_left_out_and_the_others_are_measured_anew() {
        let run = r#"echo '{"answered": 5, "micros": 2000, "cpu_micros": 10, "errors": {}, "histogram": [[80, 5]]}'"#;
        let good = format!(r#"read it; echo '{{"ready": "good"}}'; while read it; do {run}; done"#);
        let bad = format!(r#"read it; echo '{{"ready": "bad"}}'; read it; {run}; read it; exit 7"#);
        let mut contenders = vec![peer("good", &good), peer("bad", &bad), peer("other", &good)];
        let time = Duration::from_millis(4);
        let plan = Plan { in_flight: 2, time, rate: None, slo: time };
        let Err((Some(index), error)) = measure(&mut contenders, &[], plan, 2, "load") else {
            panic!("one of them ends");
        };
        assert!(error.to_string().starts_with("bad: "), "{error}");
        leave_out(&mut contenders, index, error).unwrap();
        let all = measure(&mut contenders, &[], plan, 2, "load").map_err(|(_, error)| error);
        let rates: Vec<_> = all.unwrap().iter().map(|all| all.median(Outcome::rate)).collect();
        assert_eq!(rates, [2_500.0; 2]);
        let names: Vec<_> = contenders.iter().map(|contender| &contender.name[..]).collect();
        assert_eq!(names, ["good", "other"]);
    }
}
