//! Texts that are long, deep or broken: an error or a tree, in linear time, on a small stack.

use std::thread;
use std::time::{Duration, Instant};

use cqlstack_syntax::check::{Signature, check};
use cqlstack_syntax::{DEEPEST, Facts, Schema, Statement, parse, script};

/// Half of the smallest stack that threads are given by common runtimes.
const SMALL_STACK: usize = 256 * 1024;

fn on_a_small_stack(run: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(SMALL_STACK).spawn(run);
    thread.expect("a thread starts").join().expect("it does not panic");
}

/// A statement with this many brackets in each other.
fn nested(shape: &str, depth: usize) -> String {
    let in_where = |open: &str, inner: &str, close: &str| {
        format!("SELECT a FROM t WHERE k = {}{inner}{}", open.repeat(depth), close.repeat(depth))
    };
    let selected = |open: &str, inner: &str, close: &str| {
        format!("SELECT {}{inner}{} FROM t", open.repeat(depth), close.repeat(depth))
    };
    match shape {
        "tuples" => in_where("(", "1", ")"),
        "lists" => in_where("[", "1", "]"),
        "sets" => in_where("{", "1", "}"),
        "maps" => in_where("{1:", "1", "}"),
        "user types" => in_where("{a:", "1", "}"),
        "functions" => in_where("f(", "1", ")"),
        "casts" => in_where("CAST(", "1", " AS int)"),
        "hints" => in_where("(int)", "1", ""),
        "arithmetic" => in_where("(1+", "1", ")"),
        "types" => {
            let (open, close) = ("list<".repeat(depth), ">".repeat(depth));
            format!("SELECT a FROM t WHERE k = ({open}int{close}) 1")
        }
        "types of columns" => {
            let (open, close) = ("frozen<map<int, ".repeat(depth), ">>".repeat(depth));
            format!("CREATE TABLE t (k {open}int{close} PRIMARY KEY)")
        }
        "tuples of columns" => {
            let (open, close) = ("tuple<int, ".repeat(depth), ">".repeat(depth));
            format!("CREATE TYPE u (k {open}int{close})")
        }
        "masks" => {
            let (open, close) = ("f(".repeat(depth), ")".repeat(depth));
            format!("ALTER TABLE t ALTER a MASKED WITH g({open}1{close})")
        }
        "aggregates" => {
            let (open, close) = ("[".repeat(depth), "]".repeat(depth));
            format!("CREATE AGGREGATE a (int) SFUNC s STYPE int INITCOND {open}1{close}")
        }
        "selected tuples" => selected("(", "a", ")"),
        "selected hints" => selected("(int)", "a", ""),
        "selected hints in lists" => selected("(a)[", "a", "]"),
        "selected functions" => selected("f(", "a", ")"),
        "minuses" => selected("- ", "a", ""),
        other => panic!("{other}"),
    }
}

const SHAPES: [&str; 19] = [
    "types of columns",
    "tuples of columns",
    "masks",
    "aggregates",
    "tuples",
    "lists",
    "sets",
    "maps",
    "user types",
    "functions",
    "casts",
    "hints",
    "arithmetic",
    "types",
    "selected tuples",
    "selected hints",
    "selected hints in lists",
    "selected functions",
    "minuses",
];

#[test]
fn brackets_nest_to_the_limit_on_a_small_stack() {
    on_a_small_stack(|| {
        for shape in SHAPES {
            // Some shapes have two brackets a level, or one more around them.
            let deepest = (0..=DEEPEST as usize).rev().find_map(|depth| {
                let text = nested(shape, depth);
                parse(&text).is_ok().then_some(text)
            });
            let text = deepest.unwrap_or_else(|| panic!("{shape}"));
            assert!(text.len() > nested(shape, DEEPEST as usize / 2 - 2).len(), "{shape}");
            let statement = parse(&text).expect("it parsed before");
            let is_read = matches!(statement, Statement::Select(_));
            assert_eq!(statement.is_idempotent(), is_read);
            assert_eq!(parse(&format!("{statement:#}")).as_ref(), Ok(&statement));
            drop(Schema::from_script(&format!("CREATE KEYSPACE k WITH a = 1; USE k; {text}")));
            drop((statement.markers(), statement.literals(), statement.clone()));
            drop((Facts::of(&statement), check(&statement, Some(&wide()), Some("ks"))));
            drop(Signature::of(&statement, &wide(), Some("ks")));
            assert!(format!("{statement:?}").len() > 100);
        }
    });
}

#[test]
fn deeper_brackets_are_an_error_that_names_the_limit() {
    on_a_small_stack(|| {
        for shape in SHAPES {
            for depth in [DEEPEST as usize + 1, 10_000] {
                let error = parse(&nested(shape, depth)).err();
                let error = error.unwrap_or_else(|| panic!("{shape} at {depth}")).to_string();
                assert!(error.contains("a limit of this parser"), "{shape}: {error}");
            }
        }
    });
}

#[test]
fn parentheses_around_a_relation_have_no_limit() {
    on_a_small_stack(|| {
        let (open, close) = ("(".repeat(100_000), ")".repeat(100_000));
        assert!(parse(&format!("SELECT a FROM t WHERE {open}k = 1{close}")).is_ok());
        assert!(parse(&format!("SELECT a FROM t WHERE {open}k = 1")).is_err());
        assert!(parse(&format!("SELECT a FROM t WHERE {open}")).is_err());
    });
}

/// Chains are flat: they are as long as one likes, also when they are dropped.
#[test]
fn chains_have_no_limit() {
    on_a_small_stack(|| {
        for text in [
            format!("SELECT a FROM t WHERE k = 1{}", " + 1".repeat(100_000)),
            format!("SELECT a FROM t WHERE k = 1{}", " * 1".repeat(100_000)),
            format!("SELECT a{} FROM t", ".b[1]".repeat(100_000)),
            format!("SELECT a FROM t WHERE k = 1{}", " AND k = 1".repeat(100_000)),
            format!("SELECT a FROM t WHERE k IN (1{})", ", 1".repeat(100_000)),
            format!("SELECT a{} FROM t", ", b".repeat(100_000)),
            format!("TRUNCATE t{}", ";".repeat(100_000)),
        ] {
            assert!(parse(&text).is_ok(), "{}", &text[..40]);
        }
    });
}

#[test]
fn markers_have_no_limit() {
    let count = 65_536;
    let text = format!("SELECT a FROM t WHERE k IN (?{})", ", ?".repeat(count - 1));
    assert_eq!(parse(&text).map(|statement| statement.markers().len()), Ok(count));
    let columns: Vec<String> = (0..count).map(|column| format!("c{column}")).collect();
    let named: Vec<String> = (0..count).map(|column| format!(":c{column}")).collect();
    let text = format!("INSERT INTO t ({}) VALUES ({})", columns.join(", "), named.join(", "));
    let statement = parse(&text).expect("it parses");
    assert_eq!(statement.markers().last().map(|bound| bound.marker.index), Some(65_535));
}

#[test]
fn a_statement_of_a_megabyte_takes_milliseconds() {
    let value = "x''; -- ".repeat(128 * 1024);
    let text = format!("INSERT INTO t (k, v) VALUES (1, '{value}')");
    let began = Instant::now();
    assert!(matches!(parse(&text), Ok(Statement::Insert(_))));
    assert!(parse(&text[..text.len() - 2]).is_err());
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

/// A table with types that nest, and many columns.
fn wide() -> Schema {
    let columns: Vec<String> = (0..100).map(|column| format!("c{column} int, ")).collect();
    let columns = columns.concat();
    let script = format!(
        "CREATE TYPE u (a int, b int);
         CREATE TABLE t (k frozen<list<frozen<map<int, frozen<list<frozen<u>>>>>>>, a u, l list<int>, m map<int, int>,
         {columns}v int, PRIMARY KEY (k, c0, c1))"
    );
    let mut schema = Schema::default();
    schema.apply(&script, Some("ks")).expect("it is a schema");
    schema
}

/// Its name, what is repeated, and the statement around all of that.
type Shape = (&'static str, fn(usize) -> String, fn(&str) -> String);

#[test]
fn checks_take_time_that_is_linear_in_a_statement() {
    let schema = wide();
    let shapes: [Shape; 7] = [
        (
            "relations",
            |n| format!("c{} = ? AND ", n % 100),
            |all| format!("SELECT v FROM t WHERE {all} k = ?"),
        ),
        ("unknown columns", |n| format!("x{n}, "), |all| format!("SELECT {all} v FROM t")),
        ("values", |_| "?, ".to_owned(), |all| format!("INSERT INTO t (k) VALUES ({all} 1)")),
        (
            "elements",
            |n| format!("l[{n}] = ?, "),
            |all| format!("UPDATE t SET {all} v = 1 WHERE k = ? AND c0 = 1 AND c1 = 1"),
        ),
        (
            "literals",
            |_| "[?, {1: 2}], ".to_owned(),
            |all| format!("INSERT INTO t (k, v) VALUES ([{all} 1], 1)"),
        ),
        (
            "statements",
            |n| format!("INSERT INTO t (k, x{n}) VALUES (1, 2); "),
            |all| format!("BEGIN BATCH {all} APPLY BATCH"),
        ),
        (
            "conditions",
            |n| format!("c{} = 1 AND ", n % 100),
            |all| format!("UPDATE t SET v = 1 WHERE k = 1 AND c0 = 1 AND c1 = 1 IF {all} v = 2"),
        ),
    ];
    for (name, part, whole) in shapes {
        let run = |all: &str| {
            let text = whole(all);
            let statement = parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            let findings = check(&statement, Some(&schema), Some("ks"));
            assert!(findings.len() <= 100);
            drop((Facts::of(&statement), Signature::of(&statement, &schema, Some("ks"))));
        };
        // Long enough that other processes do not decide; what grows by the square takes a hundred times as long.
        let (short, long) = (time_of(5_000, part, run), time_of(50_000, part, run));
        println!("{name}: {short:.1?}, ten times as many {long:.1?}");
        assert!(long < short * 50, "{name}: {short:?}, ten times as many {long:?}");
    }
}

/// How long it takes for a script of this many parts, at its best of three.
fn time_of(parts: usize, part: impl Fn(usize) -> String, run: impl Fn(&str)) -> Duration {
    let text: String = (0..parts).map(part).collect();
    let times = (0..3).map(|_| {
        let began = Instant::now();
        run(&text);
        began.elapsed()
    });
    times.min().expect("there are three")
}

#[test]
fn scripts_take_time_that_is_linear_in_them() {
    let rows = |n| format!("INSERT INTO t (k, v) VALUES ({n}, 'a;b''c'); -- don't\n");
    let tables = |n| {
        format!(
            "CREATE TYPE u{n} (a int);\nCREATE TABLE t{n} (k int PRIMARY KEY, v text, u frozen<u{n}>);\n\
             CREATE INDEX ON t{n} (v);\nALTER TABLE t{n} ADD w int;\n"
        )
    };
    let split = |text: &str| drop(script(text).expect("it is read"));
    let made = |text: &str| {
        let mut schema = Schema::default();
        schema.apply(text, Some("ks")).expect("it is a schema");
        assert!(schema.keyspace("ks").is_some());
    };
    for (what, short, long) in [
        ("rows", time_of(2_000, rows, split), time_of(20_000, rows, split)),
        ("tables", time_of(250, tables, made), time_of(2_500, tables, made)),
    ] {
        println!("{what}: {short:.1?}, ten times as many {long:.1?}");
        assert!(long < short * 30, "{what}: {short:?}, ten times as many {long:?}");
    }
}

#[test]
fn ten_thousand_tables_and_eight_megabytes_are_read() {
    let table = |n| format!("CREATE TABLE ks.t{n} (k int PRIMARY KEY) WITH comment = 'x; {n}';\n");
    let tables = (0..10_000).map(table).collect::<Vec<_>>().concat();
    let mut schema = Schema::default();
    schema.apply(&tables, Some("ks")).expect("it is a schema");
    assert_eq!(schema.keyspace("ks").map(|keyspace| keyspace.tables.len()), Some(10_000));
    let long = "x; -- '' ".repeat(1 << 20);
    let text = format!("INSERT INTO t (k) VALUES ('{long}');\nTRUNCATE t;\n/* {long}");
    assert!(text.len() > 8 << 20);
    let error = script(&text).expect_err("a comment is not closed");
    assert_eq!((error.line(), error.column()), (3, 1));
    let body = format!("{}$$ a; b", tables.repeat(4));
    let error = script(&body).expect_err("a body is not closed");
    assert_eq!((error.line(), error.column()), (40_001, 1));
}

#[test]
fn mixed_markers_are_accepted_as_by_cassandra() {
    let statement = parse("SELECT a FROM t WHERE k = ? AND c = :c AND d = ?").expect("it parses");
    assert_eq!(statement.markers().len(), 3);
}

#[test]
fn every_beginning_and_every_end_of_a_statement_is_an_error_or_a_tree() {
    let text = "BEGIN BATCH USING TIMESTAMP 5 INSERT INTO \"Ks\".t (a, b) VALUES ('it''s', {x: [1h, 0xff]}) IF \
                NOT EXISTS; UPDATE t SET a = a -1, b[?] = $$x$$, c = (int) :é /* c */ WHERE (a, b) IN ((1, \
                -NaN)) AND TOKEN(a) > 1 -- x\n; APPLY BATCH;";
    let text = text.replace('é', "e");
    for (at, _) in text.char_indices() {
        let _ = parse(&text[..at]);
        let _ = parse(&text[at..]);
    }
    assert!(parse(&text).is_ok());
}
