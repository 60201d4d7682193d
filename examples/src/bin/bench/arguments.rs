//! The command line.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use clap::builder::RangedU64ValueParser;
use cqlstack_core::Consistency;

use crate::Failure;
use crate::scenarios::{self, Scenario};
use crate::threads::Threads;
use crate::values::{KINDS, Specs};

/// Measures cqlstack beside the bare driver and beside other layers, in one run, in turns.
///
/// Absolute times say little on another machine: look at the ratios, and at their spread over the
/// rounds. A scenario that needs a Cassandra starts a throwaway one.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Examples:\n  bench throughput                      the stack beside the bare driver\n  \
                  bench layers --json found.jsonl       each figure also as a JSON line\n  \
                  bench rate --at 0.5 --in-flight 100 --seconds 30 --freeze 15,1\n  \
                  bench workload --schema 'CREATE TABLE bench.t (k int PRIMARY KEY, v text)' \\\n    \
                  --statement 'INSERT INTO bench.t (k, v) VALUES (?, ?)' --values int:1000,text:50 --weight 1 \\\n    \
                  --statement 'SELECT v FROM bench.t WHERE k = ?' --values int:1000 --weight 9 \\\n    \
                  --rate 2000 --max-p99 20 --max-errors 0.001\n\n\
                  Environment:\n  CASSANDRA_NODES=host:port,host:port   use this cluster instead of \
                  starting one; the\n                                        keyspace `bench` is left \
                  behind in it\n\nExit codes:\n  0 done, 1 failed, 2 wrong arguments, 3 a bound (--max-...) \
                  was missed"
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

    /// How many requests are in flight [throughput, runtimes: 1,10,100,1000; peers: 100,1000].
    #[arg(long, value_name = "N,N", value_delimiter = ',')]
    #[arg(help_heading = "throughput, runtimes, peers")]
    #[arg(value_parser = RangedU64ValueParser::<usize>::new().range(1..=30_000))]
    pub(crate) concurrency: Vec<usize>,

    /// Only this side beside the driver; can be given several times.
    #[arg(long, value_name = "SIDE", help_heading = "throughput, instructions")]
    pub(crate) side: Vec<String>,
    /// Exit code 3 if a side's ratio of instructions is 0.02 above the one in FILE, from --json.
    #[arg(long, value_name = "FILE", help_heading = "instructions")]
    pub(crate) against: Option<PathBuf>,

    /// The shares of the capacity that are asked for.
    #[arg(long = "at", value_name = "X,X", value_delimiter = ',', help_heading = "rate")]
    #[arg(default_values_t = [0.5, 0.8, 1.0, 1.5, 2.0], value_parser = positive)]
    pub(crate) shares: Vec<f64>,
    /// The capacity, requests a second; else it is measured first, with 100 in flight.
    #[arg(long, value_name = "R", value_parser = positive, help_heading = "rate")]
    pub(crate) capacity: Option<f64>,
    /// Freezes the nodes of a throwaway cluster AT seconds after the begin of each run, FOR seconds.
    #[arg(long, value_name = "AT,FOR", value_parser = freeze, help_heading = "rate, workload")]
    pub(crate) freeze: Option<(Duration, Duration)>,
    /// The full stack with an adaptive limit that refuses what is beyond it, in place of a limit of 100; tells the limit
    /// each second.
    #[arg(long, help_heading = "rate")]
    pub(crate) adaptive: bool,
    /// How many requests are in flight at most; the others queue up in the generator [rate: 10000,
    /// workload: 100, stalled: 30000, all at once].
    #[arg(long, value_name = "N", help_heading = "rate, workload, stalled")]
    #[arg(value_parser = RangedU64ValueParser::<usize>::new().range(1..=30_000))]
    pub(crate) in_flight: Option<usize>,
    /// Within how many milliseconds of when it was due an answer is good.
    #[arg(long, value_name = "MS", value_parser = millis, default_value = "100")]
    #[arg(help_heading = "rate, workload")]
    pub(crate) slo: Duration,
    /// Exit code 3 if the p99 of the full stack's response times is above.
    #[arg(long, value_name = "MS", value_parser = millis, help_heading = "rate, workload")]
    pub(crate) max_p99: Option<Duration>,
    /// Exit code 3 if a larger part of the full stack's requests failed or was not done.
    #[arg(long, value_name = "PART", value_parser = part, help_heading = "rate, workload")]
    pub(crate) max_errors: Option<f64>,

    /// A statement, instead of reads and writes of a table with one text; can be given several times.
    #[arg(long, value_name = "CQL", help_heading = "workload")]
    pub(crate) statement: Vec<String>,
    /// The values of each statement, in the same order, made up for each request.
    #[arg(long, value_name = "KIND,KIND", help_heading = "workload", long_help = values_help())]
    pub(crate) values: Vec<Specs>,
    /// How often each statement is chosen, beside the others.
    #[arg(long, value_name = "W", help_heading = "workload")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) weight: Vec<u32>,
    /// A statement to run first; can be given several times.
    #[arg(long, value_name = "CQL", help_heading = "workload")]
    pub(crate) schema: Vec<String>,
    /// Without --statement: reads among the requests.
    #[arg(long, value_name = "W", default_value_t = 9, help_heading = "workload")]
    pub(crate) reads: u32,
    /// Without --statement: writes among the requests.
    #[arg(long, value_name = "W", default_value_t = 1, help_heading = "workload")]
    pub(crate) writes: u32,
    /// Without --statement: characters in a row.
    #[arg(long, value_name = "N", default_value_t = 100, help_heading = "workload")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) row_size: u32,
    /// Requests a second, in an open loop; else as many as can be, in a closed one.
    #[arg(long, value_name = "R", value_parser = positive, help_heading = "workload")]
    pub(crate) rate: Option<f64>,

    /// Worker threads of the runtime, or `current`: no workers, all on one thread; else a worker for each core.
    #[arg(long, value_name = "N|current", default_value_t = Threads::Cores, hide_default_value = true)]
    #[arg(help_heading = "Sessions")]
    pub(crate) threads: Threads,
    /// The longest time of one request, on both sides; else each side's default.
    #[arg(long, value_name = "MS", value_parser = millis, help_heading = "Sessions")]
    pub(crate) timeout: Option<Duration>,
    /// Connections to each node; else one.
    #[arg(long, value_name = "N", help_heading = "Sessions")]
    pub(crate) connections: Option<NonZeroUsize>,
    /// The consistency level; else `LOCAL_QUORUM`.
    #[arg(long, value_name = "LEVEL", value_parser = consistency, help_heading = "Sessions")]
    pub(crate) consistency: Option<Consistency>,

    /// Makes requests on one side of the scenario and nothing else: what runs under callgrind.
    #[arg(long, value_name = "SIDE", hide = true)]
    pub(crate) probe: Option<String>,
    /// How many.
    #[arg(long, value_name = "N", hide = true, default_value_t = 1)]
    pub(crate) requests: u32,
}

impl Arguments {
    /// How many requests are in flight, one after the other; these if nothing is said.
    pub(crate) fn levels(&self, suited: &[usize]) -> Vec<usize> {
        if self.concurrency.is_empty() { suited.to_vec() } else { self.concurrency.clone() }
    }

    /// Refuses options that would have no effect on a scenario.
    pub(crate) fn check(&self, scenario: &Scenario) -> Result<(), Failure> {
        let given = [
            ("--side", !self.side.is_empty()),
            ("--threads", self.threads != Threads::Cores),
            ("--timeout", self.timeout.is_some()),
            ("--connections", self.connections.is_some()),
            ("--consistency", self.consistency.is_some()),
        ];
        let is_unused =
            |(option, is_given): &&(&str, bool)| *is_given && scenario.without.contains(option);
        match given.iter().find(is_unused) {
            Some((option, _)) => {
                Err(format!("`{option}` has no effect on `{}`: leave it out", scenario.name).into())
            }
            None => Ok(()),
        }
    }
}

fn values_help() -> String {
    format!("The values of each statement, in the same order, made up for each request: {KINDS}")
}

fn number(text: &str, range: std::ops::RangeInclusive<f64>) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "give a number, as in 1.5".to_owned())?;
    // A NaN is in no range.
    if range.contains(&number) {
        Ok(number)
    } else {
        Err(format!("give {} to {}", range.start(), range.end()))
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    number(text, 0.05..=86_400.0).map(Duration::from_secs_f64)
}

fn millis(text: &str) -> Result<Duration, String> {
    number(text, 0.1..=3_600_000.0).map(|millis| Duration::from_secs_f64(millis / 1e3))
}

fn positive(text: &str) -> Result<f64, String> {
    number(text, 0.001..=10_000_000.0)
}

fn part(text: &str) -> Result<f64, String> {
    number(text, 0.0..=1.0)
}

fn freeze(text: &str) -> Result<(Duration, Duration), String> {
    let (at, length) = text.split_once(',').ok_or("give two numbers of seconds, as in 15,1")?;
    Ok((seconds(at)?, seconds(length)?))
}

fn consistency(text: &str) -> Result<Consistency, String> {
    let levels = [
        ("ANY", Consistency::Any),
        ("ONE", Consistency::One),
        ("TWO", Consistency::Two),
        ("THREE", Consistency::Three),
        ("QUORUM", Consistency::Quorum),
        ("ALL", Consistency::All),
        ("LOCAL_QUORUM", Consistency::LocalQuorum),
        ("EACH_QUORUM", Consistency::EachQuorum),
        ("LOCAL_ONE", Consistency::LocalOne),
    ];
    let found = levels.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    let names = || levels.map(|(name, _)| name).join(", ");
    found.map(|(_, level)| *level).ok_or_else(|| format!("give one of {}", names()))
}
