//! What the session adds to the bare driver, counted and not timed.
//!
//! Both sides read the same row, of one text column, in one page, on one thread. Instructions are
//! those of the client, by callgrind: (I(2N) - I(N)) / N, so that connecting does not count.

mod instructions;
mod sides;

use std::process::ExitCode;

use clap::Parser;
use cqlstack_tests::cluster::Cluster;
use tokio::runtime::Builder;

use sides::Side;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Counts allocations and instructions of one read, through the session and through the driver.
///
/// Needs valgrind, and what the quickstart needs. As there, a cluster can be named that is used
/// instead of starting one.
#[derive(Parser)]
#[command(version, after_help = "Exit codes: 0 done, 1 failed, 2 wrong arguments")]
struct Arguments {
    /// N, how many reads each count is made over.
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    reads: u32,
    /// How often instructions are counted; the median is shown.
    #[arg(long, value_name = "N", default_value_t = 3)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Makes the reads of one side and nothing else; what runs under callgrind.
    #[arg(long, value_enum, hide = true)]
    only: Option<Side>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("overhead: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    // One thread, which is what the counting allocator looks at.
    let runtime = Builder::new_current_thread().enable_all().build()?;
    if let Some(side) = arguments.only {
        let nodes = std::env::var("CASSANDRA_NODES")?;
        let nodes: Vec<String> = nodes.split(',').map(str::to_owned).collect();
        return runtime.block_on(async {
            let reader = side.reader(&nodes).await?;
            reader.read(arguments.reads).await
        });
    }
    let cluster = runtime.block_on(Cluster::builder().start_or_use_existing())?;
    let nodes = cluster.contact_points();
    runtime.block_on(sides::create_table(&nodes))?;

    println!("{:<22} {:>12} {:>12} {:>14}", "one read", "allocations", "bytes", "instructions");
    for side in Side::ALL {
        let reader = runtime.block_on(side.reader(&nodes))?;
        // Buffers grow to their size first.
        runtime.block_on(reader.read(200))?;
        let mut outcome = Ok(());
        let counted = allocation_counter::measure(|| {
            outcome = runtime.block_on(reader.read(arguments.reads));
        });
        outcome?;
        let reads = u64::from(arguments.reads);
        let instructions = instructions::per_read(side, &nodes, arguments.reads, arguments.rounds)?;
        println!(
            "{:<22} {:>12} {:>12} {:>14}",
            side.as_str(),
            tenths(counted.count_total, reads),
            counted.bytes_total / reads,
            instructions
        );
    }
    Ok(())
}

/// To one digit, since a timer or a keepalive falls into some run.
fn tenths(total: u64, reads: u64) -> String {
    let tenths = (total * 10 + reads / 2) / reads;
    format!("{}.{}", tenths / 10, tenths % 10)
}
