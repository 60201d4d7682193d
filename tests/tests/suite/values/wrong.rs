//! What is said of values and rows that do not fit.

use std::collections::HashMap;
use std::fmt::{Debug, Write};

use cqlstack_core::value::{CqlDate, CqlValue, MaybeEmpty};
use cqlstack_core::{
    Client, DeserializeRow, DeserializeValue, ErrorKind, Response, SerializeRow, SerializeValue,
    Session, Statement,
};

use super::is_kept;
use super::pairs::{Point, chrono};
use crate::support::{connect, run};

const TABLE: &str = "t (k int PRIMARY KEY, n int, name text, tags list<int>, names set<text>, ages map<text, int>, \
                     place vector<float, 3>, pair frozen<tuple<int, text>>, at frozen<point>, d date, data blob, \
                     deep map<text, frozen<list<frozen<tuple<int, text>>>>>)";

/// A secret, which no message shows.
const SECRET: &str = "hush";

/// The messages, each after what was tried.
struct Said {
    db: Client<Session>,
    lines: String,
    count: usize,
}

impl Said {
    fn add(&mut self, tried: &str, error: &cqlstack_core::Error) {
        let said = match error.kind() {
            ErrorKind::Values(said) | ErrorKind::Rows(said) => said,
            other => panic!("{tried}: {other:?}"),
        };
        for word in
            [SECRET, "scylla", "Native(", "alloc::", "core::", "Builtin", "_cql", "Udt", "suite"]
        {
            assert!(!error.to_string().contains(word), "{tried}: {error}");
        }
        writeln!(self.lines, "{tried}\n    {said}").unwrap();
        self.count += 1;
    }

    /// Binds these to the statement.
    async fn bind(&mut self, tried: &str, text: &'static str, values: impl SerializeRow + Sync) {
        let error = Box::pin(self.db.execute(Statement::new(text), values)).await.unwrap_err();
        self.add(tried, &error);
    }

    /// Binds it to a column.
    async fn value(&mut self, column: &str, given: &str, value: impl SerializeValue + Sync) {
        let statement = Statement::new(format!("UPDATE t SET {column} = ? WHERE k = 0"));
        let answer = Box::pin(self.db.execute(statement, (value,))).await;
        let error = answer.expect_err(given);
        self.add(&format!("{column} = {given}"), &error);
    }

    /// Reads the rows of a query.
    async fn read<R>(&mut self, tried: &str, text: &str)
    where
        R: for<'r> DeserializeRow<'r, 'r> + Debug,
    {
        let response: Response = Box::pin(run(&self.db, text)).await;
        let error = response.rows::<R>().and_then(|mut rows| rows.next().unwrap()).unwrap_err();
        self.add(&format!("{text} as {tried}"), &error);
    }
}

#[derive(SerializeRow)]
struct Renamed {
    k: i32,
    nome: &'static str,
}

#[derive(SerializeRow)]
struct Short {
    k: i32,
}

#[derive(SerializeRow)]
#[scylla(flavor = "enforce_order")]
struct Turned {
    name: &'static str,
    k: i32,
}

#[derive(DeserializeValue, Debug)]
#[scylla(forbid_excess_udt_fields)]
#[expect(dead_code, reason = "it is not read")]
struct Flat {
    x: i32,
}

#[derive(SerializeValue, DeserializeValue, Debug)]
struct Solid {
    x: i32,
    y: i32,
    z: i32,
}

#[derive(SerializeValue, DeserializeValue, Debug)]
struct Texts {
    x: String,
    y: String,
}

#[derive(SerializeValue, DeserializeValue, Debug)]
struct Full {
    x: i32,
    y: i32,
}

#[derive(DeserializeRow, Debug)]
#[expect(dead_code, reason = "it is not read")]
struct Named {
    k: i32,
    nome: Option<String>,
}

#[derive(DeserializeRow, Debug)]
#[expect(dead_code, reason = "it is not read")]
struct Narrow {
    k: i32,
}

#[derive(DeserializeRow, Debug)]
#[scylla(flavor = "enforce_order")]
#[expect(dead_code, reason = "it is not read")]
struct Ordered {
    name: String,
    k: i32,
}

async fn wrong_values(said: &mut Said) {
    const INSERT: &str = "INSERT INTO t (k, name) VALUES (?, ?)";
    said.bind("two markers, one value", INSERT, (1,)).await;
    said.bind("two markers, three values", INSERT, (1, SECRET, 2)).await;
    said.bind("two markers, none", INSERT, ()).await;
    said.bind("k and name of a struct with k and nome", INSERT, Renamed { k: 1, nome: SECRET })
        .await;
    said.bind("k and name of a struct with k", INSERT, Short { k: 1 }).await;
    said.bind("k and name in the order of a struct", INSERT, Turned { name: SECRET, k: 1 }).await;
    said.bind("k and name of a map without name", INSERT, HashMap::from([("k", 1)])).await;
    said.value("n", "i64", 1_i64).await;
    said.value("n", "&str", SECRET).await;
    said.value("n", "Option<i16>", Some(1_i16)).await;
    said.value("n", "CqlValue::Text", CqlValue::Text(SECRET.to_owned())).await;
    said.value("name", "Vec<u8>", SECRET.as_bytes().to_vec()).await;
    said.value("ages", "CqlValue::Empty", CqlValue::Empty).await;
    said.value("data", "String", SECRET.to_owned()).await;
    said.value("d", "i32", 7).await;
    said.value("tags", "i32", 7).await;
    said.value("tags", "Vec<i64>", vec![1_i64]).await;
    said.value("tags", "HashMap<i32, i32>", HashMap::from([(1, 1)])).await;
    said.value("names", "Vec<i32>", vec![1]).await;
    said.value("ages", "Vec<i32>", vec![1]).await;
    said.value("ages", "HashMap<i32, i32>", HashMap::from([(1, 1)])).await;
    said.value("ages", "HashMap<&str, &str>", HashMap::from([("a", SECRET)])).await;
    said.value("place", "Vec<f32> of 2", vec![0.5_f32, 1.5]).await;
    said.value("place", "Vec<f64> of 3", vec![0.5_f64, 1.5, 2.5]).await;
    said.value("pair", "(i32, i32)", (1, 2)).await;
    said.value("pair", "(i32, &str, i32)", (1, SECRET, 2)).await;
    said.value("pair", "i32", 1).await;
    said.value("at", "i32", 1).await;
    said.value("at", "a struct with x, y and z", Solid { x: 1, y: 2, z: 3 }).await;
    said.value("at", "a struct with texts", Texts { x: SECRET.to_owned(), y: String::new() }).await;
    let deep = HashMap::from([("a", vec![(1, 2)])]);
    said.value("deep", "HashMap<&str, Vec<(i32, i32)>>", deep).await;
}

async fn wrong_reads(said: &mut Said) {
    said.read::<(i64,)>("(i64,)", "SELECT n FROM t").await;
    said.read::<(i32,)>("(i32,)", "SELECT n FROM t WHERE k = 1").await;
    said.read::<(i32,)>("(i32,)", "SELECT n FROM t WHERE k = 2").await;
    said.read::<(Option<i32>,)>("(Option<i32>,)", "SELECT n FROM t WHERE k = 2").await;
    said.read::<(String,)>("(String,)", "SELECT name FROM t WHERE k = 1").await;
    said.read::<(i32,)>("(i32,)", "SELECT k, name FROM t").await;
    said.read::<Named>("a struct with k and nome", "SELECT k, name FROM t").await;
    said.read::<Named>("a struct with k and nome", "SELECT k FROM t").await;
    said.read::<Narrow>("a struct with k", "SELECT k, name FROM t").await;
    said.read::<Ordered>("a struct with name before k", "SELECT k, name FROM t").await;
    said.read::<(Vec<i64>,)>("(Vec<i64>,)", "SELECT tags FROM t").await;
    said.read::<(i32,)>("(i32,)", "SELECT tags FROM t").await;
    said.read::<(Vec<i32>,)>("(Vec<i32>,)", "SELECT n FROM t").await;
    said.read::<(HashMap<String, String>,)>("(HashMap<String, String>,)", "SELECT ages FROM t")
        .await;
    said.read::<(HashMap<i32, i32>,)>("(HashMap<i32, i32>,)", "SELECT ages FROM t").await;
    said.read::<(Vec<f64>,)>("(Vec<f64>,)", "SELECT place FROM t").await;
    said.read::<((i32,),)>("((i32,),)", "SELECT pair FROM t").await;
    said.read::<((i32, i32),)>("((i32, i32),)", "SELECT pair FROM t").await;
    said.read::<((i32, String),)>("((i32, String),)", "SELECT pair FROM t WHERE k = 0").await;
    said.read::<(Flat,)>("a struct with x", "SELECT at FROM t WHERE k = 0").await;
    said.read::<(Solid,)>("a struct with x, y and z", "SELECT at FROM t WHERE k = 0").await;
    said.read::<(Texts,)>("a struct with texts", "SELECT at FROM t WHERE k = 0").await;
    said.read::<(Full,)>("a struct without Option", "SELECT at FROM t WHERE k = 0").await;
    said.read::<(chrono::NaiveDate,)>("(chrono::NaiveDate,)", "SELECT d FROM t WHERE k = 0").await;
}

/// `CQLSTACK_WRITE=1` writes them.
#[tokio::test]
async fn each_message_names_the_column_the_types_and_what_would_fit() {
    let db = connect(&[]).await;
    run(&db, "CREATE TYPE point (x int, y int)").await;
    run(&db, &format!("CREATE TABLE {TABLE}")).await;
    let insert = Statement::new("INSERT INTO t (k, n, pair, at, d) VALUES (?, ?, ?, ?, ?)");
    let pair = (7, None::<&str>);
    db.execute(&insert, (0, 7, pair, Point { x: 7, y: None }, CqlDate(u32::MAX))).await.unwrap();
    run(&db, "INSERT INTO t (k) VALUES (1)").await;
    let empty = MaybeEmpty::<i32>::Empty;
    db.execute("INSERT INTO t (k, n) VALUES (2, ?)", (empty,)).await.unwrap();
    let mut said = Said { db, lines: String::new(), count: 0 };
    wrong_values(&mut said).await;
    wrong_reads(&mut said).await;
    assert!(said.count >= 40, "{}", said.count);
    is_kept("tests/suite/values/wrong.txt", &said.lines);
}
