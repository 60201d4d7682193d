//! The text of a string literal, as the compiler would read it.

use std::iter::Peekable;
use std::str::Chars;

use proc_macro2::{Delimiter, Group, Literal, Span, TokenStream, TokenTree};

use crate::fault::Fault;

/// The text of a statement, and where it stands.
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) span: Span,
}

/// What else could stand there, and why it cannot.
const ONLY: &str = "the macro sees the program before constants and other macros have values: \
                    write the text itself, or `concat!` of literals";

/// The text that one argument is: a literal, or `concat!` of literals.
pub(crate) fn text_of(argument: &[TokenTree], place: Span) -> Result<Text, Fault> {
    match &ungrouped(argument)[..] {
        [] => Err(Fault::new(place, "expected the text of a statement, as a string literal")),
        [TokenTree::Literal(literal)] => {
            let span = literal.span();
            string(literal).map(|text| Text { text, span }).ok_or_else(|| {
                Fault::new(span, "expected a string literal, as `\"…\"` or `r\"…\"`")
            })
        }
        [path @ .., TokenTree::Punct(bang), TokenTree::Group(inner)]
            if bang.as_char() == '!' && is_concat(path) =>
        {
            concatenated(inner)
        }
        [TokenTree::Literal(_), other, ..] => {
            Err(Fault::new(other.span(), "expected a comma between the text and its options"))
        }
        [first, ..] => {
            let message = format!("expected the text of a statement as a string literal; {ONLY}");
            Err(Fault::new(first.span(), message))
        }
    }
}

/// `concat`, `std::concat`, `::core::concat`
fn is_concat(path: &[TokenTree]) -> bool {
    let path: String = path.iter().map(ToString::to_string).collect();
    matches!(&*path, "concat" | "std::concat" | "core::concat" | "::std::concat" | "::core::concat")
}

fn concatenated(inner: &Group) -> Result<Text, Fault> {
    let mut text = String::new();
    let parts = split(inner.stream());
    let last = parts.len() - 1;
    for (index, part) in parts.iter().enumerate() {
        match &ungrouped(part)[..] {
            [] if index == last => {}
            [TokenTree::Literal(literal)] => text.push_str(&display(literal)?),
            [TokenTree::Ident(word)] if *word == "true" || *word == "false" => {
                text.push_str(&word.to_string());
            }
            [TokenTree::Punct(minus), TokenTree::Literal(literal)]
                if minus.as_char() == '-' && string(literal).is_none() =>
            {
                text.push('-');
                text.push_str(&display(literal)?);
            }
            other => text.push_str(&text_of(other, inner.span())?.text),
        }
    }
    Ok(Text { text, span: inner.span() })
}

/// Without the invisible brackets around what a `macro_rules!` has taken as a literal or an expression.
pub(crate) fn ungrouped(tokens: &[TokenTree]) -> Vec<TokenTree> {
    match tokens {
        [TokenTree::Group(group)] if group.delimiter() == Delimiter::None => {
            ungrouped(&group.stream().into_iter().collect::<Vec<_>>())
        }
        tokens => tokens.to_vec(),
    }
}

/// At commas. The last may be followed by one.
pub(crate) fn split(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let mut parts = vec![Vec::new()];
    for token in tokens {
        match &token {
            TokenTree::Punct(comma) if comma.as_char() == ',' => parts.push(Vec::new()),
            _ => {
                if let Some(part) = parts.last_mut() {
                    part.push(token);
                }
            }
        }
    }
    parts
}

/// A literal as `concat!` shows it.
fn display(literal: &Literal) -> Result<String, Fault> {
    if let Some(text) = string(literal) {
        return Ok(text);
    }
    let written = literal.to_string();
    if let Some(inner) = written.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return unescaped(inner).ok_or_else(|| Fault::new(literal.span(), "this is no character"));
    }
    let digits = written.replace('_', "");
    if let Ok(number) = digits.parse::<u128>() {
        return Ok(number.to_string());
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Ok(written);
    }
    let message = "expected a string, a character, a boolean or a plain number";
    Err(Fault::new(literal.span(), message))
}

/// The text of a string literal; none of another literal.
pub(crate) fn string(literal: &Literal) -> Option<String> {
    let written = literal.to_string();
    if let Some(raw) = written.strip_prefix('r') {
        let inner = raw.trim_matches('#').strip_prefix('"')?.strip_suffix('"')?;
        return Some(normal_lines(inner));
    }
    unescaped(&normal_lines(written.strip_prefix('"')?.strip_suffix('"')?))
}

/// The compiler takes CR LF for LF.
fn normal_lines(text: &str) -> String {
    text.replace("\r\n", "\n")
}

fn unescaped(inner: &str) -> Option<String> {
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner.chars().peekable();
    while let Some(next) = rest.next() {
        if next == '\\' {
            escape(&mut rest, &mut text)?;
        } else {
            text.push(next);
        }
    }
    Some(text)
}

/// Adds what a backslash and what follows it stand for; nothing where they continue a line.
fn escape(rest: &mut Peekable<Chars<'_>>, text: &mut String) -> Option<()> {
    text.push(match rest.next()? {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        '\\' => '\\',
        '0' => '\0',
        '\'' => '\'',
        '"' => '"',
        'x' => char::from_u32(rest.next()?.to_digit(16)? * 16 + rest.next()?.to_digit(16)?)?,
        'u' => {
            let digits: String = rest.by_ref().skip(1).take_while(|c| *c != '}').collect();
            char::from_u32(u32::from_str_radix(&digits.replace('_', ""), 16).ok()?)?
        }
        '\n' => {
            while rest.next_if(|c| matches!(c, ' ' | '\t' | '\n' | '\r')).is_some() {}
            return Some(());
        }
        _ => return None,
    });
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(tokens: &str) -> Result<String, String> {
        let tokens: Vec<_> = tokens.parse::<TokenStream>().unwrap().into_iter().collect();
        text_of(&tokens, Span::call_site()).map(|text| text.text).map_err(|fault| fault.to_string())
    }

    #[test]
    fn a_literal_is_read_as_the_compiler_reads_it() {
        assert_eq!(
            read(r#""a\tb\n\\\"\'\x41\u{e9}\u{1_F600}""#).unwrap(),
            "a\tb\n\\\"'A\u{e9}\u{1F600}"
        );
        assert_eq!(read("r\"a\\n\"").unwrap(), "a\\n");
        assert_eq!(read("r##\"a\"#\"##").unwrap(), "a\"#");
        assert_eq!(read("\"a \\\n     b\\\n\"").unwrap(), "a b");
        assert_eq!(read("\"a\n  b\"").unwrap(), "a\n  b");
        assert_eq!(read("\"\"").unwrap(), "");
    }

    #[test]
    fn concat_of_literals_is_joined_and_what_has_no_value_yet_is_told() {
        let joined = read(r#"concat!("a", r"b", 1, -2.5, true, 'c', '\n', concat!("d", "e"),)"#);
        assert_eq!(joined.unwrap(), "ab1-2.5truec\nde");
        assert_eq!(read(r#"::core::concat!("a")"#).unwrap(), "a");
        assert_eq!(read(r#"concat!("a", 1_000, 007, 2.50)"#).unwrap(), "a100072.50");
        for wrong in
            ["TEXT", "self::TEXT", "include_str!(\"a\")", "format!(\"a\")", "concat!(TEXT)"]
        {
            let error = read(wrong).unwrap_err();
            assert!(error.contains("`concat!` of literals"), "{wrong}: {error}");
        }
        for wrong in
            [r#"concat!("a",,"b")"#, r#"concat!(-"a")"#, "concat!(0xff)", "\"a\"; name = \"b\""]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        for wrong in ["b\"a\"", "c\"a\"", "1", "'a'"] {
            assert!(read(wrong).unwrap_err().contains("string literal"), "{wrong}");
        }
        assert!(read("").is_err());
    }
}
