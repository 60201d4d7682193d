//! What scripts make, and what is wrong with them.

use cqlstack_syntax::schema::Property;
use cqlstack_syntax::{Schema, script, utf8};

const KEYSPACE: &str =
    "CREATE KEYSPACE app WITH replication = {'class': 'SimpleStrategy'};\nUSE app;\n";

fn schema(rest: &str) -> Schema {
    Schema::from_script(&format!("{KEYSPACE}{rest}")).unwrap_or_else(|error| panic!("{error}"))
}

/// What is wrong with the third line of a script and those after it.
fn wrong(rest: &str) -> String {
    match Schema::from_script(&format!("{KEYSPACE}{rest}")) {
        Ok(schema) => panic!("{rest}: {schema:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_is_not_there_or_is_there_already_is_told_with_its_line() {
    let table = "CREATE TABLE t (k int PRIMARY KEY, v text);\n";
    for (script, expected) in [
        ("CREATE TABLE t (k int PRIMARY KEY);", "line 4, column 14: table app.t is there already"),
        (
            "CREATE TABLE u (k nothing PRIMARY KEY);",
            "line 4, column 19: there is no type app.nothing",
        ),
        (
            "CREATE TABLE u (k other.u PRIMARY KEY);",
            "line 4, column 19: type other.u is of another keyspace",
        ),
        ("CREATE TABLE u (k int);", "line 4, column 14: table app.u has no primary key"),
        ("CREATE TABLE u (k int, PRIMARY KEY (k, c));", "line 4, column 40: there is no column c"),
        (
            "CREATE TABLE u (k int PRIMARY KEY, l list<list<int>>);",
            "line 4, column 38: a collection or a type of users in a collection has to be frozen",
        ),
        (
            "CREATE TABLE nowhere.u (k int PRIMARY KEY);",
            "line 4, column 14: there is no keyspace nowhere",
        ),
        ("\n\nALTER TABLE u ADD v int;", "line 6, column 13: there is no table app.u"),
        ("ALTER TABLE t ADD v int;", "line 4, column 19: column app.t.v is there already"),
        ("ALTER TABLE t DROP w;", "line 4, column 20: there is no column app.t.w"),
        ("ALTER TABLE t DROP k;", "line 4, column 20: app.t.k is part of the primary key"),
        ("ALTER TABLE t RENAME k TO v;", "line 4, column 27: column app.t.v is there already"),
        ("ALTER TYPE u ADD a int;", "line 4, column 12: there is no type app.u"),
        ("CREATE INDEX ON t (w);", "line 4, column 20: there is no column app.t.w"),
        (
            "CREATE INDEX i ON t (v);\nCREATE INDEX i ON t (k);",
            "line 5, column 14: index app.i is there already",
        ),
        (
            "CREATE INDEX ON t (v);\nCREATE INDEX j ON t (v);",
            "line 5, column 14: index app.t_v_idx is there already",
        ),
        ("DROP INDEX i;", "line 4, column 12: there is no index app.i"),
        ("DROP TABLE u;", "line 4, column 12: there is no table app.u"),
        ("DROP KEYSPACE \"App\";", "line 4, column 15: there is no keyspace App"),
        ("USE \"APP\";", "line 4, column 5: there is no keyspace APP"),
        ("CREATE KEYSPACE app WITH a = 1;", "line 4, column 17: keyspace app is there already"),
        ("DROP FUNCTION f;", "line 4, column 15: there is no function app.f"),
        ("CREATE TYPE u (a int, a int);", "line 4, column 23: field a is there already"),
        ("CREATE TYPE u (a u);", "line 4, column 18: there is no type app.u"),
        (
            "CREATE TYPE u (a int);\nALTER TYPE u ADD b frozen<u>;",
            "line 5, column 18: app.u.b is of the type",
        ),
        (
            "CREATE TYPE u (a int);\nALTER TABLE t ADD u u;\nDROP TYPE u;",
            "line 6, column 11: type app.u is the type of something",
        ),
        ("SELEKT", "line 4, column 1: found a name, expected a statement"),
    ] {
        let error = wrong(&format!("{table}{script}"));
        assert!(error.starts_with(expected), "{script}: {error}");
    }
    let error = Schema::from_script("CREATE TABLE t (k int PRIMARY KEY)").unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 1, column 14: t is of no keyspace: write `keyspace.t`, or USE before it"
    );
}

#[test]
fn what_may_be_there_or_not_is_no_error() {
    let schema = schema(
        "CREATE TABLE t (k int PRIMARY KEY);
         CREATE TABLE IF NOT EXISTS t (other text PRIMARY KEY);
         ALTER TABLE t ADD IF NOT EXISTS k text;
         ALTER TABLE t DROP IF EXISTS nothing;
         ALTER TABLE IF EXISTS u ADD v int;
         DROP TABLE IF EXISTS u;
         DROP TYPE IF EXISTS u;
         GRANT SELECT ON t TO r;
         INSERT INTO anything (a) VALUES (1);",
    );
    let table = schema.table("app", "t").unwrap();
    assert_eq!(table.columns.len(), 1);
    assert_eq!(table.columns[0].name, "k");
}

#[test]
fn use_is_obeyed_and_capitals_are_kept() {
    let mut schema = Schema::default();
    let keyspace = "CREATE KEYSPACE \"Yard\" WITH a = {'b': 'c', 'd': 1};";
    let script = format!(
        "CREATE TABLE Crates (Id int PRIMARY KEY);\n{keyspace}\nUSE \"Yard\";\n\
         CREATE TABLE \"Crates\" (\"Id\" int PRIMARY KEY) WITH comment = 'Mark''s';"
    );
    schema.apply(&script, Some("app")).unwrap();
    assert_eq!(schema.table("app", "crates").unwrap().columns[0].name, "id");
    let table = schema.table("Yard", "Crates").unwrap();
    assert_eq!(table.columns[0].name, "Id");
    assert_eq!(table.properties["comment"], Property::Text("Mark's".into()));
    let map = [("b", "c"), ("d", "1")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    let properties = &schema.keyspace("Yard").unwrap().properties;
    assert_eq!(properties["a"], Property::Map(map.into()));
    // What came before an error is applied, and more can follow.
    assert!(schema.apply("ALTER TABLE crates ADD v int; DROP TABLE x", Some("app")).is_err());
    assert_eq!(schema.table("app", "crates").unwrap().columns.len(), 2);
}

#[test]
fn a_script_is_split_where_statements_end_and_nowhere_else() {
    let text = "\u{feff}INSERT INTO t (k) VALUES ('a/*b');\r\n\
                INSERT INTO t (k) VALUES ('x;y'); -- don't;\r\n\
                // it's ; here\n\
                /* ; ' \" */ TRUNCATE t;;\n\
                CREATE FUNCTION f () CALLED ON NULL INPUT RETURNS int LANGUAGE java AS $$ a; \n 'b;\" $$;\n\
                INSERT INTO t (k) VALUES ('--');\n\n\
                BEGIN BATCH INSERT INTO t (k) VALUES (1); DELETE FROM t WHERE k = 1; APPLY BATCH;\n\
                SELECT \"a;b\" FROM t WHERE k = '''';\n\
                SELECT a FROM t GROUP BY a.b;\n\
                TRUNCATE u -- the last; one";
    let statements = script(text).unwrap_or_else(|error| panic!("{error}"));
    let lines: Vec<u32> = statements.iter().map(|it| it.line).collect();
    assert_eq!(lines, [1, 2, 4, 5, 7, 9, 10, 11, 12]);
    assert_eq!(statements[1].text, "INSERT INTO t (k) VALUES ('x;y')");
    assert!(statements[5].text.ends_with("APPLY BATCH"));
    assert_eq!(statements[8].text, "TRUNCATE u");
    for empty in ["", ";", " ;; \n;", "-- x", "\u{feff}", "/* ; */;"] {
        assert_eq!(script(empty).map(|it| it.len()), Ok(0), "{empty:?}");
    }
}

#[test]
fn what_is_not_closed_is_told_at_its_begin() {
    let more = "TRUNCATE t;\n".repeat(1_000);
    for (broken, expected) in [
        (
            "CREATE FUNCTION f () CALLED ON NULL INPUT RETURNS int LANGUAGE java\n  AS $$ a; \n",
            "line 3, column 6: found a string that is not closed",
        ),
        ("INSERT INTO t (k) VALUES ('a;\n", "line 2, column 27: found a string that is not closed"),
        ("/* SELECT 1;\n", "line 2, column 1: found a comment that is not closed"),
        ("USE \"app;\n", "line 2, column 5: found a name that is not closed"),
        ("SELECT # FROM t;\n", "line 2, column 8: found a character that CQL has no use for"),
    ] {
        let error = script(&format!("USE app;\n{broken}{more}")).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{broken}: {error}");
    }
    let error = script("USE app;\nTRUNCATE t\nTRUNCATE u;").unwrap_err().to_string();
    assert_eq!(error, "line 3, column 1: found TRUNCATE, expected `;` after a statement");
}

#[test]
fn commands_of_the_shell_are_named_as_such() {
    for command in [
        "SOURCE 'x.cql'",
        "CONSISTENCY QUORUM",
        "copy t FROM 'x.csv' WITH HEADER = TRUE",
        "SERIAL CONSISTENCY LOCAL_SERIAL",
        "PAGING OFF",
        "TRACING ON",
        "LOGIN ada",
        "SHOW VERSION",
        "EXPAND ON",
        "exit",
    ] {
        let error = script(&format!("USE app;\n{command};")).unwrap_err();
        assert_eq!((error.line(), error.found()), (2, "a command of cqlsh"), "{command}");
    }
    assert_eq!(script("DESCRIBE TABLES; DESC t;").map(|it| it.len()), Ok(2));
}

#[test]
fn bytes_that_are_no_text_are_told_by_their_place() {
    let mut bytes = "USE app;\n-- é ".as_bytes().to_vec();
    bytes.push(0xff);
    let error = utf8(&bytes).unwrap_err();
    assert_eq!((error.line(), error.column()), (2, 6));
    assert!(utf8(b"USE app;").is_ok());
}

/// `IF EXISTS` and `IF NOT EXISTS` are about the object, not about what is in it.
#[test]
fn a_mistake_inside_is_told_though_the_object_may_be_there_or_not() {
    let table = "CREATE TABLE t (k int PRIMARY KEY);\nCREATE TYPE u (a int);\n";
    for (script, expected) in [
        (
            "ALTER TABLE IF EXISTS t ADD v nothing;",
            "line 5, column 31: there is no type app.nothing",
        ),
        (
            "ALTER TYPE IF EXISTS u ADD b nothing;",
            "line 5, column 30: there is no type app.nothing",
        ),
        (
            "CREATE TYPE IF NOT EXISTS w (a int, a int);",
            "line 5, column 37: field a is there already",
        ),
    ] {
        assert_eq!(wrong(&format!("{table}{script}")), expected, "{script}");
    }
    let schema = schema(
        "CREATE TABLE t (k int PRIMARY KEY);
         CREATE TRIGGER g ON t USING 'one';
         CREATE TRIGGER IF NOT EXISTS g ON t USING 'other';",
    );
    assert_eq!(schema.table("app", "t").unwrap().triggers["g"], "one");
}

/// Operators change the replication of what the server has made.
#[test]
fn the_server_s_own_keyspaces_are_left_out_of_the_model() {
    let schema = schema(
        "ALTER KEYSPACE system_auth WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': 3};
         ALTER TABLE system_distributed.repair_history WITH gc_grace_seconds = 5;
         USE system;
         DROP INDEX anything;
         USE app;
         CREATE TABLE t (k int PRIMARY KEY);",
    );
    let names: Vec<&str> = schema.keyspaces().map(|(name, _)| name).collect();
    assert_eq!(names, ["app"]);
    assert!(schema.table("app", "t").is_some());
    assert_eq!(
        wrong("ALTER KEYSPACE systems WITH a = 1;"),
        "line 3, column 16: there is no keyspace systems"
    );
}

#[test]
fn compact_storage_is_known_until_it_is_dropped() {
    let table = "CREATE TABLE t (k int PRIMARY KEY, v int) WITH COMPACT STORAGE AND comment = 'x';";
    assert!(schema(table).table("app", "t").unwrap().is_compact);
    let dropped = format!("{table}ALTER TABLE t DROP COMPACT STORAGE;");
    assert!(!schema(&dropped).table("app", "t").unwrap().is_compact);
}
