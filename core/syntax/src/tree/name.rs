//! Names of keyspaces, tables, columns, functions.

use std::borrow::Cow;
use std::fmt;

use crate::keyword::Keyword;
use crate::token::Span;

/// A name, as it was written.
#[derive(Clone, Copy)]
pub struct Name<'t> {
    written: &'t str,
    start: u32,
}

impl<'t> Name<'t> {
    pub(crate) const fn new(written: &'t str, span: Span) -> Self {
        Self { written, start: span.start }
    }

    /// With its quotes, if it has some.
    #[must_use]
    pub const fn written(&self) -> &'t str {
        self.written
    }

    /// As the schema has it: in small letters, unless it was quoted. Allocates where it differs from
    /// what was written.
    ///
    /// ```
    /// use cqlstack_syntax::{Statement, parse};
    ///
    /// let Statement::Truncate(truncate) = parse(r#"TRUNCATE App."Yard""#)? else { panic!() };
    /// assert_eq!(truncate.table.name.resolved(), "Yard");
    /// assert_eq!(truncate.table.keyspace.unwrap().resolved(), "app");
    /// # Ok::<(), cqlstack_syntax::SyntaxError>(())
    /// ```
    #[must_use]
    pub fn resolved(&self) -> Cow<'t, str> {
        let unquoted = self.written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        match unquoted {
            Some(name) if name.contains('"') => Cow::Owned(name.replace("\"\"", "\"")),
            Some(name) => Cow::Borrowed(name),
            None if self.written.bytes().any(|byte| byte.is_ascii_uppercase()) => {
                Cow::Owned(self.written.to_ascii_lowercase())
            }
            None => Cow::Borrowed(self.written),
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn span(&self) -> Span {
        let length = u32::try_from(self.written.len()).unwrap_or(u32::MAX);
        Span { start: self.start, end: self.start.saturating_add(length) }
    }
}

/// Names are equal when they mean the same: `Key`, `key` and `"key"`.
impl PartialEq for Name<'_> {
    fn eq(&self, other: &Self) -> bool {
        let quoted = |name: &Self| name.written.starts_with('"');
        match (quoted(self), quoted(other)) {
            (false, false) => self.written.eq_ignore_ascii_case(other.written),
            (true, true) => self.written == other.written,
            _ => self.resolved() == other.resolved(),
        }
    }
}

impl Eq for Name<'_> {}

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.written)
    }
}

/// Whether a name that the schema has can be written without quotes.
pub(crate) fn needs_no_quotes(resolved: &str) -> bool {
    resolved.starts_with(|first: char| first.is_ascii_lowercase())
        && resolved.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && !Keyword::of(resolved).is_some_and(Keyword::is_reserved)
}

/// A name that the schema has, as it has to be written.
///
/// ```
/// use cqlstack_syntax::quoted;
///
/// assert_eq!(quoted("users"), "users");
/// assert_eq!(quoted("userId"), "\"userId\"");
/// ```
#[must_use]
pub fn quoted(resolved: &str) -> Cow<'_, str> {
    if needs_no_quotes(resolved) {
        Cow::Borrowed(resolved)
    } else {
        Cow::Owned(format!("\"{}\"", resolved.replace('"', "\"\"")))
    }
}

/// A table, with its keyspace if that is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Table<'t> {
    /// The keyspace; without it, the session's is meant.
    pub keyspace: Option<Name<'t>>,
    /// The table, or a materialized view.
    pub name: Name<'t>,
}

impl Table<'_> {
    /// Where it stands, with its keyspace.
    #[must_use]
    pub fn span(&self) -> Span {
        let name = self.name.span();
        self.keyspace.map_or(name, |keyspace| keyspace.span().to(name))
    }
}
