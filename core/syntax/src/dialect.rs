//! Whose CQL it is.

use crate::error::SyntaxError;
use crate::lexer::tokens;
use crate::parse::{Scripted, parse_tokens, read_script};
use crate::tree::Statement;

/// Which server's CQL is read. [`parse`](crate::parse) and [`script`](crate::script) read Cassandra 5's.
///
/// What other servers add are words that may still be names there: a dialect takes more, and nothing less.
///
/// ```
/// use cqlstack_syntax::{Dialect, parse};
///
/// let text = "SELECT v FROM t WHERE k = ? BYPASS CACHE USING TIMEOUT 50ms";
/// assert!(parse(text).is_err());
/// assert_eq!(Dialect::ScyllaDb.parse(text)?.to_string(), text);
///
/// let text = "SELECT v FROM t WHERE k = ? AND c BETWEEN 1 AND 5 AND d NOT IN (2, 3)";
/// assert!(parse(text).is_err());
/// assert_eq!(Dialect::NextCassandra.parse(text)?.restrictions().len(), 3);
/// # Ok::<(), cqlstack_syntax::SyntaxError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Dialect {
    /// Apache Cassandra 5.0.
    #[default]
    Cassandra5,
    /// `ScyllaDB`: `BYPASS CACHE`, `USING TIMEOUT`, `PRUNE MATERIALIZED VIEW`, `LIST EFFECTIVE SERVICE LEVEL`.
    ScyllaDb,
    /// What Cassandra gets after 5.0: `BETWEEN`, `NOT IN`, `NOT CONTAINS`, `CHECK`.
    NextCassandra,
    /// All of them: for whoever does not know the server that a text is for, which will tell what it has not.
    Any,
}

impl Dialect {
    /// Whether it has what this one adds.
    pub(crate) fn has(self, other: Self) -> bool {
        self == other || self == Self::Any
    }

    /// Reads one statement.
    ///
    /// # Errors
    ///
    /// As [`parse`](crate::parse).
    pub fn parse(self, text: &str) -> Result<Statement<'_>, SyntaxError> {
        parse_tokens(text, &tokens(text)?, self)
    }

    /// Reads many statements.
    ///
    /// # Errors
    ///
    /// As [`script`](crate::script).
    pub fn script(self, text: &str) -> Result<Vec<Scripted<'_>>, SyntaxError> {
        read_script(text, self)
    }
}
