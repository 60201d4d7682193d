//! What preparing a statement tells, that its text does not.

use std::time::Duration;

use cqlstack_core::{Client, Request, Statement, StatementKind, StaticStatement};
use cqlstack_tests::cluster::Cluster;
use cqlstack_tests::fault::{FaultProxy, Script, Step, opcode};

use crate::keyspaces::through;
use crate::support::{connect, full_stack, keyspace, run, shared_builder};

#[tokio::test]
async fn a_counter_is_known_once_it_is_prepared() {
    let db = connect(&["c (k int PRIMARY KEY, n counter)", "t (k int PRIMARY KEY, n int)"]).await;
    for (text, by_text) in [
        ("UPDATE c SET n = n + ? WHERE k = 1", StatementKind::Write),
        ("UPDATE c SET n = n + 2 WHERE k = 1", StatementKind::Counter),
        // Without a marker or a number the table tells.
        ("DELETE FROM c WHERE k = 1", StatementKind::Write),
    ] {
        let update = Statement::new(text).idempotent(true);
        assert_eq!(update.kind(), by_text);
        let prepared = db.service().prepare(&update).await.unwrap();
        assert_eq!(prepared.kind(), StatementKind::Counter, "{text}");
        assert!(!prepared.is_idempotent(), "{text}");
        // All clones of a request know what one of them was bound to, and the statement stays what it was.
        let request = Request::from(&update);
        let mut sent = request.clone();
        sent.attach_prepared(prepared).unwrap();
        for request in [&sent, &request] {
            assert_eq!((request.kind(), request.is_idempotent()), (StatementKind::Counter, false));
        }
        assert_eq!(update.kind(), by_text, "{text}");
    }
    let plain = Statement::new("UPDATE t SET n = ? WHERE k = 1");
    assert!(db.service().prepare(&plain).await.unwrap().is_idempotent());
    let read = Statement::new("SELECT n FROM c WHERE k = 1");
    assert_eq!(db.service().prepare(&read).await.unwrap().kind(), StatementKind::Read);
}

#[tokio::test]
async fn several_values_of_a_clustering_column_are_one_partition_once_it_is_prepared() {
    let db = connect(&["t (k int, c int, v int, PRIMARY KEY (k, c))"]).await;
    for (text, prepared) in [
        ("DELETE FROM t WHERE k = ? AND c IN ?", StatementKind::Write),
        ("DELETE FROM t WHERE k = 1 AND c IN (1, 2)", StatementKind::Write),
        ("DELETE FROM t WHERE k IN ? AND c = 1", StatementKind::MultiPartition),
        ("UPDATE t SET v = 1 WHERE k IN (1, 2) AND c IN (?, ?)", StatementKind::MultiPartition),
        (
            "BEGIN UNLOGGED BATCH DELETE FROM t WHERE k = 1 AND c IN ?; DELETE FROM t WHERE k = 2; \
             APPLY BATCH",
            StatementKind::MultiPartition,
        ),
    ] {
        let write = Statement::new(text);
        assert_eq!(write.kind(), StatementKind::MultiPartition, "{text}");
        assert_eq!(db.service().prepare(&write).await.unwrap().kind(), prepared, "{text}");
    }
}

#[tokio::test]
async fn what_writes_a_list_anew_is_not_sent_again_once_it_is_prepared() {
    let db =
        connect(&["t (k int PRIMARY KEY, l list<int>, f frozen<list<int>>, s set<int>)"]).await;
    for (text, idempotent) in [
        ("INSERT INTO t (k, l) VALUES (?, ?)", false),
        ("UPDATE t SET s = ?, l = ? WHERE k = ?", false),
        ("INSERT INTO t JSON ?", false),
        ("BEGIN BATCH INSERT INTO t (k, l) VALUES (?, ?); APPLY BATCH", false),
        ("INSERT INTO t (k, f, s) VALUES (?, ?, ?)", true),
        ("UPDATE t SET l = l - ?, s = ? WHERE k = ?", false),
        ("UPDATE t SET l = l - [1], s = ? WHERE k = ?", true),
        ("DELETE l FROM t WHERE k = ?", true),
    ] {
        let prepare = async |write| db.service().prepare(write).await.unwrap().is_idempotent();
        let write = Statement::new(text);
        assert_eq!(prepare(write.clone()).await, idempotent, "{text}");
        assert!(prepare(write.idempotent(true)).await, "the user knows better: {text}");
    }
}

#[tokio::test]
async fn a_counter_counts_although_the_first_request_was_stamped_as_a_write() {
    let db = connect(&["c (k int PRIMARY KEY, n counter)"]).await;
    let update = Statement::new("UPDATE c SET n = n + ? WHERE k = 1");
    for _ in 0..3 {
        db.execute(&update, (scylla::value::Counter(2),)).await.unwrap();
    }
    let read = Statement::new("SELECT n FROM c WHERE k = 1");
    let n = db.request(&read).await.unwrap().value::<scylla::value::Counter>().unwrap();
    assert_eq!(n.0, 6);
}

#[tokio::test]
async fn batches_written_as_text_run() {
    let db = connect(&["t (k int PRIMARY KEY, n int)"]).await;
    for (text, kind) in [
        (
            "BEGIN BATCH INSERT INTO t (k, n) VALUES (1, ?); INSERT INTO t (k, n) VALUES (2, ?); \
             APPLY BATCH",
            StatementKind::LoggedBatch,
        ),
        (
            "BEGIN UNLOGGED BATCH UPDATE t SET n = ? WHERE k = 3; UPDATE t SET n = ? WHERE k = 4; \
             APPLY BATCH",
            StatementKind::MultiPartition,
        ),
    ] {
        let batch = Statement::new(text);
        assert_eq!(batch.kind(), kind);
        db.execute(&batch, (7, 8)).await.unwrap();
    }
    let sum = Statement::new("SELECT sum(n) FROM t");
    assert_eq!(db.request(&sum).await.unwrap().value::<i32>().unwrap(), 30);
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
        let mut request = write().with_attempt_timeout(Duration::from_millis(400));
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
