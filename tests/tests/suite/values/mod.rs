//! Values of each type, bound and read on a real server, and the table of them in the documentation.

#![allow(
    clippy::float_cmp,
    clippy::vec_init_then_push,
    reason = "what is read is exactly what was bound; macros push the pairs"
)]

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

use cqlstack_core::value::secrecy_10::{ExposeSecret, SecretBox, SecretString};
use cqlstack_core::value::{MaybeEmpty, MaybeUnset, SerializeValue, Unset};
use cqlstack_core::{Client, Response, Statement};
use cqlstack_middleware::StatementCacheLayer;

use crate::support::{connect, run};

pub(crate) mod pairs;
mod wrong;

use pairs::*;

const TYPES: [&str; 2] = [
    "CREATE TYPE point (x int, y int)",
    "CREATE TYPE shape (name text, points frozen<list<frozen<point>>>, at frozen<tuple<double, double>>, \
     tags frozen<map<text, frozen<set<int>>>>)",
];

/// A CQL type, a Rust type, and in which column of the table it is.
type Pair = (&'static str, String, usize);

/// The columns of the table.
const BOTH: usize = 0;
const BOUND: usize = 1;
const READ: usize = 2;

macro_rules! listed {
    ($to:ident $column:literal lent $($pair:tt)*) => {
        listed!($to $column both $($pair)*);
    };
    ($to:ident $column:literal both $cql:literal $(or empty)?, $rust:ty, $($values:tt)*) => {
        $to.push(($cql, stringify!($rust).to_owned(), BOTH));
    };
    ($to:ident $column:literal bind $cql:literal, $rust:ty as $($values:tt)*) => {
        $to.push(($cql, stringify!($rust).to_owned(), BOUND));
    };
    ($to:ident $column:literal read $cql:literal, $rust:ty, $($values:tt)*) => {
        $to.push(($cql, stringify!($rust).to_owned(), READ));
    };
}

/// A table with a column for each pair of a family.
struct Checked {
    db: Client,
    next: usize,
}

impl Checked {
    async fn new(pairs: &[Pair]) -> Self {
        let db = connect(&[]).await;
        for kind in TYPES {
            run(&db, kind).await;
        }
        let columns: Vec<_> =
            pairs.iter().enumerate().map(|(at, (cql, ..))| format!("v{at} {cql}")).collect();
        run(&db, &format!("CREATE TABLE t (k int PRIMARY KEY, {})", columns.join(", "))).await;
        // It is there also where all else is null.
        run(&db, "INSERT INTO t (k) VALUES (0)").await;
        Self { db: db.layer(StatementCacheLayer::default()).boxed(), next: 0 }
    }

    fn column(&mut self) -> String {
        self.next += 1;
        format!("v{}", self.next - 1)
    }

    /// What is read after this was bound.
    async fn kept(&self, column: &str, value: &(dyn SerializeValue + Sync)) -> Response {
        let bind = Statement::new(format!("UPDATE t SET {column} = ? WHERE k = 0"));
        let bound = Box::pin(self.db.execute(&bind, (value,))).await;
        bound.unwrap_or_else(|error| panic!("{column}: {error}"));
        let select = Statement::new(format!("SELECT {column} FROM t WHERE k = 0"));
        Box::pin(self.db.request(select)).await.unwrap()
    }
}

macro_rules! checked {
    ($to:ident $column:literal lent $($pair:tt)*) => {
        checked!($to $column both $($pair)*);
    };
    ($to:ident $column:literal both $cql:literal, $rust:ty, $($value:expr),*) => {{
        let column = $to.column();
        $(
            let value: $rust = $value;
            let kept = $to.kept(&column, &value).await;
            assert_eq!(kept.value::<$rust>().unwrap(), value, "{}", $cql);
            // Bound again as whatever it was read as.
            if let Some(any) = kept.value::<Option<CqlValue>>().unwrap() {
                let kept = $to.kept(&column, &any).await;
                assert_eq!(kept.value::<$rust>().unwrap(), value, "{} by CqlValue", $cql);
            }
            let kept = $to.kept(&column, &Unset).await;
            assert_eq!(kept.value::<$rust>().unwrap(), value, "{} unset", $cql);
            let kept = $to.kept(&column, &MaybeUnset::<&$rust>::Unset).await;
            assert_eq!(kept.value::<$rust>().unwrap(), value, "{} perhaps unset", $cql);
            $to.kept(&column, &None::<&$rust>).await;
            let kept = $to.kept(&column, &MaybeUnset::Set(Some(&value))).await;
            assert_eq!(kept.value::<$rust>().unwrap(), value, "{} set", $cql);
        )*
        let kept = $to.kept(&column, &None::<&$rust>).await;
        assert!(kept.value::<Option<$rust>>().unwrap().is_none(), "{}", $cql);
    }};
    ($to:ident $column:literal both $cql:literal or empty, $rust:ty, $($value:expr),*) => {{
        let column = format!("v{}", $to.next);
        let empty: MaybeEmpty<$rust> = MaybeEmpty::Empty;
        let kept = $to.kept(&column, &empty).await;
        assert!(matches!(kept.value::<MaybeEmpty<$rust>>(), Ok(MaybeEmpty::Empty)), "{}", $cql);
        let kept = kept.value::<Option<MaybeEmpty<$rust>>>().unwrap();
        assert!(matches!(kept, Some(MaybeEmpty::Empty)), "{}", $cql);
        checked!($to $column both $cql, $rust, $($value),*);
    }};
    ($to:ident $column:literal bind $cql:literal, $rust:ty as $read:ty, $value:expr => $expected:expr) => {{
        let column = $to.column();
        let value: $rust = $value;
        let kept = $to.kept(&column, &value).await;
        assert_eq!(kept.value::<$read>().unwrap(), $expected, "{} of {}", $cql, stringify!($rust));
    }};
    ($to:ident $column:literal read $cql:literal, $rust:ty, $value:expr => |$read:ident| $holds:expr) => {{
        let column = $to.column();
        let kept = $to.kept(&column, &$value).await;
        let $read = kept.value::<$rust>().unwrap();
        assert!($holds, "{} as {}", $cql, stringify!($rust));
    }};
}

/// The pairs of a family, and all of them bound and read.
macro_rules! family {
    ($family:ident) => {{
        let mut pairs: Vec<Pair> = Vec::new();
        $family!(listed, pairs);
        let mut checked = Checked::new(&pairs).await;
        $family!(checked, checked);
        assert_eq!(checked.next, pairs.len());
    }};
}

#[tokio::test]
async fn numbers_are_bound_and_read() {
    family!(numbers);
}

#[tokio::test]
async fn texts_and_bytes_are_bound_and_read() {
    family!(texts);
}

#[tokio::test]
async fn times_are_bound_and_read() {
    family!(times);
}

#[tokio::test]
async fn collections_tuples_and_types_of_users_are_bound_and_read() {
    family!(collections);
}

#[tokio::test]
async fn counters_are_bound_and_read() {
    let db = connect(&["c (k int PRIMARY KEY, v counter)"]).await;
    let count = Statement::new("UPDATE c SET v = v + ? WHERE k = 0");
    db.execute(&count, (Counter(i64::MAX),)).await.unwrap();
    db.execute(&count, (Counter(-1),)).await.unwrap();
    let counted = run(&db, "SELECT v FROM c").await;
    assert_eq!(counted.value::<Counter>().unwrap(), Counter(i64::MAX - 1));
    assert_eq!(counted.value::<CqlValue>().unwrap(), CqlValue::Counter(Counter(i64::MAX - 1)));
}

#[tokio::test]
async fn secrets_are_bound_and_read() {
    let db = connect(&["s (k int PRIMARY KEY, name text, pin int)"]).await;
    let insert = Statement::new("INSERT INTO s (k, name, pin) VALUES (0, ?, ?)");
    let (name, pin) = (SecretString::from("hush"), SecretBox::new(Box::new(7)));
    db.execute(&insert, (&name, &pin)).await.unwrap();
    let found = run(&db, "SELECT name, pin FROM s").await;
    let (name, pin): (SecretString, SecretBox<i32>) = found.row().unwrap();
    assert_eq!((name.expose_secret(), *pin.expose_secret()), ("hush", 7));
}

/// `CQLSTACK_WRITE=1` writes it.
#[test]
fn the_table_in_the_documentation_is_of_the_same_pairs() {
    let mut pairs: Vec<Pair> = Vec::new();
    numbers!(listed, pairs);
    pairs.push(("counter", "Counter".to_owned(), BOTH));
    texts!(listed, pairs);
    for secret in ["secrecy::SecretString", "secrecy::SecretBox<T>"] {
        pairs.push(("text", secret.to_owned(), BOTH));
    }
    times!(listed, pairs);
    collections!(listed, pairs);
    let mut rows: Vec<(&str, [Vec<String>; 3])> = Vec::new();
    for (cql, rust, column) in pairs {
        if !rows.iter().any(|(of, _)| *of == cql) {
            rows.push((cql, Default::default()));
        }
        let row = rows.iter_mut().find(|(of, _)| *of == cql);
        row.expect("it is there now").1[column].push(shown(&rust));
    }
    let mut table =
        "| CQL type | bound and read | only bound | only read |\n|---|---|---|---|\n".to_owned();
    for (cql, columns) in rows {
        let [both, bound, read] = columns.map(|types| types.join(", "));
        writeln!(table, "| `{cql}` | {both} | {bound} | {read} |").unwrap();
    }
    is_kept("../core/src/value_types.md", &table);
}

/// The file of this crate has this text; or gets it.
fn is_kept(path: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if env::var_os("CQLSTACK_WRITE").is_some() {
        fs::write(&path, text).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), text, "CQLSTACK_WRITE=1 writes it");
}

/// As one writes it, with the feature that it needs.
fn shown(tokens: &str) -> String {
    let mut rust = tokens.to_owned();
    for (apart, joined) in [
        (" < ", "<"),
        (" >", ">"),
        ("& ", "&"),
        (" :: ", "::"),
        ("<'_>", ""),
        ("'_, ", ""),
        ("<'_>", ""),
    ] {
        rust = rust.replace(apart, joined);
    }
    let features = [
        ("bigdecimal::", "bigdecimal-04"),
        ("chrono::", "chrono-04"),
        ("num_bigint::", "num-bigint-04"),
        ("secrecy::", "secrecy-10"),
        ("time::", "time-03"),
    ];
    match features.iter().find(|(module, _)| rust.starts_with(module)) {
        Some((_, feature)) => format!("`{rust}` (`{feature}`)"),
        None => format!("`{rust}`"),
    }
}
