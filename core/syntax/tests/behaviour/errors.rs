//! An error says where, what was found and what was expected, and shows no value.

use cqlstack_syntax::{normalized, parse};

fn error(text: &str) -> String {
    match parse(text) {
        Ok(statement) => panic!("{text}: {statement:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_first_token_that_does_not_fit_is_named() {
    for (text, expected) in [
        (
            "SELECT a FROM t WHERE k =",
            "line 1, column 26: found the end of the text, expected a value",
        ),
        ("SELECT a FROM t WHERE k = v", "line 1, column 27: found a name, expected a value"),
        (
            "SELECT a b FROM t",
            "line 1, column 10: found a name, expected `,`, AS or FROM after a selector",
        ),
        (
            "SELECT a\n  FROM select",
            "line 2, column 8: found SELECT, expected a name (this word is reserved: quote it)",
        ),
        ("SELECT a FROM ?", "line 1, column 15: found `?`, expected a name (it cannot be bound)"),
        (
            "INSERT INTO t (a) VALUES (1",
            "line 1, column 28: found the end of the text, expected `,` or `)`",
        ),
        (
            "UPDATE t SET a",
            "line 1, column 15: found the end of the text, expected `=`, `+=`, `-=`, `[` or `.` after a \
             column",
        ),
        (
            "UPDATE t SET a 1 WHERE k = 1",
            "line 1, column 16: found an integer, expected `=`, `+=`, `-=`, `[` or `.` after a column",
        ),
        (
            "UPDATE t SET a = b + 1 WHERE k = 1",
            "line 1, column 18: found a name, expected the column that is set (a value of another one \
             cannot be had)",
        ),
        (
            "UPDATE t SET a = 1, A = 2 WHERE k = 1",
            "line 1, column 21: found a column that is set twice, expected each column once",
        ),
        (
            "SELECT a FROM t; SELECT b FROM t",
            "line 1, column 18: found SELECT, expected the end of the statement",
        ),
        (
            "SELECT a FROM t -- why",
            "line 1, column 17: found a comment on the last line, expected a line break after it \
             (Cassandra refuses a comment without one)",
        ),
        (
            "SELECT a FROM t WHERE k = 'é",
            "line 1, column 27: found a string that is not closed, expected `'` after it",
        ),
        (
            "SELECT item-id FROM t",
            "line 1, column 12: found a minus before `i` or `n`, expected -Infinity or -NaN (or a blank \
             after the minus)",
        ),
    ] {
        assert_eq!(error(text), expected, "{text}");
    }
}

#[test]
fn an_empty_text_is_none() {
    let expected = "found the end of the text, expected a statement: SELECT, INSERT, UPDATE, DELETE, \
                    BEGIN BATCH, CREATE, …";
    for (text, place) in [
        ("", "line 1, column 1"),
        (" \t", "line 1, column 3"),
        ("-- a\n/* b */", "line 2, column 8"),
    ] {
        assert_eq!(error(text), format!("{place}: {expected}"));
    }
}

/// A cqlsh command that came to the server.
#[test]
fn shell_commands_are_no_statements() {
    for text in ["SOURCE 'a.cql'", "CONSISTENCY QUORUM;", "COPY t TO 'a.csv'", "exit", "help"] {
        assert!(error(text).contains("expected a statement"), "{text}");
    }
}

#[test]
fn no_error_shows_a_value() {
    for text in [
        "SELECT a FROM t WHERE k = 'secret' 'secret'",
        "SELECT a FROM t WHERE k = secret",
        "INSERT INTO t (a) VALUES ('secret'",
        "INSERT INTO t (a) VALUES ('secret",
        "INSERT INTO t (a) VALUES (secret)",
        "ALTER ROLE a WITH PASSWORD = 'secret",
        "ALTER ROLE a WITH PASSWORD = \"secret",
        "'secret'",
        "secret",
    ] {
        if let Err(error) = parse(text) {
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
        if let Err(error) = normalized(text) {
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
    }
}

#[test]
fn what_cannot_be_created_is_told_where_it_stands() {
    for text in ["CREATE LIST", "CREATE LIST IF NOT EXISTS a", "CREATE CLUSTER x"] {
        let error = parse(text).unwrap_err();
        assert_eq!(error.column(), 8, "{text}: {error}");
    }
}
