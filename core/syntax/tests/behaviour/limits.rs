//! Texts that are long, deep or broken: an error or a tree, in linear time, on a small stack.

use std::thread;
use std::time::{Duration, Instant};

use cqlstack_syntax::{DEEPEST, Statement, parse};

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
        "selected tuples" => selected("(", "a", ")"),
        "selected hints" => selected("(int)", "a", ""),
        "selected hints in lists" => selected("(a)[", "a", "]"),
        "selected functions" => selected("f(", "a", ")"),
        "minuses" => selected("- ", "a", ""),
        other => panic!("{other}"),
    }
}

const SHAPES: [&str; 15] = [
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
            assert!(statement.is_idempotent());
            drop((statement.markers(), statement.literals(), statement.clone()));
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
