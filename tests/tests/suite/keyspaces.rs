//! What names no keyspace goes to the one in use, and to no other.

use std::sync::Arc;
use std::time::Duration;

use cqlstack_core::{
    Batch, Client, Error, ErrorClass, ErrorKind, Request, Response, Session, SessionBuilder,
    Statement, StaticStatement,
};
use cqlstack_tests::cluster::Cluster;
use cqlstack_tests::fault::{FaultProxy, Playing, Script, Step, opcode};
use futures::future::join_all;
use tokio::time::{sleep, timeout};

use crate::support::{full_stack, run, shared_builder};

const SOON: Duration = Duration::from_secs(20);

static WHO: StaticStatement = StaticStatement::new("SELECT who FROM crate_by_id WHERE id = 1");
static PUT: StaticStatement =
    StaticStatement::new("INSERT INTO crate_by_id (id, who) VALUES (?, ?)");

/// Two keyspaces with the same tables; in each, 21 rows say where they are.
pub(crate) async fn two_keyspaces(cluster: &Cluster, replicas: usize) -> [String; 2] {
    let mut names = Vec::new();
    for _ in 0..2 {
        let name = cluster.keyspace(replicas).await.unwrap().name().to_owned();
        cluster
            .run(format!("CREATE TABLE {name}.crate_by_id (id int PRIMARY KEY, who text)"))
            .await
            .unwrap();
        for id in 1..=21 {
            let row = format!("INSERT INTO {name}.crate_by_id (id, who) VALUES ({id}, '{name}')");
            cluster.run(row).await.unwrap();
        }
        names.push(name);
    }
    names.try_into().unwrap()
}

pub(crate) fn use_(keyspace: &str) -> Statement {
    Statement::new(format!("USE {keyspace}"))
}

fn value(answer: Result<Response, Error>) -> String {
    answer.unwrap().value::<String>().unwrap()
}

fn is_unsettled(answer: &Result<Response, Error>) -> bool {
    let unsettled = |error: &Error| {
        error.class() == ErrorClass::NotExecuted || error.worst_class() == ErrorClass::NotExecuted
    };
    answer.as_ref().is_err_and(unsettled)
}

/// Until a frame is held up.
async fn begins(playing: &Playing) {
    let begun = async {
        while playing.begun() == 0 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(SOON, begun).await.expect("nothing is held up");
}

/// Two keyspaces, and a session in the first of them.
pub(crate) async fn in_the_first() -> ([String; 2], Session) {
    let keyspaces = two_keyspaces(Cluster::shared().await.unwrap(), 1).await;
    let builder = shared_builder().await.keyspace(keyspaces[0].as_str());
    (keyspaces, builder.build().await.unwrap())
}

/// A session in this keyspace, through a proxy before the only node.
pub(crate) async fn through(proxy: &FaultProxy, keyspace: &str) -> Session {
    builder_through(proxy, keyspace).build().await.unwrap()
}

pub(crate) fn builder_through(proxy: &FaultProxy, keyspace: &str) -> SessionBuilder {
    Session::builder()
        .contact_points([proxy.address().to_string()])
        .address_translation([proxy.translation()])
        .keyspace(keyspace)
}

/// Two keyspaces, and a session in the first of them that reaches the only node through a proxy.
async fn in_the_first_by_a_proxy() -> ([String; 2], FaultProxy, Session) {
    let cluster = Cluster::shared().await.unwrap();
    let keyspaces = two_keyspaces(cluster, 1).await;
    let proxy = FaultProxy::before(cluster.node(0).unwrap().address()).await.unwrap();
    let session = through(&proxy, &keyspaces[0]).await;
    (keyspaces, proxy, session)
}

/// Where a row with this id is: the name of one of the two, or both.
async fn home(cluster: &Cluster, keyspaces: &[String; 2], id: i32) -> String {
    let session =
        Session::builder().contact_points(cluster.contact_points()).build().await.unwrap();
    let db = Client::new(session);
    let mut homes = Vec::new();
    for keyspace in keyspaces {
        let read = format!("SELECT id FROM {keyspace}.crate_by_id WHERE id = {id}");
        if run(&db, &read).await.rows_count() > 0 {
            homes.push(keyspace.clone());
        }
    }
    homes.join(" and ")
}

#[tokio::test]
async fn a_first_use_while_the_keyspace_changes_is_never_taken_for_the_other_one_s() {
    let cluster = Cluster::shared().await.unwrap();
    let (keyspaces, proxy, session) = in_the_first_by_a_proxy().await;
    let [a, b] = &keyspaces;
    let db = full_stack(&session);
    let hold =
        Script::answers().with(&[opcode::QUERY]).then(Step::Wait(Duration::from_millis(400)));
    let playing = proxy.play(hold).unwrap();
    let change = tokio::spawn(db.request(use_(b)));
    begins(&playing).await;
    let batch = || Batch::logged().add(&PUT, (200, "a")).add(&PUT, (201, "b"));
    let (read, write, batched) =
        tokio::join!(db.request(&WHO), db.execute(&PUT, (100, "new")), db.request(batch()));
    change.await.unwrap().unwrap();
    assert_eq!(&value(read), b, "it waited for the USE");
    write.unwrap();
    batched.unwrap();
    assert_eq!(&home(cluster, &keyspaces, 100).await, b);
    assert_eq!(&home(cluster, &keyspaces, 200).await, b);

    // And back again, several times: nothing comes back that was prepared in the other one.
    for (round, name) in (1_i32..).zip([a, b, a, b, a]) {
        db.request(use_(name)).await.unwrap();
        for n in 0..3 {
            assert_eq!(&value(db.request(&WHO).await), name, "read {n} of round {round}");
            let id = 1_000 * round + n;
            db.execute(&PUT, (id, "new")).await.unwrap();
            assert_eq!(&home(cluster, &keyspaces, id).await, name);
        }
        let id = 1_000 * round + 10;
        let batch = Batch::logged().add(&PUT, (id, "a")).add(&PUT, (id + 1, "b"));
        db.request(batch).await.unwrap();
        assert_eq!(&home(cluster, &keyspaces, id).await, name);
    }
}

/// What is sent as it is means what the connection has in use, which nobody knows meanwhile.
#[tokio::test]
async fn a_truncate_while_the_keyspace_changes_waits() {
    let (keyspaces, proxy, session) = in_the_first_by_a_proxy().await;
    let [a, b] = &keyspaces;
    let db = Client::new(session);
    let hold =
        Script::answers().with(&[opcode::QUERY]).then(Step::Wait(Duration::from_millis(400)));
    let playing = proxy.play(hold).unwrap();
    let change = tokio::spawn(db.request(use_(b)));
    begins(&playing).await;
    let hurried = Request::from(&Statement::new("TRUNCATE crate_by_id"));
    let error =
        db.request(hurried.with_attempt_timeout(Duration::from_millis(50))).await.unwrap_err();
    println!("{error}");
    assert_eq!(*error.kind(), ErrorKind::KeyspaceUnsettled);
    assert_eq!(error.class(), ErrorClass::NotExecuted);
    run(&db, "TRUNCATE crate_by_id").await;
    run(&db, "CREATE TABLE made_meanwhile (k int PRIMARY KEY)").await;
    change.await.unwrap().unwrap();
    assert_eq!(run(&db, &format!("SELECT id FROM {a}.crate_by_id")).await.rows_count(), 21);
    assert_eq!(run(&db, &format!("SELECT id FROM {b}.crate_by_id")).await.rows_count(), 0);
    run(&db, &format!("SELECT k FROM {b}.made_meanwhile")).await;
}

/// A text that was given up is sent all the same, perhaps later: a `USE` does not overtake it.
#[tokio::test]
async fn a_use_waits_for_a_text_that_was_given_up() {
    let (keyspaces, proxy, session) = in_the_first_by_a_proxy().await;
    let [a, b] = &keyspaces;
    let db = Client::new(session);
    let wait = Step::Wait(Duration::from_millis(600));
    let playing = proxy.play(Script::requests().with(&[opcode::QUERY]).then(wait)).unwrap();
    let given_up = Request::from(&Statement::new("TRUNCATE crate_by_id"));
    let error =
        db.request(given_up.with_attempt_timeout(Duration::from_millis(50))).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Ambiguous);
    db.request(use_(b)).await.unwrap();
    assert!(playing.begun() > 0);
    run(&db, "SELECT id FROM crate_by_id").await;
    assert_eq!(run(&db, &format!("SELECT id FROM {b}.crate_by_id")).await.rows_count(), 21);
    assert_eq!(run(&db, &format!("SELECT id FROM {a}.crate_by_id")).await.rows_count(), 0);
}

#[tokio::test]
async fn after_a_use_that_failed_or_was_dropped_nothing_is_sent_until_one_succeeds() {
    let (keyspaces, proxy, session) = in_the_first_by_a_proxy().await;
    let [a, b] = &keyspaces;
    let db = full_stack(&session);
    assert_eq!(&value(db.request(&WHO).await), a);
    let named = Statement::new(format!("SELECT who FROM {a}.crate_by_id WHERE id = 1"));

    let refused = db.request(use_("there_is_no_such_keyspace")).await.unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::Invalid);
    let unsettled = db.request(&WHO).await;
    println!("{}", unsettled.as_ref().unwrap_err());
    assert!(is_unsettled(&unsettled));
    assert!(is_unsettled(&db.request(Statement::new("TRUNCATE crate_by_id")).await));
    assert_eq!(&value(db.request(&named).await), a, "a keyspace that is named is no question");
    db.request(use_(a)).await.unwrap();
    assert_eq!(&value(db.request(&WHO).await), a);

    // Dropped after each of the first polls, and long before its answer.
    for polls in 0..6 {
        let hold =
            Script::answers().with(&[opcode::QUERY]).then(Step::Wait(Duration::from_millis(100)));
        let playing = proxy.play(hold).unwrap();
        let mut change = Box::pin(db.request(use_(b)));
        for _ in 0..polls {
            let _ = futures::poll!(change.as_mut());
            sleep(Duration::from_millis(1)).await;
        }
        drop(change);
        let answer = db.request(&WHO).await;
        if polls == 0 {
            assert_eq!(&value(answer), a, "it was never begun");
        } else {
            assert!(is_unsettled(&answer), "after {polls} polls: {answer:?}");
        }
        drop(playing);
        db.request(use_(a)).await.unwrap();
        for _ in 0..3 {
            assert_eq!(&value(db.request(&WHO).await), a, "after {polls} polls");
        }
    }
}

#[tokio::test]
async fn a_use_that_times_out_beside_a_frozen_node_leaves_no_doubt() {
    let cluster = Cluster::shared_three().await.unwrap();
    let [a, b] = &two_keyspaces(&cluster, 3).await;
    let builder = Session::builder().contact_points(cluster.contact_points());
    let session = builder.keyspace(a.as_str()).build().await.unwrap();
    let db = full_stack(&session);
    assert_eq!(&value(db.request(&WHO).await), a);
    cluster.node(2).unwrap().freeze().await.unwrap();
    let hurried = Request::from(&use_(b)).with_attempt_timeout(Duration::from_millis(300));
    let error = db.request(hurried).await.unwrap_err();
    println!("{error}");
    let hurried = Request::from(&WHO).with_deadline(tokio::time::Instant::now() + SOON);
    let answer = timeout(SOON, db.request(hurried)).await.unwrap();
    assert!(is_unsettled(&answer), "{answer:?}");
    let named = Statement::new(format!("SELECT who FROM {a}.crate_by_id WHERE id = ?"));
    for id in 1..=21 {
        assert_eq!(&value(timeout(SOON, db.execute(&named, (id,))).await.unwrap()), a);
    }
    // Its connection is given up after some seconds, and the next one begins in the right keyspace.
    let patient = |keyspace| Request::from(&use_(keyspace)).with_attempt_timeout(SOON);
    db.request(patient(b)).await.unwrap();
    for _ in 0..20 {
        assert_eq!(&value(db.request(&WHO).await), b);
    }
    cluster.node(2).unwrap().resume().await.unwrap();
    db.request(patient(a)).await.unwrap();
    for _ in 0..100 {
        assert_eq!(&value(db.request(&WHO).await), a);
    }
}

#[tokio::test]
async fn of_two_at_once_one_is_the_last() {
    let ([a, b], session) = &in_the_first().await;
    let db = full_stack(session);
    for round in 0..30 {
        let changes = [a, b, a, b].map(|name| tokio::spawn(db.request(use_(name))));
        for change in join_all(changes).await {
            change.unwrap().unwrap();
        }
        let last = session.driver().unwrap().get_keyspace().unwrap();
        for _ in 0..5 {
            assert_eq!(value(db.request(&WHO).await), *last, "round {round}");
        }
    }
}

#[tokio::test]
async fn a_use_that_is_prepared_is_one_too() {
    let ([a, b], session) = &in_the_first().await;
    let db = full_stack(session);
    assert_eq!(&value(db.request(&WHO).await), a);
    let change = use_(b).with_kind(cqlstack_core::StatementKind::Read);
    let prepared = session.prepare(&change).await.unwrap();
    db.request(Request::from(&change).bind(&prepared).unwrap()).await.unwrap();
    assert_eq!(&value(db.request(&WHO).await), b);
    let mut late = Request::from(&use_(a));
    late.attach_prepared(session.prepare(use_(a)).await.unwrap()).unwrap();
    db.request(late).await.unwrap();
    assert_eq!(&value(db.request(&WHO).await), a);
}

#[tokio::test]
async fn a_session_of_the_driver_s_that_was_told_past_us_is_noticed() {
    let ([_, b], session) = &in_the_first().await;
    let db = full_stack(session);
    session.driver().unwrap().use_keyspace(b.as_str(), true).await.unwrap();
    assert!(is_unsettled(&db.request(&WHO).await));
    db.request(use_(b)).await.unwrap();
    assert_eq!(&value(db.request(&WHO).await), b);
}

/// The first attempt may have been applied in one keyspace: the second must not be in the other.
#[tokio::test]
async fn a_write_that_is_sent_again_stays_in_its_keyspace() {
    let cluster = Cluster::shared().await.unwrap();
    let (keyspaces, proxy, session) = in_the_first_by_a_proxy().await;
    let [a, b] = &keyspaces;
    let db = full_stack(&session);
    db.execute(&PUT, (100, "first")).await.unwrap();
    db.request(Batch::logged().add(&PUT, (101, "x")).add(&PUT, (102, "y"))).await.unwrap();
    let single = |id| Request::new(&PUT, (id, "new"));
    let batch = |id| Batch::logged().add(&PUT, (id, "x")).add(&PUT, (id, "x")).into();
    let requests: [(u8, i32, Request); 2] =
        [(opcode::EXECUTE, 200, single(200)), (opcode::BATCH, 300, batch(300))];
    for (what, id, request) in requests {
        db.request(use_(a)).await.unwrap();
        let lose = Script::answers().when(move |frame| frame.request() == Some(what));
        let playing = proxy.play(lose.on_every_connection().then(Step::Lose(1))).unwrap();
        let write = db.request(request.with_attempt_timeout(Duration::from_millis(500)));
        let write = tokio::spawn(write);
        begins(&playing).await;
        db.request(use_(b)).await.unwrap();
        let error = write.await.unwrap().unwrap_err();
        println!("{error}");
        assert_eq!(error.worst_class(), ErrorClass::Ambiguous);
        assert_eq!(&home(cluster, &keyspaces, id).await, a);
        // What is read again leaves nothing behind.
        assert_eq!(&value(db.request(&WHO).await), b);
    }
}

#[tokio::test]
async fn a_use_with_values_is_refused_at_once() {
    let ([a, b], session) = &in_the_first().await;
    for _ in 0..2 {
        let bare = Client::new(session.clone());
        let (bare, stacked) =
            (bare.execute(use_(b), (1,)), full_stack(session).execute(use_(b), (1,)));
        for answer in [timeout(SOON, bare).await.unwrap(), timeout(SOON, stacked).await.unwrap()] {
            assert!(matches!(answer.unwrap_err().kind(), ErrorKind::InvalidRequest(_)));
        }
    }
    assert_eq!(&value(full_stack(session).request(&WHO).await), a);
}

/// Its answer came, and was not taken: who dropped it does not know.
#[tokio::test]
async fn a_use_whose_answer_is_not_taken_is_dropped_too() {
    let ([a, b], session) = &in_the_first().await;
    let db = full_stack(session);
    let mut change = Box::pin(db.request(use_(b)));
    let _ = futures::poll!(change.as_mut());
    let named = Arc::new(b.clone());
    let is_told = async {
        while session.driver().unwrap().get_keyspace() != Some(Arc::clone(&named)) {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(SOON, is_told).await.unwrap();
    sleep(Duration::from_millis(200)).await;
    drop(change);
    assert!(is_unsettled(&db.request(&WHO).await));
    db.request(use_(a)).await.unwrap();
    assert_eq!(&value(db.request(&WHO).await), a);
}

/// A text may have been applied as well, if the user says that it may be sent twice.
#[tokio::test]
async fn a_text_that_is_sent_again_stays_in_its_keyspace() {
    let (keyspaces, proxy, session) = in_the_first_by_a_proxy().await;
    let [a, b] = &keyspaces;
    let db = full_stack(&session);
    let lose =
        Script::answers().with(&[opcode::QUERY]).then(Step::Wait(Duration::from_millis(600)));
    let playing = proxy.play(lose).unwrap();
    let truncate = Statement::new("TRUNCATE crate_by_id").idempotent(true);
    let truncate = Request::from(&truncate).with_attempt_timeout(Duration::from_millis(300));
    let truncate = tokio::spawn(db.request(truncate));
    begins(&playing).await;
    db.request(use_(b)).await.unwrap();
    let error = truncate.await.unwrap().unwrap_err();
    println!("{error}");
    assert_eq!(error.worst_class(), ErrorClass::Ambiguous);
    let count = async |name: &str| {
        let count = Statement::new(format!("SELECT count(*) FROM {name}.crate_by_id"));
        db.request(&count).await.unwrap().value::<i64>().unwrap()
    };
    assert_eq!((count(a).await, count(b).await), (0, 21));
}

/// What was answered without doubt may be sent again anywhere; what is half prepared in each of two is not sent,
/// and is right when it is sent again.
#[tokio::test]
async fn a_request_that_is_kept_and_sent_again_goes_to_the_keyspace_in_use() {
    let cluster = Cluster::shared().await.unwrap();
    let (keyspaces, proxy, session) = in_the_first_by_a_proxy().await;
    let [a, b] = &keyspaces;
    let db = full_stack(&session);
    let put = Request::new(&PUT, (100, "kept"));
    for name in [a, b, a] {
        db.request(use_(name)).await.unwrap();
        db.request(put.clone()).await.unwrap();
    }
    assert_eq!(home(cluster, &keyspaces, 100).await, format!("{a} and {b}"));

    // The first statement of the batch is known, the second waits for the USE.
    db.request(put_again()).await.unwrap();
    let hold =
        Script::answers().with(&[opcode::QUERY]).then(Step::Wait(Duration::from_millis(300)));
    let playing = proxy.play(hold).unwrap();
    let cold = Statement::new("INSERT INTO crate_by_id (id, who) VALUES (?, 'cold')");
    let batch = Batch::logged().add(put_again(), ()).add(&cold, (300,));
    let batch = tokio::spawn(db.request(batch));
    let change = tokio::spawn(db.request(use_(b)));
    change.await.unwrap().unwrap();
    batch.await.unwrap().unwrap();
    assert!(playing.begun() > 0);
    let [warm, cold] = [home(cluster, &keyspaces, 200).await, home(cluster, &keyspaces, 300).await];
    assert!(warm.contains(&cold), "{warm}, {cold}");
}

fn put_again() -> Statement {
    Statement::new("INSERT INTO crate_by_id (id, who) VALUES (200, 'warm')")
}
