//! Batches on a real Cassandra.

use cqlstack_core::batch::UnknownPartition;
use cqlstack_core::scylla::value::Counter;
use cqlstack_core::{
    Batch, BatchFault, BatchGuard, Client, Error, ErrorClass, ErrorKind, Request, Session,
    Statement,
};
use cqlstack_metrics::MetricsLayer;
use cqlstack_middleware::cache::{CacheHandle, StatementCache};
use cqlstack_middleware::{ConcurrencyLimitLayer, RetryLayer, StatementCacheLayer};
use tower::ServiceBuilder;

use crate::cache::cached;
use crate::support::{connect, run};

const TABLES: [&str; 5] = [
    "users (id int PRIMARY KEY, name text, email text)",
    "logs (id int, day text, n int, line text, PRIMARY KEY ((id, day), n))",
    "events (id int, n int, v text, PRIMARY KEY (id, n))",
    "ticks (id int PRIMARY KEY, n counter)",
    "names (name text PRIMARY KEY, v int)",
];

type Cached = Client<StatementCache<Session>>;

async fn tables() -> (Cached, CacheHandle) {
    let session = connect(&TABLES).await;
    cached(session.service())
}

fn event(n: i32, id: i32) -> (i32, i32, String) {
    (id, n, format!("event {n}"))
}

fn insert_event() -> Statement {
    Statement::new("INSERT INTO events (id, n, v) VALUES (?, ?, ?)")
}

fn fault(outcome: Result<cqlstack_core::Response, Error>) -> BatchFault {
    let error = outcome.unwrap_err();
    println!("{error}");
    assert_eq!(error.class(), ErrorClass::Permanent);
    match error.kind() {
        ErrorKind::Batch(fault) => fault.clone(),
        kind => panic!("{kind:?}"),
    }
}

async fn count(db: &Cached, table: &str) -> i64 {
    let text = format!("SELECT count(*) FROM {table}");
    db.request(Statement::new(text)).await.unwrap().value().unwrap()
}

#[tokio::test]
async fn a_batch_of_one_partition_is_written_and_its_statements_are_prepared_once() {
    let (db, cache) = tables().await;
    for round in 0..10 {
        let mut batch = Batch::same_partition();
        for n in 0..32 {
            batch.push(insert_event(), event(n + 32 * round, 7));
        }
        db.request(batch).await.unwrap();
    }
    assert_eq!(count(&db, "events").await, 320);
    assert_eq!(cache.stats().prepares, 2, "the insert and the count");
}

#[tokio::test]
async fn it_passes_the_full_stack_and_a_bare_session_prepares_it_by_itself() {
    let session = connect(&TABLES).await;
    let stack = ServiceBuilder::new()
        .layer(MetricsLayer::new())
        .layer(RetryLayer::default())
        .layer(ConcurrencyLimitLayer::new(10).unwrap())
        .layer(StatementCacheLayer::new(10).unwrap());
    let stacked = Client::new(stack.service(session.service().clone()));
    let profile = |name: &str| {
        Batch::same_partition()
            .named("update_profile")
            .add(Statement::new("UPDATE users SET name = ? WHERE id = ?"), (name.to_owned(), 1))
            .add(Statement::new("UPDATE users SET email = ? WHERE id = ?"), ("a@b".to_owned(), 1))
    };
    stacked.request(profile("Ada")).await.unwrap();
    session.request(profile("Eve")).await.unwrap();
    let row = run(&session, "SELECT name, email FROM users WHERE id = 1").await;
    assert_eq!(row.row::<(&str, &str)>().unwrap(), ("Eve", "a@b"));
}

#[tokio::test]
async fn an_unlogged_batch_over_two_partitions_is_refused_and_names_both() {
    let (db, _) = tables().await;
    let both = Batch::same_partition()
        .add(insert_event(), event(1, 7))
        .add(insert_event(), event(2, 7))
        .add(Statement::new("UPDATE users SET name = ? WHERE id = ?"), ("Ada".to_owned(), 8));
    let BatchFault::SeveralPartitions { one, other } = fault(db.request(both.clone()).await) else {
        panic!("it is about partitions");
    };
    assert_eq!((one.0.index, other.0.index), (0, 2));
    assert_eq!((one.1, other.1), (vec!["id".to_owned()], vec!["id".to_owned()]));
    assert_eq!((count(&db, "events").await, count(&db, "users").await), (0, 0));
    db.request(both.with_guard(BatchGuard::Warn)).await.unwrap();
    assert_eq!((count(&db, "events").await, count(&db, "users").await), (2, 1));
}

/// C38: keys as markers, as literals, in two tables, and values that look alike.
#[tokio::test]
async fn a_partition_is_told_from_another_by_its_key_as_it_is_stored() {
    let (db, _) = tables().await;
    let user =
        |literal: &str| Statement::new(format!("UPDATE users SET name = 'x' WHERE id = {literal}"));
    let name =
        |literal: &str| Statement::new(format!("UPDATE names SET v = 1 WHERE name = {literal}"));
    let bound_name = || Statement::new("UPDATE names SET v = 1 WHERE name = ?");
    let log = || Statement::new("INSERT INTO logs (day, id, n, line) VALUES (?, ?, ?, 'x')");
    let log_of = "INSERT INTO logs (id, day, n, line) VALUES (1, 'may', 5, 'x')";
    let batch = Batch::same_partition;
    let one = [
        batch().add(insert_event(), event(1, 7)).add(user("7"), ()),
        batch().add(user("7"), ()).add(user("(7)"), ()),
        batch().add(bound_name(), ("it's".to_owned(),)).add(name("'it''s'"), ()),
        batch().add(bound_name(), ("a".to_owned(),)).add(name("$$a$$"), ()),
        batch().add(log(), ("may".to_owned(), 1, 1)).add(Statement::new(log_of), ()),
    ];
    for batch in one {
        db.request(batch).await.unwrap();
    }
    let several = [
        batch().add(insert_event(), event(1, 1)).add(insert_event(), event(1, -1)),
        batch().add(user("1"), ()).add(user("-1"), ()),
        batch().add(name("''"), ()).add(name("' '"), ()),
        batch().add(log(), ("may".to_owned(), 1, 1)).add(log(), ("may".to_owned(), 2, 1)),
        batch().add(log(), ("may".to_owned(), 1, 1)).add(log(), ("june".to_owned(), 1, 1)),
    ];
    for batch in several {
        let fault = fault(db.request(batch).await);
        assert!(matches!(fault, BatchFault::SeveralPartitions { .. }), "{fault:?}");
    }
}

#[tokio::test]
async fn twenty_rows_in_two_partitions_are_refused() {
    let (db, _) = tables().await;
    let mut batch = Batch::same_partition();
    for n in 0..20 {
        batch.push(insert_event(), event(n, i32::from(n >= 19)));
    }
    let fault = fault(db.request(batch).await);
    let BatchFault::SeveralPartitions { one, other } = fault else { panic!("{fault:?}") };
    assert_eq!((one.0.index, other.0.index), (0, 19));
}

#[tokio::test]
async fn where_the_partition_is_not_known_it_is_refused_and_never_passed() {
    use UnknownPartition::{Computed, Null, Several};
    let (db, _) = tables().await;
    for (text, expected) in [
        ("UPDATE users SET name = 'x' WHERE id IN (1, 2)", Several),
        ("INSERT INTO users JSON '{\"id\": 1}'", Computed),
        ("UPDATE users SET name = 'x' WHERE id = (int) 1", Computed),
    ] {
        let batch = Batch::same_partition().add(Statement::new(text), ());
        let BatchFault::UnknownPartition(_, why) = fault(db.request(batch.clone()).await) else {
            panic!("{text}");
        };
        assert_eq!(why, expected, "{text}");
        db.request(batch.with_guard(BatchGuard::Warn)).await.unwrap();
    }
    let update = Statement::new("UPDATE users SET name = 'x' WHERE id = ?");
    let batch = Batch::same_partition().add(&update, (None::<i32>,));
    assert!(matches!(fault(db.request(batch).await), BatchFault::UnknownPartition(_, Null)));
}

/// C39, and what counts by a marker only.
#[tokio::test]
async fn counters_and_rows_are_never_mixed() {
    let (db, _) = tables().await;
    let insert = || Statement::new("INSERT INTO users (id, name) VALUES (1, 'x')");
    let tick = || Statement::new("UPDATE ticks SET n = n + 1 WHERE id = 1");
    let tick_by = || Statement::new("UPDATE ticks SET n = n + ? WHERE id = 1");
    let update = || Statement::new("UPDATE users SET name = 'x' WHERE id = 1");
    for batch in [
        Batch::logged().add(insert(), ()).add(tick(), ()),
        Batch::logged().add(insert(), ()).add(tick_by(), (Counter(1),)),
        Batch::same_partition().add(tick_by(), (Counter(1),)).add(insert(), ()),
        Batch::same_partition().add(tick(), ()),
    ] {
        assert!(matches!(fault(db.request(batch).await), BatchFault::Counter(_)));
    }
    for batch in [
        Batch::counter().add(tick(), ()).add(insert(), ()),
        Batch::counter().add(tick_by(), (Counter(1),)).add(update(), ()),
    ] {
        assert!(matches!(fault(db.request(batch).await), BatchFault::NoCounter(_)));
    }
    assert_eq!((count(&db, "users").await, count(&db, "ticks").await), (0, 0));
    // A TTL on a counter is for the server to refuse.
    let expiring = || Statement::new("UPDATE ticks USING TTL 60 SET n = n + 1 WHERE id = 1");
    for request in [Request::from(&expiring()), Batch::counter().add(expiring(), ()).into()] {
        let mut request = request;
        let attempts = request.count_attempts();
        let error = db.request(request).await.unwrap_err();
        assert_eq!((error.kind(), error.class()), (&ErrorKind::Invalid, ErrorClass::Permanent));
        assert!(attempts.so_far() <= 1);
    }
    let mut batch = Batch::counter();
    for id in 0..20 {
        batch.push(Statement::new("UPDATE ticks SET n = n + ? WHERE id = ?"), (Counter(2), id % 2));
    }
    db.request(batch).await.unwrap();
    let ticks = db.request(Statement::new("SELECT n FROM ticks WHERE id = 1")).await.unwrap();
    assert_eq!(ticks.value::<Counter>().unwrap(), Counter(20));
}

#[tokio::test]
async fn values_that_do_not_fit_are_named_by_their_statement() {
    let (db, _) = tables().await;
    let batch = Batch::logged()
        .add(insert_event(), event(1, 1))
        .add(insert_event(), (1, "hush".to_owned(), "x".to_owned()));
    let error = db.request(batch).await.unwrap_err();
    println!("{error}");
    assert!(matches!(error.kind(), ErrorKind::Values(why) if why.contains("statement 1")));
    assert!(!format!("{error} {error:?}").contains("hush"));
    assert_eq!(count(&db, "events").await, 0);
}

#[tokio::test]
async fn a_conditional_batch_answers_with_the_rows_that_are_there() {
    let (db, _) = tables().await;
    db.request(
        Batch::same_partition().add(insert_event(), event(1, 7)).add(insert_event(), event(2, 7)),
    )
    .await
    .unwrap();
    let claim = |n: i32, was: &str| {
        let text = "UPDATE events SET v = 'mine' WHERE id = 7 AND n = ? IF v = ?";
        (Statement::new(text), (n, was.to_owned()))
    };
    let both = |second: &str| {
        let ((first, values), (other, others)) = (claim(1, "event 1"), claim(2, second));
        Batch::logged().add(first, values).add(other, others)
    };
    let answer = db.request(both("event 9")).await.unwrap();
    let found = answer.conditional::<(i32, i32, &str)>().unwrap();
    let rows = vec![(7, 1, "event 1"), (7, 2, "event 2")];
    assert_eq!(found, cqlstack_core::Conditional::NotApplied(rows));
    let answer = db.request(both("event 2")).await.unwrap();
    assert!(answer.conditional::<()>().unwrap().is_applied());
}
