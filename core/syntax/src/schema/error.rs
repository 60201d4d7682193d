//! What is wrong with a schema.

use std::error::Error;
use std::fmt;

use crate::error::SyntaxError;

/// A script that makes no schema: on which line, and why. It shows names, and no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaError {
    line: u32,
    fault: Fault,
}

pub(super) type Outcome<T> = Result<T, Fault>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    Syntax(SyntaxError),
    /// What it is, and its name.
    Missing(&'static str, String),
    Exists(&'static str, String),
    NoKeyspace(String),
    /// What it is about, and what is wrong.
    Invalid(String, &'static str),
}

impl SchemaError {
    pub(super) const fn new(line: u32, fault: Fault) -> Self {
        Self { line, fault }
    }

    /// On which line the statement begins, from 1; of a syntax error, where it is.
    #[must_use]
    pub const fn line(&self) -> u32 {
        self.line
    }

    /// The syntax error, if it is one.
    #[must_use]
    pub const fn syntax(&self) -> Option<&SyntaxError> {
        match &self.fault {
            Fault::Syntax(error) => Some(error),
            _ => None,
        }
    }
}

impl From<SyntaxError> for SchemaError {
    fn from(error: SyntaxError) -> Self {
        Self { line: error.line(), fault: Fault::Syntax(error) }
    }
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line;
        match &self.fault {
            Fault::Syntax(error) => error.fmt(f),
            Fault::Missing(what, name) => write!(f, "line {line}: there is no {what} {name}"),
            Fault::Exists(what, name) => write!(f, "line {line}: {what} {name} is there already"),
            Fault::NoKeyspace(name) => write!(
                f,
                "line {line}: {name} is of no keyspace: write `keyspace.{name}`, or USE before it"
            ),
            Fault::Invalid(name, why) => write!(f, "line {line}: {name} {why}"),
        }
    }
}

impl Error for SchemaError {}
