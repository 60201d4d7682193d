//! Cuts a text into tokens as Cassandra's own lexer does, odd as that is in places.
//!
//! Cassandra's lexer is made by a generator and decides by as little of a text as tells its rules
//! apart; what it decided for has to match then. So a minus before a digit, before `i`, `n` or `P`
//! belongs to a number, to `-Infinity`, `-NaN` or a duration: `item-id` is an error, `item-price` is
//! three tokens. And digits with a letter that only a UUID could have are one, or an error.

mod number;
mod quoted;

use crate::error::{Fault, SyntaxError};
use crate::keyword::Keyword;
use crate::token::{Span, Token, TokenKind};

/// What stands in the text instead of a token.
struct Broken {
    at: usize,
    found: &'static str,
    expected: &'static str,
}

type Lexed = Result<(TokenKind, usize), Broken>;

/// The tokens of a text, and at its end one of kind [`TokenKind::End`].
///
/// One allocation, some 10 ns a token.
///
/// # Errors
///
/// What Cassandra's lexer refuses: a quote or comment that is not closed (a comment of one line needs
/// its line break too), a sign that CQL does not have, a number that is none. And a text of 4 GiB.
///
/// ```
/// use cqlstack_syntax::{Keyword, TokenKind, tokens};
///
/// let kinds: Vec<_> = tokens("USE app;")?.iter().map(|token| token.kind).collect();
/// let expected =
///     [TokenKind::Keyword(Keyword::Use), TokenKind::Identifier, TokenKind::Semicolon, TokenKind::End];
/// assert_eq!(kinds, expected);
/// # Ok::<(), cqlstack_syntax::SyntaxError>(())
/// ```
pub fn tokens(text: &str) -> Result<Vec<Token>, SyntaxError> {
    match lex(text, 0) {
        (tokens, None) => Ok(tokens),
        (_, Some(fault)) => Err(SyntaxError::new(text, fault)),
    }
}

/// Those of a script up to where it is broken, and why it is. A byte order mark is no part of it, and a comment
/// on the last line needs no line break.
pub(crate) fn script_tokens(text: &str) -> (Vec<Token>, Option<Fault>) {
    let begin = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let (tokens, fault) = lex(text, begin);
    (tokens, fault.filter(|fault| fault.found != LAST_COMMENT))
}

/// The tokens up to the end, or to where there is none.
fn lex(text: &str, begin: usize) -> (Vec<Token>, Option<Fault>) {
    let end = |at| Token { kind: TokenKind::End, span: at };
    if u32::try_from(text.len()).is_err() {
        let found = "a text of 4 GiB or more";
        let fault = Fault { span: Span::default(), found, expected: "less" };
        return (vec![end(fault.span)], Some(fault));
    }
    let bytes = text.as_bytes();
    // A token and the blank after it have four bytes or so.
    let mut tokens = Vec::with_capacity(text.len() / 3 + 2);
    let mut at = begin;
    let broken = loop {
        at = match skip_blanks(bytes, at) {
            Ok(at) => at,
            Err(broken) => break broken,
        };
        let (kind, end) = match token(bytes, at) {
            Ok(token) => token,
            Err(broken) => break broken,
        };
        tokens.push(Token { kind, span: span(at, end) });
        if kind == TokenKind::End {
            return (tokens, None);
        }
        at = end;
    };
    let Broken { at, found, expected } = broken;
    tokens.push(end(span(at, at)));
    let width = text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    (tokens, Some(Fault { span: span(at, at + width), found, expected }))
}

const LAST_COMMENT: &str = "a comment on the last line";

#[expect(clippy::cast_possible_truncation, reason = "longer texts are refused before")]
const fn span(start: usize, end: usize) -> Span {
    Span { start: start as u32, end: end as u32 }
}

/// The end of blanks and comments. Only these four bytes are blanks.
fn skip_blanks(bytes: &[u8], mut at: usize) -> Result<usize, Broken> {
    loop {
        match bytes.get(at) {
            Some(b' ' | b'\t' | b'\n' | b'\r') => at += 1,
            Some(b'-') if bytes.get(at + 1) == Some(&b'-') => at = line_comment(bytes, at)?,
            Some(b'/') if bytes.get(at + 1) == Some(&b'/') => at = line_comment(bytes, at)?,
            Some(b'/') if bytes.get(at + 1) == Some(&b'*') => at = comment(bytes, at)?,
            _ => return Ok(at),
        }
    }
}

fn line_comment(bytes: &[u8], at: usize) -> Result<usize, Broken> {
    let rest = bytes.get(at..).unwrap_or_default();
    match rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
        Some(length) => Ok(at + length + 1),
        None => Err(Broken {
            at,
            found: LAST_COMMENT,
            expected: "a line break after it (Cassandra refuses a comment without one)",
        }),
    }
}

fn comment(bytes: &[u8], at: usize) -> Result<usize, Broken> {
    let rest = bytes.get(at + 2..).unwrap_or_default();
    match rest.windows(2).position(|pair| pair == b"*/") {
        Some(length) => Ok(at + 2 + length + 2),
        None => Err(Broken { at, found: "a comment that is not closed", expected: "`*/`" }),
    }
}

/// The token that begins at a byte which begins one, or the end of the text.
fn token(bytes: &[u8], at: usize) -> Lexed {
    use TokenKind as Kind;

    let Some(&first) = bytes.get(at) else { return Ok((Kind::End, at)) };
    let second = bytes.get(at + 1).copied().unwrap_or_default();
    let sign = |kind| Ok((kind, at + 1));
    let pair = |kind| Ok((kind, at + 2));
    match (first, second) {
        (b'a'..=b'z' | b'A'..=b'Z', _) => word(bytes, at),
        (b'0'..=b'9', _) | (b'-', b'0'..=b'9') => number::number(bytes, at),
        (b'-', b'i' | b'I' | b'n' | b'N' | b'P') => number::after_minus(bytes, at),
        (b'\'', _) => quoted::string(bytes, at),
        (b'"', _) => quoted::name(bytes, at),
        (b'$', b'$') => quoted::dollars(bytes, at),
        (b'.', b'.') => pair(Kind::Range),
        (b'!', b'=') => pair(Kind::NotEqual),
        (b'<', b'=') => pair(Kind::LessOrEqual),
        (b'>', b'=') => pair(Kind::GreaterOrEqual),
        (b'+', b'=') => pair(Kind::PlusEqual),
        (b'-', b'=') => pair(Kind::MinusEqual),
        (b'?', _) => sign(Kind::Question),
        (b'(', _) => sign(Kind::Open),
        (b')', _) => sign(Kind::Close),
        (b'[', _) => sign(Kind::OpenBracket),
        (b']', _) => sign(Kind::CloseBracket),
        (b'{', _) => sign(Kind::OpenBrace),
        (b'}', _) => sign(Kind::CloseBrace),
        (b',', _) => sign(Kind::Comma),
        (b'.', _) => sign(Kind::Dot),
        (b':', _) => sign(Kind::Colon),
        (b';', _) => sign(Kind::Semicolon),
        (b'=', _) => sign(Kind::Equal),
        (b'<', _) => sign(Kind::Less),
        (b'>', _) => sign(Kind::Greater),
        (b'+', _) => sign(Kind::Plus),
        (b'-', _) => sign(Kind::Minus),
        (b'*', _) => sign(Kind::Star),
        (b'/', _) => sign(Kind::Slash),
        (b'%', _) => sign(Kind::Percent),
        _ => Err(Broken {
            at,
            found: "a character that CQL has no use for",
            expected: "a word, a sign or a literal (other text stands in quotes)",
        }),
    }
}

const fn is_part_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// A keyword, a name, or what only looks like one.
fn word(bytes: &[u8], at: usize) -> Lexed {
    let rest = bytes.get(at..).unwrap_or_default();
    let length = rest.iter().position(|&byte| !is_part_of_word(byte)).unwrap_or(rest.len());
    let (word, rest) = rest.split_at_checked(length).unwrap_or_default();
    let end = at + length;
    if length == 8 && rest.first() == Some(&b'-') && word.iter().all(u8::is_ascii_hexdigit) {
        return number::uuid(bytes, at);
    }
    if word.first() == Some(&b'P')
        && let Some(lexed) = number::iso_duration(bytes, at, end)
    {
        return lexed;
    }
    if let Some(keyword) = Keyword::of_bytes(word) {
        return Ok((TokenKind::Keyword(keyword), end));
    }
    if word == b"expr" && rest.first() == Some(&b'(') {
        return Ok((TokenKind::Expr, end + 1));
    }
    let is = |literal: &[u8]| word.eq_ignore_ascii_case(literal);
    let kind = match length {
        4 if is(b"true") => TokenKind::Boolean,
        5 if is(b"false") => TokenKind::Boolean,
        3 if is(b"nan") => TokenKind::Float,
        8 if is(b"infinity") => TokenKind::Float,
        _ => TokenKind::Identifier,
    };
    Ok((kind, end))
}
