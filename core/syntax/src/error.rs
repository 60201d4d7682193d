//! Why a text was not understood.

use std::error::Error;
use std::fmt;

use crate::token::{Span, TokenKind};

/// A text that is not CQL, or is more than this crate reads: where, what was found there, and what
/// was expected instead.
///
/// It shows keywords and signs, never a name or a literal: a text can contain values.
///
/// ```
/// let error = cqlstack_syntax::parse("SELECT name\nFORM users").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "line 2, column 1: found a name, expected `,`, AS or FROM after a selector"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    span: Span,
    line: u32,
    column: u32,
    found: &'static str,
    expected: &'static str,
}

/// The same while the parser still looks for another way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) span: Span,
    pub(crate) found: &'static str,
    pub(crate) expected: &'static str,
}

impl Fault {
    pub(crate) const fn new(span: Span, found: TokenKind, expected: &'static str) -> Self {
        Self { span, found: found.as_str(), expected }
    }
}

/// Line and column after a text that begins at these, in characters.
pub(crate) fn after(text: &str, (line, column): (u32, u32)) -> (u32, u32) {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    match text.rfind('\n') {
        Some(last) => {
            let lines = count(text.matches('\n').count());
            (line.saturating_add(lines), count(text[last + 1..].chars().count()).saturating_add(1))
        }
        None => (line, column.saturating_add(count(text.chars().count()))),
    }
}

impl SyntaxError {
    pub(crate) fn new(text: &str, fault: Fault) -> Self {
        let Fault { span, found, expected } = fault;
        let before = text.get(..span.start as usize).unwrap_or(text);
        let (line, column) = after(before, (1, 1));
        Self { span, line, column, found, expected }
    }

    /// Where the text stops being CQL.
    #[must_use]
    pub const fn span(&self) -> Span {
        self.span
    }

    /// From 1.
    #[must_use]
    pub const fn line(&self) -> u32 {
        self.line
    }

    /// From 1, in characters.
    #[must_use]
    pub const fn column(&self) -> u32 {
        self.column
    }

    /// What stands there.
    #[must_use]
    pub const fn found(&self) -> &'static str {
        self.found
    }

    /// What could stand there.
    #[must_use]
    pub const fn expected(&self) -> &'static str {
        self.expected
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, found, expected, .. } = self;
        write!(f, "line {line}, column {column}: found {found}, expected {expected}")
    }
}

impl Error for SyntaxError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_in_characters() {
        for (text, start, line, column) in [
            ("", 0, 1, 1),
            ("abc", 2, 1, 3),
            ("a\nbc", 3, 2, 2),
            ("é\r\né;", 6, 2, 2),
            ("a\n", 2, 2, 1),
        ] {
            let span = Span { start, end: start };
            let error = SyntaxError::new(text, Fault::new(span, TokenKind::End, "more"));
            assert_eq!((error.line(), error.column()), (line, column), "{text:?}");
        }
    }
}
