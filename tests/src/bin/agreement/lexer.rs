//! Whether both lexers cut made-up texts alike.

use cqlstack_syntax::{Token, TokenKind, tokens};
use cqlstack_tests::oracle::{Oracle, Question};

use crate::compare::{Asked, Verdict, until_over};
use crate::{Bounds, Outcome};

/// The oracle's line where a lexer stops.
const REFUSED: &str = "error\n";

/// Pieces between which lexers differ: what begins like one token and goes on like another.
const PIECES: &[&str] = &[
    "0",
    "1",
    "12",
    "1234567",
    "12345678",
    "00",
    "9",
    "-",
    "--",
    "+",
    ".",
    "..",
    "e",
    "E",
    "d",
    "D",
    "a",
    "b",
    "f",
    "x",
    "X",
    "0x",
    "P",
    "p",
    "T",
    "Y",
    "M",
    "W",
    "H",
    "S",
    "y",
    "mo",
    "m",
    "ms",
    "us",
    "ns",
    "\u{b5}s",
    "\u{b5}",
    "n",
    "N",
    "i",
    "I",
    "nan",
    "infinity",
    "NaN",
    "-infinity",
    "true",
    "expr(",
    "expr",
    "'",
    "''",
    "\"",
    "\"\"",
    "$",
    "$$",
    "/*",
    "*/",
    "//",
    "\n",
    "\r",
    " ",
    "\t",
    "_",
    "(",
    ")",
    "<",
    "=",
    ">",
    "!",
    "!=",
    "+=",
    "-=",
    ";",
    ":",
    "?",
    "deadbeef",
    "1e345678",
    "-1234",
    "-12ab",
    "123456789abc",
    "P0001",
    "-02",
    "T03",
    ":04",
    "é",
    "\0",
    "select",
    "key",
    "token",
    "[",
    "]",
    "{",
    "}",
    ",",
    "*",
    "/",
    "%",
    "#",
    "@",
    "\u{feff}",
    "\u{c}",
];

pub(crate) async fn lexer(oracle: &mut Oracle, bounds: &Bounds) -> Outcome {
    let asked = Asked {
        question: Question::Lex,
        batch: 50_000,
        accepts: |answer| theirs(answer) != REFUSED,
        judge: &|text, answer| match ours(text) {
            ours if ours == theirs(answer) => Verdict::Same,
            ours => Verdict::Other(ours),
        },
        written: |_| None,
    };
    until_over(oracle, bounds, asked, soup).await
}

/// A text of a few pieces.
fn soup(random: &mut fastrand::Rng) -> String {
    (0..random.usize(1..9)).filter_map(|_| random.choice(PIECES)).copied().collect()
}

/// What this crate makes of it, as the oracle puts it.
fn ours(text: &str) -> String {
    match tokens(text) {
        Ok(tokens) => {
            let tokens = tokens.iter().filter(|token| token.kind != TokenKind::End);
            tokens.map(|token| line(text, token)).collect()
        }
        Err(_) => REFUSED.to_owned(),
    }
}

fn line(text: &str, Token { kind, span, .. }: &Token) -> String {
    let at = |end: u32| text[..end as usize].encode_utf16().count();
    format!("{} {} {}\n", name(*kind, span.of(text)), at(span.start), at(span.end))
}

/// The grammar's own name of a token.
fn name(kind: TokenKind, text: &str) -> String {
    let name = match kind {
        TokenKind::Keyword(keyword) if keyword.as_str() == "TABLE" => "K_COLUMNFAMILY",
        TokenKind::Keyword(keyword) => return format!("K_{}", keyword.as_str()),
        TokenKind::Identifier => "IDENT",
        TokenKind::QuotedName => "QUOTED_NAME",
        TokenKind::EmptyName => "EMPTY_QUOTED_NAME",
        TokenKind::String => "STRING_LITERAL",
        TokenKind::Integer => "INTEGER",
        TokenKind::Float => match text.to_ascii_lowercase().as_str() {
            "nan" => "K_POSITIVE_NAN",
            "-nan" => "K_NEGATIVE_NAN",
            "infinity" => "K_POSITIVE_INFINITY",
            "-infinity" => "K_NEGATIVE_INFINITY",
            _ => "FLOAT",
        },
        TokenKind::Boolean => "BOOLEAN",
        TokenKind::Duration => "DURATION",
        TokenKind::Uuid => "UUID",
        TokenKind::Blob => "HEXNUMBER",
        TokenKind::Question => "QMARK",
        TokenKind::Range => "RANGE",
        TokenKind::Star => "'\\*'",
        _ => return format!("'{text}'"),
    };
    name.to_owned()
}

/// Where a lexer stops, what came before does not matter: the text is refused.
fn theirs(answer: &str) -> &str {
    if answer.ends_with(REFUSED) { REFUSED } else { answer }
}
