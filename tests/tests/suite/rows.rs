//! What a response of a real server gives.

use cqlstack_core::{DeserializeRow, ErrorKind, Statement};
use cqlstack_tests::cluster::Cluster;

use crate::support::{connect, run};

#[derive(Debug, PartialEq, DeserializeRow)]
struct User {
    id: i32,
    name: Option<String>,
}

#[tokio::test]
async fn rows_are_typed_and_may_borrow() {
    let db = connect(&["users (id int PRIMARY KEY, name text)"]).await;
    run(&db, "INSERT INTO users (id, name) VALUES (1, 'Ada')").await;
    run(&db, "INSERT INTO users (id) VALUES (2)").await;
    let users = run(&db, "SELECT id, name FROM users").await;
    let mut all: Vec<User> = users.rows().unwrap().map(Result::unwrap).collect();
    all.sort_by_key(|user| user.id);
    assert_eq!(all, [User { id: 1, name: Some("Ada".to_owned()) }, User { id: 2, name: None }]);
    let one = run(&db, "SELECT name FROM users WHERE id = 1").await;
    assert_eq!(one.row::<(&str,)>().unwrap(), ("Ada",));
    assert_eq!(one.value::<&str>().unwrap(), "Ada");
}

#[tokio::test]
async fn a_type_that_does_not_fit_is_an_error_that_names_the_column() {
    let db = connect(&["users (id int PRIMARY KEY, name text)"]).await;
    run(&db, "INSERT INTO users (id) VALUES (1)").await;
    let users = run(&db, "SELECT id, name FROM users").await;
    let wrong = users.row::<(i32, i32)>().unwrap_err();
    println!("{wrong}");
    assert!(matches!(wrong.kind(), ErrorKind::Rows(_)));
    let null = users.row::<(i32, String)>().unwrap_err();
    println!("{null}");
    assert!(null.to_string().contains("column name"));
}

#[tokio::test]
async fn it_names_its_coordinator() {
    let db = connect(&["t (k int PRIMARY KEY)"]).await;
    let cluster = Cluster::shared().await.unwrap();
    for text in ["SELECT k FROM t", "INSERT INTO t (k) VALUES (1)", "TRUNCATE t"] {
        let coordinator = run(&db, text).await.coordinator().unwrap();
        assert!(cluster.nodes().iter().any(|node| node.address() == coordinator), "{text}");
    }
}

#[tokio::test]
async fn the_server_s_warnings_are_there() {
    let db = connect(&["t (k int PRIMARY KEY)"]).await;
    let inserts: Vec<_> = (0..40).map(|k| format!("INSERT INTO t (k) VALUES ({k});")).collect();
    let inserts = inserts.concat();
    let batch = Statement::new(format!("BEGIN UNLOGGED BATCH {inserts} APPLY BATCH"));
    let answer = db.request(&batch).await.unwrap();
    assert!(answer.warnings().concat().contains("partitions"), "{:?}", answer.warnings());
    assert!(run(&db, "SELECT k FROM t WHERE k = 1").await.warnings().is_empty());
}
