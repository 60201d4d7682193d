//! How long the compiler works for checked statements, in processor time.

use std::fmt::Write;

use super::*;

/// Compiled in turns; the median counts.
const ROUNDS: usize = 5;

/// A statement over the table whose number stands in the place of `{}`: the text, its values, and how it is read.
type Written = (&'static str, &'static str, &'static str);

/// Of two to five markers, half of them reads.
const STATEMENTS: [Written; 6] = [
    ("SELECT id, c, name, email FROM app.t{} WHERE id = ? AND c = ?", "1, 2", "fetch_optional"),
    (
        "INSERT INTO app.t{} (id, c, name, email) VALUES (?, ?, ?, ?)",
        "1, 2, \"a\", \"b\"",
        "execute",
    ),
    ("SELECT name FROM app.t{} WHERE id = ? AND c > ? LIMIT ?", "1, 2, 3", "fetch_all"),
    (
        "UPDATE app.t{} SET name = ?, age = ?, email = ? WHERE id = ? AND c = ?",
        "\"a\", 1, \"b\", 2, 3",
        "execute",
    ),
    ("SELECT * FROM app.t{} WHERE id = ? AND c = ?", "1, 2", "fetch_one"),
    ("DELETE FROM app.t{} WHERE id = ? AND c = ?", "1, 2", "execute"),
];

/// A crate with 500 statements, each in a function that executes it, and 200 tables.
fn crate_of(name: &str, function: impl Fn(usize, &str, &str, &str) -> String) -> Scratch {
    let scratch = Scratch::new(name, "renamed");
    let mut schema = "CREATE KEYSPACE app WITH a = 1;\n".to_owned();
    for table in 0..200 {
        let columns = "id int, c int, name text, email text, age int, PRIMARY KEY (id, c)";
        writeln!(schema, "CREATE TABLE app.t{table} ({columns});").unwrap();
    }
    scratch.write("schema.cql", &schema);
    let mut source =
        "#![allow(unused_imports)]\nuse renamed::{Client, Error, Session, StaticStatement, \
                      cql, query};\n"
            .to_owned();
    for number in 0..500 {
        let (text, values, method) = STATEMENTS[number % STATEMENTS.len()];
        let text = text.replace("{}", &(number % 200).to_string());
        let body = function(number, &text, values, method);
        let client = "db: &Client<Session>";
        writeln!(source, "pub async fn f{number}({client}) -> Result<(), Error> {{ {body} }}")
            .unwrap();
    }
    scratch.write("src/lib.rs", &source);
    scratch
}

fn plain(_number: usize, text: &str, values: &str, _method: &str) -> String {
    let statement = format!("static S: StaticStatement = StaticStatement::new({text:?});");
    format!("{statement} db.execute(&S, ({values})).await?; Ok(())")
}

fn checked(_number: usize, text: &str, values: &str, _method: &str) -> String {
    format!("db.execute(cql!({text:?}), ({values})).await?; Ok(())")
}

fn typed(_number: usize, text: &str, values: &str, method: &str) -> String {
    format!("query!({text:?}, {values}).{method}(db).await?; Ok(())")
}

/// How many times the processor time of the first one the second one takes.
async fn ratio(crates: [Scratch; 2]) -> f64 {
    let mut seconds = [Vec::new(), Vec::new()];
    for round in 0..=ROUNDS {
        for (scratch, seconds) in crates.iter().zip(&mut seconds) {
            let source = scratch.folder.join("src/lib.rs");
            let text = fs::read_to_string(&source).unwrap();
            fs::write(&source, text).unwrap();
            let took = scratch.build_seconds().await;
            // The first compiles the driver, too.
            if round > 0 {
                seconds.push(took);
            }
        }
    }
    let [first, second] = seconds.map(|mut seconds| {
        seconds.sort_by(f64::total_cmp);
        seconds[seconds.len() / 2]
    });
    println!("{first:.2} s, {second:.2} s: {:.3} times", second / first);
    second / first
}

#[tokio::test]
async fn a_checked_statement_costs_little_to_compile() {
    let crates =
        [crate_of("cqlstack-scratch-plain", plain), crate_of("cqlstack-scratch-checked", checked)];
    let ratio = ratio(crates).await;
    assert!(ratio <= 1.4, "{ratio}");
}

#[tokio::test]
async fn a_typed_query_costs_twice_a_plain_statement_to_compile() {
    let crates =
        [crate_of("cqlstack-scratch-untyped", plain), crate_of("cqlstack-scratch-typed", typed)];
    let ratio = ratio(crates).await;
    assert!(ratio <= 2.2, "{ratio}");
}

impl Scratch {
    /// Processor time of a build, the compiler's and cargo's.
    async fn build_seconds(&self) -> f64 {
        let mut build = Command::new("bash");
        build
            .args(["-c", "TIMEFORMAT='%U %S'; time cargo build --offline --quiet"])
            .env("CARGO_INCREMENTAL", "0");
        let output = self.run(build).await;
        let log = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{log}");
        let times = log.lines().last().unwrap().split(' ');
        times.map(|seconds| seconds.parse::<f64>().unwrap()).sum()
    }
}
