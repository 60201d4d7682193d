//! Tokens that begin with a digit or a minus: numbers, durations, blobs, UUIDs.
//!
//! Which of them it is, Cassandra's lexer decides by its first bytes; then all of it has to match.

use super::{Broken, Lexed};
use crate::token::TokenKind;

/// Bytes before the first hyphen of a UUID.
const FIRST_GROUP: usize = 8;

fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or_default()
}

/// The end of the digits from there.
fn digits(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len())
}

fn broken(at: usize, found: &'static str, expected: &'static str) -> Lexed {
    Err(Broken { at, found, expected })
}

/// Whether a unit of a duration begins there, other than days, which a UUID could have too.
fn begins_unit(bytes: &[u8], at: usize) -> bool {
    match byte(bytes, at).to_ascii_lowercase() {
        b'h' | b'm' | b'n' | b's' | b'u' | b'w' | b'y' => true,
        other => other == 0xC2 && byte(bytes, at + 1) == 0xB5,
    }
}

/// What begins with a digit, or with a minus and a digit.
pub(super) fn number(bytes: &[u8], start: usize) -> Lexed {
    let negative = byte(bytes, start) == b'-';
    let end = digits(bytes, start + usize::from(negative));
    // A UUID has no sign, and eight bytes before its hyphen.
    let short = !negative && end - start < FIRST_GROUP;
    match byte(bytes, end) {
        b'-' if !negative && end - start == FIRST_GROUP => uuid(bytes, start),
        b'x' | b'X' if end == start + 1 && byte(bytes, start) == b'0' => {
            let rest = bytes.get(end + 1..).unwrap_or_default();
            let length = rest.iter().position(|byte| !byte.is_ascii_hexdigit());
            Ok((TokenKind::Blob, end + 1 + length.unwrap_or(rest.len())))
        }
        b'a'..=b'c' | b'A'..=b'C' | b'f' | b'F' if short => uuid(bytes, start),
        b'd' | b'D' if short => days_or_uuid(bytes, start, end),
        b'e' | b'E' if short => exponent_or_uuid(bytes, start, end),
        b'.' | b'e' | b'E' => float(bytes, end),
        b'd' | b'D' => duration(bytes, start),
        _ if begins_unit(bytes, end) => duration(bytes, start),
        _ => Ok((TokenKind::Integer, end)),
    }
}

/// `12d` begins both `12d5h` and `12d5a000-…`.
fn days_or_uuid(bytes: &[u8], start: usize, mut at: usize) -> Lexed {
    loop {
        // `at` is the `d`.
        let after = digits(bytes, at + 1);
        if after - start >= FIRST_GROUP {
            // The first group ends among these digits, or with the `d`.
            return match byte(bytes, start + FIRST_GROUP) {
                b'-' => uuid(bytes, start),
                _ => duration(bytes, start),
            };
        }
        match byte(bytes, after) {
            b'd' | b'D' if after == at + 1 => return uuid(bytes, start),
            b'd' | b'D' => at = after,
            letter if letter.is_ascii_hexdigit() => return uuid(bytes, start),
            _ => return duration(bytes, start),
        }
    }
}

/// `12e` begins both `12e5` and `12e5a000-…`; seven digits and `e-1` begin both as well.
fn exponent_or_uuid(bytes: &[u8], start: usize, e: usize) -> Lexed {
    let group_ends = start + FIRST_GROUP;
    if e + 1 == group_ends {
        if byte(bytes, e + 1) != b'-' {
            return float(bytes, e);
        }
        let second = digits(bytes, e + 2).min(e + 6);
        let is_uuid = match byte(bytes, second) {
            b'-' => second == e + 6,
            letter => letter.is_ascii_hexdigit() && second < e + 6,
        };
        return if is_uuid { uuid(bytes, start) } else { float(bytes, e) };
    }
    let after = digits(bytes, e + 1);
    let is_uuid = if after >= group_ends {
        byte(bytes, group_ends) == b'-'
    } else {
        byte(bytes, after).is_ascii_hexdigit()
    };
    if is_uuid { uuid(bytes, start) } else { float(bytes, e) }
}

/// From the end of its first digits. `1..2` is an integer and a range, `1...2` a float and a range.
fn float(bytes: &[u8], mut at: usize) -> Lexed {
    if byte(bytes, at) == b'.' {
        if byte(bytes, at + 1) == b'.' {
            let three = byte(bytes, at + 2) == b'.';
            return Ok(if three { (TokenKind::Float, at + 1) } else { (TokenKind::Integer, at) });
        }
        at = digits(bytes, at + 1);
    }
    if matches!(byte(bytes, at), b'e' | b'E') {
        let sign = usize::from(matches!(byte(bytes, at + 1), b'+' | b'-'));
        let exponent = at + 1 + sign;
        let end = digits(bytes, exponent);
        if end == exponent {
            return broken(at, "a number that breaks off", "digits after its `e`");
        }
        at = end;
    }
    Ok((TokenKind::Float, at))
}

fn duration(bytes: &[u8], start: usize) -> Lexed {
    let mut at = start + usize::from(byte(bytes, start) == b'-');
    loop {
        at = digits(bytes, at);
        at += match (byte(bytes, at).to_ascii_lowercase(), byte(bytes, at + 1).to_ascii_lowercase())
        {
            (b'm', b'o' | b's') | (b'u' | b'n', b's') => 2,
            (b'y' | b'w' | b'd' | b'h' | b'm' | b's', _) => 1,
            (0xC2, 0xB5) if matches!(byte(bytes, at + 2), b's' | b'S') => 3,
            _ => {
                let units = "a unit: y, mo, w, d, h, m, s, ms, us or ns";
                return broken(at, "a duration that breaks off", units);
            }
        };
        if !byte(bytes, at).is_ascii_digit() {
            return Ok((TokenKind::Duration, at));
        }
    }
}

pub(super) fn uuid(bytes: &[u8], start: usize) -> Lexed {
    let mut at = start;
    for (group, length) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if group > 0 {
            if byte(bytes, at) != b'-' {
                return broken(at, "a UUID that breaks off", "a hyphen and hexadecimal digits");
            }
            at += 1;
        }
        for _ in 0..length {
            if !byte(bytes, at).is_ascii_hexdigit() {
                return broken(at, "a UUID that breaks off", "a hexadecimal digit");
            }
            at += 1;
        }
    }
    Ok((TokenKind::Uuid, at))
}

/// What begins with a minus and a letter that only these begin with.
pub(super) fn after_minus(bytes: &[u8], at: usize) -> Lexed {
    let rest = bytes.get(at + 1..).unwrap_or_default();
    let begins = |word: &[u8]| rest.get(..word.len()).is_some_and(|b| b.eq_ignore_ascii_case(word));
    if begins(b"infinity") {
        return Ok((TokenKind::Float, at + 9));
    }
    if begins(b"nan") {
        return Ok((TokenKind::Float, at + 4));
    }
    if rest.first() == Some(&b'P') {
        return match iso(bytes, at + 2) {
            Some(end) => Ok((TokenKind::Duration, end)),
            None => broken(at, "a duration that breaks off", "a period as of ISO 8601"),
        };
    }
    broken(at, "a minus before `i` or `n`", "-Infinity or -NaN (or a blank after the minus)")
}

/// A word that begins with `P` and ends at `end` may be a duration, all of it.
pub(super) fn iso_duration(bytes: &[u8], at: usize, end: usize) -> Option<Lexed> {
    let alternative = end == at + 5 && byte(bytes, end) == b'-' && digits(bytes, at + 1) == end;
    match iso(bytes, at + 1) {
        Some(stop) if stop == end || alternative => Some(Ok((TokenKind::Duration, stop))),
        None if alternative => {
            Some(broken(at, "a duration that breaks off", "PYYYY-MM-DDThh:mm:ss"))
        }
        _ => None,
    }
}

/// The end of an ISO 8601 period, from after its `P`.
fn iso(bytes: &[u8], start: usize) -> Option<usize> {
    let first = digits(bytes, start);
    if first == start + 4 && byte(bytes, first) == b'-' {
        return alternative(bytes, start);
    }
    let mut at = start;
    if byte(bytes, at) != b'T' {
        at = period(bytes, at)?;
        if byte(bytes, at - 1) == b'W' || byte(bytes, at) != b'T' {
            return Some(at);
        }
    }
    units(bytes, at + 1, b"HMS")
}

fn period(bytes: &[u8], at: usize) -> Option<usize> {
    let end = digits(bytes, at);
    if end > at && byte(bytes, end) == b'W' { Some(end + 1) } else { units(bytes, at, b"YMD") }
}

/// Numbers with units in this order; each may be absent, not all.
fn units(bytes: &[u8], mut at: usize, mut order: &[u8]) -> Option<usize> {
    loop {
        let end = digits(bytes, at);
        if end == at {
            return None;
        }
        let unit = order.iter().position(|&unit| unit == byte(bytes, end))?;
        order = order.get(unit + 1..)?;
        at = end + 1;
        if order.is_empty() || !byte(bytes, at).is_ascii_digit() {
            return Some(at);
        }
    }
}

/// `0001-02-03T04:05:06`
fn alternative(bytes: &[u8], start: usize) -> Option<usize> {
    const SHAPE: &[u8] = b"dddd-dd-ddTdd:dd:dd";
    let text = bytes.get(start..start + SHAPE.len())?;
    let fits = |(&byte, &shape): (&u8, &u8)| match shape {
        b'd' => byte.is_ascii_digit(),
        sign => byte == sign,
    };
    text.iter().zip(SHAPE).all(fits).then_some(start + SHAPE.len())
}
