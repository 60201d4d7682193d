//! The oddities of Cassandra's lexer, each seen there. `tests/src/bin/agreement` compares millions more.

use cqlstack_syntax::{TokenKind, tokens};

/// The tokens as they stand in the text, or `error`.
fn cut(text: &str) -> Vec<&str> {
    match tokens(text) {
        Ok(tokens) => tokens
            .iter()
            .filter(|token| token.kind != TokenKind::End)
            .map(|token| token.span.of(text))
            .collect(),
        Err(_) => vec!["error"],
    }
}

#[test]
fn a_minus_belongs_to_what_follows() {
    for (text, expected) in [
        ("qty-2", &["qty", "-2"][..]),
        ("qty - 2", &["qty", "-", "2"]),
        ("1-2", &["1", "-2"]),
        ("item-price", &["item", "-", "price"]),
        ("item-id", &["error"]),
        ("item-nb", &["error"]),
        ("item-Price", &["error"]),
        ("item-infinity", &["item", "-infinity"]),
        ("-NaN", &["-NaN"]),
        ("a-P1D", &["a", "-P1D"]),
        ("a-=1", &["a", "-=", "1"]),
        ("a--b", &["error"]),
        ("a--b\n", &["a"]),
    ] {
        assert_eq!(cut(text), expected, "{text}");
    }
}

#[test]
fn digits_with_letters_are_numbers_durations_blobs_or_uuids() {
    for (text, expected) in [
        ("1.5e3", &["1.5e3"][..]),
        ("1.", &["1."]),
        ("1e", &["error"]),
        ("1..2", &["1", "..", "2"]),
        ("1...2", &["1.", "..", "2"]),
        ("1h30m", &["1h30m"]),
        ("1month", &["1mo", "nth"]),
        ("1h2", &["error"]),
        ("5µs", &["5µs"]),
        ("0xCAFEg", &["0xCAFE", "g"]),
        ("123abc", &["error"]),
        ("-123abc", &["-123", "abc"]),
        ("P1Y2M", &["P1Y2M"]),
        ("p1y", &["p1y"]),
        ("P1YT", &["P1YT"]),
        ("deadbeef", &["deadbeef"]),
        ("deadbeef-x", &["error"]),
        ("123e4567-e89b-12d3-a456-426614174000", &["123e4567-e89b-12d3-a456-426614174000"]),
        ("1234567e-12", &["1234567e-12"]),
        ("1234567e-12ab", &["error"]),
    ] {
        assert_eq!(cut(text), expected, "{text}");
    }
}

#[test]
fn what_stands_in_quotes_is_one_token() {
    for text in [
        "'a/*b*/'",
        "'x;y'",
        "'--'",
        "'//'",
        "'it''s'",
        "''",
        "'a\nb'",
        "'a\0b'",
        "$$ it's ; -- \n $ $$",
        "$$$$",
        "\"Mixed Case\"",
        "\"a\"\"b\"",
        "\"\"",
    ] {
        assert_eq!(cut(text), [text], "{text}");
    }
}

#[test]
fn comments_and_blanks_are_no_tokens() {
    let text = "a -- don't\n// it's\r\n/* ; ' \" */\tb /* -- */ c";
    assert_eq!(cut(text), ["a", "b", "c"]);
}

#[test]
fn what_cassandra_refuses_is_refused() {
    for text in [
        "'a",
        "'a''",
        "\"a",
        "$$a",
        "$a$",
        "$",
        "/* a",
        "/*/",
        "a -- b",
        "// b",
        "!",
        "#",
        "@",
        "_a",
        "é",
        "\0",
        "a\u{c}b",
        "\u{feff}a",
        "a\u{a0}b",
        "^",
        "&",
        "|",
        "\\",
        "`a`",
        "~",
    ] {
        assert_eq!(cut(text), ["error"], "{text:?}");
    }
}
