//! What the driver may send to another node by itself, and what it must not.

use cqlstack_core::{
    Client, Consistency, ErrorClass, ErrorKind, Request, Session, Statement, StatementKind,
};
use cqlstack_tests::cluster::{Cluster, Lent};

use crate::support::run;

/// A table of three replicas, of which one is down, and a session that knows that.
async fn one_of_three_down() -> (Lent, Client<Session>) {
    let cluster = Cluster::shared_three().await.unwrap();
    let name = cluster.keyspace(3).await.unwrap().name().to_owned();
    let points = cluster.contact_points();
    let session = Session::builder().contact_points(&points[..1]).keyspace(name).build();
    let db = Client::new(session.await.unwrap());
    run(&db, "CREATE TABLE t (k int PRIMARY KEY, v int)").await;
    run(&db, "CREATE TABLE c (k int PRIMARY KEY, n counter)").await;
    // In order, so that it takes leave of the others.
    cluster.node(2).unwrap().stop().await.unwrap();
    (cluster, db)
}

/// How often the driver sent something again.
fn resends(db: &Client<Session>) -> u64 {
    db.service().driver().unwrap().get_metrics().get_retries_num()
}

/// Until the others have noticed that a node is down, they wait for it.
async fn until_unavailable(db: &Client<Session>, request: &Request) {
    let noticed = async {
        loop {
            match db.request(request.clone()).await {
                Err(error) if matches!(error.kind(), ErrorKind::Unavailable { .. }) => return,
                _ => {}
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), noticed).await.unwrap();
}

#[tokio::test]
async fn only_reads_and_plain_writes_are_sent_again_by_the_driver() {
    let (_cluster, db) = one_of_three_down().await;
    let at_all = |text: &'static str| Request::from(&Statement::new(text));
    let read = at_all("SELECT v FROM t WHERE k = 1").with_consistency(Consistency::All);
    until_unavailable(&db, &read).await;
    for (text, kind, class, resent) in [
        ("SELECT v FROM t WHERE k = 1", StatementKind::Read, ErrorClass::NotExecuted, 1),
        ("INSERT INTO t (k, v) VALUES (1, 1)", StatementKind::Write, ErrorClass::NotExecuted, 1),
        (
            "DELETE FROM t WHERE k IN (1, 2)",
            StatementKind::MultiPartition,
            ErrorClass::Ambiguous,
            0,
        ),
        (
            "BEGIN BATCH INSERT INTO t (k, v) VALUES (1, 1); APPLY BATCH",
            StatementKind::LoggedBatch,
            ErrorClass::NotExecuted,
            0,
        ),
        ("UPDATE c SET n = n + 1 WHERE k = 1", StatementKind::Counter, ErrorClass::NotExecuted, 0),
        (
            "INSERT INTO t (k, v) VALUES (7, 7) IF NOT EXISTS",
            StatementKind::Conditional,
            ErrorClass::Ambiguous,
            0,
        ),
    ] {
        let before = resends(&db);
        // A write that may be sent twice has another class, which the next test shows.
        let statement = Statement::new(text).idempotent(kind == StatementKind::Read);
        let request = Request::from(&statement).with_consistency(Consistency::All);
        let error = db.request(request).await.unwrap_err();
        println!("{error}");
        assert!(matches!(error.kind(), ErrorKind::Unavailable { .. }), "{error}");
        assert_eq!(error.statement().unwrap().kind(), kind, "{text}");
        assert_eq!(error.class(), class, "{text}");
        assert_eq!(resends(&db) - before, resent, "{text}");
    }
    // It was right to call it ambiguous: the proposal had been accepted before the commit failed.
    let serial = at_all("SELECT v FROM t WHERE k = 7").with_consistency(Consistency::Serial);
    assert_eq!(db.request(serial).await.unwrap().value::<i32>().unwrap(), 7);
}

#[tokio::test]
async fn an_idempotent_write_that_may_have_failed_over_is_never_called_not_executed() {
    let (_cluster, db) = one_of_three_down().await;
    let insert = Statement::new("INSERT INTO t (k, v) VALUES (1, 1)");
    let request = Request::from(&insert).with_consistency(Consistency::All);
    until_unavailable(&db, &request).await;
    let error = db.request(request).await.unwrap_err();
    println!("{error}");
    assert_eq!(error.class(), ErrorClass::Ambiguous);
}

#[tokio::test]
async fn with_a_node_down_reads_and_idempotent_writes_go_on_without_an_error() {
    let cluster = Cluster::shared_three().await.unwrap();
    let name = cluster.keyspace(3).await.unwrap().name().to_owned();
    let session =
        Session::builder().contact_points(cluster.contact_points()).keyspace(name).build();
    let db = Client::new(session.await.unwrap());
    run(&db, "CREATE TABLE t (k int PRIMARY KEY, v int)").await;
    let insert = Statement::new("INSERT INTO t (k, v) VALUES (?, ?)");
    let select = Statement::new("SELECT v FROM t WHERE k = ?");
    let insert_prepared = db.service().prepare(&insert).await.unwrap();
    let select_prepared = db.service().prepare(&select).await.unwrap();
    for k in 0..300 {
        if k == 100 {
            cluster.node(1).unwrap().kill().await.unwrap();
        }
        let write = Request::new(&insert, (k, k)).with_consistency(Consistency::One);
        db.request(write.bind(&insert_prepared).unwrap()).await.unwrap();
        let read = Request::new(&select, (k,)).with_consistency(Consistency::One);
        db.request(read.bind(&select_prepared).unwrap()).await.unwrap();
    }
}
