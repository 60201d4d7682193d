//! What a read costs the client, counted and not timed: for differences that are too small for a clock.

use std::collections::HashMap;

use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use super::Scenario;
use crate::bench::{Bench, progress};
use crate::connect::Connect;
use crate::report::Figure;
use crate::table::table;
use crate::valgrind::{Counts, Probe};
use crate::{Failure, sides};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "instructions",
    about: "instructions and allocations of a read, on one thread: the driver, others' layers, ours",
    run,
    probe: Some(probe),
    without: &[],
};

/// Reads over which a count is made.
const READS: u32 = 5_000;
/// By how much a ratio may grow.
const GROWTH: f64 = 0.02;

fn runtime() -> Result<Runtime, Failure> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

fn run(bench: &mut Bench) -> Result<(), Failure> {
    let rounds = bench.arguments.rounds.unwrap_or(3);
    let before = ratios_before(bench)?;
    let runtime = runtime()?;
    let connect = bench.connect(&runtime)?;
    let sides = sides::chosen(runtime.block_on(sides::all(&connect))?, &bench.arguments.side)?;
    let bar = progress("instructions", sides.len() as u64)?;
    let mut found = Vec::new();
    for side in &sides {
        let probe = Probe { scenario: SCENARIO.name, side: side.name, nodes: &connect.nodes };
        let counts = probe.needed_per_request(READS, rounds)?;
        found.push(counts);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let mut table = table(&["a read", "instructions", "ratio", "allocations", "bytes"]);
    for (side, counts) in sides.iter().zip(found.iter().copied()) {
        let now = counts.instructions / found[0].instructions;
        table.add_row([
            side.name.to_owned(),
            format!("{:.0}", counts.instructions),
            format!("{now:.3}"),
            format!("{:.1}", counts.allocations),
            format!("{:.0}", counts.bytes),
        ]);
        for (metric, unit, of) in Counts::METRICS {
            let (ours, baseline) = (of(counts), of(found[0]));
            let figure = Figure::alone(SCENARIO.name, metric, unit, side.name, ours);
            bench.figure(&figure.beside(baseline))?;
        }
        if let Some(was) = before.get(side.name).filter(|was| now > **was + GROWTH) {
            let name = side.name;
            bench.miss(format!("{name}: {now:.3} x the driver's instructions, was {was:.3}"));
        }
    }
    println!("\n{table}");
    Ok(())
}

fn probe(name: &str, reads: u32) -> Result<(), Failure> {
    let nodes = std::env::var("CASSANDRA_NODES")?;
    let nodes: Vec<String> = nodes.split(',').map(str::to_owned).collect();
    let runtime = runtime()?;
    runtime.block_on(async {
        let sides = sides::all(&Connect { nodes, ..Connect::default() }).await?;
        let side = sides.iter().find(|side| side.name == name).ok_or("there is no such side")?;
        side.drive(reads).await
    })
}

/// The ratio of each side, in the file that this run is to be compared with.
fn ratios_before(bench: &Bench) -> Result<HashMap<String, f64>, Failure> {
    let Some(path) = &bench.arguments.against else { return Ok(HashMap::new()) };
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| format!("{}: {error}", path.display()))?;
    let lines: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let ratios = lines.iter().filter(|line| line["metric"] == Counts::METRICS[0].0);
    let ratios = ratios
        .filter_map(|line| Some((line["side"].as_str()?.to_owned(), line["ratio"].as_f64()?)));
    let ratios: HashMap<_, _> = ratios.collect();
    if ratios.is_empty() {
        return Err(format!("{}: has no instructions to compare with", path.display()).into());
    }
    Ok(ratios)
}
