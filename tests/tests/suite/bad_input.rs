//! Mistakes of the caller: typed errors that say what to do, and a session that works on.

use std::time::Duration;

use cqlstack_core::{Client, Error, ErrorClass, ErrorKind, Prepared, Request, Session, Statement};
use cqlstack_tests::cluster::Cluster;

use crate::support::{connect, run};

async fn table() -> Client<Session> {
    connect(&["t (k int PRIMARY KEY, v text)"]).await
}

/// The error, which is permanent, and the session answers after it.
async fn mistake(db: &Client<Session>, request: Request) -> Error {
    let error = db.request(request).await.unwrap_err();
    println!("{error}");
    assert_eq!(error.class(), ErrorClass::Permanent, "{error}");
    assert_eq!(run(db, "SELECT key FROM system.local").await.rows_count(), 1);
    error
}

#[tokio::test]
async fn a_syntax_error() {
    let db = table().await;
    for text in ["SELECT FROM", "SELEKT 1", "CREATE TABEL t", "'", ""] {
        let error = mistake(&db, Request::from(&Statement::new(text))).await;
        assert_eq!(*error.kind(), ErrorKind::Syntax);
        assert!(error.server_message().is_some());
    }
}

#[tokio::test]
async fn a_table_or_column_that_is_not_there() {
    let db = table().await;
    for text in ["SELECT a FROM nowhere.t", "SELECT nothing FROM t", "TRUNCATE nothing"] {
        let error = mistake(&db, Request::from(&Statement::new(text))).await;
        assert_eq!(*error.kind(), ErrorKind::Invalid);
    }
}

#[tokio::test]
async fn a_wrong_number_of_values() {
    let db = table().await;
    let insert = Statement::new("INSERT INTO t (k, v) VALUES (?, ?)");
    let too_few = mistake(&db, Request::new(&insert, (1,))).await;
    let too_many = mistake(&db, Request::new(&insert, (1, "a", "b"))).await;
    let none = mistake(&db, Request::from(&insert)).await;
    for error in [too_few, too_many, none] {
        assert!(matches!(error.kind(), ErrorKind::Values(_)), "{error}");
    }
}

#[tokio::test]
async fn a_value_of_a_wrong_type_names_the_column_and_shows_no_value() {
    let db = table().await;
    let insert = Statement::new("INSERT INTO t (k, v) VALUES (?, ?)");
    let error = mistake(&db, Request::new(&insert, ("hush", 2))).await;
    assert!(matches!(error.kind(), ErrorKind::Values(_)));
    assert!(error.to_string().contains("column k"));
    assert!(!format!("{error} {error:?}").contains("hush"));
}

#[tokio::test]
async fn values_for_a_statement_that_takes_none() {
    let db = table().await;
    let error = mistake(&db, Request::new(Statement::new("TRUNCATE t"), (1,))).await;
    assert!(matches!(error.kind(), ErrorKind::Values(_)), "{error}");
}

#[tokio::test]
async fn something_that_exists_already() {
    let db = table().await;
    let again = Request::from(&Statement::new("CREATE TABLE t (k int PRIMARY KEY)"));
    let error = mistake(&db, again).await;
    assert!(matches!(error.kind(), ErrorKind::AlreadyExists { table, .. } if table == "t"));
}

#[tokio::test]
async fn a_page_without_rows() {
    let db = table().await;
    for request in [
        Request::from(&Statement::new("SELECT k FROM t")),
        Request::from(&Statement::new("TRUNCATE t")),
    ] {
        let error = mistake(&db, request.with_page_size(0)).await;
        assert!(matches!(error.kind(), ErrorKind::InvalidRequest(_)));
    }
}

#[tokio::test]
async fn what_a_test_made_is_refused_by_a_real_session() {
    let db = table().await;
    let select = Statement::new("SELECT k FROM t");
    let bound = Request::from(&select).bind(&Prepared::made(&select)).unwrap();
    let error = mistake(&db, bound).await;
    assert!(matches!(error.kind(), ErrorKind::InvalidRequest(_)));
}

#[tokio::test]
async fn times_beyond_the_clock_are_no_panic() {
    let db = table().await;
    let select = Statement::new("SELECT k FROM t");
    let patient = Request::from(&select).with_attempt_timeout(Duration::MAX);
    assert!(db.request(patient).await.is_ok());
    let hurried = Request::from(&select).with_attempt_timeout(Duration::ZERO);
    assert!(db.request(hurried).await.is_err());
}

#[tokio::test]
async fn the_server_s_words_can_hold_values_and_are_had_by_name_only() {
    let db = table().await;
    let insert = Statement::new("INSERT INTO t JSON ?");
    let error = mistake(&db, Request::new(&insert, ("{\"k\": \"hush\"}",))).await;
    assert_eq!(*error.kind(), ErrorKind::Invalid);
    assert!(error.server_message().unwrap().contains("hush"));
    let chain = std::iter::successors(Some(&error as &dyn std::error::Error), |e| e.source());
    let printed: Vec<String> = chain.map(|error| format!("{error} {error:?}")).collect();
    assert!(!printed.join(" ").contains("hush"), "{printed:?}");
}

#[tokio::test]
async fn a_failing_request_on_one_clone_leaves_the_others_alone() {
    let db = Client::new(
        Session::builder()
            .contact_points(Cluster::shared().await.unwrap().contact_points())
            .build()
            .await
            .unwrap(),
    );
    let other = db.clone();
    let wrong = Statement::new("SELECT a FROM nowhere.t");
    let (failed, good) =
        futures::join!(db.request(&wrong), run(&other, "SELECT key FROM system.local"));
    assert!(failed.is_err());
    assert_eq!(good.rows_count(), 1);
}
