//! The main job, end to end, on a real Cassandra: a session in layers, and its metrics.

mod batches;
mod users;

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;
use cqlstack_core::{Client, Session};
use cqlstack_examples::{Failure, start_cassandra};
use cqlstack_metrics::{MetricsLayer, NodeMonitor, NodeWatch, PrometheusExporter};
use cqlstack_middleware::cache::CacheStats;
use cqlstack_middleware::limit::LimitStats;
use cqlstack_middleware::{ConcurrencyLimitLayer, RetryLayer, StatementCacheLayer};
use cqlstack_tests::cluster::Cluster;
use tokio::signal::ctrl_c;
use tower::ServiceBuilder;

/// What the cluster gets, and what the statements are checked against.
const SCHEMA: &str = include_str!("../../../schema.cql");

/// Starts a throwaway Cassandra, writes users to it, reads them back one by one and page by page, and
/// compares every one; registers and renames a user by batches, and has a wrong batch refused; then prints
/// what was measured, and the text that Prometheus would scrape.
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
                  done (with --serve: at Ctrl-C), 1 failed, 2 wrong arguments, 130 interrupted"
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
    /// Stay up under a light load and serve the metrics at ADDR (`/metrics`), until Ctrl-C.
    #[arg(long, value_name = "ADDR", num_args = 0..=1)]
    #[arg(default_missing_value = "127.0.0.1:9187")]
    serve: Option<SocketAddr>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Whatever is under way is dropped, and with it requests and nodes.
    let outcome = tokio::select! {
        outcome = run(&arguments) => outcome,
        _ = ctrl_c() => {
            eprintln!("interrupted");
            return ExitCode::from(130);
        }
    };
    let outcome = match (outcome, arguments.serve) {
        (Ok(running), Some(address)) => serve(running, address).await,
        (outcome, _) => outcome.map(drop),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("quickstart: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What is still there when the work is done.
struct Running {
    db: Client,
    exporter: PrometheusExporter,
    _nodes: NodeWatch,
    /// Its nodes end when it is dropped.
    _cluster: Cluster,
}

async fn run(arguments: &Arguments) -> Result<Running, Failure> {
    let exporter = PrometheusExporter::install()?;
    let cluster = start_cassandra().await?;
    let session = Session::builder().contact_points(cluster.contact_points()).build().await?;
    println!("warm: {}", session.warm_up(10).await);

    let metrics = MetricsLayer::new();
    let retry = RetryLayer::default();
    let limit = ConcurrencyLimitLayer::new(usize::try_from(arguments.concurrency)?)?;
    let cache = StatementCacheLayer::default();
    exporter.report(metrics.handle());
    exporter.report(retry.handle());
    exporter.report(limit.handle());
    exporter.report(cache.handle());
    let nodes = NodeMonitor::new(&session).start().await;
    exporter.report(nodes.handle());
    // Metrics outermost: they tell what the caller sees. Retry above the limit: who waits for another
    // attempt holds no permit.
    let stack = ServiceBuilder::new()
        .layer(metrics.clone())
        .layer(retry.clone())
        .layer(limit.clone())
        .layer(cache.clone());
    let db = Client::new(session).layer(stack).boxed();

    db.run_script(SCHEMA).await?;
    users::write(&db, arguments.users).await?;
    users::read_and_compare(&db, arguments.users).await?;
    users::stream_and_compare(&db, arguments.users).await?;
    batches::register_and_rename(&db).await?;

    println!("\n{}\n", metrics.handle().snapshot());
    let retried = retry.handle().stats();
    println!("retry: {} sent again, {} given up", retried.resent(), retried.exhausted);
    let LimitStats { limit, waited, refused, .. } = limit.handle().stats();
    println!("limit {limit}: requests waited {waited:.1?} all together, {refused} were refused");
    let CacheStats { statements, hits, prepares, .. } = cache.handle().stats();
    println!("cache: {statements} statements, {prepares} prepares, {hits} hits");
    for node in nodes.handle().stats() {
        println!("{node}");
    }
    println!("\n{}", exporter.render());
    Ok(Running { db, exporter, _nodes: nodes, _cluster: cluster })
}

/// Keeps something going on that is worth a look, until Ctrl-C.
async fn serve(running: Running, address: SocketAddr) -> Result<(), Failure> {
    let server = running.exporter.serve_at(address).await?;
    println!("http://{}/metrics and /healthz, until Ctrl-C", server.address());
    tokio::select! {
        outcome = users::read_now_and_then(&running.db) => outcome?,
        interrupted = ctrl_c() => interrupted?,
    }
    server.shutdown().await;
    Ok(())
}
