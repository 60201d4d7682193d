//! A finding, and how it is shown beside the statement.

use std::fmt;

use super::Lint;
use crate::error::SyntaxError;
use crate::token::Span;

/// Something that is wrong with a statement: where, and what would be right.
///
/// ```
/// use cqlstack_syntax::{Schema, check::check, parse};
///
/// let schema = Schema::from_script(
///     "CREATE KEYSPACE app WITH replication = {'class': 'SimpleStrategy'};
///      CREATE TABLE app.users (id int PRIMARY KEY, name text, email text)",
/// )?;
/// let text = "SELECT emial FROM app.users WHERE id = ?";
/// let findings = check(&parse(text)?, Some(&schema), None);
/// assert_eq!(
///     findings[0].show(text).to_string(),
///     "app.users has no column `emial`
///   |
/// 1 | SELECT emial FROM app.users WHERE id = ?
///   |        ^^^^^ expected one of: id, name, email
/// help: did you mean `email`?
///   | SELECT email FROM app.users WHERE id = ?"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    span: Span,
    message: String,
    expected: String,
    help: Option<String>,
    fix: Option<(Span, String)>,
    lint: Option<Lint>,
}

impl Finding {
    pub(super) fn new(span: Span, message: impl Into<String>, expected: impl Into<String>) -> Self {
        let (message, expected) = (message.into(), expected.into());
        Self { span, message, expected, help: None, fix: None, lint: None }
    }

    #[must_use]
    pub(super) fn with_help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// With what would stand in this place if it was right.
    #[must_use]
    pub(super) fn with_fix(self, span: Span, fixed: impl Into<String>) -> Self {
        Self { fix: Some((span, fixed.into())), ..self }
    }

    #[must_use]
    pub(super) fn with_lint(self, lint: Lint) -> Self {
        Self { lint: Some(lint), ..self }
    }

    /// Where it is in the statement's text.
    #[must_use]
    pub const fn span(&self) -> Span {
        self.span
    }

    /// What is wrong.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What was expected instead.
    #[must_use]
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// What to do, if there is more to say.
    #[must_use]
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// The lint, if a server may accept the statement; none of what it refuses.
    #[must_use]
    pub const fn lint(&self) -> Option<Lint> {
        self.lint
    }

    /// The whole text as it would be right, if that is known.
    #[must_use]
    pub fn fixed(&self, text: &str) -> Option<String> {
        let (span, fixed) = self.fix.as_ref()?;
        let (before, after) = (text.get(..span.start as usize)?, text.get(span.end as usize..)?);
        Some(format!("{before}{fixed}{after}"))
    }

    /// Over lines: the message, the line of the text with a caret under the place, and help. Long lines are
    /// clipped.
    #[must_use]
    pub const fn show<'f>(&'f self, text: &'f str) -> Shown<'f> {
        Shown { finding: self, text }
    }
}

/// A text that does not parse.
impl From<&SyntaxError> for Finding {
    fn from(error: &SyntaxError) -> Self {
        Self::new(
            error.span(),
            format!("this is no CQL: found {}", error.found()),
            error.expected(),
        )
    }
}

/// A finding to be shown.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'f> {
    finding: &'f Finding,
    text: &'f str,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { finding, text } = self;
        let line = Line::at(text, finding.span);
        let margin = " ".repeat(line.number.to_string().len());
        writeln!(f, "{}", finding.message)?;
        writeln!(f, "{margin} |")?;
        writeln!(f, "{} | {}", line.number, line.shown)?;
        let (before, carets) = (" ".repeat(line.before), "^".repeat(line.carets));
        write!(f, "{margin} | {before}{carets} expected {}", finding.expected)?;
        let fixed = finding.fix.as_ref().zip(finding.fixed(text));
        let fixed = fixed.map(|((span, fix), text)| {
            let end = span.start.saturating_add(u32::try_from(fix.len()).unwrap_or(u32::MAX));
            Line::at(&text, Span { start: span.start, end }).shown
        });
        match (&finding.help, fixed) {
            (Some(help), Some(fixed)) => write!(f, "\nhelp: {help}\n{margin} | {fixed}")?,
            (Some(help), None) => write!(f, "\nhelp: {help}")?,
            (None, Some(fixed)) => write!(f, "\nhelp: write\n{margin} | {fixed}")?,
            (None, None) => {}
        }
        match finding.lint {
            Some(name) => write!(f, "\nhelp: where it is meant, say `allow({name})`"),
            None => Ok(()),
        }
    }
}

/// How much of a line is shown, in characters.
const WIDTH: usize = 100;

/// The line of a text in which something stands, clipped around it.
struct Line {
    number: usize,
    shown: String,
    /// Characters before the carets, and how many carets.
    before: usize,
    carets: usize,
}

impl Line {
    fn at(text: &str, span: Span) -> Self {
        let start = floor(text, span.start as usize);
        let end = floor(text, span.end as usize).max(start);
        let first = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let last = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let line: Vec<char> = text[first..last].chars().map(plain).collect();
        let before = text[first..start].chars().count();
        let carets = text[start..end.min(last)].chars().count().max(1);
        // A third of the width stays before the place, more at the end of a line.
        let from = before.saturating_sub(WIDTH / 3).min(line.len().saturating_sub(WIDTH));
        let to = line.len().min(from + WIDTH);
        let mut shown: String = line.get(from..to).unwrap_or_default().iter().collect();
        let clipped = usize::from(from > 0);
        if clipped > 0 {
            shown.insert(0, '…');
        }
        let carets = carets.min((to - from.min(to)).saturating_sub(before - from).max(1));
        if to < line.len() {
            shown.push('…');
        }
        let number = text[..start].matches('\n').count() + 1;
        Self { number, shown: shown.trim_end().to_owned(), before: before - from + clipped, carets }
    }
}

/// What moves the cursor would move the caret from its place.
fn plain(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

/// The nearest place between characters, at or before this one.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, start: u32, end: u32) -> String {
        Finding::new(Span { start, end }, "wrong", "right").show(text).to_string()
    }

    #[test]
    fn the_caret_is_under_its_place_in_its_line() {
        assert_eq!(shown("a\n\tbé c\nd", 7, 8), "wrong\n  |\n2 |  bé c\n  |     ^ expected right");
        assert_eq!(shown("", 0, 0), "wrong\n  |\n1 | \n  | ^ expected right");
        assert_eq!(shown("ab\ncd", 1, 5), "wrong\n  |\n1 | ab\n  |  ^ expected right");
        let ten = "\n".repeat(9) + "x";
        assert_eq!(shown(&ten, 9, 10), "wrong\n   |\n10 | x\n   | ^ expected right");
    }

    #[test]
    fn a_long_line_is_clipped_around_its_place() {
        let text = format!("{}HERE{}", "é".repeat(1_000), "b".repeat(1_000));
        let shown = shown(&text, 2_000, 2_004);
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines[2].starts_with("1 | …é") && lines[2].ends_with("b…"), "{shown}");
        let at = lines[2].chars().position(|c| c == 'H');
        assert_eq!(at, lines[3].chars().position(|c| c == '^'), "{shown}");
        assert!(lines[2].chars().count() < WIDTH + 10);
    }

    #[test]
    fn no_place_is_too_wild_to_be_shown() {
        for (start, end) in [(0, u32::MAX), (u32::MAX, 0), (1, 0), (3, 5), (5, 2)] {
            assert!(shown("aé\n\u{1F600}", start, end).contains('^'));
        }
    }
}
