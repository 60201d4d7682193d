//! What a read costs the client, counted and not timed: for differences that are too small for a clock.

use stats_alloc::Region;
use tokio::runtime::{Builder, Runtime};

use super::Scenario;
use crate::bench::{Bench, progress};
use crate::connect::Connect;
use crate::report::Figure;
use crate::{ALLOCATOR, Failure, callgrind, sides};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "instructions",
    about: "instructions and allocations of a read, on one thread: the driver, others' layers, ours",
    run,
    probe: Some(probe),
};

/// Reads over which a count is made.
const READS: u32 = 5_000;

fn runtime() -> Result<Runtime, Failure> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

fn run(bench: &mut Bench) -> Result<(), Failure> {
    let rounds = bench.arguments.rounds.unwrap_or(3);
    let runtime = runtime()?;
    let connect = bench.connect(&runtime)?;
    let sides = runtime.block_on(sides::all(&connect))?;
    let bar = progress("instructions", sides.len() as u64)?;
    let mut found = Vec::new();
    for side in &sides {
        // Buffers grow to their size first.
        runtime.block_on(side.drive(200))?;
        let region = Region::new(ALLOCATOR);
        runtime.block_on(side.drive(READS))?;
        let counted = region.change();
        let instructions =
            callgrind::per_request(SCENARIO.name, side.name, &connect.nodes, READS, rounds)?;
        found.push([
            instructions,
            Some(per_read(counted.allocations + counted.reallocations)),
            Some(per_read(counted.bytes_allocated)),
        ]);
        bar.inc(1);
    }
    bar.finish_and_clear();
    println!(
        "\n{:<28} {:>12} {:>6} {:>11} {:>7}",
        "a read", "instructions", "ratio", "allocations", "bytes"
    );
    for (side, of_side) in sides.iter().zip(&found) {
        let ratio = of_side[0].zip(found[0][0]).map(|(ours, drivers)| ours / drivers);
        println!(
            "{:<28} {:>12.0} {:>6.3} {:>11.1} {:>7.0}",
            side.name,
            of_side[0].unwrap_or(f64::NAN),
            ratio.unwrap_or(f64::NAN),
            of_side[1].unwrap_or(f64::NAN),
            of_side[2].unwrap_or(f64::NAN)
        );
        let metrics = [("instructions", "1"), ("allocations", "1"), ("allocated", "bytes")];
        for ((metric, unit), (ours, baseline)) in
            metrics.into_iter().zip(of_side.iter().zip(found[0]))
        {
            let Some(ours) = *ours else { continue };
            let ratio = baseline.map(|baseline| ours / baseline);
            let (scenario, side) = (SCENARIO.name, side.name);
            let figure = Figure {
                scenario,
                metric,
                unit,
                side,
                load: None,
                ours,
                baseline,
                ratio,
                spread: None,
            };
            bench.figure(&figure)?;
        }
    }
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

#[allow(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
fn per_read(total: usize) -> f64 {
    total as f64 / f64::from(READS)
}
