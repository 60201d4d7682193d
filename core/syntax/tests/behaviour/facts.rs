//! What a statement tells about itself.

use cqlstack_syntax::StatementKind::{
    self, Conditional, Counter, LoggedBatch, MultiPartition, Other, Read, Schema, Write,
};
use cqlstack_syntax::{Clause, Statement, Target, fingerprint, normalized, parse};

fn read(text: &str) -> Statement<'_> {
    parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn kind(text: &str) -> StatementKind {
    read(text).kind()
}

#[test]
fn what_names_no_keyspace_depends_on_the_one_in_use() {
    for (text, depends) in [
        ("SELECT a FROM t", true),
        ("SELECT a FROM ks.t", false),
        ("INSERT INTO t (k) VALUES (1)", true),
        ("UPDATE ks.t SET a = 1 WHERE k = 1", false),
        ("DELETE FROM \"Ks\".t WHERE k = 1", false),
        ("BEGIN BATCH DELETE FROM ks.t WHERE k = 1; DELETE FROM t WHERE k = 1; APPLY BATCH", true),
        (
            "BEGIN BATCH DELETE FROM ks.t WHERE k = 1; DELETE FROM ks.u WHERE k = 1; APPLY BATCH",
            false,
        ),
        ("TRUNCATE TABLE t", true),
        ("USE ks", false),
        ("CREATE TABLE t (k int PRIMARY KEY)", true),
        ("CREATE TABLE ks.t (k int PRIMARY KEY)", false),
        ("CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy'}", false),
        ("CREATE INDEX ON t (a)", true),
        ("CREATE INDEX i ON ks.t (a)", false),
        (
            "CREATE MATERIALIZED VIEW ks.v AS SELECT * FROM t WHERE a IS NOT NULL PRIMARY KEY (a)",
            true,
        ),
        ("ALTER TYPE t ADD a int", true),
        ("ALTER TABLE ks.t DROP a", false),
        ("DROP INDEX i", true),
        ("DROP FUNCTION ks.f", false),
        ("DROP TRIGGER g ON t", true),
        ("GRANT SELECT ON TABLE t TO r", true),
        ("GRANT SELECT ON ks.t TO r", false),
        ("REVOKE ALL ON ALL KEYSPACES FROM r", false),
        ("GRANT EXECUTE ON FUNCTION ks.f(int) TO r", false),
        ("LIST ALL PERMISSIONS", false),
        ("CREATE ROLE r", false),
        ("DESCRIBE TABLES", true),
        ("DESCRIBE KEYSPACES", false),
        ("DESCRIBE KEYSPACE", true),
        ("DESCRIBE TABLE ks.t", false),
    ] {
        assert_eq!(read(text).depends_on_use(), depends, "{text}");
    }
}

#[test]
fn the_kind_is_that_of_the_promises() {
    for (text, expected) in [
        ("SELECT a FROM t WHERE k IN (1, 2)", Read),
        ("INSERT INTO t (k) VALUES (?)", Write),
        ("INSERT INTO t (k) VALUES (?) IF NOT EXISTS", Conditional),
        ("UPDATE t SET a = ? WHERE k = ? if a = ?", Conditional),
        ("UPDATE t SET v = 'IF' WHERE k = 1", Write),
        ("UPDATE t SET v = $$ IN $$ WHERE k = 1", Write),
        ("UPDATE t SET \"IF\" = 1 WHERE k = 1", Write),
        ("DELETE FROM t WHERE k IN ?", MultiPartition),
        ("DELETE FROM t WHERE k IN (1, 2)", MultiPartition),
        ("DELETE FROM t WHERE k IN (?)", Write),
        ("DELETE FROM t WHERE k = 1 AND (a, b) IN ((1, 2), (3, 4))", Write),
        ("UPDATE t SET c = c + 1 WHERE k = 1", Counter),
        ("UPDATE t SET c = c -1 WHERE k = 1", Counter),
        ("UPDATE t SET c += 5, d = 1 WHERE k IN (1, 2)", Counter),
        ("UPDATE t SET c = c - ((1)) WHERE k = 1", Counter),
        ("UPDATE t SET c = c + ? WHERE k = 1", Write),
        ("UPDATE t SET s = s + {1} WHERE k = 1", Write),
        ("BEGIN BATCH INSERT INTO t (k) VALUES (1); APPLY BATCH", LoggedBatch),
        ("begin unlogged batch INSERT INTO t (k) VALUES (1); APPLY BATCH", MultiPartition),
        ("BEGIN COUNTER BATCH UPDATE t SET n = n + ? WHERE k = 1; APPLY BATCH", Counter),
        ("BEGIN UNLOGGED BATCH UPDATE t SET n = n + 1 WHERE k = 1; APPLY BATCH", Counter),
        ("BEGIN BATCH DELETE FROM t WHERE k = 1 IF EXISTS; APPLY BATCH", Conditional),
        ("CREATE TABLE IF NOT EXISTS t (k int PRIMARY KEY)", Schema),
        ("ALTER ROLE a WITH PASSWORD = 'secret'", Schema),
        ("TRUNCATE t", Other),
        ("USE ks", Other),
        ("GRANT a TO b", Other),
        ("LIST ROLES", Other),
        ("DESCRIBE TABLES", Other),
        ("-- SELECT\n /* INSERT */ // DELETE\n UPDATE t SET a = 1 WHERE k = 1", Write),
    ] {
        assert_eq!(kind(text), expected, "{text}");
    }
}

#[test]
fn the_label_is_verb_and_what_it_is_about_and_holds_no_literal() {
    for (text, label) in [
        ("SELECT a, b FROM app.users WHERE id = 7", "SELECT app.users"),
        ("INSERT INTO users (id, name) VALUES (7, 'secret')", "INSERT users"),
        ("update App . Users set name = 'secret' where id = 7", "UPDATE app.users"),
        ("DELETE name FROM \"App\".\"users\" WHERE id = 7", "DELETE \"App\".users"),
        ("TRUNCATE \"select\"", "TRUNCATE \"select\""),
        ("BEGIN BATCH INSERT INTO a (b) VALUES ('secret'); APPLY BATCH", "BATCH"),
        ("ALTER ROLE ada WITH PASSWORD = 'secret'", "ALTER"),
        ("USE app", "USE"),
        (
            "CREATE KEYSPACE IF NOT EXISTS App WITH replication = {'class': 'secret'}",
            "CREATE KEYSPACE app",
        ),
        (
            "CREATE TABLE app.users (id int PRIMARY KEY) WITH comment = 'secret'",
            "CREATE TABLE app.users",
        ),
        ("CREATE INDEX ON app.users (name)", "CREATE INDEX ON app.users"),
        ("CREATE INDEX by_name ON app.users (name)", "CREATE INDEX by_name ON app.users"),
        ("ALTER TABLE app.users ADD age int", "ALTER TABLE app.users"),
        ("DROP TYPE IF EXISTS \"A\"", "DROP TYPE \"A\""),
        ("DROP TRIGGER t ON app.users", "DROP TRIGGER t ON app.users"),
        ("CREATE ROLE ada WITH PASSWORD = 'secret'", "CREATE"),
    ] {
        assert_eq!(read(text).label(), label);
    }
}

#[test]
fn each_marker_has_its_target() {
    let text = "UPDATE t USING TIMESTAMP ? AND TTL :ttl SET a = ?, m[?] = ?, u.f = ?, l = [?, :e], \
                c = c + ? WHERE k IN ? AND (x, y) = (?, ?) AND z = f(?) IF a = ? AND b IN (?)";
    let statement = read(text);
    let targets: Vec<String> = statement
        .markers()
        .iter()
        .map(|bound| match bound.target {
            Target::Column(column) => format!("{column}"),
            Target::In(column) => format!("in({column})"),
            Target::Key(column) => format!("key({column})"),
            Target::Element(column) => format!("value({column})"),
            Target::Field(column, field) => format!("{column}.{field}"),
            Target::Part(column) => format!("part({column})"),
            other => format!("{other:?}"),
        })
        .collect();
    let expected = [
        "Timestamp",
        "Ttl",
        "a",
        "key(m)",
        "value(m)",
        "u.f",
        "part(l)",
        "part(l)",
        "c",
        "in(k)",
        "x",
        "y",
        "Argument",
        "a",
        "b",
    ];
    assert_eq!(targets, expected);
    let indexes: Vec<_> = statement.markers().iter().map(|bound| bound.marker.index).collect();
    assert_eq!(indexes, (0..15).collect::<Vec<_>>());
}

#[test]
fn markers_of_a_read_have_theirs() {
    let text = "SELECT ?, f(?) FROM t WHERE TOKEN(k) > ? AND c CONTAINS ? AND d CONTAINS KEY ? AND \
                (x, y) IN ? AND expr(i, ?) ORDER BY v ANN OF ? PER PARTITION LIMIT ? LIMIT ?";
    let targets: Vec<String> =
        read(text).markers().iter().map(|bound| format!("{:?}", bound.target)).collect();
    let expected = [
        "Result",
        "Argument",
        "Token",
        "Part(c)",
        "Key(d)",
        "InTuple",
        "Index(i)",
        "Column(v)",
        "PerPartitionLimit",
        "Limit",
    ];
    assert_eq!(targets, expected);
}

#[test]
fn literals_are_told_by_clause() {
    let text = "UPDATE t USING TTL 5 SET a = 'x', m['k'] = 1 WHERE k = 7 IF b = true";
    let literals = read(text).literals();
    let found: Vec<_> = literals.iter().map(|it| (it.span.of(text), it.clause)).collect();
    let expected = [
        ("5", Clause::Using),
        ("'x'", Clause::Set),
        ("'k'", Clause::Set),
        ("1", Clause::Set),
        ("7", Clause::Where),
        ("true", Clause::If),
    ];
    assert_eq!(found, expected);
    for (text, has) in [
        ("SELECT a FROM t WHERE k = 'x'", true),
        ("SELECT a FROM t WHERE k IN (?, 'x')", true),
        ("SELECT a FROM t WHERE (a, b) > (?, 1)", true),
        ("SELECT a FROM t WHERE TOKEN(a) > -5", true),
        ("SELECT a FROM t WHERE k = ? AND b = ? LIMIT 5", false),
        ("SELECT 'x' FROM t WHERE k = now()", false),
        ("INSERT INTO t (k) VALUES (1)", false),
    ] {
        assert_eq!(read(text).has_literal_in_where(), has, "{text}");
    }
}

#[test]
fn a_fingerprint_does_not_depend_on_values_blanks_case_or_comments() {
    let one = "SELECT a FROM t WHERE k = 'x' AND l IN (1, 2) -- why\n";
    for other in [
        "select A from T where K=$$y$$ and l in(1);",
        "SELECT a /* ; */ FROM t WHERE k = 0xCAFE AND l IN (3, 4, 5, 6)",
        "SELECT a FROM t WHERE k = ? AND l IN (?)",
    ] {
        assert_eq!(fingerprint(one), fingerprint(other), "{other}");
    }
    for other in [
        "SELECT b FROM t WHERE k = 'x' AND l IN (1, 2)",
        "SELECT a FROM t WHERE k = 'x' OR l IN (1, 2)",
        "SELECT \"A\" FROM t WHERE k = 'x' AND l IN (1, 2)",
    ] {
        assert_ne!(fingerprint(one), fingerprint(other), "{other}");
    }
    // Programs may keep it: it does not change between versions.
    assert_eq!(fingerprint("SELECT a FROM t WHERE k = 1"), Ok(0x8c6b_c570_0535_036e));
}

#[test]
fn no_password_survives_normalizing() {
    for text in [
        "CREATE ROLE a WITH PASSWORD = 'secret' AND LOGIN = true",
        "CREATE USER a WITH PASSWORD 'secret' SUPERUSER",
        "ALTER ROLE a WITH HASHED PASSWORD = 'secret'",
        "ALTER ROLE a WITH PASSWORD=$$secret$$",
        "alter user a with password 'it''s secret';",
        "CREATE ROLE a WITH OPTIONS = {'x': 'secret'}",
    ] {
        let normalized = normalized(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert!(!normalized.contains("secret"), "{normalized}");
    }
}
