//! Scripts of CQL, on a real Cassandra.

use std::error::Error;

use cqlstack_core::{ErrorClass, ErrorKind, Script};

use crate::support::{connect, full_stack};

const SCHEMA: &str = "
-- A schema; with semicolons where they end nothing.
CREATE TYPE place (city text, zip int);
CREATE TABLE users (id int PRIMARY KEY, name text, home frozen<place>) WITH comment = 'a; b';
CREATE INDEX ON users (name);
ALTER TABLE users ADD born date;
ALTER TYPE place ADD street text;
INSERT INTO users (id, name, born) VALUES (1, 'Ada', '1815-12-10');
";

#[tokio::test]
async fn a_schema_runs_once_and_with_if_not_exists_as_often_as_one_likes() {
    let session = connect(&[]).await;
    let db = full_stack(session.service());
    assert_eq!(db.run_script(SCHEMA).await.unwrap(), 6);
    let ada = db.request("SELECT name FROM users WHERE id = 1").await.unwrap();
    assert_eq!(ada.value::<&str>().unwrap(), "Ada");
    for _ in 0..2 {
        let again = Script::new(SCHEMA).if_not_exists();
        assert_eq!(db.run_script(again).await.unwrap(), 6);
    }
    let error = db.run_script(SCHEMA).await.unwrap_err();
    assert_eq!((error.line, error.column, error.executed), (3, 1, 0));
    assert_eq!(error.error.class(), ErrorClass::Permanent);
    assert!(error.to_string().starts_with("line 3, column 1: CREATE TYPE place: "), "{error}");
}

#[tokio::test]
async fn a_failure_ends_it_with_line_statement_and_class_and_no_value() {
    let session = connect(&[]).await;
    let script = "CREATE TABLE a (k int PRIMARY KEY);\n\n  INSERT INTO a (k, b) VALUES (1, 'hush');\nDROP TABLE a";
    let error = session.run_script(script).await.unwrap_err();
    assert_eq!((error.line, error.column, error.executed), (3, 3, 1));
    assert_eq!(*error.error.kind(), ErrorKind::Invalid);
    let told = error.to_string();
    assert!(told.starts_with("line 3, column 3: INSERT a: "), "{told}");
    assert!(!format!("{told} {error:?}").contains("hush") && error.source().is_none());
    // The last statement was not sent.
    assert!(session.request("SELECT k FROM a").await.is_ok());
}
