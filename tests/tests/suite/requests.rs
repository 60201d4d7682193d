//! The three payloads, and the options of a request.

use std::collections::HashMap;

use cqlstack_core::layer::Payload;
use cqlstack_core::{
    Consistency, ErrorKind, Request, SerialConsistency, SerializeRow, Statement, StatementKind,
    StaticStatement,
};

use crate::support::{connect, run};

const USERS: &str = "users (id int PRIMARY KEY, name text)";

static INSERT: StaticStatement = StaticStatement::new("INSERT INTO users (id, name) VALUES (?, ?)");

#[tokio::test]
async fn a_raw_payload_is_prepared_and_executed() {
    let db = connect(&[USERS]).await;
    let insert = Statement::new("INSERT INTO users (id, name) VALUES (?, ?)");
    let done = db.execute(&insert, (1, "Ada")).await.unwrap();
    assert_eq!(done.rows_count(), 0);
    let select = Statement::new("SELECT name FROM users WHERE id = ?");
    assert_eq!(db.execute(&select, (1,)).await.unwrap().value::<&str>().unwrap(), "Ada");
    assert!(db.execute(&select, (2,)).await.unwrap().maybe_row::<(String,)>().unwrap().is_none());
}

#[tokio::test]
async fn a_prepare_payload_gives_what_can_be_bound_often() {
    let db = connect(&[USERS]).await;
    let answer = db.request(Request::prepare(&INSERT)).await.unwrap();
    let prepared = answer.prepared().unwrap();
    for id in 0..3 {
        let request = Request::new(&INSERT, (id, format!("User{id}"))).bind(prepared).unwrap();
        assert!(matches!(request.payload(), Payload::Bound(_)));
        let clone = request.clone();
        db.request(request).await.unwrap();
        db.request(clone).await.unwrap();
    }
    let count = run(&db, "SELECT count(*) FROM users").await;
    assert_eq!(count.value::<i64>().unwrap(), 3);
}

#[tokio::test]
async fn values_are_tuples_lists_maps_and_structs() {
    #[derive(SerializeRow)]
    struct User {
        name: String,
        id: i32,
    }
    let db = connect(&[USERS]).await;
    let insert = Statement::new("INSERT INTO users (id, name) VALUES (?, ?)");
    db.execute(&insert, (1, "tuple")).await.unwrap();
    db.execute(&insert, User { id: 2, name: "struct".to_owned() }).await.unwrap();
    let positional = Statement::new("UPDATE users SET name = ? WHERE id = 3");
    db.execute(&positional, vec!["list"]).await.unwrap();
    let by_name = Statement::new("UPDATE users SET name = :name WHERE id = 4");
    db.execute(&by_name, HashMap::from([("name", "map")])).await.unwrap();
    for (id, name) in [(1, "tuple"), (2, "struct"), (3, "list"), (4, "map")] {
        let select = Statement::new("SELECT name FROM users WHERE id = ?");
        assert_eq!(db.execute(&select, (id,)).await.unwrap().value::<&str>().unwrap(), name);
    }
}

#[tokio::test]
async fn a_change_of_the_schema_goes_unprepared_and_is_seen_at_once() {
    let db = connect(&[USERS, "users_2 (id int PRIMARY KEY)"]).await;
    run(&db, "ALTER TABLE users ADD email text").await;
    run(&db, "TRUNCATE users_2").await;
    let cached = run(&db, "SELECT query_string FROM system.prepared_statements").await;
    let mut texts = cached.rows::<(String,)>().unwrap().map(|row| row.unwrap().0);
    assert!(!texts.any(|text| text.starts_with("ALTER TABLE users") || text.contains("users_2")));
    run(&db, "SELECT email FROM users").await;
}

#[tokio::test]
async fn options_set_after_binding_hold_as_well() {
    let db = connect(&[USERS]).await;
    let insert = Statement::new("INSERT INTO users (id, name) VALUES (?, ?)");
    let prepared = db.service().prepare(&insert).await.unwrap();
    let bound = Request::new(&insert, (1, "Ada")).bind(&prepared).unwrap();
    let impossible = bound.clone().with_consistency(Consistency::Three);
    assert!(db.request(impossible).await.is_err());
    let stamped = bound.with_timestamp(Some(1_234_567));
    db.request(stamped).await.unwrap();
    let written = run(&db, "SELECT writetime(name) FROM users WHERE id = 1").await;
    assert_eq!(written.value::<i64>().unwrap(), 1_234_567);
}

#[tokio::test]
async fn nothing_of_the_statement_that_was_prepared_stays_with_another_of_the_same_text() {
    let db = connect(&[USERS]).await;
    let first = Statement::new("INSERT INTO users (id, name) VALUES (?, ?)").named("first");
    let second = first.clone().named("second");
    let prepared = db.service().prepare(&first).await.unwrap();
    let wrong = Request::new(&second, ("one", "Ada")).bind(&prepared).unwrap_err();
    assert_eq!(wrong.statement().unwrap().name(), "second");
    let mut late = Request::new(&second, ("one", "Ada"));
    late.attach_prepared(prepared).unwrap();
    let wrong = db.request(late).await.unwrap_err();
    assert!(matches!(wrong.kind(), ErrorKind::Values(_)), "{wrong}");
    assert_eq!(wrong.statement().unwrap().name(), "second");
}

#[tokio::test]
async fn a_conditional_statement_runs_at_the_serial_consistency_asked_for() {
    let db = connect(&[USERS]).await;
    let insert = Statement::new("INSERT INTO users (id, name) VALUES (?, ?) IF NOT EXISTS");
    assert_eq!(insert.kind(), StatementKind::Conditional);
    for serial in [SerialConsistency::Serial, SerialConsistency::LocalSerial] {
        let request = Request::new(&insert, (1, "Ada")).with_serial_consistency(serial);
        let answer = db.request(request).await.unwrap();
        assert_eq!(answer.applied().unwrap(), serial == SerialConsistency::Serial);
    }
    let select = Statement::new("SELECT name FROM users WHERE id = ?");
    let serial_read = Request::new(&select, (1,)).with_consistency(Consistency::Serial);
    assert_eq!(db.request(serial_read).await.unwrap().value::<&str>().unwrap(), "Ada");
}
