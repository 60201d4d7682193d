//! `query!` and `query_as!` on a real server.

use cqlstack_core::{Client, Session};

use crate::support::{connect, run};

mod answers;
mod arguments;
mod nulls;
mod types;

/// A client of a keyspace that has the tables of a schema file, which names one and uses it.
async fn tables(schema: &str) -> Client<Session> {
    let db = connect(&[]).await;
    for scripted in cqlstack_syntax::script(schema).unwrap() {
        if !scripted.text.starts_with("CREATE KEYSPACE") && !scripted.text.starts_with("USE") {
            run(&db, scripted.text).await;
        }
    }
    db
}

/// `query!` with the schema of these tests.
macro_rules! app {
    ($text:literal $(, $argument:expr)* $(; $($options:tt)*)?) => {
        cqlstack_core::query!(
            $text $(, $argument)*; schema = "tests/suite/queries/schema.cql", $($($options)*)?
        )
    };
}

/// The same for `query_as!`.
macro_rules! app_as {
    ($record:ty, $text:literal $(, $argument:expr)* $(; $($options:tt)*)?) => {
        cqlstack_core::query_as!(
            $record, $text $(, $argument)*; schema = "tests/suite/queries/schema.cql", $($($options)*)?
        )
    };
}

use {app, app_as};

async fn app_tables() -> Client<Session> {
    tables(include_str!("schema.cql")).await
}
