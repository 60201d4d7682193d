//! Counts instructions by running this program under callgrind.

use std::process::Command;

use crate::Failure;
use crate::rounds::median;

/// The median of several rounds of (I(2N) - I(N)) / N, so that what comes before the first request
/// does not count; none where there is no valgrind. `nodes` are those of the cluster, if the scenario
/// wants one.
pub(crate) fn per_request(
    scenario: &str,
    side: &str,
    nodes: &[String],
    requests: u32,
    rounds: u32,
) -> Result<Option<f64>, Failure> {
    let mut counts = Vec::new();
    for _ in 0..rounds {
        let Some(twice) = count(scenario, side, nodes, requests * 2)? else { return Ok(None) };
        let Some(once) = count(scenario, side, nodes, requests)? else { return Ok(None) };
        #[allow(clippy::cast_precision_loss, reason = "far fewer than 2^52 instructions")]
        counts.push((twice as f64 - once as f64) / f64::from(requests));
    }
    Ok(Some(median(counts)))
}

fn count(
    scenario: &str,
    side: &str,
    nodes: &[String],
    requests: u32,
) -> Result<Option<u64>, Failure> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args([scenario, "--probe", side, "--requests", &requests.to_string()])
        .env("CASSANDRA_NODES", nodes.join(","))
        .env("RUST_BACKTRACE", "0")
        .output();
    let output = match output {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        output => output?,
    };
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("under valgrind {side} failed:\n{said}").into());
    }
    // `==123== Collected : 456`
    let collected = said.lines().find_map(|line| line.split_once("Collected :"));
    let (_, count) = collected.ok_or("valgrind did not say what it collected")?;
    Ok(Some(count.trim().parse()?))
}
