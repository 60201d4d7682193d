//! What may be applied twice. The statements are those on which the Java driver's query builder and
//! `datastax/cql-proxy` are tested, with the names of tables changed where they are reserved words.

use cqlstack_syntax::parse;

/// What does not parse is not idempotent.
fn is_idempotent(text: &str) -> bool {
    parse(text).is_ok_and(|statement| statement.is_idempotent())
}

fn all(texts: &[&str], idempotent: bool) {
    for text in texts {
        assert!(parse(text).is_ok(), "{text}: {}", parse(text).unwrap_err());
        assert_eq!(is_idempotent(text), idempotent, "{text}");
    }
}

#[test]
fn reads_are() {
    all(
        &[
            "SELECT key, rpc_address AS address, count(*) FROM system.local",
            "SELECT func(key) FROM system.local",
            "SELECT JSON * FROM system.local",
            "SELECT now() FROM system.local",
            "SELECT a FROM t WHERE k = now()",
        ],
        true,
    );
}

#[test]
fn writes_of_given_values_are() {
    all(
        &[
            "INSERT INTO foo (k) VALUES (1)",
            "INSERT INTO foo (k) VALUES (1+1)",
            "INSERT INTO foo (k) VALUES ((1,1))",
            "INSERT INTO ks.t (a, b, c) VALUES (1, 'a', 0.1);",
            "INSERT INTO t JSON '{}'",
            "INSERT INTO t JSON ? DEFAULT UNSET USING TTL ?",
            "UPDATE foo SET v=? WHERE k=?",
            "UPDATE foo SET col1=42 WHERE col2 IS NOT NULL",
            "UPDATE t SET a = 0, b = 0 WHERE k = 1",
            "UPDATE ks.t USING TIMESTAMP 1234 AND TTL 5678 SET a = 0 WHERE k = 1",
            "UPDATE t SET a['a'] = 0 WHERE k = 1",
            "UPDATE t SET a.b = 0 WHERE k = 1",
            "UPDATE t SET a = [1, 2, 3] WHERE k = 1",
            "UPDATE t SET a = {1, 2, 3}, b = {'a': 1}, c = (1, 'a', []), d = (map<int, text>)1 WHERE k = 1",
            "DELETE FROM foo WHERE k=?",
            "DELETE a, b, c['key'] FROM t WHERE a > 0",
            "DELETE a.b FROM t WHERE k = 1",
        ],
        true,
    );
}

#[test]
fn sets_and_maps_take_the_same_twice() {
    all(
        &[
            "UPDATE foo SET s=s+{1} WHERE k=?",
            "UPDATE foo SET m=m+{1:'bar'} WHERE k=?",
            "UPDATE t SET v = { 1 } + v WHERE k = 1",
            "UPDATE t SET v = { 'a': 1 } + v WHERE k = 1",
            "UPDATE t SET a += {1, 2} WHERE k = 1",
            "UPDATE t SET a += {'a': ?} WHERE k = 1",
            "UPDATE t SET a = a + (1, 'a') WHERE k = 1",
            "UPDATE t SET a = a + ({1}) WHERE k = 1",
        ],
        true,
    );
}

#[test]
fn removals_are() {
    all(
        &[
            "UPDATE foo SET l=l-[1] WHERE k=?",
            "UPDATE foo SET l=l-[1,2,3] WHERE k=?",
            "UPDATE foo SET s=s-{1} WHERE k=?",
            "UPDATE foo SET m=m-{1:'bar'} WHERE k=?",
            "UPDATE t SET a -= {1, 2} WHERE k = 1",
            "UPDATE t SET a -= (1, 'a') WHERE k = 1",
        ],
        true,
    );
}

#[test]
fn only_a_map_has_keys_that_are_no_integers() {
    for key in [
        "'a'",
        "0.0",
        "0x1",
        "true",
        "false",
        "(1,2,3)",
        "{field1: 1, field2: 'a'}",
        "[1,2,3]",
        "{1,2,3}",
        "{'a': 1}",
        "Nan",
        "Infinity",
        "null",
        "2021Y12M03D",
        "123e4567-e89b-12d3-a456-426614174000",
    ] {
        assert!(is_idempotent(&format!("DELETE v[{key}] FROM t WHERE k = 1")), "{key}");
        assert!(is_idempotent(&format!("UPDATE t SET v[{key}] = 1 WHERE k = 1")), "{key}");
    }
    for key in [
        "0", "-1", "(0)", "((?))", "?", ":i", "func()", "now()", "1 + 1", "(int) 1", "-(1)",
        "{now()}",
    ] {
        assert!(!is_idempotent(&format!("DELETE v[{key}] FROM t WHERE k = 1")), "{key}");
        assert!(!is_idempotent(&format!("UPDATE t SET v[{key}] = 1 WHERE k = 1")), "{key}");
    }
}

#[test]
fn conditions_are_not() {
    all(
        &[
            "INSERT INTO foo (k) VALUES (1) IF NOT EXISTS",
            "INSERT INTO t JSON '{}' IF NOT EXISTS;",
            "UPDATE foo SET v=? WHERE k=? IF EXISTS",
            "UPDATE foo SET v=? WHERE k=? IF v=1",
            "DELETE FROM foo WHERE k=? IF EXISTS",
            "DELETE a['key'] FROM t WHERE k = 1 IF k=1",
            "DELETE a.b, c.d FROM ks.t WHERE k = 'a' IF EXISTS",
        ],
        false,
    );
}

#[test]
fn counters_and_lists_are_not_nor_what_may_be_one() {
    for change in [
        "c=c+1",
        "c=c-1",
        "c = c -1",
        "c = c - 1",
        "c = 1 + c",
        "c += 1",
        "c -= 1",
        "c = c + -(1)",
        "c = c + 1 + 1",
        "c = c + (1)",
        "c -= ((?))",
        "l = l + ([1])",
        "l = ([1]) + l",
        "l=l+[1]",
        "l=[1]+l",
        "l=[1,2,3]+l",
        "l += [1, 2]",
        "a = a + (int)1",
        "a = (int)1 + a",
        "a -= (int)1",
        "a = a + ?",
        "a += :name",
        "a = ? + a",
        "a = a - ?",
        "a -= :name",
        "a = a + func()",
        "a = func() + a",
        "a -= func()",
        "a = a + (set<int>) ?",
        "a = a + from_json('[1]')",
    ] {
        assert!(!is_idempotent(&format!("UPDATE t SET {change} WHERE k = 1")), "{change}");
    }
}

#[test]
fn functions_are_only_where_they_are_known_to_give_the_same() {
    for call in [
        "now()",
        "NOW()",
        "\"now\"()",
        "system.now()",
        "\"system\".\"now\"()",
        "uuid()",
        "current_timestamp()",
        "current_date()",
        "current_time()",
        "current_timeuuid()",
        "currentTimestamp()",
        "currentDate()",
        "currentTimeUUID()",
        "toTimestamp(now())",
        "nested(now())",
        "min_timeuuid(current_timestamp())",
        "generate_id()",
        "1+generate_id()",
        "(1,generate_id())",
        "[now(), 2, 3]",
        "{now():'a'}",
        "{'a': now()}",
        "{field: uuid()}",
        "{uuid()}",
        "(uuid)now()",
        "-generate_id()",
        "CAST(now() AS text)",
        "ks.to_date('2020-01-01')",
        "random_float_vector(3, 0.0, 1.0)",
        "system.someOtherFunc()",
        "text_as_date(1)",
        "blob_as_money(0x00)",
    ] {
        for text in [
            format!("INSERT INTO t (k, v) VALUES (?, {call})"),
            format!("UPDATE t SET v = {call} WHERE k = ?"),
            format!("UPDATE t SET v['a'] = {call} WHERE k = ?"),
            format!("UPDATE t SET v.f = {call} WHERE k = ?"),
            format!("UPDATE t SET v = v - [{call}] WHERE k = ?"),
            format!("UPDATE t SET v = 1 WHERE k = {call}"),
            format!("UPDATE t SET v = 1 WHERE k IN (1, {call})"),
            format!("UPDATE t SET v = 1 WHERE (k, c) IN ((1, {call}))"),
            format!("DELETE FROM t WHERE k = 1 AND c > {call}"),
            format!("BEGIN BATCH DELETE FROM t WHERE k = 1 AND c > {call}; APPLY BATCH"),
        ] {
            assert!(parse(&text).is_ok(), "{text}: {}", parse(&text).unwrap_err());
            assert!(!is_idempotent(&text), "{text}");
        }
    }
    for call in [
        "toDate('2020-01-01')",
        "system.to_date('a')",
        "textAsBlob('a')",
        "blob_as_int(?)",
        "abs(-1)",
    ] {
        assert!(is_idempotent(&format!("INSERT INTO t (k, v) VALUES (?, {call})")), "{call}");
    }
}

#[test]
fn a_batch_is_if_all_its_statements_are() {
    all(
        &[
            "BEGIN BATCH APPLY BATCH",
            "BEGIN BATCH INSERT INTO t (a, b, c) VALUES (1, 'a', 0.1) APPLY BATCH;",
            "BEGIN UNLOGGED BATCH USING TIMESTAMP 1
               UPDATE ks.t SET b = 0 WHERE a > 100
               DELETE a FROM ks.t WHERE k = 1
               INSERT INTO t (a) VALUES (2);
             APPLY BATCH",
        ],
        true,
    );
    all(
        &[
            "BEGIN COUNTER BATCH INSERT INTO t (a, b) VALUES ('a', 0) APPLY BATCH",
            "BEGIN COUNTER BATCH UPDATE t SET a = a + ? WHERE k = 1; APPLY BATCH",
            "BEGIN BATCH INSERT INTO t (a) VALUES (1) DELETE a, b, c[1] FROM t WHERE k = 1; APPLY BATCH",
            "BEGIN BATCH INSERT INTO t (a) VALUES (1); INSERT INTO t (a) VALUES (now()); APPLY BATCH",
            "BEGIN BATCH DELETE FROM t WHERE k = 1 IF EXISTS; APPLY BATCH",
        ],
        false,
    );
}

#[test]
fn nothing_else_is() {
    all(
        &[
            "USE system",
            "TRUNCATE t",
            "CREATE TABLE IF NOT EXISTS t (k int PRIMARY KEY)",
            "DROP TABLE t",
            "ALTER ROLE a WITH PASSWORD = 'b'",
            "GRANT a TO b",
        ],
        false,
    );
    // No CQL; cql-proxy takes some of them for idempotent.
    for text in [
        "",
        "secret",
        "UPDATE t SET a = 0",
        "UPDATE t SET a = 0, WHERE k = 1",
        "DELETE FROM t",
        "DELETE FROM t WHERE",
        "INSERT INTO t () VALUES ()",
        "UPDATE ks.t SET v = 1 WHERE k = 'a' IF NOT EXISTS",
        "BEGIN BATCH SELECT * FROM t APPLY BATCH",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
}
