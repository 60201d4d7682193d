//! What is compared: a layer, or several, over a service that answers at once.

use std::future::{Ready, ready};
use std::time::Duration;

use cqlstack_core::{
    Client, CqlService, Error, ErrorClass, Prepared, Request, Response, Statement, StaticStatement,
};
use cqlstack_metrics::{MetricsLayer, PrometheusExporter};
use cqlstack_middleware::{
    AdaptiveLimitLayer, ConcurrencyLimitLayer, RetryLayer, StatementCacheLayer,
};
use cqlstack_tests::at_once::AtOnce;
use metrics_exporter_prometheus::PrometheusBuilder;
use tower::limit::ConcurrencyLimit;
use tower::retry::{Policy, Retry};
use tower::{Layer, Service, ServiceBuilder};
use tower_http::metrics::in_flight_requests::InFlightRequests;
use tower_resilience::adaptive::{AdaptiveLimiterLayer, Aimd};
use tower_resilience::bulkhead::BulkheadLayer;

use super::beside::{ByMacro, HttpAtOnce, OverHttp};
use super::drive::{drive, drive_client};
use crate::Failure;
use crate::connect::full_stack;

/// One of them. It makes so many requests when it is called.
pub(super) struct Case {
    pub(super) name: &'static str,
    /// The one to compare it with, which stands before it.
    pub(super) beside: Option<&'static str>,
    pub(super) drive: Box<dyn FnMut(u32)>,
}

static READ: StaticStatement = StaticStatement::new("SELECT v FROM t WHERE k = ?");

pub(super) fn all() -> Result<Vec<Case>, Failure> {
    let raw = Request::new(Statement::from_static(&READ), (1,));
    let bound = raw.clone().bind(&Prepared::made(raw.statement()))?;
    // Installed first: a metrics layer records where its handles were made.
    let exporter = PrometheusExporter::install()?;
    let client = full_stack(AtOnce, 100)?;
    let full = client.service().clone();
    let boxed = client.clone().boxed();
    let theirs = ServiceBuilder::new()
        .layer_fn(ByMacro)
        .retry(ByClass(2))
        .concurrency_limit(100)
        .service(AtOnce);
    let resilient = BulkheadLayer::builder().max_concurrent_calls(100).build();
    let resilient_retry =
        tower_resilience::retry::RetryLayer::<Request, Response, Error>::builder()
            .max_attempts(3)
            .fixed_backoff(Duration::from_millis(25))
            .build();
    let adaptive = AdaptiveLimiterLayer::new(Aimd::builder().initial_limit(100).build());
    let (in_flight, _) = InFlightRequests::pair(HttpAtOnce);
    // Kept for as long as this program runs, as a service would.
    std::mem::forget(exporter);
    Ok(vec![
        of("no layer", None, &bound, AtOnce),
        of("tower's limit", None, &bound, ConcurrencyLimit::new(AtOnce, 100)),
        of("limit", Some("tower's limit"), &bound, ConcurrencyLimitLayer::new(100)?.layer(AtOnce)),
        of("adaptive limit", Some("limit"), &bound, AdaptiveLimitLayer::new().layer(AtOnce)),
        of("tower-resilience's adaptive", Some("limit"), &bound, adaptive.layer(AtOnce)),
        of("tower-resilience's bulkhead", Some("tower's limit"), &bound, resilient.layer(AtOnce)),
        of("tower's retry", None, &bound, Retry::new(ByClass(2), AtOnce)),
        of("retry", Some("tower's retry"), &bound, RetryLayer::default().layer(AtOnce)),
        of(
            "tower-resilience's retry",
            Some("tower's retry"),
            &bound,
            resilient_retry.layer(AtOnce),
        ),
        of("histogram! with a label", None, &bound, ByMacro(AtOnce)),
        of(
            "metrics, our exporter",
            Some("histogram! with a label"),
            &bound,
            MetricsLayer::new().layer(AtOnce),
        ),
        with_another_recorder(&bound),
        of("tower-http without layer", None, &bound, OverHttp(HttpAtOnce)),
        of("tower-http's in flight", Some("tower-http without layer"), &bound, OverHttp(in_flight)),
        of("cache, passed by", None, &bound, StatementCacheLayer::default().layer(AtOnce)),
        // Its values are counted by references, which those of a bound one here are not.
        of("no layer, not bound", None, &raw, AtOnce),
        of(
            "cache, a hit",
            Some("no layer, not bound"),
            &raw,
            StatementCacheLayer::default().layer(AtOnce),
        ),
        of("macro, tower's retry and limit", None, &bound, theirs),
        of("full stack", Some("macro, tower's retry and limit"), &bound, full.clone()),
        of("full stack, a hit", Some("macro, tower's retry and limit"), &raw, full),
        by_client("client, no layer", None, &raw, Client::new(AtOnce)),
        by_client("client, full stack, a hit", Some("full stack, a hit"), &raw, client),
        by_client(
            "boxed client, full stack, a hit",
            Some("client, full stack, a hit"),
            &raw,
            boxed,
        ),
    ])
}

fn by_client<S: CqlService>(
    name: &'static str,
    beside: Option<&'static str>,
    request: &Request,
    client: Client<S>,
) -> Case {
    let request = request.clone();
    Case { name, beside, drive: Box::new(move |times| drive_client(&client, &request, times)) }
}

fn of<S: Service<Request> + 'static>(
    name: &'static str,
    beside: Option<&'static str>,
    request: &Request,
    mut service: S,
) -> Case {
    let request = request.clone();
    Case { name, beside, drive: Box::new(move |times| drive(&mut service, &request, times)) }
}

/// A recorder that takes samples keeps them in blocks, which it allocates now and then: those are
/// counted too.
fn with_another_recorder(request: &Request) -> Case {
    let recorder = PrometheusBuilder::new().build_recorder();
    let mut inner = metrics::with_local_recorder(&recorder, || {
        of("", None, request, MetricsLayer::new().layer(AtOnce))
    });
    let drive = move |times| metrics::with_local_recorder(&recorder, || (inner.drive)(times));
    Case {
        name: "metrics, other recorder",
        beside: Some("histogram! with a label"),
        drive: Box::new(drive),
    }
}

/// The policy that one would write for tower's retry: it clones the request and looks at the class.
#[derive(Clone)]
struct ByClass(u32);

impl<T> Policy<Request, T, Error> for ByClass {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut Request, result: &mut Result<T, Error>) -> Option<Ready<()>> {
        let error = result.as_ref().err()?;
        self.0 = self.0.checked_sub(1)?;
        (error.class() == ErrorClass::NotExecuted).then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Request) -> Option<Request> {
        Some(request.clone())
    }
}
