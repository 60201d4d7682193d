//! What a session does while no node tells it of the schema.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use cqlstack_core::layer::{Report, Sink, Times};
use cqlstack_core::{
    Batch, Client, CqlService, Error, ErrorKind, PageTokenKey, Request, Response, Session,
    Statement,
};
use cqlstack_metrics::{NodeMonitor, NodeWatch};
use cqlstack_tests::cluster::Cluster;
use cqlstack_tests::fault::{FaultProxy, Frame, HEADER, Playing, Script, Step, opcode};
use futures::TryStreamExt;
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

use crate::definitions::behind_a_proxy;
use crate::keyspaces::{builder_through, through};
use crate::support::{HEAVY, Log, count, full_stack, run, shared_builder};

/// How long nobody tells of the schema.
const OUTAGE: Duration = Duration::from_secs(if HEAVY { 30 } else { 6 });

const TABLE: &str = "t (k int PRIMARY KEY, v int)";

/// What the node, or something before it, does with requests for metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// It refuses them, those of the driver as well.
    Refuses,
    /// It tells the version of the schema, and refuses to tell what is in it.
    RefusesTables,
    /// They get lost.
    Silent,
    /// What comes is no answer to what was asked.
    Garbage,
}

const VERSION: &[u8; 14] = b"schema_version";
const TABLES: &[u8; 13] = b"system_schema";

fn is_metadata(frame: &Frame<'_>) -> bool {
    frame.has(VERSION) || frame.has(TABLES)
}

fn is_no_sign_of_life(frame: &Frame<'_>) -> bool {
    frame.request() != Some(opcode::OPTIONS)
}

/// What is prepared has its text in the PREPARE only, and the control connection prepares what it asks.
fn is_asked_by_the_driver(frame: &Frame<'_>) -> bool {
    frame.is_control() && frame.request() == Some(opcode::EXECUTE)
}

impl Fault {
    fn begin(self, proxy: &FaultProxy) -> Playing {
        let script = match self {
            Self::Refuses => Script::requests().whenever(is_metadata).then(Step::edit(|frame| {
                for at in 0..frame.len() {
                    if frame[at..].starts_with(VERSION) || frame[at..].starts_with(TABLES) {
                        frame[at] = b'x';
                    }
                }
            })),
            Self::RefusesTables => Script::requests()
                .whenever(|frame| frame.has(TABLES))
                .then(Step::replace(TABLES, b"system_schemX")),
            Self::Silent => Script::requests()
                .whenever(|frame| is_metadata(frame) || is_asked_by_the_driver(frame))
                .then(Step::Lose(1)),
            Self::Garbage => Script::answers()
                .whenever(|frame| is_metadata(frame) || is_asked_by_the_driver(frame))
                .then(Step::edit(|frame| frame[HEADER..].fill(0x5a))),
        };
        proxy.play(script).unwrap()
    }
}

fn is_stale(session: &Session) -> bool {
    session.schema().unwrap().stale
}

/// How long until it holds, looked at again and again.
async fn until(within: Duration, what: &str, holds: impl Fn() -> bool) -> Duration {
    let began = Instant::now();
    let waited = timeout(within, async {
        while !holds() {
            sleep(Duration::from_millis(5)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("{what} within {within:?}"));
    began.elapsed()
}

async fn write(
    db: &Client<impl CqlService>,
    insert: &Statement,
    v: i32,
) -> Result<Response, Error> {
    let answer = timeout(Duration::from_secs(6), db.execute(insert, (1, v))).await;
    answer.expect("each request ends")
}

/// Begins to build a session, and tells what came of it and how long it took.
fn build(
    proxy: &FaultProxy,
    keyspace: &str,
) -> impl Future<Output = (Result<(), Error>, Duration)> + use<> {
    let builder = builder_through(proxy, keyspace).local_datacenter("dc1");
    async move {
        let began = Instant::now();
        let built = builder.build().await.map(drop);
        (built, began.elapsed())
    }
}

async fn goes_on_and_is_told_and_recovers(fault: Fault) {
    let (log, _subscribed) = Log::listen();

    let (other, proxy, session) = behind_a_proxy(TABLE).await;
    let keyspace = other.service().driver().unwrap().get_keyspace().unwrap();
    let db = full_stack(&session);
    let insert = Statement::new("INSERT INTO t (k, v) VALUES (?, ?)");
    write(&db, &insert, 1).await.unwrap();
    assert!(!is_stale(&session));

    let playing = fault.begin(&proxy);
    if fault == Fault::RefusesTables {
        run(&other, "CREATE TABLE another (k int PRIMARY KEY)").await;
    }
    let began = Instant::now();
    let (mut writes, mut times) = (0, Vec::new());
    while !is_stale(&session) {
        let called = Instant::now();
        write(&db, &insert, writes).await.unwrap();
        writes += 1;
        times.push(called.elapsed());
        assert!(began.elapsed() < Duration::from_secs(4), "{fault:?}: nobody is told");
        sleep(Duration::from_millis(5)).await;
    }
    let told = began.elapsed();
    let warnings = log.lines("the schema could not be read");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("did not tell the"), "{warnings:?}");

    // A statement of one use is gone when the session looks again.
    write(&db, &insert, writes).await.unwrap();
    let looks_twice = Instant::now() + Duration::from_millis(2_500);
    while Instant::now() < looks_twice {
        assert!(is_stale(&session), "{fault:?}: it is known again, and no table was told");
        sleep(Duration::from_millis(20)).await;
    }

    let meanwhile = tokio::spawn(build(&proxy, &keyspace));
    run(&other, "DROP TABLE t").await;
    run(&other, "CREATE TABLE t (k int PRIMARY KEY, v float)").await;
    let (mut refused, mut as_float) = (0, 0);
    while began.elapsed() < OUTAGE || refused < 50 {
        let called = Instant::now();
        let error = write(&db, &insert, 7).await.expect_err("an integer is no float");
        assert!(matches!(error.kind(), ErrorKind::Values(_)), "{error}");
        db.execute(&insert, (1, 7_f32)).await.unwrap();
        (refused, as_float) = (refused + 1, as_float + 1);
        times.push(called.elapsed());
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(log.lines("the schema could not be read").len(), 1, "it is told once");
    times.sort_unstable();
    let (median, slowest) = (times[times.len() / 2], times[times.len() - 1]);
    assert!(median < Duration::from_millis(200), "requests wait for nobody: {median:?}");
    assert!(session.health(Duration::from_secs(1)).await.schema.unwrap().stale);

    let (built, build_time) = meanwhile.await.unwrap();
    drop(playing);
    let recovered = until(Duration::from_secs(2), "it recovers", || !is_stale(&session)).await;
    assert_eq!(log.lines("the schema is known again").len(), 1);
    println!(
        "{fault:?}: told after {told:.2?}, {writes} writes until then, median {median:.1?}, the slowest {slowest:.1?}; {refused} wrong \
         values refused and {as_float} right ones written; recovered after {recovered:.2?}; a session meanwhile \
         after {build_time:.2?}: {built:?}"
    );
    assert!(build_time < Duration::from_millis(10_500), "{build_time:?}");
    let said = built.err().map(|error| error.to_string());
    match fault {
        Fault::Refuses | Fault::RefusesTables => assert_eq!(said, None),
        Fault::Silent => assert!(said.unwrap().contains("no session with the contact points")),
        Fault::Garbage => assert!(said.unwrap().contains("no node told of the cluster")),
    }
    println!("{warnings:?}");
    for (key, value) in [(2, 2.5_f32), (3, 3.5)] {
        db.execute(&insert, (key, value)).await.unwrap();
    }
    assert!(session.prepare(&insert).await.unwrap().is_current());
}

#[tokio::test]
#[cfg_attr(not(feature = "heavy"), ignore = "it takes a while: in `.ci/run heavy`")]
async fn where_a_node_refuses_metadata_requests_go_on_and_no_value_is_wrong() {
    goes_on_and_is_told_and_recovers(Fault::Refuses).await;
}

#[tokio::test]
async fn where_a_node_refuses_to_tell_of_tables_requests_go_on_and_no_value_is_wrong() {
    goes_on_and_is_told_and_recovers(Fault::RefusesTables).await;
}

#[tokio::test]
async fn where_metadata_is_never_answered_requests_go_on_and_no_value_is_wrong() {
    goes_on_and_is_told_and_recovers(Fault::Silent).await;
}

#[tokio::test]
#[cfg_attr(not(feature = "heavy"), ignore = "it takes a while: in `.ci/run heavy`")]
async fn where_metadata_is_garbage_requests_go_on_and_no_value_is_wrong() {
    goes_on_and_is_told_and_recovers(Fault::Garbage).await;
}

/// The gauges that a session reports.
#[derive(Default)]
struct Gauges(BTreeMap<&'static str, f64>);

impl Sink for Gauges {
    fn counter(&mut self, _name: &'static str, _labels: &[(&'static str, &str)], _value: u64) {}

    fn gauge(&mut self, name: &'static str, _labels: &[(&'static str, &str)], value: f64) {
        self.0.insert(name, value);
    }

    fn histogram(
        &mut self,
        _name: &'static str,
        _labels: &[(&'static str, &str)],
        _times: Times<'_>,
    ) {
    }
}

/// How stale it is, and how old what it knows of the schema.
fn gauges(nodes: &NodeWatch) -> (f64, f64) {
    let mut gauges = Gauges::default();
    nodes.handle().report(&mut gauges);
    (gauges.0["schema_stale"], gauges.0["schema_age_seconds"])
}

#[tokio::test]
async fn while_it_is_stale_batches_pages_new_tables_and_changes_work_and_what_is_other_is_told() {
    let table = "t (k int, c int, v int, PRIMARY KEY (k, c))";
    let (other, proxy, session) = behind_a_proxy(table).await;
    let nodes = NodeMonitor::new(&session).start().await;
    let db = full_stack(&session);
    let insert = Statement::new("INSERT INTO t (k, c, v) VALUES (1, ?, ?)");
    db.many(&insert, (0..25).map(|c| (c, c))).run().await.unwrap();
    let (stale, age) = gauges(&nodes);
    assert!(stale < 0.5 && age < 3.0, "{stale}, {age}");
    let _garbage = Fault::Garbage.begin(&proxy);
    until(Duration::from_secs(5), "it is told", || is_stale(&session)).await;
    let (stale, age) = gauges(&nodes);
    assert!(stale > 0.5 && age > 2.9, "{stale}, {age}");

    let select = Statement::new("SELECT c FROM t WHERE k = ?");
    let request = || Request::new(&select, (1,)).with_page_size(10);
    let rows: Vec<_> = db.rows::<(i32,)>(request()).try_collect().await.unwrap();
    assert_eq!(rows.len(), 25);
    let key = PageTokenKey::new([7; 32]);
    let first = db.request(request().with_page_token(&key, None)).await.unwrap();
    let token = first.next_page_token().unwrap();
    let second = db.request(request().with_page_token(&key, token.as_deref())).await.unwrap();
    assert_eq!(second.rows_count(), 10);
    let delete = |k: i32| Statement::new(format!("DELETE FROM t WHERE k = {k} AND c = 0"));
    let batch = Batch::same_partition().add(delete(1), ()).add(&insert, (30, 30));
    db.request(batch).await.unwrap();
    let several = Batch::same_partition().add(delete(1), ()).add(delete(2), ());
    let error = db.request(several).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Batch(_)), "{error}");

    // One prepare a use, of a table that nobody has read as well.
    run(&other, "CREATE TABLE new (k int PRIMARY KEY, v int)").await;
    let into_new = Statement::new("INSERT INTO new (k, v) VALUES (?, ?)");
    let is_prepare =
        |frame: &Frame<'_>| frame.request() == Some(opcode::PREPARE) && !frame.is_control();
    let (prepares, counting) = count(&proxy, is_prepare);
    for k in 0..5 {
        db.execute(&into_new, (k, k)).await.unwrap();
    }
    assert_eq!(prepares.load(Ordering::Relaxed), 5);
    drop(counting);

    // Where the server knows another table, a place in the one before is none.
    let place = db.request(request()).await.unwrap().next_page().unwrap();
    run(&other, "DROP TABLE t").await;
    run(&other, "CREATE TABLE t (k float, c int, v int, PRIMARY KEY (k, c))").await;
    let next = Request::new(&select, (1_f32,)).with_page(place);
    let error = db.request(next).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::OtherResult);
    let insert = Statement::new("INSERT INTO t (k, c, v) VALUES (?, ?, ?)");
    db.many(&insert, (0..25).map(|c| (1_f32, c, c))).run().await.unwrap();
    let request = Request::new(&select, (1_f32,)).with_page_size(10);
    let rows: Vec<_> = db.rows::<(i32,)>(request).try_collect().await.unwrap();
    assert_eq!(rows.len(), 25);

    let began = Instant::now();
    db.request(Statement::new("CREATE TABLE own (k int PRIMARY KEY)")).await.unwrap();
    println!("a change while stale: {:.2?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(4));
    db.execute(Statement::new("INSERT INTO own (k) VALUES (?)"), (1,)).await.unwrap();
}

#[tokio::test]
#[cfg_attr(not(feature = "heavy"), ignore = "it takes a while: in `.ci/run heavy`")]
async fn an_idle_session_sends_one_small_read_a_second_and_none_while_the_cluster_is_gone() {
    let cluster = Cluster::shared_one_to_break().await.unwrap();
    let proxy = FaultProxy::before(cluster.node(0).unwrap().address()).await.unwrap();
    let keyspace = cluster.keyspace(1).await.unwrap();
    let session = through(&proxy, keyspace.name()).await;
    run(&Client::new(session.clone()), "CREATE TABLE t (k int PRIMARY KEY, v int)").await;
    session.prepare(Statement::new("SELECT v FROM t WHERE k = ?")).await.unwrap();
    // The look after a change is followed by another one.
    sleep(Duration::from_secs(2)).await;
    let seconds = 5;
    let (frames, counting) = count(&proxy, is_no_sign_of_life);
    sleep(Duration::from_secs(seconds)).await;
    let sent = u64::try_from(frames.load(Ordering::Relaxed)).unwrap();
    drop(counting);
    println!("an idle session: {sent} requests in {seconds} s");
    assert!((seconds - 1..=seconds + 1).contains(&sent), "{sent}");

    cluster.node(0).unwrap().kill().await.unwrap();
    let is_gone = || session.nodes().iter().all(|node| !node.up);
    until(Duration::from_secs(5), "it is gone", is_gone).await;
    let (frames, counting) = count(&proxy, is_no_sign_of_life);
    let told = until(Duration::from_secs(4), "it is told", || is_stale(&session)).await;
    sleep(Duration::from_secs(1)).await;
    let sent = frames.load(Ordering::Relaxed);
    println!("while the node is gone: told after {told:.2?}, {sent} requests");
    assert_eq!(sent, 0);
    drop(counting);

    cluster.node(0).unwrap().restart().await.unwrap();
    let is_back = || session.nodes().iter().all(|node| node.up);
    until(Duration::from_secs(30), "it is back", is_back).await;
    let recovered = until(Duration::from_secs(2), "it recovers", || !is_stale(&session)).await;
    println!("recovered {recovered:.2?} after the node was back");
}

#[tokio::test]
async fn sessions_that_are_dropped_leave_no_task() {
    let sessions = if HEAVY { 1_000 } else { 30 };
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let build = async || shared_builder().await.build().await.unwrap();
    drop(build().await);
    until(Duration::from_secs(5), "the first one is gone", || tasks() == 0).await;
    for built in 0..sessions {
        let session = build().await;
        if built % 2 == 0 {
            assert!(session.shutdown(Duration::from_secs(1)).await.complete);
        }
    }
    let gone = until(Duration::from_secs(5), "no task is left", || tasks() == 0).await;
    println!("{sessions} sessions built and dropped: no task is left after {gone:.2?}");
}
