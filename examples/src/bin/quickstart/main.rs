//! The main job, end to end, on a real Cassandra.

mod cluster;
mod users;

use std::process::ExitCode;

use clap::Parser;
use cqlstack_core::{Client, Session};
use cqlstack_middleware::cache::CacheFigures;
use cqlstack_middleware::limit::LimitFigures;
use cqlstack_middleware::{ConcurrencyLimitLayer, RetryLayer, StatementCacheLayer};
use tower::ServiceBuilder;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Starts a throwaway Cassandra, writes users to it, reads them back and compares every one.
///
/// The first run on a machine fetches Cassandra (66 MB) by Maven into a cache. It needs JDK 17 and
/// Maven. The node and its data are removed at the end.
#[derive(Parser)]
#[command(
    version,
    after_help = "Environment:\n  CASSANDRA_NODES=host:port,host:port  use this cluster instead of \
                  starting one; the keyspace `quickstart` is left behind in it\n  \
                  CQLSTACK_CACHE=folder                where Cassandra is kept, else the user's \
                  cache folder\n\nExit codes:\n  0 \
                  done, 1 failed, 2 wrong arguments, 130 interrupted"
)]
struct Arguments {
    /// How many users to write and read.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    users: u32,
    /// How many requests may be in flight at once.
    #[arg(long, value_name = "N", default_value_t = 100)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=30_000))]
    concurrency: u32,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Whatever is under way is dropped, and with it requests and nodes.
    let outcome = tokio::select! {
        outcome = run(&arguments) => outcome,
        _ = tokio::signal::ctrl_c() => {
            eprintln!("interrupted");
            return ExitCode::from(130);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("quickstart: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let cluster = cluster::start().await?;
    let session = Session::builder().contact_points(cluster.contact_points()).build().await?;
    let concurrency = usize::try_from(arguments.concurrency)?;
    let limit = ConcurrencyLimitLayer::new(concurrency)?;
    let handle = limit.handle();
    let cache = StatementCacheLayer::default();
    let cached = cache.handle();
    // Retry above the limit: who waits for another attempt holds no permit.
    let stack = ServiceBuilder::new().layer(RetryLayer::default()).layer(limit).layer(cache);
    let db = Client::new(stack.service(session));

    users::create_table(&db).await?;
    users::write(&db, arguments.users).await?;
    users::read_and_compare(&db, arguments.users).await?;
    let LimitFigures { limit, waited, refused, .. } = handle.figures();
    println!("limit {limit}: requests waited {waited:.1?} all together, {refused} were refused");
    let CacheFigures { statements, hits, prepares, .. } = cached.figures();
    println!("cache: {statements} statements, {prepares} prepares, {hits} hits");
    Ok(())
}
