//! How the cost of reading a text grows with its size, for shapes that are made to be slow to read.

use std::hint::black_box;

use cqlstack_syntax::{Schema, normalized, parse, script};

use super::{SCENARIO, figure};
use crate::Failure;
use crate::bench::{Bench, progress};
use crate::table::table;
use crate::valgrind::Probe;

/// Times that a shape is repeated; then twice as many.
const SIZE: u32 = 20_000;
/// By how much the cost may grow when the size doubles.
const BOUND: f64 = 2.2;

/// A name, and a text of a size.
type Shape = (&'static str, fn(usize) -> String);

const SHAPES: [Shape; 32] = [
    ("doubled quotes", |n| format!("SELECT a FROM t WHERE k = '{}'", "''".repeat(n))),
    ("a string that is not closed", |n| format!("SELECT a FROM t WHERE k = '{}", "''".repeat(n))),
    ("single dollars", |n| format!("SELECT a FROM t WHERE k = $${}$$", "$ ".repeat(n))),
    ("quoted names", |n| format!("SELECT {}a FROM t", "\"x\"\"y\", ".repeat(n))),
    ("comments", |n| format!("SELECT {}a FROM t", "/* * / */ -- ' \n".repeat(n))),
    ("a comment that is not closed", |n| format!("SELECT a FROM t /*{}", "* /".repeat(n))),
    ("beginnings of comments", |n| format!("SELECT a FROM t WHERE k = {}", "/*".repeat(n))),
    ("lists", |n| format!("SELECT a FROM t WHERE k IN (1{})", ", 1".repeat(n))),
    ("maps", |n| format!("INSERT INTO t (a) VALUES ({{1:1{}}})", ", 'a': [1]".repeat(n))),
    ("sums", |n| format!("SELECT a FROM t WHERE k = 1{}", " + 1 * 2".repeat(n))),
    ("parts", |n| format!("SELECT a{} FROM t", ".b[1]".repeat(n))),
    ("parentheses", |n| format!("SELECT a FROM t WHERE {}a = 1{}", "(".repeat(n), ")".repeat(n))),
    ("parentheses that are not closed", |n| format!("SELECT a FROM t WHERE a = {}", "(".repeat(n))),
    ("brackets to the limit", |n| {
        let deep = format!("{}1{}, ", "[(".repeat(30), ")]".repeat(30));
        format!("SELECT a FROM t WHERE k IN ({}1)", deep.repeat(n / 30))
    }),
    ("hints that are none", |n| format!("SELECT {}a FROM t", "(a)[0..1], ".repeat(n))),
    ("hints in hints that are none", |n| {
        let deep = format!("{}a{}, ", "(a)[".repeat(30), "..]".repeat(30));
        format!("SELECT {}a FROM t", deep.repeat(n / 30))
    }),
    ("assignments", |n| {
        let columns: Vec<_> = (0..=n).map(|column| format!("c{column} = 1")).collect();
        format!("UPDATE t SET {} WHERE k = 1", columns.join(", "))
    }),
    ("relations", |n| format!("SELECT a FROM t WHERE a = 1{}", " AND b IN (?, :x)".repeat(n))),
    ("statements of a batch", |n| {
        format!("BEGIN BATCH {} APPLY BATCH", "DELETE a FROM t WHERE k = 1; ".repeat(n))
    }),
    ("an error after many lines", |n| {
        format!("SELECT a FROM t WHERE {}k = v", "a = 1 AND\n".repeat(n))
    }),
    ("columns of a table", |n| {
        let columns: String = numbered(n, |n| format!("c{n} frozen<map<int, list<text>>>, "));
        format!("CREATE TABLE t ({columns}PRIMARY KEY (c0, c1))")
    }),
    ("options of a table", |n| {
        let options = numbered(n, |n| format!(" AND o{n} = {{'a': 'b;'}}"));
        format!("CREATE TABLE t (k int PRIMARY KEY) WITH o = 1{options}")
    }),
    ("options in a map", |n| {
        let entries = numbered(n, |n| format!(", 'a{n}': 1"));
        format!("CREATE KEYSPACE ks2 WITH replication = {{'a': 1{entries}}}")
    }),
    ("fields of a type", |n| {
        format!("CREATE TYPE u ({})", numbered(n, |n| format!("f{n} int, ")) + "f int")
    }),
    ("types to the limit", |n| {
        let deep = format!("x {}int{}, ", "tuple<int, ".repeat(60), ">".repeat(60));
        format!("ALTER TABLE t ADD ({}y int)", deep.repeat(n / 60))
    }),
    ("commas in a definition", |n| format!("CREATE TABLE t (k int PRIMARY KEY{})", ",".repeat(n))),
    ("permissions", |n| format!("GRANT SELECT{} ON t TO r", ", MODIFY PERMISSION".repeat(n))),
    ("passwords", |n| format!("CREATE ROLE r WITH {}", "PASSWORD = 'x' AND ".repeat(n))),
    ("statements of a script", |n| {
        numbered(n, |n| format!("INSERT INTO t (k) VALUES ({n}, 'a;b'); -- don't;\n"))
    }),
    ("tables of a script", |n| {
        numbered(n / 20, |n| {
            format!(
                "CREATE TYPE u{n} (a int); CREATE TABLE t{n} (k int PRIMARY KEY, v u{n});\nCREATE INDEX ON \
                 t{n} (k); ALTER TABLE t{n} ADD w int; ALTER TABLE t{n} RENAME k TO x;\nCREATE MATERIALIZED \
                 VIEW v{n} AS SELECT * FROM t{n} PRIMARY KEY (x);\n"
            )
        })
    }),
    ("tables that come and go", |n| {
        let made = numbered(n / 4, |n| {
            format!("CREATE TABLE t{n} (k int PRIMARY KEY); CREATE INDEX ON t{n} (k);\n")
        });
        made + &numbered(n / 4, |n| format!("DROP TABLE t{n};\n"))
    }),
    ("a body that is not closed, after a script", |n| {
        "TRUNCATE t;\n".repeat(n)
            + "CREATE FUNCTION f () CALLED ON NULL INPUT RETURNS int LANGUAGE java AS $$ ;"
    }),
];

fn numbered(count: usize, text: impl Fn(usize) -> String) -> String {
    (0..count).map(text).collect::<Vec<_>>().concat()
}

pub(super) fn run(bench: &mut Bench) -> Result<(), Failure> {
    let bar = progress("growth", SHAPES.len() as u64)?;
    let mut table = table(&["when the text is twice as long", "instructions, times"]);
    for (name, _) in SHAPES {
        let probe = Probe { scenario: SCENARIO.name, side: name, nodes: &[] };
        let count = |size| probe.callgrind(size).transpose().ok_or("this wants valgrind");
        // A text of next to nothing costs what the process does.
        let [none, once, twice] = [count(0)??, count(SIZE)??, count(2 * SIZE)??];
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
        let growth = (twice - none) as f64 / (once - none) as f64;
        table.add_row([name.to_owned(), format!("{growth:.3}")]);
        bench.figure(&figure("growth", "times", name, growth))?;
        if growth > BOUND {
            bench.miss(format!("{name}: twice the text costs {growth:.3} times, above {BOUND}"));
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    println!("\n{table}");
    Ok(())
}

pub(super) fn probe(name: &str, size: u32) -> Result<(), Failure> {
    let shape = SHAPES.iter().find(|(known, _)| *known == name);
    let (_, text) = shape.ok_or("there is no such shape")?;
    let text = text(size as usize);
    if let Ok(statement) = parse(&text) {
        black_box((statement.kind(), statement.is_idempotent(), statement.markers()));
        black_box((statement.literals(), statement.restrictions(), statement.label()));
        black_box((statement.to_string(), format!("{statement:#}")));
    }
    drop(black_box(script(&text)));
    let mut schema = Schema::default();
    drop(black_box(schema.apply(&text, Some("ks"))));
    drop(black_box(normalized(&text)));
    Ok(())
}
