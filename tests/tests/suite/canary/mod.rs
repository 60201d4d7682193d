//! The canary: values that occur nowhere else go through all that succeeds and fails, and are then looked for in
//! all that was logged, returned, exported or panicked with.

mod heard;
mod needles;
mod paths;
mod said;

use std::time::Duration;

use cqlstack_core::testing::{Answer, ScriptedSession};
use cqlstack_core::{
    Client, CqlService, Credentials, DRIVER_LOGS, Request, Session, SessionBuilder, SessionConfig,
    Statement,
};
use cqlstack_metrics::{
    MetricsHandle, MetricsLayer, NodeMonitor, PrometheusExporter, SlowRequests,
};
use cqlstack_middleware::{ConcurrencyLimitLayer, RetryLayer, StatementCacheLayer};
use cqlstack_tests::cluster::{Cluster, PASSWORD, USER};
use cqlstack_tests::fault::{FaultProxy, HEADER, Script, Step, opcode};
use figment::Figment;
use figment::providers::{Format, Toml};
use futures::StreamExt;
use futures::future::join_all;
use futures::stream::iter;
use tokio::time::{Instant, timeout};
use tower::ServiceBuilder;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, Registry};

use self::heard::{Heard, hear_panics, panics};
use self::needles::{Magnet, Needle};
use self::said::Said;
use crate::exporter::exporter;
use crate::forged::Forged;
use crate::support::{HEAVY, full_stack, subscribe};

const NEEDLES: usize = if HEAVY { 64 } else { 8 };
const AT_ONCE: usize = 8;
const LONG: Duration = Duration::from_secs(120);

/// The full stack, which tells its statistics to an exporter, and of each request that it was slow.
fn stack(
    session: &Session,
    exporter: &PrometheusExporter,
) -> (Client<impl CqlService>, MetricsHandle) {
    let slow = SlowRequests::over(Duration::from_nanos(1)).unwrap().at_most_every(Duration::ZERO);
    let metrics = MetricsLayer::new().slow_requests(slow);
    let retry = RetryLayer::default();
    let limit = ConcurrencyLimitLayer::new(100).unwrap();
    let handle = metrics.handle();
    exporter.report(handle.clone());
    exporter.report(retry.handle());
    exporter.report(limit.handle());
    let layers = ServiceBuilder::new().layer(metrics).layer(retry).layer(limit);
    let stack = layers.layer(StatementCacheLayer::default()).service(session.clone());
    (Client::new(stack), handle)
}

/// One node, with passwords, functions, and warnings of few tombstones.
async fn cluster() -> Cluster {
    Cluster::builder()
        .password_auth()
        .yaml("user_defined_functions_enabled", "true")
        .yaml("tombstone_warn_threshold", "5")
        .yaml("tombstone_failure_threshold", "15")
        .start()
        .await
        .unwrap()
}

fn login(points: Vec<String>) -> SessionBuilder {
    Session::builder().contact_points(points).user(USER, PASSWORD)
}

/// What fails on the way, with a value in the answer.
fn faults() -> Vec<(&'static str, Script)> {
    let answers = || Script::answers().with(&[opcode::EXECUTE]).on_every_connection();
    let edit = |how: fn(&mut Vec<u8>)| answers().then(Step::edit(how)).over_and_over();
    vec![
        ("black hole", answers().then(Step::BlackHole)),
        ("reset", answers().then(Step::Reset)),
        ("half a body", answers().then(Step::Bytes(HEADER + 60)).then(Step::Reset)),
        ("twice", answers().then(Step::Twice).over_and_over()),
        ("an event in its place", edit(|frame| frame[2..4].fill(0xff))),
        ("another kind of answer", edit(|frame| frame[4] = 0)),
        ("another kind of result", edit(|frame| frame[HEADER + 3] = 3)),
        ("another schema", edit(|frame| frame[HEADER + 3] = 5)),
        (
            "a body that is cut",
            edit(|frame| {
                frame.truncate(frame.len() - 3);
                frame[8] = frame[8].wrapping_sub(3);
            }),
        ),
        ("a warning", edit(|frame| frame[1] |= 8)),
    ]
}

async fn through_faults(cluster: &Cluster, keyspace: &str, needles: &[Needle], said: &Said) {
    let suffer = |name, script| async move {
        let proxy = FaultProxy::before(cluster.node(0).unwrap().address()).await.unwrap();
        let session = login(vec![proxy.address().to_string()])
            .address_translation([proxy.translation()])
            .keyspace(keyspace)
            .build()
            .await
            .unwrap();
        let db = full_stack(&session);
        let bound = Statement::new("SELECT k, v, b, u FROM t WHERE k = ?");
        db.execute(&bound, ("warm",)).await.unwrap();
        let playing = proxy.play(script).unwrap();
        let requests = needles.iter().flat_map(|needle| {
            let text = format!("SELECT v FROM t WHERE k = '{}'", needle.text());
            [Request::new(&bound, (needle.text(),)), Request::from(&Statement::new(text))]
        });
        let soon = Instant::now() + Duration::from_secs(1);
        for outcome in
            join_all(requests.map(|request| db.request(request.with_deadline(soon)))).await
        {
            said.either(name, outcome);
        }
        drop(playing);
        said.debug(
            name,
            &(&session, session.nodes(), session.health(Duration::from_secs(1)).await),
        );
        let shutdown = session.shutdown(Duration::from_millis(1)).await;
        said.debug(name, &shutdown);
        said.outcome("shut down", false, db.execute(&bound, (needles[0].text(),)).await);
    };
    join_all(faults().into_iter().map(|(name, script)| suffer(name, script))).await;
}

/// Passwords and whoever provides them.
async fn log_in(points: &[String], it: Needle, number: usize, said: &Said) {
    let text = it.text();
    let builder = || Session::builder().contact_points(points);
    let right = builder().user(format!("role_{number}"), text.clone());
    said.debug("log in", &right);
    let session = right.build().await.unwrap();
    said.debug("log in", &(&session, Credentials::new("a", text.clone())));
    let wrong = builder().user(USER, text.clone()).build().await.unwrap_err();
    said.error("wrong password", &wrong);
    let (failing, provided) = (text.clone(), text.clone());
    let failing = builder().credentials_from(move || Err(failing.clone().into()));
    said.error("no password", &failing.build().await.unwrap_err());
    let provided = builder().credentials_from(move || Ok(Credentials::new("no", provided.clone())));
    said.error("wrong password", &provided.build().await.unwrap_err());
    let file = format!("password = '{text}'\ncontact_points = []\nuser = 'a'");
    let config: SessionConfig = Figment::from(Toml::string(&file)).extract().unwrap();
    said.debug("a file", &config);
    said.error("a file", &SessionBuilder::from(config).build().await.unwrap_err());
    let wrong = Figment::from(Toml::string(&format!("{file}\npage_size = -1")));
    said.any_error("a file", &wrong.extract::<SessionConfig>().unwrap_err());
    let outside = Session::builder().contact_points(["example.com"]).user("a", text);
    said.error("without TLS", &outside.build().await.unwrap_err());
}

/// Nodes that prepare a statement as they like.
async fn prepared_differently(needles: &[Needle], said: &Said) {
    let mut forged = Forged::start(3).await;
    forged.prepare_differently();
    let session = forged.session(Duration::from_secs(5)).await;
    for needle in needles {
        let text = format!("INSERT INTO ks.t (k) VALUES ('{}')", needle.text());
        let prepared = session.prepare(Statement::new(text)).await;
        said.error("prepared differently", &prepared.unwrap_err());
    }
}

async fn scripted(it: Needle, said: &Said) {
    let literal = Statement::new(format!("SELECT v FROM t WHERE k = '{}'", it.text()));
    let session = ScriptedSession::new().otherwise(Answer::done());
    let db = Client::new(session.clone());
    said.outcome("scripted", true, db.request(&literal).await);
    said.debug("scripted", &session.sent());
    let silent = Client::new(ScriptedSession::new());
    let bound = silent.execute(&literal, (it.text(),));
    said.debug("scripted", &tokio::spawn(async { bound.await.map(drop) }).await.unwrap_err());
}

#[tokio::test]
async fn no_value_is_seen_wherever_it_went() {
    hear_panics();
    let (all, ours_and_filtered) = (Heard::default(), Heard::default());
    let filter: Targets = format!("trace,{DRIVER_LOGS}").parse().unwrap();
    let subscriber =
        Registry::default().with(all.clone()).with(ours_and_filtered.clone().with_filter(filter));
    let _here = subscribe(subscriber);
    let needles: Vec<Needle> = (0..NEEDLES).map(|_| Needle::random()).collect();
    let said = &Said::default();

    let cluster = cluster().await;
    let keyspace = cluster.keyspace(1).await.unwrap();
    let keyspace = keyspace.name();
    for table in paths::TABLES {
        let (kind, rest) = table.split_once(' ').unwrap();
        cluster.run(format!("CREATE {kind} {keyspace}.{rest}")).await.unwrap();
    }
    let exporter = exporter();
    let points = cluster.contact_points();
    // All is on one thread, which is long at printing: no connection is to be given up for that.
    let patient = login(points.clone()).keepalive(LONG, LONG);
    let session = patient.keyspace(keyspace).build().await.unwrap();
    let monitor = NodeMonitor::new(&session).log_every(Duration::from_millis(50)).start().await;
    exporter.report(monitor.handle());
    let (db, metrics) = &stack(&session, exporter);
    let each = iter(needles.iter().copied().enumerate()).for_each_concurrent(
        AT_ONCE,
        async |(number, it)| {
            paths::bound(db, &session, it, said).await;
            paths::mistaken(db, it, said).await;
            paths::literal(db, it, said).await;
            paths::batches(db, it, said).await;
            paths::pages(db, it, said).await;
            paths::roles(db, it, number, said).await;
            log_in(&points, it, number, said).await;
            scripted(it, said).await;
        },
    );
    timeout(LONG, each).await.unwrap();
    through_faults(&cluster, keyspace, &needles, said).await;
    prepared_differently(&needles, said).await;
    said.text("metrics", exporter.render());
    said.debug("metrics", &(metrics, metrics.snapshot(), monitor.handle(), exporter));
    said.debug("warm-up", &session.warm_up(2).await);
    drop(monitor);

    let magnet = Magnet::new(&needles);
    let (answered, failed) = said.counts();
    println!("{answered} requests answered, {failed} failed, {} paths", said.paths());
    let ours = all.count(|target| target.starts_with("cqlstack"));
    println!(
        "{ours} lines of ours, {} of the driver",
        all.count(|target| target.starts_with("scylla"))
    );
    assert!(ours > NEEDLES && panics().len() >= failed);
    let hits = all.hits(&magnet);
    for ((target, level), (count, example)) in &hits {
        println!("without the filter: {target} {level}: {count}, as in: {example}");
    }
    assert!(hits.keys().any(|(target, _)| target.starts_with("scylla")), "the canary sings");
    assert!(!hits.keys().any(|(target, _)| target.starts_with("cqlstack")), "{hits:#?}");
    let filtered = ours_and_filtered.hits(&magnet);
    assert!(filtered.is_empty(), "with the filter: {filtered:#?}");
    let texts = said.texts().into_iter().chain(panics().into_iter().map(|text| ("panic", text)));
    let seen: Vec<_> = texts.filter_map(|(path, text)| Some((path, magnet.hit(&text)?))).collect();
    assert!(seen.is_empty(), "{} hits: {:#?}", seen.len(), &seen[..seen.len().min(30)]);
}
