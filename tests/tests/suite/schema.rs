//! Prepared statements over tables that change.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cqlstack_core::{Client, Error, ErrorKind, Request, Session, SessionConfig, Statement};
use cqlstack_middleware::{RetryLayer, StatementCacheLayer};
use cqlstack_tests::cluster::Cluster;
use scylla::client::execution_profile::{ExecutionProfile, ExecutionProfileHandle};
use scylla::client::session::Session as Driver;
use scylla::client::session_builder::SessionBuilder as DriverBuilder;
use scylla::cluster::Node;
use scylla::policies::load_balancing::{NodeIdentifier, SingleTargetLoadBalancingPolicy};
use scylla::statement::Statement as DriverStatement;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};
use tower::ServiceBuilder;

use crate::cache::cached;
use crate::support::{HEAVY, connect, connect_by, full_stack, run, shared_builder};

const INT: &str = "CREATE TABLE t (k int PRIMARY KEY, v int)";
const FLOAT: &str = "CREATE TABLE t (k int PRIMARY KEY, v float)";

fn is_wrong_type(outcome: &Result<cqlstack_core::Response, Error>) -> bool {
    matches!(outcome, Err(error) if matches!(error.kind(), ErrorKind::Values(_)))
}

/// Another session in the same keyspace: somebody else, who changes the schema.
async fn somebody_else(db: &Client<Session>) -> Client<Session> {
    let keyspace = db.service().driver().unwrap().get_keyspace().unwrap();
    let builder = shared_builder().await.keyspace(keyspace.as_str());
    Client::new(builder.build().await.unwrap())
}

/// With the default settings of what others change.
async fn watching(tables: &[&str]) -> Client<Session> {
    let every = SessionConfig::default().schema_refresh;
    connect_by(shared_builder().await.schema_refresh(every), tables).await
}

#[tokio::test]
async fn a_change_by_the_same_session_is_known_before_it_is_answered() {
    let session = connect(&["t (k int PRIMARY KEY, v int)"]).await;
    let (db, handle) = cached(session.service());
    let insert = Statement::new("INSERT INTO t (k, v) VALUES (1, ?)");
    db.execute(&insert, (1_i32,)).await.unwrap();
    run(&session, "DROP TABLE t").await;
    run(&session, FLOAT).await;
    assert!(is_wrong_type(&db.execute(&insert, (1_i32,)).await));
    db.execute(&insert, (1.5_f32,)).await.unwrap();
    let read = run(&session, "SELECT v FROM t").await.value::<f32>().unwrap();
    assert_eq!(read.to_bits(), 1.5_f32.to_bits());
    assert_eq!((handle.stats().stale, handle.stats().prepares), (1, 2));
    // Prepared and bound, it is a change as well.
    for statement in ["DROP TABLE t", INT] {
        let prepared = session.service().prepare(Statement::new(statement)).await.unwrap();
        let request = Request::from(prepared.statement()).bind(&prepared).unwrap();
        session.request(request).await.unwrap();
    }
    assert!(is_wrong_type(&db.execute(&insert, (1.5_f32,)).await));
    run(&session, "DROP TABLE t").await;
    run(&session, FLOAT).await;
    db.execute(&insert, (1.5_f32,)).await.unwrap();
    run(&session, "ALTER TABLE t ADD w int").await;
    let all = Statement::new("SELECT * FROM t");
    assert_eq!(db.request(&all).await.unwrap().row::<(i32, f32, Option<i32>)>().unwrap().2, None);
}

/// The trap: the statement's id stays the same although the type has changed.
#[tokio::test]
async fn a_change_by_somebody_else_is_known_within_the_documented_window() {
    let session = watching(&["t (k int PRIMARY KEY, v int)"]).await;
    let (db, _) = cached(session.service());
    let other = somebody_else(&session).await;
    let mut windows = Vec::new();
    for (create, insert) in [
        (FLOAT, "INSERT INTO t (k, v) VALUES (1, ?)"),
        (INT, "INSERT INTO t (k, v) VALUES (1, ?)"),
        // A name of a variable that is that of another column.
        (FLOAT, "INSERT INTO t (k, v) VALUES (1, :k)"),
        (INT, "INSERT INTO t (k, v) VALUES (1, :k)"),
        (FLOAT, "INSERT INTO t (k, v) VALUES (1, ?)"),
    ] {
        let insert = Statement::new(insert);
        let old_type_fits = async || match create {
            FLOAT => db.execute(&insert, (7_i32,)).await,
            _ => db.execute(&insert, (7_f32,)).await,
        };
        assert!(old_type_fits().await.is_ok());
        run(&other, "DROP TABLE t").await;
        run(&other, create).await;
        let changed = Instant::now();
        while !is_wrong_type(&old_type_fits().await) {
            assert!(changed.elapsed() < Duration::from_secs(5), "still written with the old type");
        }
        windows.push(changed.elapsed());
    }
    windows.sort_unstable();
    println!("windows after somebody else's change: {windows:.2?}");
    // The refresh of a second, and the reading.
    assert!(windows[4] < Duration::from_millis(1_700), "{windows:?}");
}

/// What callers see while tables are dropped, made anew and altered by somebody else, under load.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_errors_end_soon_after_a_change_and_no_value_is_wrong_after_the_window() {
    let session = watching(&["t (k int PRIMARY KEY, v int)"]).await;
    let other = somebody_else(&session).await;
    let layers =
        ServiceBuilder::new().layer(RetryLayer::default()).layer(StatementCacheLayer::default());
    let db = Client::new(layers.service(session.service().clone()));
    let insert = Statement::new("INSERT INTO t (k, v) VALUES (?, ?)").idempotent(true);
    let select = Statement::new("SELECT v FROM t WHERE k = ?");
    let float = Arc::new(AtomicBool::new(false));
    let between = Duration::from_secs(if HEAVY { 12 } else { 6 });

    // 100 writes and 100 reads a second, of the type that the table has by now.
    let now_float = Arc::clone(&float);
    let load = tokio::spawn(async move {
        let mut every = interval(Duration::from_millis(10));
        let started = Instant::now();
        let mut outcomes = Vec::new();
        for k in 0_i32.. {
            every.tick().await;
            if started.elapsed() > between * 5 {
                break;
            }
            let (db, insert, select) = (db.clone(), insert.clone(), select.clone());
            let float = now_float.load(Ordering::SeqCst);
            outcomes.push(tokio::spawn(async move {
                let at = Instant::now();
                #[allow(clippy::cast_precision_loss, reason = "small numbers")]
                let as_float = k as f32;
                let written = if float {
                    db.execute(&insert, (k, as_float)).await
                } else {
                    db.execute(&insert, (k, k)).await
                };
                let wrong = match written {
                    Ok(_) => match db.execute(&select, (k,)).await {
                        Ok(row) if float => row
                            .maybe_row::<(f32,)>()
                            .map(|row| row.is_some_and(|(v,)| v.to_bits() != as_float.to_bits())),
                        Ok(row) => {
                            row.maybe_row::<(i32,)>().map(|row| row.is_some_and(|(v,)| v != k))
                        }
                        Err(error) => Err(error),
                    },
                    Err(error) => Err(error),
                };
                (at, wrong)
            }));
        }
        let mut all = Vec::new();
        for outcome in outcomes {
            all.push(outcome.await.unwrap());
        }
        all
    });

    let mut changes = Vec::new();
    for (statements, becomes_float) in [
        (&["DROP TABLE t", INT][..], false),
        (&["DROP TABLE t", FLOAT], true),
        (&["ALTER TABLE t ADD w int"], true),
        (&["DROP TABLE t", INT], false),
    ] {
        sleep(between).await;
        let began = Instant::now();
        for statement in statements {
            run(&other, statement).await;
        }
        float.store(becomes_float, Ordering::SeqCst);
        changes.push((began, Instant::now()));
    }
    let outcomes = load.await.unwrap();
    let (mut errors, mut wrong, mut late) = (0, 0, Vec::new());
    let mut longest = Duration::ZERO;
    for (at, outcome) in &outcomes {
        let change = changes.iter().rev().find(|(began, _)| began <= at);
        let since = change.map_or(Duration::MAX, |(_, done)| at.saturating_duration_since(*done));
        match outcome {
            Ok(false) => {}
            Ok(true) => {
                wrong += 1;
                late.push(format!("a wrong value {since:.1?} after the change"));
            }
            Err(error) => {
                errors += 1;
                longest = longest.max(since);
                if since > Duration::from_secs(5) {
                    late.push(format!("{error}, {since:.1?} after the change"));
                }
            }
        }
    }
    println!(
        "4 changes under 200 requests/s, {between:?} apart: {} pairs, {errors} errors, the last {longest:.2?} \
         after a change, {wrong} wrong values",
        outcomes.len()
    );
    assert!(late.is_empty(), "{late:?}");
}

/// A client that changes the schema by this node, and waits for nobody.
struct Changer {
    driver: Driver,
    profile: ExecutionProfileHandle,
}

impl Changer {
    async fn by(cluster: &Cluster, node: usize) -> Self {
        let address = cluster.node(node).unwrap().address();
        let driver = DriverBuilder::new().known_node_addr(address);
        let driver = driver.auto_await_schema_agreement(false).build().await.unwrap();
        let known = driver.get_cluster_state();
        let is_it = |it: &&Arc<Node>| it.address.ip() == address.ip();
        let node = known.get_nodes_info().iter().find(is_it).unwrap();
        let node = NodeIdentifier::Node(Arc::clone(node));
        let only = SingleTargetLoadBalancingPolicy::new(node, None);
        let profile = ExecutionProfile::builder().load_balancing_policy(only).build();
        Self { driver, profile: profile.into_handle() }
    }

    async fn run(&self, text: String) {
        let mut statement = DriverStatement::new(text);
        statement.set_execution_profile_handle(Some(self.profile.clone()));
        self.driver.query_unpaged(statement, ()).await.unwrap();
    }
}

#[tokio::test]
#[cfg_attr(not(feature = "heavy"), ignore = "it takes a while: in `.ci/run heavy`")]
async fn beside_a_frozen_node_no_value_is_wrong_five_seconds_after_a_change() {
    let cluster = Cluster::shared_three().await.unwrap();
    let keyspace = cluster.keyspace(3).await.unwrap();
    let changer = Changer::by(&cluster, 0).await;
    let builder = Session::builder().contact_points(cluster.contact_points());
    let session = builder.keyspace(keyspace.name()).build().await.unwrap();
    run(&Client::new(session.clone()), "CREATE TABLE t (k int PRIMARY KEY, v int)").await;
    let db = full_stack(&session);
    let insert = Statement::new("INSERT INTO t (k, v) VALUES (?, ?)");
    db.execute(&insert, (0, 0)).await.unwrap();

    cluster.node(2).unwrap().freeze().await.unwrap();
    for text in ["DROP TABLE", "CREATE TABLE"] {
        let columns = if text == "DROP TABLE" { "" } else { " (k int PRIMARY KEY, v float)" };
        changer.run(format!("{text} {}.t{columns}", keyspace.name())).await;
    }
    let made_anew = Instant::now();
    let mut every = interval(Duration::from_millis(10));
    let mut writes = JoinSet::new();
    while made_anew.elapsed() < Duration::from_secs(6) {
        every.tick().await;
        let (db, insert) = (db.clone(), insert.clone());
        writes.spawn(async move {
            let called = made_anew.elapsed();
            let outcome = timeout(Duration::from_secs(12), db.execute(&insert, (1, 7))).await;
            (called, made_anew.elapsed(), outcome.expect("it ends"))
        });
    }
    let (mut wrong, mut refused, mut failed) = (0, 0, 0);
    let (mut last_called, mut last_written) = (Duration::ZERO, Duration::ZERO);
    for (called, ended, outcome) in writes.join_all().await {
        if outcome.is_ok() {
            (wrong, last_called) = (wrong + 1, last_called.max(called));
            last_written = last_written.max(ended);
        } else if is_wrong_type(&outcome) {
            refused += 1;
        } else {
            failed += 1;
            assert!(called < Duration::from_secs(5), "{called:?}: {outcome:?}");
        }
    }
    println!(
        "beside a frozen node: {wrong} wrong values, the last called {last_called:.2?} after the change and \
         written {last_written:.2?} after it; {refused} refused, {failed} failed otherwise"
    );
    assert!(last_written < Duration::from_secs(5), "{last_written:?}");
    assert!(refused > 0);
}
