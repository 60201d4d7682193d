//! Each pair of types of the table in the documentation, bound by `query!` and read by `query_as!`.

#![allow(clippy::float_cmp, reason = "what is read is exactly what was bound")]

use cqlstack_core::value::secrecy_10::{ExposeSecret, SecretBox, SecretString};
use cqlstack_core::{Client, DeserializeRow, Session, query, query_as};

use super::tables;
use crate::support::run;
use crate::values::pairs::*;

async fn pairs() -> Client<Session> {
    let db = tables(include_str!("pairs.cql")).await;
    run(&db, "INSERT INTO t (k) VALUES (0)").await;
    db
}

macro_rules! bound {
    ($db:ident, $column:literal, $value:ident) => {
        query!(
            concat!("UPDATE t SET ", $column, " = ? WHERE k = 0"), $value;
            schema = "tests/suite/queries/pairs.cql"
        )
        .execute(&$db)
        .await
        .unwrap()
    };
}

macro_rules! selected {
    ($db:ident, $column:literal, $read:ty) => {{
        #[derive(DeserializeRow)]
        struct Read {
            v: $read,
        }
        query_as!(
            Read, concat!("SELECT ", $column, " AS \"v!\" FROM t WHERE k = 0");
            schema = "tests/suite/queries/pairs.cql"
        )
        .fetch_one(&$db)
        .await
        .unwrap()
        .v
    }};
}

macro_rules! typed {
    ($db:ident $column:literal both $cql:literal $(or empty)?, $rust:ty, $($value:expr),*) => {
        let values: Vec<$rust> = vec![$($value),*];
        Box::pin(async {
            for value in values {
                bound!($db, $column, value);
                assert_eq!(selected!($db, $column, $rust), value, "{}", $cql);
            }
        })
        .await;
    };
    // Read of a response that it borrows from.
    ($db:ident $column:literal lent $cql:literal, $rust:ty, $($value:expr),*) => {
        let values: Vec<$rust> = vec![$($value),*];
        Box::pin(async {
            for value in values {
                bound!($db, $column, value);
                let select = query!(
                    concat!("SELECT ", $column, " FROM t WHERE k = 0");
                    schema = "tests/suite/queries/pairs.cql"
                );
                let response = select.execute(&$db).await.unwrap();
                assert_eq!(response.value::<$rust>().unwrap(), value, "{}", $cql);
            }
        })
        .await;
    };
    ($db:ident $column:literal bind $cql:literal, $rust:ty as $read:ty, $value:expr => $expected:expr) => {
        Box::pin(async {
            let value: $rust = $value;
            bound!($db, $column, value);
            assert_eq!(selected!($db, $column, $read), $expected, "{}", $cql);
        })
        .await;
    };
    ($db:ident $column:literal read $cql:literal, $rust:ty, $value:expr => |$read:ident| $holds:expr) => {
        Box::pin(async {
            let value = $value;
            bound!($db, $column, value);
            let select = query!(
                concat!("SELECT ", $column, " FROM t WHERE k = 0");
                schema = "tests/suite/queries/pairs.cql"
            );
            let response = select.execute(&$db).await.unwrap();
            let $read = response.value::<$rust>().unwrap();
            assert!($holds, "{} as {}", $cql, stringify!($rust));
        })
        .await;
    };
}

#[tokio::test]
async fn numbers_texts_and_bytes_are_bound_and_read() {
    let db = pairs().await;
    numbers!(typed, db);
    texts!(typed, db);
}

#[tokio::test]
async fn times_and_collections_are_bound_and_read() {
    let db = pairs().await;
    times!(typed, db);
    collections!(typed, db);
}

#[tokio::test]
async fn counters_and_secrets_are_bound_and_read() {
    let db = pairs().await;
    let count = Counter(i64::MAX);
    let counted = query!(
        "UPDATE c SET v = v + ? WHERE k = 0", count;
        schema = "tests/suite/queries/pairs.cql"
    );
    counted.execute(&db).await.unwrap();
    let read = query!("SELECT v FROM c WHERE k = 0"; schema = "tests/suite/queries/pairs.cql");
    assert_eq!(read.fetch_one(&db).await.unwrap().v, count);
    let (name, pin) = (SecretString::from("hush"), SecretBox::new(Box::new(7)));
    let insert = query!(
        "INSERT INTO s (k, name, pin) VALUES (0, ?, ?)", name, pin;
        schema = "tests/suite/queries/pairs.cql"
    );
    assert!(!format!("{insert:?}").contains("hush"));
    insert.execute(&db).await.unwrap();
    let kept = query!(
        r#"SELECT name AS "name!: SecretString", pin AS "pin!: SecretBox<i32>" FROM s WHERE k = 0"#;
        schema = "tests/suite/queries/pairs.cql"
    );
    let kept = kept.fetch_one(&db).await.unwrap();
    assert_eq!((kept.name.expose_secret(), *kept.pin.expose_secret()), ("hush", 7));
}
