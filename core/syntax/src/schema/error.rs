//! What is wrong with a schema.

use std::error::Error;
use std::fmt;

use crate::error::{SyntaxError, after};
use crate::parse::Scripted;
use crate::token::Span;

/// A script that makes no schema: where, and why. It shows names, and no value.
///
/// ```
/// use cqlstack_syntax::Schema;
///
/// let error = Schema::from_script("CREATE KEYSPACE k WITH a = 1;\nDROP TABLE k.t").unwrap_err();
/// assert_eq!((error.line(), error.column()), (2, 12));
/// assert_eq!(error.reason(), "there is no table k.t");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaError {
    line: u32,
    column: u32,
    why: Why,
}

pub(super) type Outcome<T> = Result<T, Fault>;

/// The same before its place is known in lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    why: Why,
    /// Where, if it is not about the statement as a whole.
    span: Option<Span>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Why {
    Syntax(SyntaxError),
    /// What it is, and its name.
    Missing(&'static str, String),
    Exists(&'static str, String),
    NoKeyspace(String),
    /// What it is about, and what is wrong.
    Invalid(String, &'static str),
}

impl Fault {
    pub(super) const fn missing(what: &'static str, name: String) -> Self {
        Self { why: Why::Missing(what, name), span: None }
    }

    pub(super) const fn exists(what: &'static str, name: String) -> Self {
        Self { why: Why::Exists(what, name), span: None }
    }

    pub(super) const fn no_keyspace(name: String) -> Self {
        Self { why: Why::NoKeyspace(name), span: None }
    }

    pub(super) const fn invalid(name: String, why: &'static str) -> Self {
        Self { why: Why::Invalid(name, why), span: None }
    }

    /// With its place, unless it has one that is closer.
    #[must_use]
    pub(super) fn at(mut self, span: Span) -> Self {
        self.span.get_or_insert(span);
        self
    }

    pub(super) const fn is_missing(&self) -> bool {
        matches!(self.why, Why::Missing(..))
    }

    pub(super) const fn is_there(&self) -> bool {
        matches!(self.why, Why::Exists(..))
    }

    /// Whether `IF NOT EXISTS` makes it none. A field that is there twice is a mistake, whatever there is.
    pub(super) fn is_existing(&self) -> bool {
        matches!(self.why, Why::Exists(what, _) if what != "field")
    }
}

/// Why a statement could not be applied, and where: at the start of the text, if nothing is closer.
pub(crate) struct NotApplied {
    pub(crate) span: Span,
    pub(crate) reason: String,
    /// It is only that nobody says of which keyspace something is.
    pub(crate) is_of_no_keyspace: bool,
}

impl From<Fault> for NotApplied {
    fn from(fault: Fault) -> Self {
        Self {
            span: fault.span.unwrap_or_default(),
            reason: fault.why.to_string(),
            is_of_no_keyspace: matches!(fault.why, Why::NoKeyspace(_)),
        }
    }
}

impl SchemaError {
    pub(super) fn new(statement: &Scripted<'_>, fault: Fault) -> Self {
        let Scripted { line, column, text, .. } = *statement;
        let span = fault.span.unwrap_or(statement.span);
        let into = span.start.saturating_sub(statement.span.start);
        let before = text.get(..into as usize).unwrap_or_default();
        let (line, column) = after(before, (line, column));
        Self { line, column, why: fault.why }
    }

    /// The line, from 1.
    #[must_use]
    pub const fn line(&self) -> u32 {
        self.line
    }

    /// The column, from 1, in characters.
    #[must_use]
    pub const fn column(&self) -> u32 {
        self.column
    }

    /// What is wrong, without the place.
    #[must_use]
    pub fn reason(&self) -> String {
        self.why.to_string()
    }

    /// The syntax error, if it is one.
    #[must_use]
    pub const fn syntax(&self) -> Option<&SyntaxError> {
        match &self.why {
            Why::Syntax(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(error) => {
                write!(f, "found {}, expected {}", error.found(), error.expected())
            }
            Self::Missing(what, name) => write!(f, "there is no {what} {name}"),
            Self::Exists(what, name) => write!(f, "{what} {name} is there already"),
            Self::NoKeyspace(name) => {
                write!(f, "{name} is of no keyspace: write `keyspace.{name}`, or USE before it")
            }
            Self::Invalid(name, why) => write!(f, "{name} {why}"),
        }
    }
}

impl From<SyntaxError> for SchemaError {
    fn from(error: SyntaxError) -> Self {
        Self { line: error.line(), column: error.column(), why: Why::Syntax(error) }
    }
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.why)
    }
}

impl Error for SchemaError {}
