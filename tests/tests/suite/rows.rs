//! What a response of a real server gives.

use std::time::Duration;

use cqlstack_core::{Batch, CqlValue, DeserializeRow, DynamicRow, ErrorKind, Request, Statement};
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

#[tokio::test]
async fn a_result_whose_columns_nobody_knows_is_read_as_names_and_values() {
    let columns =
        "id int PRIMARY KEY, name text, tags set<text>, at timestamp, score map<text, double>";
    let db = connect(&[&format!("users ({columns})")]).await;
    run(&db, "INSERT INTO users (id, name, tags) VALUES (7, 'Ada', {'a', 'b'})").await;
    let all = run(&db, "SELECT id, at, name, score, tags, count(*) AS n FROM users").await;
    let names: Vec<_> = all.columns().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(names, ["id", "at", "name", "score", "tags", "n"]);
    let row: DynamicRow = all.row().unwrap();
    assert_eq!(row.get("id"), Some(&CqlValue::Int(7)));
    assert_eq!(row.get("name"), Some(&CqlValue::Text("Ada".to_owned())));
    assert_eq!(row.get("n"), Some(&CqlValue::BigInt(1)));
    let text = |text: &str| CqlValue::Text(text.to_owned());
    assert_eq!(row.get("tags"), Some(&CqlValue::Set(vec![text("a"), text("b")])));
    assert!(row.get("at").is_none() && row.has("at") && !row.has("nothing"));
    let owned: Vec<_> = row.into_iter().map(|(name, _)| name).collect();
    assert_eq!(owned, names);
    let mut stream = db.rows::<DynamicRow>("SELECT id FROM users");
    let row = stream.next_row().await.unwrap().unwrap();
    assert_eq!(row.iter().collect::<Vec<_>>(), [("id", Some(&CqlValue::Int(7)))]);
    assert!(run(&db, "TRUNCATE users").await.columns().next().is_none());
}

#[tokio::test]
async fn a_request_is_traced_by_the_server_if_that_is_asked_for() {
    let db = connect(&["t (k int PRIMARY KEY)"]).await;
    let session = db.session().unwrap();
    let insert = Statement::new("INSERT INTO t (k) VALUES (?)");
    let prepared = session.prepare(&insert).await.unwrap();
    let traced = [
        Request::new(&insert, (1,)).with_tracing(),
        Request::new(&insert, (1,)).with_tracing().bind(&prepared).unwrap(),
        Request::new(&insert, (1,)).bind(&prepared).unwrap().with_tracing(),
        Request::from("SELECT k FROM t").with_tracing(),
        Request::from("SELECT k FROM t").with_tracing().without_paging(),
        Request::from("TRUNCATE t").with_tracing(),
        Request::from(Batch::same_partition().add(&insert, (1,))).with_tracing(),
    ];
    for request in traced {
        let id = db.request(request).await.unwrap().tracing_id().unwrap();
        let trace = session.trace(id, Duration::from_secs(10)).await.unwrap();
        assert!(trace.took.is_some() && !trace.events.is_empty(), "{trace:?}");
        assert!(trace.coordinator.is_some());
    }
    assert_eq!(db.execute(&insert, (1,)).await.unwrap().tracing_id(), None);
    let unknown = session.trace(uuid::Uuid::from_u128(7), Duration::from_secs(1)).await;
    assert!(matches!(unknown.unwrap_err().kind(), ErrorKind::Rows(_)));
}
