//! Every way in which a request can end, through layers.

use std::time::Duration;

use cqlstack_core::testing::{Answer, ScriptedSession};
use cqlstack_core::{Client, ErrorClass, ErrorKind, SchemaVersions};
use cqlstack_metrics::MetricsLayer;
use cqlstack_middleware::{
    AdaptiveLimitLayer, ConcurrencyLimitLayer, RetryLayer, StatementCacheLayer,
};
use cqlstack_tests::scrape::Scrape;
use futures::FutureExt;
use futures::future::join_all;
use tower::{Layer, ServiceBuilder};

use crate::statement;
use crate::support::{count, exporter, scrape};

#[tokio::test(start_paused = true)]
async fn answers_errors_cancellations_and_refusals_add_up() {
    let name = "stack";
    let metrics = MetricsLayer::new();
    exporter().report(metrics.handle());
    let limit = ConcurrencyLimitLayer::new(50).unwrap().reject();
    let disagreement = SchemaVersions::new(Duration::ZERO, Vec::new());
    let disagreement = ErrorKind::SchemaDisagreement(Box::new(disagreement));
    let errors = [ErrorKind::NoConnection, disagreement, ErrorKind::Unprepared];
    let answers = std::iter::repeat_n(Answer::done(), 1_000)
        .chain((0..100).map(|n| Answer::error(errors[n % 3].clone())))
        .chain(std::iter::repeat_n(Answer::never(), 50));
    let session = ScriptedSession::new().on(name, answers);
    let stack = ServiceBuilder::new().layer(metrics.clone()).layer(limit.clone());
    let db = Client::new(stack.service(session));

    let statement = statement(name);
    for _ in 0..1_100 {
        let _ = db.request(&statement).await;
    }
    // All 50 permits are taken, and nothing comes back.
    let mut hanging: Vec<_> = (0..50).map(|_| Box::pin(db.request(&statement))).collect();
    assert!(hanging.iter_mut().all(|call| call.as_mut().now_or_never().is_none()));
    let refused = join_all((0..30).map(|_| db.request(&statement))).await;
    assert!(
        refused.iter().all(|answer| answer.as_ref().unwrap_err().class() == ErrorClass::Overload)
    );
    let now = scrape();
    assert_eq!(now.sum("cassandra_queries_in_flight", &[("statement", name)]), 50);
    drop(hanging);

    let scrape = scrape();
    let of = |metric: &str| scrape.sum(metric, &[("statement", name)]);
    assert_eq!(of("cassandra_queries_total"), 1_180);
    assert_eq!(count(&scrape, name), 1_180);
    assert_eq!(of("cassandra_query_errors_total"), 130);
    let class = |class| {
        let labels = [("statement", name), ("class", class)];
        scrape.sum("cassandra_query_errors_total", &labels)
    };
    assert_eq!((class("overload"), class("not_executed"), class("ambiguous")), (30, 67, 33));
    assert_eq!(of("cassandra_queries_cancelled_total"), 50);
    assert_eq!(of("cassandra_queries_in_flight"), 0);

    let stats = metrics.handle().snapshot();
    let stats = stats.statement(name).unwrap();
    assert_eq!((stats.query_count, stats.error_count, stats.cancelled), (1_180, 130, 50));
}

#[tokio::test(start_paused = true)]
async fn what_the_layers_report_is_what_is_declared() {
    let (metrics, retry) = (MetricsLayer::new(), RetryLayer::default());
    let (limit, cache) = (ConcurrencyLimitLayer::default(), StatementCacheLayer::default());
    exporter().report(metrics.handle());
    exporter().report(retry.handle());
    exporter().report(limit.handle());
    exporter().report(cache.handle());
    let adaptive = AdaptiveLimitLayer::new();
    exporter().report(adaptive.handle());
    // Some windows, after which there is a baseline.
    let slow = ScriptedSession::new().otherwise(Answer::done().after(Duration::from_millis(10)));
    let limited = Client::new(adaptive.reject().layer(slow));
    for _ in 0..20 {
        join_all((0..25).map(|_| limited.request("SELECT v FROM t WHERE k = 1"))).await;
    }
    let before = scrape();
    let session = ScriptedSession::new().on(
        "declared",
        [Answer::error(ErrorKind::NoConnection), Answer::done()]
            .into_iter()
            .chain(std::iter::repeat_n(Answer::error(ErrorKind::Overloaded), 3)),
    );
    let stack = ServiceBuilder::new().layer(metrics).layer(retry).layer(limit).layer(cache);
    let db = Client::new(stack.service(session));
    let read = statement("declared");
    db.execute(&read, (1,)).await.unwrap();
    db.execute(&read, (1,)).await.unwrap_err();

    let text = exporter().render();
    let after = Scrape::parse(&text).unwrap();
    let grown = |metric: &str, labels: &[(&str, &str)]| {
        after.sum(metric, labels) - before.sum(metric, labels)
    };
    assert_eq!(grown("cassandra_retries_total", &[("class", "not_executed")]), 1);
    assert_eq!(grown("cassandra_retries_total", &[("class", "overload")]), 2);
    assert_eq!(grown("cassandra_retries_exhausted_total", &[]), 1);
    assert_eq!(grown("cassandra_cache_prepares_total", &[]), 1);
    assert_eq!(grown("cassandra_cache_hits_total", &[]), 4);
    assert!(after.sum("cassandra_limit_permits", &[]) >= 100);
    let reads = [("statement_class", "read")];
    assert!(after.sum("cassandra_adaptive_limit_permits", &reads) >= 20);
    let full = [("statement_class", "read"), ("reason", "full")];
    assert!(after.sum("cassandra_adaptive_limit_refused_total", &full) >= 5);
    for metric in cqlstack_metrics::METRICS {
        // Those of nodes and schema are there with a real session only.
        if metric.labels.contains(&"node") || metric.name.starts_with("cassandra_schema_") {
            continue;
        }
        let help = format!("# HELP {} {}", metric.name, metric.help);
        assert!(text.lines().any(|line| line == help), "{help}\n{text}");
        let kind = format!("# TYPE {} {}", metric.name, metric.kind);
        assert!(text.lines().any(|line| line == kind), "{kind}\n{text}");
    }
    // And nothing else, but for what other tests of this process record.
    for name in after.metrics() {
        let declared = cqlstack_metrics::METRICS.iter().find(|declared| {
            name == declared.name || name.starts_with(&format!("{}_", declared.name))
        });
        let ours = name.starts_with("cassandra_");
        assert!(declared.is_some() || !ours, "{name} is not declared");
    }
    assert!(
        after
            .samples("cassandra_query_duration_seconds", &[("statement", "declared")])
            .next()
            .is_some()
    );
}
