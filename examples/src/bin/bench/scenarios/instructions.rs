//! What a read costs the client, counted and not timed: for differences that are too small for a clock.

use std::collections::HashMap;

use serde_json::Value;
use stats_alloc::Region;
use tokio::runtime::{Builder, Runtime};

use super::Scenario;
use crate::bench::{Bench, progress};
use crate::connect::Connect;
use crate::report::Figure;
use crate::table::table;
use crate::{ALLOCATOR, Failure, callgrind, sides};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "instructions",
    about: "instructions and allocations of a read, on one thread: the driver, others' layers, ours",
    run,
    probe: Some(probe),
};

/// Reads over which a count is made.
const READS: u32 = 5_000;
/// By how much a ratio may grow.
const GROWTH: f64 = 0.02;

/// What was counted, and in which unit.
const METRICS: [(&str, &str); 3] =
    [("instructions", "1"), ("allocations", "1"), ("allocated", "bytes")];

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
        // Buffers grow to their size first.
        runtime.block_on(side.drive(200))?;
        let region = Region::new(ALLOCATOR);
        runtime.block_on(side.drive(READS))?;
        let counted = region.change();
        let allocations = counted.allocations + counted.reallocations;
        let nodes = &connect.nodes;
        found.push([
            callgrind::per_request(SCENARIO.name, side.name, nodes, READS, rounds)?,
            Some(per_read(allocations)),
            Some(per_read(counted.bytes_allocated)),
        ]);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let mut table = table(&["a read", "instructions", "ratio", "allocations", "bytes"]);
    let text = |number: Option<f64>, digits| match number {
        Some(number) => format!("{number:.digits$}"),
        None => "-".to_owned(),
    };
    for (side, of_side) in sides.iter().zip(&found) {
        let ratios = [0, 1, 2].map(|at| Some(of_side[at]? / found[0][at]?));
        let [instructions, allocations, bytes] = *of_side;
        table.add_row([
            side.name.to_owned(),
            text(instructions, 0),
            text(ratios[0], 3),
            text(allocations, 1),
            text(bytes, 0),
        ]);
        for (at, (metric, unit)) in METRICS.into_iter().enumerate() {
            let Some(ours) = of_side[at] else { continue };
            let (scenario, side) = (SCENARIO.name, side.name);
            let (baseline, ratio) = (found[0][at], ratios[at]);
            let (load, spread) = (None, None);
            bench.figure(&Figure {
                scenario,
                metric,
                unit,
                side,
                load,
                ours,
                baseline,
                ratio,
                spread,
            })?;
        }
        if let (Some(was), Some(ratio)) = (before.get(side.name), ratios[0])
            && ratio > was + GROWTH
        {
            bench.miss(format!(
                "{}: {ratio:.3} x the driver's instructions, was {was:.3}",
                side.name
            ));
        }
    }
    println!("\n{table}");
    if found.iter().all(|of_side| of_side[0].is_none()) {
        println!("no instructions: they want valgrind (the package of that name)");
    }
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
    let ratios = lines.iter().filter(|line| line["metric"] == METRICS[0].0);
    let ratios = ratios
        .filter_map(|line| Some((line["side"].as_str()?.to_owned(), line["ratio"].as_f64()?)));
    let ratios: HashMap<_, _> = ratios.collect();
    if ratios.is_empty() {
        return Err(format!("{}: has no instructions to compare with", path.display()).into());
    }
    Ok(ratios)
}

#[allow(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
fn per_read(total: usize) -> f64 {
    total as f64 / f64::from(READS)
}
