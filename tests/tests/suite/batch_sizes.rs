//! How large a batch may be: what Cassandra counts, and what is refused before it is sent.

use std::collections::HashMap;

use cqlstack_core::scylla::value::Unset;
use cqlstack_core::{
    Batch, BatchFault, BatchGuard, BatchLimits, Client, ErrorKind, Session, Statement,
};

use crate::support::{connect, run, shared_builder};

const TABLES: [&str; 3] = [
    "plain (k int PRIMARY KEY, v text)",
    "wide (k int, c int, d text, v text, w int, s text static, PRIMARY KEY (k, c, d))",
    "many (k int PRIMARY KEY, l list<text>, m map<text, text>, u set<text>, f frozen<list<text>>)",
];

/// A session with these limits in the same keyspace.
async fn limited(db: &Client<Session>, limits: BatchLimits) -> Client<Session> {
    let keyspace = db.service().driver().unwrap().get_keyspace().unwrap();
    let builder = shared_builder().await.keyspace(keyspace.as_str()).batch_limits(limits);
    Client::new(builder.build().await.unwrap())
}

fn text(length: usize) -> String {
    "x".repeat(length)
}

fn insert() -> Statement {
    Statement::new("INSERT INTO plain (k, v) VALUES (?, ?)")
}

/// Rows of some bytes, in so many partitions.
fn rows(batch: Batch, partitions: i32, bytes: usize) -> Batch {
    (0..partitions).fold(batch, |batch, k| batch.add(insert(), (k, text(bytes))))
}

/// What the server says of the size of a batch that is warned of.
async fn counted_by_the_server(db: &Client<Session>, batch: Batch<'static>) -> usize {
    let answer = db.request(batch).await.unwrap();
    let warnings = answer.warnings();
    let warning = warnings.iter().find(|it| it.contains("is of size")).unwrap();
    let size = warning.split("is of size ").nth(1).unwrap();
    size.split(',').next().unwrap().parse().unwrap()
}

async fn counted_by_us(db: &Client<Session>, batch: Batch<'static>) -> usize {
    let limits = BatchLimits { refuse: 1, ..BatchLimits::CASSANDRA };
    let error = limited(db, limits).await.request(batch).await.unwrap_err();
    match error.kind() {
        ErrorKind::Batch(BatchFault::TooLarge { bytes, .. }) => *bytes,
        kind => panic!("{kind:?}"),
    }
}

#[tokio::test]
async fn what_is_counted_is_what_the_server_counts() {
    let db = connect(&TABLES).await;
    let big = || text(6_000);
    let wide = || Statement::new("INSERT INTO wide (k, c, d, v, w) VALUES (?, ?, ?, ?, ?)");
    let update = || Statement::new("UPDATE wide SET w = ? WHERE d = ? AND c = ? AND k = ?");
    let fixed =
        || Statement::new("UPDATE wide SET s = ?, w = null WHERE k = ? AND c = ? AND d = ''");
    let only_static = || Statement::new("UPDATE wide SET s = ? WHERE k = ?");
    let many = || Statement::new("INSERT INTO many (k, l, m, u, f) VALUES (?, ?, ?, ?, ?)");
    let list = |n: usize| (0..n).map(|n| n.to_string()).collect::<Vec<_>>();
    let map = |n: usize| (0..n).map(|n| (n.to_string(), text(n))).collect::<HashMap<_, _>>();
    let d = |n: usize| text(n);
    let batches = [
        rows(Batch::logged(), 2, 5_000),
        rows(Batch::logged(), 300, 3),
        rows(Batch::logged(), 2, 5_000).add(insert(), (3, None::<String>)),
        rows(Batch::logged(), 2, 5_000).add(insert(), (3, Unset)),
        rows(Batch::logged(), 2, 5_000).add(Statement::new("DELETE FROM plain WHERE k = ?"), (9,)),
        rows(Batch::logged(), 2, 5_000)
            .add(Statement::new("DELETE v FROM plain WHERE k = ?"), (9,)),
        // The same row twice is one row, however it is named.
        Batch::logged()
            .add(wide(), (1, 1, d(9), big(), Unset))
            .add(update(), (5, d(9), 1, 1))
            .add(wide(), (2, 1, d(9), text(0), 1)),
        // Two tables of a keyspace and one key are one mutation of two parts.
        rows(Batch::logged(), 2, 3_000).add(wide(), (1, 1, d(1), big(), 1)),
        rows(Batch::logged(), 2, 3_000).add(fixed(), (big(), 1, 1)).add(only_static(), (big(), 2)),
        rows(Batch::logged(), 2, 3_000)
            .add(Statement::new("DELETE FROM wide WHERE k = ? AND c = ? AND d = ?"), (1, 1, d(7))),
        rows(Batch::logged(), 2, 3_000)
            .add(many(), (1, list(50), map(50), list(50), list(50)))
            .add(many(), (2, list(0), None::<HashMap<String, String>>, Unset, list(0))),
        rows(Batch::same_partition().with_guard(BatchGuard::Warn), 2, 5_000),
    ];
    for (index, batch) in batches.into_iter().enumerate() {
        let ours = counted_by_us(&db, batch.clone()).await;
        assert_eq!(ours, counted_by_the_server(&db, batch).await, "batch {index}");
    }
}

#[tokio::test]
async fn where_it_is_not_known_no_more_is_counted_than_by_the_server() {
    let db = connect(&TABLES).await;
    let literal = format!("INSERT INTO plain (k, v) VALUES (8, '{}')", text(500));
    let batches = [
        rows(Batch::logged(), 2, 3_000).add(Statement::new(literal), ()),
        rows(Batch::logged(), 2, 3_000)
            .add(Statement::new("DELETE FROM wide WHERE k = ? AND c > ? AND c < ?"), (1, 1, 9)),
        rows(Batch::logged(), 2, 3_000)
            .add(Statement::new("INSERT INTO plain (k, v) VALUES (9, 'x') USING TTL 60"), ()),
    ];
    for (index, batch) in batches.into_iter().enumerate() {
        let ours = counted_by_us(&db, batch.clone()).await;
        let server = counted_by_the_server(&db, batch).await;
        println!("batch {index}: {ours} of {server} bytes");
        assert!(ours <= server && ours * 4 > server * 3, "batch {index}: {ours} of {server}");
    }
}

#[tokio::test]
async fn what_is_one_mutation_is_not_measured_as_a_batch() {
    let db = connect(&TABLES).await;
    let wide = || Statement::new("INSERT INTO wide (k, c, d, v) VALUES (7, ?, 'd', ?)");
    let of = |batch: Batch<'static>| {
        (0..20)
            .fold(batch, |batch, c| batch.add(wide(), (c, text(10_000))))
            .add(insert(), (7, text(10_000)))
    };
    for batch in [of(Batch::same_partition()), of(Batch::logged())] {
        db.request(batch).await.unwrap();
    }
    let count = run(&db, "SELECT count(*) FROM wide WHERE k = 7").await;
    assert_eq!(count.value::<i64>().unwrap(), 20);
}

#[tokio::test]
async fn what_the_server_would_refuse_is_refused_with_the_sizes() {
    let db = connect(&TABLES).await;
    let warned = || Batch::same_partition().with_guard(BatchGuard::Warn);
    for batch in [rows(Batch::logged(), 6, 10_240), rows(warned(), 6, 10_240)] {
        let error = db.request(batch).await.unwrap_err();
        println!("{error}");
        let ErrorKind::Batch(BatchFault::TooLarge { partitions: 6, bytes, limit: 51_200 }) =
            error.kind()
        else {
            panic!("{error:?}")
        };
        assert!(*bytes > 6 * 10_240, "{bytes}");
    }
    // What is just below is sent and taken; what is above the server refuses, whatever we allow.
    let most = |bytes: usize| rows(Batch::logged(), 2, bytes);
    let overhead = counted_by_us(&db, most(0)).await;
    let fits = (51_200 - overhead) / 2;
    db.request(most(fits)).await.unwrap();
    assert!(matches!(db.request(most(fits + 1)).await.unwrap_err().kind(), ErrorKind::Batch(_)));
    let lax = limited(&db, BatchLimits::SCYLLADB).await;
    assert_eq!(*lax.request(most(fits + 1)).await.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_row_over_the_limit_of_a_mutation_is_refused() {
    let db = connect(&TABLES).await;
    let large = Batch::same_partition().add(insert(), (1, text(17 * 1024 * 1024)));
    let error = db.request(large).await.unwrap_err();
    println!("{error}");
    let limit = BatchLimits::CASSANDRA.mutation;
    assert!(matches!(
        error.kind(),
        ErrorKind::Batch(BatchFault::MutationTooLarge { bytes, limit: ours })
            if *bytes == 17 * 1024 * 1024 && *ours == limit
    ));
}
