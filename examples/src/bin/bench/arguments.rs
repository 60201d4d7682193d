//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::scenarios::{self, Scenario};

/// Measures cqlstack beside the bare driver and beside other layers, in one run, in turns.
///
/// Absolute times say little on another machine: look at the ratios, and at their spread over the
/// rounds. A scenario that needs a Cassandra starts a throwaway one.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Examples:\n  bench throughput                      the stack beside the bare driver\n  \
                  bench throughput --json found.jsonl   the same, each figure also as a JSON line\n\n\
                  Environment:\n  CASSANDRA_NODES=host:port,host:port   use this cluster instead of \
                  starting one; the\n                                        keyspace `bench` is left \
                  behind in it\n\nExit codes:\n  0 done, 1 failed, 2 wrong arguments"
)]
pub(crate) struct Arguments {
    /// What to measure; `--list` tells what there is.
    #[arg(value_name = "SCENARIO", required_unless_present = "list")]
    #[arg(value_parser = scenarios::by_name)]
    pub(crate) scenarios: Vec<&'static Scenario>,
    /// Lists the scenarios.
    #[arg(long)]
    pub(crate) list: bool,
    /// Writes the header and each figure to FILE, a JSON object a line.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// How many rounds are measured, after one that warms up; else what suits the scenario.
    #[arg(long, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) rounds: Option<u32>,
    /// How long each side is loaded in a round; else what suits the scenario.
    #[arg(long, value_name = "S", value_parser = seconds)]
    pub(crate) seconds: Option<Duration>,
    /// How many requests are in flight.
    #[arg(long, value_name = "N,N", value_delimiter = ',', help_heading = "throughput")]
    #[arg(default_values_t = [1, 10, 100, 1_000])]
    #[arg(value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=30_000))]
    pub(crate) concurrency: Vec<usize>,
    /// Makes requests on one side of the scenario and nothing else: what runs under callgrind.
    #[arg(long, value_name = "SIDE", hide = true)]
    pub(crate) probe: Option<String>,
    /// How many.
    #[arg(long, value_name = "N", hide = true, default_value_t = 1)]
    pub(crate) requests: u32,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 =
        text.parse().map_err(|_| "give a number of seconds, as in 1.5".to_owned())?;
    if seconds.is_finite() && (0.05..=86_400.0).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("give 0.05 to 86400 seconds".to_owned())
    }
}
