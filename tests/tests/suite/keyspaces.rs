//! What names no keyspace goes to the one in use, and to no other.

use std::time::Duration;

use cqlstack_core::{
    Batch, Client, Error, ErrorClass, ErrorKind, Request, Response, Session, Statement,
    StaticStatement,
};
use cqlstack_tests::cluster::Cluster;
use cqlstack_tests::fault::{FaultProxy, Script, Step, opcode};
use futures::TryStreamExt;
use futures::future::join_all;
use tokio::time::{sleep, timeout};

use crate::support::{connect, full_stack, keyspace, run, shared_builder};

const SOON: Duration = Duration::from_secs(20);

static WHO: StaticStatement = StaticStatement::new("SELECT who FROM crate_by_id WHERE id = 1");
static PUT: StaticStatement =
    StaticStatement::new("INSERT INTO crate_by_id (id, who) VALUES (?, ?)");
static ALL: StaticStatement = StaticStatement::new("SELECT who FROM crate_by_id");

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

/// A session in the first keyspace, through a proxy before the only node.
async fn through(proxy: &FaultProxy, keyspace: &str) -> Session {
    let builder = Session::builder()
        .contact_points([proxy.address().to_string()])
        .address_translation([proxy.translation()]);
    builder.keyspace(keyspace).build().await.unwrap()
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
    let keyspaces = two_keyspaces(cluster, 1).await;
    let [a, b] = &keyspaces;
    let proxy = FaultProxy::before(cluster.node(0).unwrap().address()).await.unwrap();
    let session = through(&proxy, a).await;
    let db = full_stack(&session);
    let hold =
        Script::answers().with(&[opcode::QUERY]).then(Step::Wait(Duration::from_millis(400)));
    let playing = proxy.play(hold).unwrap();
    let change = tokio::spawn(db.request(&use_(b)));
    while playing.begun() == 0 {
        tokio::task::yield_now().await;
    }
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
        db.request(&use_(name)).await.unwrap();
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
    let cluster = Cluster::shared().await.unwrap();
    let [a, b] = &two_keyspaces(cluster, 1).await;
    let proxy = FaultProxy::before(cluster.node(0).unwrap().address()).await.unwrap();
    let db = Client::new(through(&proxy, a).await);
    let hold =
        Script::answers().with(&[opcode::QUERY]).then(Step::Wait(Duration::from_millis(400)));
    let playing = proxy.play(hold).unwrap();
    let change = tokio::spawn(db.request(&use_(b)));
    while playing.begun() == 0 {
        tokio::task::yield_now().await;
    }
    let hurried = Request::from(&Statement::new("TRUNCATE crate_by_id"));
    let error = db.request(hurried.with_timeout(Duration::from_millis(50))).await.unwrap_err();
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
    let cluster = Cluster::shared().await.unwrap();
    let [a, b] = &two_keyspaces(cluster, 1).await;
    let proxy = FaultProxy::before(cluster.node(0).unwrap().address()).await.unwrap();
    let db = Client::new(through(&proxy, a).await);
    let wait = Step::Wait(Duration::from_millis(600));
    let playing = proxy.play(Script::requests().with(&[opcode::QUERY]).then(wait)).unwrap();
    let given_up = Request::from(&Statement::new("TRUNCATE crate_by_id"));
    let error = db.request(given_up.with_timeout(Duration::from_millis(50))).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Ambiguous);
    db.request(&use_(b)).await.unwrap();
    assert!(playing.begun() > 0);
    run(&db, "SELECT id FROM crate_by_id").await;
    assert_eq!(run(&db, &format!("SELECT id FROM {b}.crate_by_id")).await.rows_count(), 21);
    assert_eq!(run(&db, &format!("SELECT id FROM {a}.crate_by_id")).await.rows_count(), 0);
}

#[tokio::test]
async fn after_a_use_that_failed_or_was_dropped_nothing_is_sent_until_one_succeeds() {
    let cluster = Cluster::shared().await.unwrap();
    let [a, b] = &two_keyspaces(cluster, 1).await;
    let proxy = FaultProxy::before(cluster.node(0).unwrap().address()).await.unwrap();
    let session = through(&proxy, a).await;
    let db = full_stack(&session);
    assert_eq!(&value(db.request(&WHO).await), a);
    let named = Statement::new(format!("SELECT who FROM {a}.crate_by_id WHERE id = 1"));

    let refused = db.request(&use_("there_is_no_such_keyspace")).await.unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::Invalid);
    let unsettled = db.request(&WHO).await;
    println!("{}", unsettled.as_ref().unwrap_err());
    assert!(is_unsettled(&unsettled));
    assert!(is_unsettled(&db.request(&Statement::new("TRUNCATE crate_by_id")).await));
    assert_eq!(&value(db.request(&named).await), a, "a keyspace that is named is no question");
    db.request(&use_(a)).await.unwrap();
    assert_eq!(&value(db.request(&WHO).await), a);

    // Dropped after each of the first polls, and long before its answer.
    for polls in 0..6 {
        let hold =
            Script::answers().with(&[opcode::QUERY]).then(Step::Wait(Duration::from_millis(100)));
        let playing = proxy.play(hold).unwrap();
        let mut change = Box::pin(db.request(&use_(b)));
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
        db.request(&use_(a)).await.unwrap();
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
    let hurried = Request::from(&use_(b)).with_timeout(Duration::from_millis(300));
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
    let patient = |keyspace| Request::from(&use_(keyspace)).with_timeout(SOON);
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
    let cluster = Cluster::shared().await.unwrap();
    let [a, b] = &two_keyspaces(cluster, 1).await;
    let session = shared_builder().await.keyspace(a.as_str()).build().await.unwrap();
    let db = full_stack(&session);
    for round in 0..30 {
        let changes = [a, b, a, b].map(|name| tokio::spawn(db.request(&use_(name))));
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
    let cluster = Cluster::shared().await.unwrap();
    let [a, b] = &two_keyspaces(cluster, 1).await;
    let session = shared_builder().await.keyspace(a.as_str()).build().await.unwrap();
    let db = full_stack(&session);
    assert_eq!(&value(db.request(&WHO).await), a);
    let change = use_(b).with_kind(cqlstack_core::StatementKind::Read);
    let prepared = session.prepare(&change).await.unwrap();
    db.request(Request::from(&change).bind(&prepared).unwrap()).await.unwrap();
    assert_eq!(&value(db.request(&WHO).await), b);
    let mut late = Request::from(&use_(a));
    late.bind_late(session.prepare(use_(a)).await.unwrap()).unwrap();
    db.request(late).await.unwrap();
    assert_eq!(&value(db.request(&WHO).await), a);
}

#[tokio::test]
async fn a_session_of_the_driver_s_that_was_told_past_us_is_noticed() {
    let cluster = Cluster::shared().await.unwrap();
    let [a, b] = &two_keyspaces(cluster, 1).await;
    let session = shared_builder().await.keyspace(a.as_str()).build().await.unwrap();
    let db = full_stack(&session);
    session.driver().unwrap().use_keyspace(b.as_str(), true).await.unwrap();
    assert!(is_unsettled(&db.request(&WHO).await));
    db.request(&use_(b)).await.unwrap();
    assert_eq!(&value(db.request(&WHO).await), b);
}

#[tokio::test]
async fn a_stream_stays_in_the_keyspace_in_which_it_began() {
    let cluster = Cluster::shared().await.unwrap();
    let [a, b] = &two_keyspaces(cluster, 1).await;
    let session = shared_builder().await.keyspace(a.as_str()).build().await.unwrap();
    for db in [&full_stack(&session)] {
        for ahead in [true, false] {
            db.request(&use_(a)).await.unwrap();
            let pages = db.pages(Request::from(&ALL).with_page_size(2));
            let mut rows = if ahead { pages } else { pages.on_request() }.rows::<(String,)>();
            let mut seen = Vec::new();
            for turn in 0..3 {
                seen.push(rows.next_row().await.unwrap().unwrap());
                db.request(&use_([b, a, b][turn])).await.unwrap();
            }
            let rest: Vec<_> = rows.try_collect().await.unwrap();
            seen.extend(rest);
            assert_eq!(seen.len(), 21);
            assert!(seen.iter().all(|(who,)| who == a), "{seen:?}");
        }
        let here = db.rows::<(String,)>(Request::from(&ALL).with_page_size(2));
        let here: Vec<_> = here.try_collect().await.unwrap();
        assert!(here.len() == 21 && here.iter().all(|(who,)| who == b));
    }
}

#[tokio::test]
async fn a_page_of_a_table_that_was_made_anew_is_a_typed_error() {
    let plain = connect(&[]).await;
    let db = full_stack(plain.service());
    let all = Request::from(&Statement::new("SELECT k FROM t")).with_page_size(3);
    let of_value = Statement::new("SELECT k FROM t WHERE v > ? ALLOW FILTERING");
    let of_value = Request::new(&of_value, (-1,)).with_page_size(3);
    for (request, anew, kind) in [
        (all, "k bigint, c int, v int, PRIMARY KEY (k, c)", Some(ErrorKind::OtherResult)),
        // Its key is the same, and its value does not fit any more.
        (of_value, "k int PRIMARY KEY, v float", None),
    ] {
        run(&plain, "DROP TABLE IF EXISTS t").await;
        run(&plain, "CREATE TABLE t (k int PRIMARY KEY, v int)").await;
        let put = Statement::new("INSERT INTO t (k, v) VALUES (?, ?)");
        db.many(&put, (0..10).map(|k| (k, k))).run().await.unwrap();
        let first = db.request(request.clone()).await.unwrap();
        let place = first.next_page().unwrap();
        // A column more is no other result.
        run(&plain, "ALTER TABLE t ADD w int").await;
        let second = db.request(request.clone().with_page(place.clone())).await.unwrap();
        assert_eq!(second.rows_count(), 3);
        run(&plain, "DROP TABLE t").await;
        run(&plain, &format!("CREATE TABLE t ({anew})")).await;
        let error = db.request(request.with_page(place)).await.unwrap_err();
        println!("{error}");
        assert_eq!(error.class(), ErrorClass::Permanent);
        assert!(kind.is_none_or(|kind| *error.kind() == kind));
    }
}

/// The first attempt may have been applied in one keyspace: the second must not be in the other.
#[tokio::test]
async fn a_write_that_is_sent_again_stays_in_its_keyspace() {
    let cluster = Cluster::shared().await.unwrap();
    let keyspaces = two_keyspaces(cluster, 1).await;
    let [a, b] = &keyspaces;
    let proxy = FaultProxy::before(cluster.node(0).unwrap().address()).await.unwrap();
    let db = full_stack(&through(&proxy, a).await);
    db.execute(&PUT, (100, "first")).await.unwrap();
    db.request(Batch::logged().add(&PUT, (101, "x")).add(&PUT, (102, "y"))).await.unwrap();
    let single = |id| Request::new(&PUT, (id, "new"));
    let batch = |id| Batch::logged().add(&PUT, (id, "x")).add(&PUT, (id, "x")).into();
    let requests: [(u8, i32, Request); 2] =
        [(opcode::EXECUTE, 200, single(200)), (opcode::BATCH, 300, batch(300))];
    for (what, id, request) in requests {
        db.request(&use_(a)).await.unwrap();
        let lose = Script::answers().when(move |frame| frame.request() == Some(what));
        let playing = proxy.play(lose.on_every_connection().then(Step::Lose(1))).unwrap();
        let write = db.request(request.with_timeout(Duration::from_millis(500)));
        let write = tokio::spawn(write);
        while playing.begun() == 0 {
            sleep(Duration::from_millis(1)).await;
        }
        db.request(&use_(b)).await.unwrap();
        let error = write.await.unwrap().unwrap_err();
        println!("{error}");
        assert_eq!(error.worst_class(), ErrorClass::Ambiguous);
        assert_eq!(&home(cluster, &keyspaces, id).await, a);
        // What is read again leaves nothing behind.
        assert_eq!(&value(db.request(&WHO).await), b);
    }
}

/// What one session was told of a text is nothing to another one.
#[tokio::test]
async fn a_list_in_one_keyspace_is_a_list_though_it_is_a_set_in_another() {
    static SET: StaticStatement = StaticStatement::new("UPDATE t SET l = ? WHERE k = 1");
    static MANY: StaticStatement =
        StaticStatement::new("DELETE FROM t WHERE k = ? AND c IN (1, 2)");
    let cluster = Cluster::shared().await.unwrap();
    let (list, set) = (keyspace().await, keyspace().await);
    for (name, kind, key) in [(&list, "list", "k"), (&set, "set", "k")] {
        cluster
            .run(format!("CREATE TABLE {name}.t ({key} int PRIMARY KEY, l {kind}<int>)"))
            .await
            .unwrap();
    }
    let proxy = FaultProxy::before(cluster.node(0).unwrap().address()).await.unwrap();
    let (in_list, in_set) = (through(&proxy, &list).await, through(&proxy, &set).await);
    let (db_list, db_set) = (full_stack(&in_list), full_stack(&in_set));
    let write = || Request::new(&SET, (vec![1, 2],));
    for _ in 0..2 {
        db_list.request(write()).await.unwrap();
        db_set.request(write()).await.unwrap();
    }
    assert!(!in_list.prepare(&SET).await.unwrap().is_idempotent());
    assert!(in_set.prepare(&SET).await.unwrap().is_idempotent());
    assert!(Statement::from(&SET).is_idempotent(), "its text does not tell");

    for (db, attempts) in [(&db_list, 1), (&db_set, 2)] {
        let playing = proxy
            .play(
                Script::answers()
                    .with(&[opcode::EXECUTE])
                    .on_every_connection()
                    .then(Step::Lose(1)),
            )
            .unwrap();
        let mut request = write().with_timeout(Duration::from_millis(400));
        let counted = request.count_attempts();
        let answer = db.request(request.clone()).await;
        drop(playing);
        assert_eq!(answer.is_ok(), attempts == 2, "{answer:?}");
        assert_eq!((counted.so_far(), request.is_idempotent()), (attempts, attempts == 2));
    }
    let read = Statement::new("SELECT l FROM t WHERE k = 1");
    assert_eq!(run(&Client::new(in_list), read.text()).await.value::<Vec<i32>>().unwrap(), [1, 2]);

    // The column with IN is of the key in one of them.
    let (one, several) = (keyspace().await, keyspace().await);
    for (name, key) in [(&one, "k, c"), (&several, "(k, c)")] {
        let table = format!("CREATE TABLE {name}.t (k int, c int, PRIMARY KEY ({key}))");
        cluster.run(table).await.unwrap();
    }
    let mut kinds = Vec::new();
    for name in [&one, &several, &one] {
        let session = shared_builder().await.keyspace(name.as_str()).build().await.unwrap();
        kinds.push(session.prepare(&MANY).await.unwrap().kind().as_str());
    }
    assert_eq!(kinds, ["write", "multi_partition", "write"]);
}
