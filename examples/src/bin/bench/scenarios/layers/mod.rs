//! What each layer costs a request that meets no trouble, over a service that answers at once.

mod beside;
mod cases;
mod drive;

use std::time::Instant;

use tokio::runtime::Builder;

use super::Scenario;
use crate::Failure;
use crate::bench::{Bench, progress};
use crate::report::Figure;
use crate::rounds::{median, spread};
use crate::table::table;
use crate::valgrind::{Counts, Probe};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "layers",
    about: "nanoseconds, instructions and allocations of each layer, over a service that answers at once",
    run,
    probe: Some(probe),
    without: &[],
};

/// Requests that are timed at a time.
const REQUESTS: u32 = 20_000;
/// Requests over which instructions are counted.
const COUNTED: u32 = 100_000;

fn run(bench: &mut Bench) -> Result<(), Failure> {
    let rounds = bench.arguments.rounds.unwrap_or(31);
    let runtime = bench.runtime()?;
    let _guard = runtime.enter();
    let mut cases = cases::all()?;
    let bar = progress("layers", u64::from(rounds) + 1 + cases.len() as u64)?;
    let mut nanos: Vec<Vec<f64>> = cases.iter().map(|_| Vec::new()).collect();
    for round in 0..=rounds {
        for (case, nanos) in cases.iter_mut().zip(&mut nanos) {
            let started = Instant::now();
            (case.drive)(REQUESTS);
            if round > 0 {
                nanos.push(started.elapsed().as_secs_f64() * 1e9 / f64::from(REQUESTS));
            }
        }
        bar.inc(1);
    }
    let mut found: Vec<Found> = Vec::new();
    for (case, nanos) in cases.iter().zip(nanos) {
        let probe = Probe { scenario: SCENARIO.name, side: case.name, nodes: &[] };
        let counts = probe.per_request(COUNTED, 1)?;
        bar.inc(1);
        found.push(Found { name: case.name, beside: case.beside, nanos, counts });
    }
    bar.finish_and_clear();
    let mut table = table(&[
        "a request",
        "ns",
        "ratio",
        "lowest",
        "highest",
        "instructions",
        "ratio",
        "allocations",
        "bytes",
        "ratios are to",
    ]);
    for case in &found {
        let beside = found.iter().find(|other| Some(other.name) == case.beside);
        table.add_row(case.row(beside));
        case.write(bench, beside)?;
    }
    println!("\n{table}\n{rounds} rounds of {REQUESTS} requests");
    if found.iter().all(|case| case.counts.is_none()) {
        println!("nothing counted: that wants valgrind (the package of that name)");
    }
    Ok(())
}

fn probe(name: &str, requests: u32) -> Result<(), Failure> {
    // Threads that come and go would be counted.
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let _guard = runtime.enter();
    let mut cases = cases::all()?;
    let case = cases.iter_mut().find(|case| case.name == name).ok_or("there is no such case")?;
    (case.drive)(requests);
    Ok(())
}

struct Found {
    name: &'static str,
    beside: Option<&'static str>,
    nanos: Vec<f64>,
    counts: Option<Counts>,
}

impl Found {
    /// The ratio of each round.
    fn ratios(&self, beside: Option<&Self>) -> Option<Vec<f64>> {
        let pairs = self.nanos.iter().zip(&beside?.nanos);
        Some(pairs.map(|(ours, theirs)| ours / theirs).collect())
    }

    fn row(&self, beside: Option<&Self>) -> Vec<String> {
        let text = |number: Option<f64>, digits| match number {
            Some(number) => format!("{number:.digits$}"),
            None => String::new(),
        };
        let ratios = self.ratios(beside);
        let spread = ratios.as_deref().map(spread);
        let instructions = |found: &Self| found.counts.map(|counts| counts.instructions);
        let more = beside.and_then(|other| Some(instructions(self)? / instructions(other)?));
        vec![
            self.name.to_owned(),
            text(Some(median(self.nanos.clone())), 1),
            text(ratios.map(median), 2),
            text(spread.map(|[lowest, _]| lowest), 2),
            text(spread.map(|[_, highest]| highest), 2),
            text(instructions(self), 0),
            text(more, 2),
            text(self.counts.map(|counts| counts.allocations), 3),
            text(self.counts.map(|counts| counts.bytes), 0),
            self.beside.unwrap_or_default().to_owned(),
        ]
    }

    fn write(&self, bench: &mut Bench, beside: Option<&Self>) -> Result<(), Failure> {
        let ratios = self.ratios(beside);
        let spread = ratios.as_deref().map(spread);
        let mut figure = Figure {
            scenario: SCENARIO.name,
            metric: "time",
            unit: "ns",
            side: self.name,
            load: None,
            ours: median(self.nanos.clone()),
            baseline: beside.map(|other| median(other.nanos.clone())),
            ratio: ratios.map(median),
            spread,
        };
        bench.figure(&figure)?;
        figure = Figure { ratio: None, spread: None, ..figure };
        for (metric, unit, of) in Counts::METRICS {
            let Some(ours) = self.counts.map(of) else { continue };
            let baseline = beside.and_then(|other| other.counts).map(of);
            let ratio = baseline.map(|baseline| ours / baseline).filter(|ratio| ratio.is_finite());
            figure = Figure { metric, unit, ours, baseline, ratio, ..figure };
            bench.figure(&figure)?;
        }
        Ok(())
    }
}
