//! Tokens between quotes.

use super::{Broken, Lexed};
use crate::token::TokenKind;

/// The end of what begins with a quote; a doubled quote inside stands for itself.
fn closed(bytes: &[u8], start: usize, quote: u8) -> Option<usize> {
    let mut at = start + 1;
    loop {
        let rest = bytes.get(at..)?;
        at += rest.iter().position(|&byte| byte == quote)? + 1;
        if bytes.get(at) != Some(&quote) {
            return Some(at);
        }
        at += 1;
    }
}

pub(super) fn string(bytes: &[u8], at: usize) -> Lexed {
    let unclosed = Broken { at, found: "a string that is not closed", expected: "`'` after it" };
    closed(bytes, at, b'\'').map(|end| (TokenKind::String, end)).ok_or(unclosed)
}

pub(super) fn name(bytes: &[u8], at: usize) -> Lexed {
    let unclosed = Broken { at, found: "a name that is not closed", expected: "`\"` after it" };
    let end = closed(bytes, at, b'"').ok_or(unclosed)?;
    let kind = if end == at + 2 { TokenKind::EmptyName } else { TokenKind::QuotedName };
    Ok((kind, end))
}

pub(super) fn dollars(bytes: &[u8], at: usize) -> Lexed {
    let rest = bytes.get(at + 2..).unwrap_or_default();
    match rest.windows(2).position(|pair| pair == b"$$") {
        Some(length) => Ok((TokenKind::String, at + length + 4)),
        None => Err(Broken { at, found: "a string that is not closed", expected: "`$$` after it" }),
    }
}
