//! Random texts: no panic, no hang, and what is told of a tree holds.
//!
//! Some seconds in all; `CQLSTACK_FUZZ_SECONDS=600` makes each of the three take that long.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use cqlstack_syntax::check::{Signature, check as check_statement};
use cqlstack_syntax::{
    Facts, Schema, Statement, fingerprint, normalized, parse, parse_type, script, tokens,
};

static SCHEMA: OnceLock<Schema> = OnceLock::new();

const SEED_VARIABLE: &str = "CQLSTACK_FUZZ_SEED";
const SECONDS_VARIABLE: &str = "CQLSTACK_FUZZ_SECONDS";

const STATEMENTS: &[&str] = &[
    "SELECT a, b AS c, count(*), ttl(d), CAST(e AS text) FROM ks.t WHERE k = ? AND (c, d) > (1, 'x')",
    "SELECT JSON DISTINCT * FROM t GROUP BY a ORDER BY v ANN OF [1.5, -2] LIMIT :n ALLOW FILTERING",
    "SELECT (int) a[1..2].b, {a: 1}, [a], (b)[0], - - c FROM t WHERE TOKEN(a) >= TOKEN(?) PER PARTITION LIMIT 2",
    "INSERT INTO \"T\" (a, b) VALUES ({x: 1h30m}, {1: 0xff, 2: NaN}) IF NOT EXISTS USING TTL ? AND TIMESTAMP 5",
    "INSERT INTO t JSON $${\"a\": 1}$$ DEFAULT UNSET",
    "UPDATE t SET a = a -1, b = [1] + b, c[?] = 2, d.e = 3, f += {1} WHERE k IN (1, ?) IF g IN ? AND h[1] != 2",
    "DELETE a, b[0], c.d FROM t USING TIMESTAMP 5 WHERE k = 550e8400-e29b-41d4-a716-446655440000 IF EXISTS",
    "BEGIN UNLOGGED BATCH INSERT INTO t (k) VALUES (1); DELETE FROM t WHERE k = -1; APPLY BATCH;",
    "TRUNCATE TABLE ks.t; -- x\n",
    "CREATE ROLE a WITH PASSWORD = 'x' AND OPTIONS = {'a': 1} AND ACCESS TO DATACENTERS {'b'} AND LOGIN = true",
    "CREATE TABLE IF NOT EXISTS ks.t (a int, b frozen<map<text, ks.u>>, c vector<float, 3> STATIC MASKED WITH f(1, ?), \
     PRIMARY KEY ((a, \"B\"), c),) WITH CLUSTERING ORDER BY (c DESC) AND x = {'y': -1} AND z = all AND COMPACT STORAGE",
    "CREATE CUSTOM INDEX IF NOT EXISTS i ON ks.t (KEYS(m), \"\", full(x)) USING 'sai' WITH OPTIONS = {'a': $$b$$}",
    "CREATE MATERIALIZED VIEW v AS SELECT a, f(b) AS c FROM ks.t WHERE a IS NOT NULL AND b > 1 PRIMARY KEY (a, b)",
    "CREATE OR REPLACE FUNCTION ks.f (a int, b tuple<int, text>) CALLED ON NULL INPUT RETURNS set<int> LANGUAGE java AS $$ x; $$",
    "CREATE AGGREGATE ks.a (int, list<text>) SFUNC s STYPE 'x' FINALFUNC g INITCOND (0, - -1)",
    "ALTER TABLE IF EXISTS t ADD IF NOT EXISTS (a int STATIC, b \"byte\") ",
    "ALTER TABLE t DROP (a, b) USING TIMESTAMP 5; ALTER TYPE ks.u RENAME a TO b AND c TO d",
    "DROP FUNCTION IF EXISTS ks.f (int, frozen<list<u>>)",
    "GRANT SELECT PERMISSION, MODIFY ON ALL TABLES IN KEYSPACE ks TO 'r'",
    "REVOKE EXECUTE ON FUNCTION ks.f(int) FROM r",
    "LIST ALL PERMISSIONS ON MBEANS 'a:b=*' OF r NORECURSIVE",
    "DESCRIBE ONLY KEYSPACE \"Ks\" WITH INTERNALS",
    "SELECT a FROM t WHERE expr(i, 'x') AND b CONTAINS KEY 1 AND c IS NOT NULL AND d LIKE '%'",
];

fn limit() -> Duration {
    let seconds = std::env::var(SECONDS_VARIABLE).ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(2))
}

/// Checks texts until the time is over. A failure names the seed.
fn fuzz(name: &str, mut text: impl FnMut(&mut fastrand::Rng) -> String) {
    let seed = std::env::var(SEED_VARIABLE).ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("{name}: {SEED_VARIABLE}={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let began = Instant::now();
    let mut count = 0_u64;
    while began.elapsed() < limit() {
        let text = text(&mut random);
        let started = Instant::now();
        check(&text);
        assert!(
            started.elapsed() < Duration::from_secs(5),
            "{text:?} takes {:?}",
            started.elapsed()
        );
        count += 1;
    }
    println!("{name}: {count} texts");
}

fn check(text: &str) {
    if let Ok(tokens) = tokens(text) {
        let mut end = 0;
        for token in &tokens {
            assert!(token.span.start >= end && token.span.end >= token.span.start, "{text:?}");
            assert!(
                text.get(token.span.start as usize..token.span.end as usize).is_some(),
                "{text:?}"
            );
            end = token.span.end;
        }
        let once = normalized(text).expect("it has tokens");
        assert_eq!(fingerprint(&once), fingerprint(text), "{text:?}");
    }
    match script(text) {
        Ok(statements) => {
            for it in &statements {
                assert!(it.line > 0 && text.contains(it.text), "{text:?}");
                let formatted = it.statement.to_string();
                assert_eq!(parse(&formatted).as_ref(), Ok(&it.statement), "{text:?}");
            }
        }
        Err(error) => assert!(error.span().end as usize <= text.len(), "{text:?}"),
    }
    let mut schema = Schema::default();
    if let Err(error) = schema.apply(text, Some("ks")) {
        assert!(error.line() > 0 && !error.to_string().is_empty());
    }
    drop(parse_type(text));
    match parse(text) {
        Ok(statement) => {
            let markers = statement.markers();
            assert!(
                markers.iter().zip(0..).all(|(bound, index)| bound.marker.index == index),
                "{text:?}"
            );
            let told = (statement.kind(), statement.is_idempotent(), statement.label());
            assert!(!told.2.is_empty());
            let literals = statement.literals();
            assert!(literals.iter().all(|it| it.span.of(text) == it.literal.written), "{text:?}");
            checked(&statement, text);
            drop((statement.restrictions(), statement.tables(), statement.has_literal_in_where()));
            for formatted in [format!("{statement}"), format!("{statement:#}")] {
                assert_eq!(parse(&formatted).as_ref(), Ok(&statement), "{text:?}: {formatted}");
            }
        }
        Err(error) => {
            assert!(error.line() > 0 && error.column() > 0);
            assert!(error.span().end as usize <= text.len(), "{text:?}");
        }
    }
}

/// A check says where, in the text; facts own what they know.
fn checked(statement: &Statement<'_>, text: &str) {
    let schema = SCHEMA.get_or_init(|| {
        let script = "CREATE TYPE u (a int, b text);
             CREATE TABLE t (k int, c int, a int, b list<int>, m map<text, int>, v u, s int STATIC, PRIMARY KEY (k, c));
             CREATE TABLE n (k int PRIMARY KEY, c counter);";
        let mut schema = Schema::default();
        schema.apply(script, Some("ks")).expect("it is a schema");
        schema
    });
    for finding in check_statement(statement, Some(schema), Some("ks")) {
        assert!(finding.span().end as usize <= text.len(), "{text:?}: {finding:?}");
        assert!(finding.show(text).to_string().contains('^'), "{text:?}");
        let _ = finding.fixed(text).map(|fixed| parse(&fixed).map(drop));
    }
    drop(Signature::of(statement, schema, Some("ks")));
    let facts = Facts::of(statement);
    assert_eq!(facts.markers().len(), statement.markers().len(), "{text:?}");
}

#[test]
fn bytes() {
    fuzz("bytes", |random| {
        let bytes: Vec<u8> = (0..random.usize(0..64))
            .map(|_| {
                if random.bool() {
                    random.u8(..)
                } else {
                    random.choice(b"'\"$-/*?:;(){}[],.=<>01eEP ".iter()).copied().unwrap_or(0)
                }
            })
            .collect();
        String::from_utf8_lossy(&bytes).into_owned()
    });
}

#[test]
fn token_soup() {
    let pieces: Vec<&str> = STATEMENTS
        .iter()
        .flat_map(|text| {
            let tokens = tokens(text).expect("it has tokens");
            tokens.into_iter().map(|token| token.span.of(text)).collect::<Vec<_>>()
        })
        .collect();
    fuzz("token soup", |random| {
        let count = random.usize(0..40);
        let pieces: Vec<&str> =
            (0..count).filter_map(|_| random.choice(&pieces)).copied().collect();
        pieces.join(if random.bool() { " " } else { "" })
    });
}

/// Whole scripts, so that tables that were made are altered.
#[test]
fn scripts_in_any_order() {
    const SCRIPT: &[&str] = &[
        "CREATE TYPE u (a int, b frozen<set<text>>)",
        "CREATE TYPE IF NOT EXISTS v (u frozen<u>)",
        "CREATE TABLE t (k int, c u, d text STATIC, PRIMARY KEY (k, c)) WITH CLUSTERING ORDER BY (c DESC)",
        "CREATE TABLE w (k frozen<v> PRIMARY KEY)",
        "CREATE INDEX ON t (d)",
        "CREATE INDEX i ON w (k)",
        "CREATE MATERIALIZED VIEW m AS SELECT * FROM t WHERE k IS NOT NULL PRIMARY KEY (c, k)",
        "ALTER TABLE t ADD (e int, f list<int>)",
        "ALTER TABLE t DROP d",
        "ALTER TABLE t RENAME k TO \"K\" AND \"K\" TO k",
        "ALTER TYPE u ADD c v",
        "ALTER TYPE u RENAME a TO z",
        "DROP TABLE IF EXISTS w",
        "DROP TABLE t",
        "DROP TYPE u",
        "DROP INDEX i",
        "DROP MATERIALIZED VIEW m",
        "CREATE KEYSPACE \"Ks\" WITH a = 1",
        "USE \"Ks\"",
        "DROP KEYSPACE ks",
        "CREATE FUNCTION f (a u) CALLED ON NULL INPUT RETURNS v LANGUAGE java AS 'x; y'",
        "CREATE OR REPLACE AGGREGATE g (u) SFUNC f STYPE u",
        "DROP FUNCTION f",
    ];
    fuzz("scripts", |random| {
        let count = random.usize(0..30);
        let script: Vec<&str> = (0..count).filter_map(|_| random.choice(SCRIPT)).copied().collect();
        script.join(if random.bool() { ";\n" } else { "; -- x'\n" })
    });
}

#[test]
fn mutated_statements() {
    fuzz("mutated statements", |random| {
        let mut text: Vec<char> = random.choice(STATEMENTS).unwrap_or(&"").chars().collect();
        for _ in 0..random.usize(1..6) {
            let (at, other) = (random.usize(0..=text.len()), random.usize(0..=text.len()));
            let foreign: Vec<char> = random.choice(STATEMENTS).unwrap_or(&"").chars().collect();
            match random.u8(0..5) {
                0 => drop(text.drain(at.min(other)..at.max(other).min(at.min(other) + 5))),
                1 => text.insert(at, random.choice(foreign).unwrap_or('\'')),
                2 if at < text.len() => text[at] = random.choice(foreign).unwrap_or('('),
                3 => {
                    let end = foreign.len().min(other + 12);
                    text.splice(at..at, foreign[other.min(end)..end].iter().copied());
                }
                _ => text.truncate(at.max(text.len() / 2)),
            }
        }
        text.into_iter().collect()
    });
}
