//! Records, structs and user-defined types that do not fit: each line has one error, which begins as what follows it.

#![allow(dead_code)]

use renamed::value::CqlDate;
use renamed::{Client, DeserializeRow, DeserializeValue, query, query_as};

#[derive(DeserializeRow)]
#[scylla(crate = renamed::scylla)]
struct Unknown {
    k: i32,
    nome: Option<String>,
}

#[derive(DeserializeRow)]
#[scylla(crate = renamed::scylla)]
struct NeverNull {
    s: String,
}

#[derive(DeserializeRow)]
#[scylla(crate = renamed::scylla)]
struct OtherType {
    d: Option<i64>,
}

#[derive(DeserializeRow)]
#[scylla(crate = renamed::scylla)]
struct Elements {
    l: Vec<i64>,
}

#[derive(DeserializeRow)]
#[scylla(crate = renamed::scylla)]
struct Generic<const N: i32> {
    k: i32,
}

struct Plain;

#[derive(Debug, DeserializeValue)]
#[scylla(crate = renamed::scylla)]
struct Address {
    street: String,
    zap: i32,
}

async fn run(db: &Client) {
    drop(query_as!(Unknown, "SELECT k, s FROM t WHERE k = 1").fetch_one(db).await); // the statement has no column for the field `nome`
    drop(query_as!(NeverNull, "SELECT s FROM t WHERE k = 1").fetch_one(db).await); // `String` does not hold a column of the type `text` with the nullability `Nullable`
    drop(query_as!(OtherType, "SELECT d FROM t WHERE k = 1").fetch_one(db).await); // `i64` does not hold a column of the type `
    drop(query_as!(Elements, "SELECT l FROM t WHERE k = 1").fetch_one(db).await); // `i64` does not hold a column of the type `
    drop(query_as!(Generic<7>, "SELECT k FROM t WHERE k = 1").fetch_one(db).await); // `Generic<7>` is no struct for `query_as!`
    drop(query_as!(Plain, "SELECT k FROM t WHERE k = 1").fetch_one(db).await); // `Plain` is no struct for `query_as!`
    drop(query!(r#"SELECT d AS "d: i32" FROM t WHERE k = 1"#).fetch_one(db).await); // `i32` does not hold a column of the type `
    drop(query!(r#"SELECT s AS "s: CqlDate" FROM t WHERE k = 1"#).fetch_one(db).await); // `CqlDate` does not hold a column of the type `text`
    drop(query!(r#"SELECT home AS "home: Address" FROM t WHERE k = 1"#).fetch_one(db).await); // the user-defined type has no field for `
    drop(query!("SELECT k, s FROM t WHERE k = 1").fetch_scalar(db).await); // `fetch_scalar` takes a query of one column
    drop(query!("SELECT k FROM t WHERE k = 1").applied(db).await); // no method named `applied` found
    drop(query!("DELETE FROM t WHERE k = 1").fetch_one(db).await); // no method named `fetch_one` found
    drop(query!("DELETE FROM t WHERE k = 1 IF EXISTS").execute(db).await); // no method named `execute` found
}

fn main() {}
