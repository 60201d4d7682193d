//! What each layer costs a request that meets no trouble, beside tower's own.

mod beside;
mod measure;

use std::future::{Ready, ready};
use std::hint::black_box;
use std::process::ExitCode;
use std::task::{Context, Poll};

use clap::Parser;
use cqlstack_core::{
    Error, ErrorClass, Payload, Prepared, Request, Response, Statement, StaticStatement,
};
use cqlstack_metrics::{ExporterError, MetricsLayer, PrometheusExporter};
use cqlstack_middleware::{ConcurrencyLimitLayer, RetryLayer, StatementCacheLayer};
use metrics_exporter_prometheus::PrometheusBuilder;
use tower::limit::ConcurrencyLimit;
use tower::retry::{Policy, Retry};
use tower::{Layer, Service};
use tower_http::metrics::in_flight_requests::InFlightRequests;

use measure::{Measured, alternately};

/// Measures the layers over a service that answers at once, being made ready and called.
///
/// Both sides of a pair run alternately, on one thread; the median of all rounds is shown.
#[derive(Parser)]
#[command(version, after_help = "Exit codes: 0 done, 1 failed, 2 wrong arguments")]
struct Arguments {
    /// How many rounds are measured.
    #[arg(long, value_name = "N", default_value_t = 31)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How many requests are made in a round.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    requests: u32,
}

/// Answers at once, without an allocation.
#[derive(Clone)]
struct AtOnce;

impl Service<Request> for AtOnce {
    type Response = ();
    type Error = Error;
    type Future = Ready<Result<(), Error>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        black_box(&request);
        ready(Ok(()))
    }
}

/// As [`AtOnce`], with the response that a statement cache expects.
#[derive(Clone)]
struct Prepares;

impl Service<Request> for Prepares {
    type Response = Response;
    type Error = Error;
    type Future = Ready<Result<Response, Error>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let statement = request.statement();
        ready(Ok(match request.payload() {
            Payload::Prepare => Response::of_prepared(Prepared::made(statement)),
            _ => Response::done(statement),
        }))
    }
}

/// The policy that one would write for tower's retry: it clones the request and looks at the class.
#[derive(Clone)]
struct ByClass(u32);

impl Policy<Request, (), Error> for ByClass {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _request: &mut Request,
        result: &mut Result<(), Error>,
    ) -> Option<Self::Future> {
        let error = result.as_ref().err()?;
        self.0 = self.0.checked_sub(1)?;
        (error.class() == ErrorClass::NotExecuted).then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Request) -> Option<Request> {
        Some(request.clone())
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("layers: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    static READ: StaticStatement = StaticStatement::new("SELECT v FROM t WHERE k = ?");
    let request = Request::new(Statement::from_static(&READ), (1,));
    let limit = ConcurrencyLimitLayer::new(100)?.layer(AtOnce);
    let their_limit = ConcurrencyLimit::new(AtOnce, 100);
    let retry = RetryLayer::default().layer(AtOnce);
    let their_retry = Retry::new(ByClass(2), AtOnce);

    println!("{:<24} {:>10} {:>12}", "one request", "ns", "allocations");
    let bare = alternately(arguments.rounds, arguments.requests, &request, AtOnce, AtOnce);
    row("no layer", &bare[0]);
    for (names, pair) in [
        (
            ["limit", "tower's limit"],
            alternately(arguments.rounds, arguments.requests, &request, limit, their_limit),
        ),
        (
            ["retry", "tower's retry"],
            alternately(arguments.rounds, arguments.requests, &request, retry, their_retry),
        ),
    ] {
        row(names[0], &pair[0]);
        row(names[1], &pair[1]);
        println!("{:<24} {:>10.2}", "  ratio", pair[0].nanos / pair[1].nanos);
    }
    // A made statement binds for nothing: what is left is the look-up. The first call prepares.
    let cache = StatementCacheLayer::default().layer(Prepares);
    let hit = alternately(arguments.rounds, arguments.requests, &request, cache, Prepares);
    row("cache, a hit", &hit[0]);
    row("the same without it", &hit[1]);
    metrics(arguments, &request)?;
    Ok(())
}

/// A recorder that takes samples keeps them in blocks, which it allocates now and then: those are
/// counted here too.
fn metrics(arguments: &Arguments, request: &Request) -> Result<(), ExporterError> {
    let (rounds, requests) = (arguments.rounds, arguments.requests);
    let _exporter = PrometheusExporter::install()?;
    let ours = MetricsLayer::new().layer(AtOnce);
    let recorded = alternately(rounds, requests, request, ours, beside::ByMacro(AtOnce));
    row("metrics, our exporter", &recorded[0]);
    row("histogram! with a label", &recorded[1]);
    println!("{:<24} {:>10.2}", "  ratio", recorded[0].nanos / recorded[1].nanos);
    let another = PrometheusBuilder::new().build_recorder();
    let with_another = metrics::with_local_recorder(&another, || {
        let ours = MetricsLayer::new().layer(AtOnce);
        alternately(rounds, requests, request, ours, AtOnce)
    });
    row("metrics, other recorder", &with_another[0]);
    let (theirs, _) = InFlightRequests::pair(beside::HttpAtOnce);
    let in_flight = beside::OverHttp(theirs);
    let http =
        alternately(rounds, requests, request, in_flight, beside::OverHttp(beside::HttpAtOnce));
    row("tower-http's in flight", &http[0]);
    row("the same without it", &http[1]);
    Ok(())
}

fn row(name: &str, measured: &Measured) {
    println!("{name:<24} {:>10.1} {:>12.3}", measured.nanos, measured.allocations);
}
