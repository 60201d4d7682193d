use std::future::{Ready, ready};
use std::task::{Context, Poll};
use std::time::Duration;

use cqlstack_core::testing::{Answer, ScriptedSession};
use cqlstack_core::{Client, ErrorClass, ErrorKind, Request, Response, Statement};
use futures::FutureExt;
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::time::sleep;
use tower::{Layer, Service, ServiceExt};

use super::*;
use crate::snapshot::StatementStats;

fn statement() -> Statement {
    Statement::new("SELECT v FROM t WHERE k = 1").named("read")
}

fn read(layer: &MetricsLayer) -> StatementStats {
    layer.handle().snapshot().statement("read").unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn answers_and_failures_are_counted_and_timed() {
    let layer = MetricsLayer::new();
    let second = Duration::from_secs(1);
    let session = ScriptedSession::new().on(
        "read",
        [
            Answer::done().after(second),
            Answer::error(ErrorKind::Overloaded).after(2 * second),
            Answer::error(ErrorKind::NoConnection).after(3 * second),
        ],
    );
    let db = Client::new(layer.layer(session));
    for _ in 0..3 {
        let _ = db.request(statement()).await;
    }
    let stats = read(&layer);
    assert_eq!((stats.query_count, stats.error_count, stats.cancelled), (3, 2, 0));
    assert_eq!(stats.errors(ErrorClass::Overload), 1);
    assert_eq!(stats.errors(ErrorClass::NotExecuted), 1);
    assert_eq!((stats.total_time, stats.in_flight), (6 * second, 0));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_request_is_cancelled_with_its_time() {
    let layer = MetricsLayer::new();
    let db = Client::new(layer.layer(ScriptedSession::new().on("read", [Answer::never()])));
    let mut call = Box::pin(db.request(statement()));
    assert!(call.as_mut().now_or_never().is_none());
    assert_eq!(read(&layer).in_flight, 1);
    sleep(Duration::from_secs(4)).await;
    drop(call);
    let stats = read(&layer);
    assert_eq!((stats.query_count, stats.error_count, stats.cancelled), (1, 0, 1));
    assert_eq!((stats.total_time, stats.in_flight), (Duration::from_secs(4), 0));
}

#[tokio::test]
async fn a_future_that_is_kept_when_it_is_done_is_not_in_flight() {
    let layer = MetricsLayer::new();
    let mut service = layer.layer(ScriptedSession::new().on("read", [Answer::done()]));
    let mut call = Box::pin(service.ready().await.unwrap().call(Request::from(&statement())));
    call.as_mut().await.unwrap();
    assert_eq!((read(&layer).in_flight, read(&layer).query_count), (0, 1));
    drop(call);
    assert_eq!((read(&layer).query_count, read(&layer).cancelled), (1, 0));
}

/// Panics when it is called, or answers.
#[derive(Clone)]
struct Inner {
    panics: bool,
}

impl Service<Request> for Inner {
    type Response = Response;
    type Error = cqlstack_core::Error;
    type Future = Ready<Result<Response, Self::Error>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        assert!(!self.panics, "as told");
        ready(Ok(Response::done(request.statement())))
    }
}

#[tokio::test]
async fn a_panic_below_leaves_nothing_in_flight() {
    let layer = MetricsLayer::new();
    let db = Client::new(layer.layer(Inner { panics: true }));
    let panicked = tokio::spawn(db.request(statement())).await.unwrap_err();
    assert!(panicked.is_panic());
    assert_eq!((read(&layer).in_flight, read(&layer).cancelled), (0, 1));
}

#[tokio::test]
async fn a_request_allocates_nothing_once_its_statement_was_seen() {
    let layer = MetricsLayer::new();
    let mut service = layer.layer(Inner { panics: false });
    let request = Request::from(&statement());
    service.call(request.clone()).await.unwrap();
    let answer = |mut service: Inner, request| service.call(request).now_or_never().unwrap();
    let bare = allocation_counter::measure(|| {
        answer(Inner { panics: false }, request.clone()).unwrap();
    });
    let layered = allocation_counter::measure(|| {
        service.call(request.clone()).now_or_never().unwrap().unwrap();
    });
    assert_eq!(layered.count_total, bare.count_total);
}

#[tokio::test]
async fn a_recorder_of_the_program_gets_every_latency() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _recorded = metrics::set_default_local_recorder(&recorder);
    let db = Client::new(MetricsLayer::new().layer(Inner { panics: false }));
    for _ in 0..3 {
        db.request(statement()).await.unwrap();
    }
    let text = recorder.handle().render();
    assert!(
        text.contains("cassandra_query_duration_seconds_count{statement=\"read\"} 3"),
        "{text}"
    );
}

#[tokio::test]
async fn clones_and_services_of_a_layer_share_their_statistics() {
    let layer = MetricsLayer::new();
    for service in
        [layer.layer(Inner { panics: false }), layer.clone().layer(Inner { panics: false })]
    {
        let db = Client::new(service.clone());
        db.request(statement()).await.unwrap();
    }
    assert_eq!(read(&layer).query_count, 2);
}

#[test]
fn a_table_of_no_names_is_refused() {
    assert_eq!(MetricsLayer::new().most_statements(0).unwrap_err().setting, "names");
    assert_eq!(MetricsLayer::new().most_statements(100_001).unwrap_err().setting, "names");
    assert_eq!(SlowRequests::over(Duration::ZERO).unwrap_err().setting, "threshold");
}
