//! What many tests begin with.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use cqlstack_core::{Client, CqlService, Response, Session, SessionBuilder, Statement};
use cqlstack_metrics::MetricsLayer;
use cqlstack_middleware::{ConcurrencyLimitLayer, RetryLayer, StatementCacheLayer};
use cqlstack_tests::cluster::Cluster;
use cqlstack_tests::fault::{FaultProxy, Frame, Playing, Script, Step};
use tower::ServiceBuilder;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Subscriber};
use tracing_subscriber::Registry;

/// Whether there is time for all of it.
pub(crate) const HEAVY: bool = cfg!(feature = "heavy");

/// A session with the shared cluster, in a keyspace of its own with these tables.
pub(crate) async fn connect(tables: &[&str]) -> Client<Session> {
    connect_by(shared_builder().await, tables).await
}

/// As [`connect`], with other settings.
pub(crate) async fn connect_by(builder: SessionBuilder, tables: &[&str]) -> Client<Session> {
    let db = Client::new(builder.keyspace(keyspace().await).build().await.unwrap());
    for table in tables {
        run(&db, &format!("CREATE TABLE {table}")).await;
    }
    db
}

/// All layers that there are, as the README stacks them.
pub(crate) fn full_stack(session: &Session) -> Client<impl CqlService> {
    let stack = ServiceBuilder::new()
        .layer(MetricsLayer::new())
        .layer(RetryLayer::default())
        .layer(ConcurrencyLimitLayer::new(1_000).unwrap())
        .layer(StatementCacheLayer::default());
    Client::new(session.clone()).layer(stack)
}

/// The name of a new keyspace of one replica.
pub(crate) async fn keyspace() -> String {
    Cluster::shared().await.unwrap().keyspace(1).await.unwrap().name().to_owned()
}

/// It seldom looks for changes by others: all tests have their tables in one cluster, and to read again what
/// changes there each second is most of what a session does.
pub(crate) async fn shared_builder() -> SessionBuilder {
    let points = Cluster::shared().await.unwrap().contact_points();
    Session::builder().contact_points(points).schema_refresh(Duration::from_secs(30))
}

/// Runs a statement without values, which has to succeed.
pub(crate) async fn run(db: &Client<Session>, text: &str) -> Response {
    db.request(Statement::new(text.to_owned())).await.unwrap()
}

/// Looks until it holds, or fails after 10 s: for what processes do and nobody tells of.
pub(crate) fn soon(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(10), "{what}");
        sleep(Duration::from_millis(10));
    }
}

/// An empty folder of this test.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("cqlstack-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// How many requests for which this holds pass through a proxy, on any connection; for as long as what is returned
/// with it is held.
pub(crate) fn count(
    proxy: &FaultProxy,
    holds: impl Fn(&Frame<'_>) -> bool + Send + Sync + 'static,
) -> (Arc<AtomicUsize>, Playing) {
    let passed = Arc::<AtomicUsize>::default();
    let counter = Arc::clone(&passed);
    let counts = Script::requests().whenever(move |frame| {
        if holds(frame) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        false
    });
    (passed, proxy.play(counts.then(Step::Frames(1))).unwrap())
}

/// Gives a subscriber what is logged on this thread.
pub(crate) fn subscribe(subscriber: impl Subscriber + Send + Sync) -> DefaultGuard {
    // With one subscriber alone, what another thread logs first counts as wanted by nobody, here too.
    static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(Registry::default()));
    LazyLock::force(&SECOND);
    tracing::subscriber::set_default(subscriber)
}

/// What is logged on this thread.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Listens for as long as what is returned with it is held.
    pub(crate) fn listen() -> (Self, DefaultGuard) {
        Self::listen_from(LevelFilter::INFO)
    }

    pub(crate) fn listen_from(level: LevelFilter) -> (Self, DefaultGuard) {
        let log = Self::default();
        let to = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .with_writer(move || to.clone());
        (log, subscribe(subscriber.finish()))
    }

    pub(crate) fn lines(&self, with: &str) -> Vec<String> {
        let bytes = self.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        text.lines().filter(|line| line.contains(with)).map(str::to_owned).collect()
    }
}

/// A node that takes functions, views and masks, which are off by default.
pub(crate) async fn with_every_feature() -> Cluster {
    let cluster = Cluster::builder()
        .yaml("user_defined_functions_enabled", "true")
        .yaml("materialized_views_enabled", "true")
        .yaml("dynamic_data_masking_enabled", "true");
    cluster.start().await.unwrap()
}
