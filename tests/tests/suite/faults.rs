//! Faults of the network before a real node, with the full stack above: whatever comes or does not come, the
//! caller has a typed error in time, and the session works on.

use std::time::{Duration, Instant};

use cqlstack_core::{Client, CqlService, Error, ErrorClass, Request, Response, Session, Statement};
use cqlstack_tests::cluster::Cluster;
use cqlstack_tests::fault::{FaultProxy, HEADER, Script, Step, opcode};
use futures::future::join_all;
use tokio::time::{Instant as Clock, timeout};

use crate::support::full_stack;

/// What a request may take, all in all.
const DEADLINE: Duration = Duration::from_millis(1_500);
/// On two cores that do other things as well.
const LATE: Duration = Duration::from_millis(500);
const SOON: Duration = Duration::from_secs(10);

/// A stream that no request is on.
const NOBODY: [u8; 2] = [0x7f, 0xff];

/// What may go wrong on the way of an answer.
fn faults() -> Vec<(&'static str, Script)> {
    let answers = || Script::answers().with(&[opcode::EXECUTE]).on_every_connection();
    let requests = || Script::requests().with(&[opcode::EXECUTE]).on_every_connection();
    let always = |step| answers().then(step).over_and_over();
    let edit = |how: fn(&mut Vec<u8>)| always(Step::edit(how));
    vec![
        ("late answers", always(Step::Wait(SOON))),
        ("answers that lag", answers().then(Step::Lag(SOON))),
        ("one byte a second", answers().then(Step::Drip(Duration::from_secs(1)))),
        ("lost answers", always(Step::Lose(1))),
        ("lost requests", requests().then(Step::Lose(1)).over_and_over()),
        ("a black hole", answers().then(Step::BlackHole)),
        ("a black hole on the way there", requests().then(Step::BlackHole)),
        ("nobody sends any more", answers().then(Step::Freeze)),
        ("nobody reads any more", requests().then(Step::Freeze)),
        ("half a header, FIN", answers().then(Step::Bytes(4)).then(Step::Close)),
        ("half a header, RST", answers().then(Step::Bytes(4)).then(Step::Reset)),
        ("half a header, and no more", answers().then(Step::Bytes(4)).then(Step::Freeze)),
        ("half a body, FIN", answers().then(Step::Bytes(HEADER + 2)).then(Step::Close)),
        ("half a body, RST", answers().then(Step::Bytes(HEADER + 2)).then(Step::Reset)),
        ("half a body, and no more", answers().then(Step::Bytes(HEADER + 2)).then(Step::Freeze)),
        ("half a request, RST", requests().then(Step::Bytes(HEADER + 2)).then(Step::Reset)),
        ("RST", answers().then(Step::Reset)),
        ("an answer to nobody", edit(|frame| frame[2..4].copy_from_slice(&NOBODY))),
        ("an event in its place", edit(|frame| frame[2..4].fill(0xff))),
        ("another kind of answer", edit(|frame| frame[4] = 2)),
        ("another kind of result", edit(|frame| frame[HEADER + 3] = 5)),
        ("no kind of result", edit(|frame| frame[HEADER + 3] = 99)),
        ("another version", edit(|frame| frame[0] = 0x13)),
        ("flags that were not agreed on", edit(|frame| frame[1] = 0xff)),
        ("a body longer than it is", edit(|frame| frame[7] = 0x7f)),
        ("noise in the body", edit(|frame| frame[HEADER..].fill(0xee))),
        (
            "an empty body",
            edit(|frame| {
                frame.truncate(HEADER);
                frame[5..].fill(0);
            }),
        ),
    ]
}

/// One node: to others a session would go without the proxy.
async fn one_node() -> (&'static Cluster, Option<Cluster>) {
    let shared = Cluster::shared().await.unwrap();
    let own = shared.nodes().len() > 1;
    (shared, if own { Some(Cluster::builder().start().await.unwrap()) } else { None })
}

/// A read, a write that may be sent again, and one that may not, each with the class of its error.
fn statements(keyspace: &str) -> [(Statement, ErrorClass); 3] {
    let read = Statement::new(format!("SELECT v FROM {keyspace}.t WHERE k = 1"));
    let write = Statement::new(format!("INSERT INTO {keyspace}.t (k, v) VALUES (1, 'new')"));
    let count = Statement::new(format!("UPDATE {keyspace}.c SET n = n + 1 WHERE k = 1"));
    [
        (read, ErrorClass::NotExecuted),
        (write, ErrorClass::Ambiguous),
        (count, ErrorClass::Ambiguous),
    ]
}

async fn answer(db: &Client<impl CqlService>, statement: &Statement) -> Result<Response, Error> {
    let request = Request::from(statement).with_deadline(Clock::now() + DEADLINE);
    let began = Instant::now();
    let outcome = timeout(SOON, db.request(request)).await.expect("no request hangs");
    assert!(began.elapsed() < DEADLINE + LATE, "after {:?}", began.elapsed());
    outcome
}

/// Plays one fault to a session of its own; what the read is told.
async fn suffer(cluster: &Cluster, keyspace: &str, name: &str, script: Script) -> String {
    let proxy = FaultProxy::before(cluster.node(0).unwrap().address()).await.unwrap();
    let db = full_stack(&through(&proxy).await);
    let statements = statements(keyspace);
    for (statement, _) in &statements {
        db.request(statement).await.unwrap();
    }
    let playing = proxy.play(script).unwrap();
    let errors = join_all(statements.iter().map(async |(statement, class)| {
        let error = answer(&db, statement).await.expect_err(name);
        (error, *class)
    }));
    let errors = errors.await;
    assert!(playing.begun() > 0, "{name}");
    for (error, class) in &errors {
        assert_eq!(error.worst_class(), *class, "{name}: {error}");
        assert!(error.to_string().contains(keyspace), "{name}: it names the statement: {error}");
    }
    drop(playing);
    let began = Instant::now();
    for (statement, _) in &statements {
        let usable = async { while answer(&db, statement).await.is_err() {} };
        timeout(SOON, usable).await.unwrap_or_else(|_| panic!("{name}: unusable"));
    }
    let again = began.elapsed();
    format!("{name}; usable after {again:.1?}: {}", errors[0].0)
}

async fn through(proxy: &FaultProxy) -> Session {
    let builder = Session::builder()
        .contact_points([proxy.address().to_string()])
        .address_translation([proxy.translation()]);
    builder.build().await.unwrap()
}

/// The name of a new keyspace with the tables.
async fn tables(cluster: &Cluster, replicas: usize) -> String {
    let keyspace = cluster.keyspace(replicas).await.unwrap().name().to_owned();
    for table in ["t (k int PRIMARY KEY, v text)", "c (k int PRIMARY KEY, n counter)"] {
        cluster.run(format!("CREATE TABLE {keyspace}.{table}")).await.unwrap();
    }
    keyspace
}

#[tokio::test]
async fn whatever_comes_the_caller_has_a_typed_error_in_time_and_the_session_works_on() {
    let (shared, own) = one_node().await;
    let cluster = own.as_ref().unwrap_or(shared);
    let keyspace = &tables(cluster, 1).await;
    let faults = faults().into_iter();
    let told = faults.map(|(name, script)| suffer(cluster, keyspace, name, script));
    for told in join_all(told).await {
        println!("{told}");
    }
}

/// Answers that nobody waits for cost the connection, not the request.
#[tokio::test]
async fn an_answer_too_many_is_nobody_s() {
    let (shared, own) = one_node().await;
    let cluster = own.as_ref().unwrap_or(shared);
    let keyspace = tables(cluster, 1).await;
    let [(read, _), ..] = statements(&keyspace);
    let stray = [&[0x84, 0], &NOBODY[..], &[8, 0, 0, 0, 4, 0, 0, 0, 1]].concat();
    for step in [Step::Twice, Step::Send(stray)] {
        let proxy = FaultProxy::before(cluster.node(0).unwrap().address()).await.unwrap();
        let db = full_stack(&through(&proxy).await);
        db.request(&read).await.unwrap();
        let name = format!("{step:?}");
        let script = Script::answers().with(&[opcode::EXECUTE]).then(step).then(Step::Frames(1));
        let playing = proxy.play(script).unwrap();
        let first = answer(&db, &read).await.map(drop);
        drop(playing);
        let again = async { while answer(&db, &read).await.is_err() {} };
        timeout(SOON, again).await.expect("it is usable");
        println!("{name}: {first:?}");
        if let Err(error) = first {
            assert_eq!(error.worst_class(), ErrorClass::NotExecuted, "{error}");
        }
    }
}

#[tokio::test]
async fn answers_in_another_order_find_their_requests() {
    let (shared, own) = one_node().await;
    let cluster = own.as_ref().unwrap_or(shared);
    let keyspace = tables(cluster, 1).await;
    let proxy = FaultProxy::before(cluster.node(0).unwrap().address()).await.unwrap();
    let db = full_stack(&through(&proxy).await);
    let insert = Statement::new(format!("INSERT INTO {keyspace}.t (k, v) VALUES (?, ?)"));
    let read = Statement::new(format!("SELECT v FROM {keyspace}.t WHERE k = ?"));
    for k in 0..100 {
        db.execute(&insert, (k, format!("value {k}"))).await.unwrap();
    }
    let swap = Script::answers().with(&[opcode::EXECUTE]).then(Step::Swap).over_and_over();
    let playing = proxy.play(swap).unwrap();
    let reads = join_all((0..100).map(|k| db.execute(&read, (k,)))).await;
    playing.finished(SOON).await.unwrap();
    for (k, response) in reads.into_iter().enumerate() {
        assert_eq!(response.unwrap().value::<String>().unwrap(), format!("value {k}"));
    }
}

/// A host that swallows packets: its node runs, and the other nodes know nothing.
#[tokio::test]
async fn a_black_hole_before_one_of_three_nodes_costs_time_and_no_request() {
    let cluster = Cluster::shared_three().await.unwrap();
    let keyspace = tables(&cluster, 3).await;
    let before = cluster.nodes().iter().map(|node| FaultProxy::before(node.address()));
    let proxies: Vec<_> = join_all(before).await.into_iter().map(Result::unwrap).collect();
    let builder = Session::builder()
        .contact_points(proxies.iter().map(|proxy| proxy.address().to_string()))
        .address_translation(proxies.iter().map(FaultProxy::translation));
    let session = builder.build().await.unwrap();
    let db = full_stack(&session);
    let insert = Statement::new(format!("INSERT INTO {keyspace}.t (k, v) VALUES (?, 'v')"));
    db.execute(&insert, (0,)).await.unwrap();

    let hole = |script: Script| script.on_every_connection().then(Step::BlackHole);
    let there = proxies[1].play(hole(Script::requests())).unwrap();
    let back = proxies[1].play(hole(Script::answers())).unwrap();
    there.finished(SOON).await.unwrap();
    back.finished(SOON).await.unwrap();
    let mut slowest = Duration::ZERO;
    for k in 0..200 {
        let began = Instant::now();
        db.execute(&insert, (k,)).await.unwrap();
        slowest = slowest.max(began.elapsed());
    }
    println!("200 writes one after another, the slowest after {slowest:.1?}");
    assert!(slowest < SOON);
}
