//! What other servers add.

use cqlstack_syntax::{Dialect, Schema, StatementKind, Target, parse};

const SCYLLA: [&str; 16] = [
    "SELECT a FROM t WHERE k = ? BYPASS CACHE",
    "SELECT a FROM t WHERE k = ? LIMIT 1 ALLOW FILTERING BYPASS CACHE USING TIMEOUT 50ms",
    "SELECT * FROM ks.t USING TIMEOUT ?",
    "INSERT INTO t (k) VALUES (1) USING TIMEOUT 1s500ms",
    "INSERT INTO t (k) VALUES (1) IF NOT EXISTS USING TTL 5 AND TIMEOUT :t",
    "UPDATE t USING TIMEOUT 1s AND TIMESTAMP 5 SET v = 1 WHERE k = 1",
    "DELETE FROM t USING TIMEOUT 1m WHERE k = 1",
    "DELETE a FROM t USING TIMESTAMP ? AND TIMEOUT ? WHERE k = 1 IF EXISTS",
    "BEGIN BATCH USING TIMESTAMP 5 AND TIMEOUT 1s INSERT INTO t (k) VALUES (1); APPLY BATCH",
    "TRUNCATE t USING TIMEOUT 5m",
    "PRUNE MATERIALIZED VIEW v",
    "PRUNE MATERIALIZED VIEW ks.v WHERE k = 1 AND token(k) > ? USING TIMEOUT 5s",
    "LIST EFFECTIVE SERVICE LEVEL OF r",
    "LIST EFFECTIVE SERVICE LEVEL OF 'R'",
    "SELECT bypass, timeout, prune, level FROM cache WHERE service = 1",
    "SELECT a AS effective FROM t",
];

const NEXT: [&str; 15] = [
    "SELECT a FROM t WHERE k = 1 AND c BETWEEN 1 AND ? AND d = 2",
    "SELECT a FROM t WHERE token(k) BETWEEN token(1) AND token(2)",
    "SELECT a FROM t WHERE (a, b) BETWEEN (1, 2) AND (3, 4)",
    "SELECT a FROM t WHERE k NOT IN (1, 2)",
    "SELECT a FROM t WHERE k NOT IN ?",
    "SELECT a FROM t WHERE s NOT CONTAINS 1 AND m NOT CONTAINS KEY 'a'",
    "DELETE FROM t WHERE k = 1 AND c BETWEEN 1 AND 5",
    "CREATE TABLE t (k int CHECK k > 0 AND k < 100 PRIMARY KEY, v text CHECK LENGTH(v) < 10)",
    "CREATE TABLE t (k int PRIMARY KEY, v text MASKED WITH DEFAULT CHECK JSON(v), w int CHECK w != 5)",
    "ALTER TABLE t ADD v text CHECK NOT_NULL(v)",
    "ALTER TABLE t ALTER v CHECK LENGTH(v) >= 3 AND v != 'x'",
    "ALTER TABLE t ALTER IF EXISTS v DROP CHECK",
    "ALTER TABLE t ALTER v DROP MASKED",
    "SELECT between, check FROM t WHERE between = 1 AND check IN (1)",
    "CREATE TABLE check (between int PRIMARY KEY)",
];

#[test]
fn each_dialect_takes_its_own_and_writes_it_as_it_was() {
    for (dialect, texts) in [(Dialect::ScyllaDb, &SCYLLA[..]), (Dialect::NextCassandra, &NEXT[..])]
    {
        for text in texts {
            let statement = dialect.parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(Dialect::Any.parse(text).as_ref(), Ok(&statement), "{text}");
            let written = statement.to_string();
            assert_eq!(dialect.parse(&written).as_ref(), Ok(&statement), "{text}: {written}");
            assert_eq!(written.to_lowercase(), text.to_lowercase());
            let broken = format!("{statement:#}");
            assert_eq!(dialect.parse(&broken).as_ref(), Ok(&statement), "{text}: {broken}");
            // Markers are numbered as they stand.
            let markers = statement.markers();
            assert!(markers.iter().zip(0..).all(|(bound, index)| bound.marker.index == index));
            assert_eq!(dialect.script(text).map(|it| it.len()), Ok(1));
        }
    }
}

#[test]
fn cassandra_5_refuses_what_it_has_not() {
    let own = SCYLLA[..14].iter().chain(&NEXT[..12]);
    for text in own {
        assert!(parse(text).is_err(), "{text}");
    }
    // Where they are names they are names.
    for text in SCYLLA[14..].iter().chain(&NEXT[12..]) {
        assert!(parse(text).is_ok(), "{text}");
    }
}

#[test]
fn what_they_add_is_understood() {
    let of = |text| Dialect::ScyllaDb.parse(text).unwrap();
    let timeout = of("DELETE FROM t USING TIMEOUT ? WHERE k = 1");
    assert!(matches!(timeout.markers()[0].target, Target::Timeout));
    assert_eq!(timeout.kind(), StatementKind::Write);
    let prune = of("PRUNE MATERIALIZED VIEW ks.v");
    assert_eq!((prune.kind(), prune.is_idempotent()), (StatementKind::Other, false));
    assert_eq!(prune.label(), "PRUNE ks.v");
    assert_eq!(of("SELECT a FROM t BYPASS CACHE").kind(), StatementKind::Read);
}

#[test]
fn a_schema_is_made_of_any_dialect() {
    let text = "CREATE TABLE t (k int CHECK k > 0 PRIMARY KEY, v text);\nALTER TABLE t ALTER v CHECK LENGTH(v) > 1";
    let mut schema = Schema::default();
    schema.apply_all(&Dialect::NextCassandra.script(text).unwrap(), Some("ks")).unwrap();
    assert_eq!(schema.table("ks", "t").unwrap().columns.len(), 2);
}

#[test]
fn a_word_that_is_half_there_is_an_error_that_says_what_is_missing() {
    for (dialect, text, expected) in [
        (Dialect::ScyllaDb, "SELECT a FROM t BYPASS", "expected CACHE"),
        (Dialect::ScyllaDb, "SELECT a FROM t USING TTL 5", "expected TIMEOUT"),
        (Dialect::ScyllaDb, "SELECT a FROM t USING TIMEOUT 5", "expected a duration or a marker"),
        (Dialect::ScyllaDb, "PRUNE VIEW v", "expected MATERIALIZED"),
        (Dialect::NextCassandra, "SELECT a FROM t WHERE k BETWEEN 1", "expected AND"),
        (
            Dialect::NextCassandra,
            "CREATE TABLE t (k int CHECK k PRIMARY KEY)",
            "expected a comparison",
        ),
    ] {
        let error = dialect.parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}
