//! Counts instructions by running this program under callgrind.

use std::process::Command;

use clap::ValueEnum;

use crate::Failure;
use crate::sides::Side;

/// The median of several rounds of (I(2N) - I(N)) / N.
pub(crate) fn per_read(
    side: Side,
    nodes: &[String],
    reads: u32,
    rounds: u32,
) -> Result<u64, Failure> {
    let mut counts = Vec::new();
    for _ in 0..rounds {
        let twice = count(side, nodes, reads * 2)?;
        let once = count(side, nodes, reads)?;
        counts.push(twice.saturating_sub(once) / u64::from(reads));
    }
    counts.sort_unstable();
    Ok(counts[counts.len() / 2])
}

fn count(side: Side, nodes: &[String], reads: u32) -> Result<u64, Failure> {
    let side = side.to_possible_value().ok_or("this side has no name on the command line")?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(["--only", side.get_name(), "--reads", &reads.to_string()])
        .env("CASSANDRA_NODES", nodes.join(","))
        .env("RUST_BACKTRACE", "0")
        .output()
        .map_err(|error| format!("valgrind: {error}; install the package valgrind"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("under valgrind the reads failed:\n{said}").into());
    }
    // `==123== Collected : 456`
    let collected = said.lines().find_map(|line| line.split_once("Collected :"));
    let (_, count) = collected.ok_or("valgrind did not say what it collected")?;
    Ok(count.trim().parse()?)
}
