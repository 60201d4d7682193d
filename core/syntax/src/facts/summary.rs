//! What sending a statement asks of its text, read once and kept.
//!
//! Enums are exhaustive on purpose: what `cql!` writes has each of their variants, and is released together with them.

use std::borrow::Cow;
use std::fmt;

use super::StatementKind;
use super::reader::{Reader, writes_json};
use super::row_bound::{RowBound, RowLimit};
use crate::keyword::Keyword;
use crate::parse::verb;
use crate::tree::{LiteralKind, Statement};

type List<T> = Cow<'static, [T]>;

/// What sending a statement asks of its text. It owns its names, or borrows them for ever, so that it can be made
/// at run time and stand in a `static`.
///
/// ```
/// use cqlstack_syntax::{Facts, Form, StatementKind, parse};
///
/// let facts = Facts::of(&parse("UPDATE app.users SET name = ? WHERE id = ?")?);
/// assert_eq!((facts.kind, facts.form), (StatementKind::Write, Form::Change));
/// assert_eq!((facts.label(), facts.is_idempotent), ("UPDATE app.users", true));
/// assert_eq!(facts.tables().next(), Some((Some("app"), "users")));
/// # Ok::<(), cqlstack_syntax::SyntaxError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[non_exhaustive]
pub struct Facts {
    /// [`Statement::kind`]
    pub kind: StatementKind,
    /// [`Statement::is_idempotent`]
    pub is_idempotent: bool,
    /// The form of the statement.
    pub form: Form,
    /// [`Statement::depends_on_use`]
    pub depends_on_use: bool,
    /// Whether it inserts a row as JSON, whose columns only the value tells.
    pub writes_json: bool,
    /// Whether [`limit`](Self::limit) bounds the rows that a server reads: there is one, and no `IN`, `ALLOW FILTERING`,
    /// `GROUP BY`, or what may be an aggregate.
    pub limits_reads: bool,
    /// Whether it reads a table without a key: a `SELECT` with `ALLOW FILTERING`, or with neither `=` nor `IN` in its
    /// `WHERE`.
    pub scans: bool,
    label: Cow<'static, str>,
    lists: Lists,
}

/// The lists of [`Facts`]. Names stand in them as indices of `names`, so that a compiler has little to read. For `cql!`
/// alone: the lists may be others in any version.
#[doc(hidden)]
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Lists {
    /// Names and literals, each once.
    pub names: Names,
    /// Keyspace and name of each table.
    pub tables: List<(Option<u32>, u32)>,
    /// Columns.
    pub several: List<u32>,
    /// A column and its value.
    pub given: List<(u32, GivenValue)>,
    /// A column and how it is written.
    pub written: List<(u32, Effect)>,
    /// The purpose of each marker.
    pub markers: List<MarkerTarget>,
    /// Columns.
    pub equal: List<u32>,
    /// `LIMIT`
    pub limit: Option<RowLimit>,
}

/// Names of a statement, known when the program was compiled or read at run time. For `cql!` alone.
#[doc(hidden)]
#[derive(Clone, Eq)]
pub enum Names {
    /// By the macro.
    Given(&'static [&'static str]),
    /// By the parser: all names, and where each ends.
    Read(Box<str>, Box<[u32]>),
}

/// The form of a statement, as far as that decides whether it may stand in a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// `INSERT`
    Insert,
    /// `UPDATE`, `DELETE`
    Change,
    /// `BEGIN BATCH … APPLY BATCH`
    Batch,
    /// `USE`
    Use,
    /// Any other that parses.
    Other,
    /// The parser does not understand it.
    Unread,
}

/// A value that a text gives to a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivenValue<N = u32> {
    /// The marker of this index.
    Marker(u32),
    /// A literal, as it was written.
    Literal(LiteralKind, N),
    /// Anything else, as the result of a function.
    Computed,
}

/// How a column is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// A marker replaces it as a whole.
    Bound,
    /// What looks like a list replaces it as a whole.
    List,
    /// Another value replaces it as a whole.
    Value,
    /// A part of it changes: `a[1] = 2`, `a = a + 1`.
    Part,
    /// It is removed, or a part of it is.
    Removed,
}

/// The purpose of a marker: a [`Target`](crate::Target) without places in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkerTarget<N = u32> {
    /// [`Target::Column`](crate::Target::Column)
    Column(N),
    /// [`Target::In`](crate::Target::In)
    In(N),
    /// [`Target::Key`](crate::Target::Key)
    Key(N),
    /// [`Target::Element`](crate::Target::Element)
    Element(N),
    /// [`Target::Field`](crate::Target::Field), without the field.
    Field(N),
    /// [`Target::Part`](crate::Target::Part)
    Part(N),
    /// Its type does not depend on a table: `LIMIT`, `USING`, a token, a row as JSON.
    Fixed,
    /// Any other.
    Other,
}

/// Shows no literal.
impl fmt::Debug for Lists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lists(..)")
    }
}

/// Shows no literal.
impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names(..)")
    }
}

/// They are equal when the names are.
impl PartialEq for Names {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Default for Names {
    fn default() -> Self {
        Self::Given(&[])
    }
}

impl Names {
    fn at(&self, index: u32) -> &str {
        let index = index as usize;
        match self {
            Self::Given(names) => names.get(index).copied().unwrap_or_default(),
            Self::Read(all, ends) => nth(all, ends, index),
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let count = match self {
            Self::Given(names) => names.len(),
            Self::Read(_, ends) => ends.len(),
        };
        (0..u32::try_from(count).unwrap_or(u32::MAX)).map(|index| self.at(index))
    }
}

impl Facts {
    /// The facts of a statement.
    #[must_use]
    pub fn of(statement: &Statement<'_>) -> Self {
        let (kind, rows) = (statement.kind(), RowBound::of(statement));
        Self {
            kind,
            is_idempotent: statement.is_idempotent(),
            form: Form::of(statement),
            depends_on_use: statement.depends_on_use(),
            writes_json: writes_json(statement),
            limits_reads: rows.limits_reads,
            scans: rows.scans,
            label: statement.label().into(),
            lists: Reader::default().read(statement, kind, rows),
        }
    }

    /// The facts of a text that does not parse. Its first word tells the kind; the server decides the rest.
    #[must_use]
    pub fn unread(text: &str) -> Self {
        let verb = verb(text);
        let (kind, label) = match verb {
            Some(verb @ (Keyword::Create | Keyword::Alter | Keyword::Drop)) => {
                (StatementKind::Schema, verb.as_str())
            }
            _ => (StatementKind::Other, "unrecognised"),
        };
        let form = if verb == Some(Keyword::Use) { Form::Use } else { Form::Unread };
        let mut facts = Self::given_as(kind, form, label, Lists::NONE);
        facts.depends_on_use = true;
        facts
    }

    /// Facts that are known without a text: not idempotent, independent of `USE`, and no JSON, until the fields
    /// are set.
    #[doc(hidden)]
    #[must_use]
    pub const fn given_as(
        kind: StatementKind,
        form: Form,
        label: &'static str,
        lists: Lists,
    ) -> Self {
        Self {
            kind,
            is_idempotent: false,
            form,
            depends_on_use: false,
            writes_json: false,
            limits_reads: false,
            scans: false,
            label: Cow::Borrowed(label),
            lists,
        }
    }

    /// [`Statement::label`]
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The lists as they are stored.
    #[doc(hidden)]
    #[must_use]
    pub const fn lists(&self) -> &Lists {
        &self.lists
    }

    /// Keyspace, if the text names it, and name of each table that it reads or writes: [`Statement::tables`].
    pub fn tables(&self) -> impl Iterator<Item = (Option<&str>, &str)> {
        let name = |at: u32| self.lists.names.at(at);
        self.lists.tables.iter().map(move |(keyspace, own)| (keyspace.map(name), name(*own)))
    }

    /// The columns with `IN` for which it may write to several partitions.
    #[must_use]
    pub fn several(&self) -> impl ExactSizeIterator<Item = &str> {
        self.lists.several.iter().map(|at| self.lists.names.at(*at))
    }

    /// The columns that have one given value in the row that it writes or removes: [`Statement::given`].
    pub fn given(&self) -> impl Iterator<Item = (&str, GivenValue<&str>)> {
        self.lists.given.iter().map(|(column, value)| {
            let value = match *value {
                GivenValue::Marker(index) => GivenValue::Marker(index),
                GivenValue::Literal(kind, at) => GivenValue::Literal(kind, self.lists.names.at(at)),
                GivenValue::Computed => GivenValue::Computed,
            };
            (self.lists.names.at(*column), value)
        })
    }

    /// The columns that it writes, and how; of a batch, those of all its statements.
    #[must_use]
    pub fn written(&self) -> impl ExactSizeIterator<Item = (&str, Effect)> {
        self.lists.written.iter().map(|(column, effect)| (self.lists.names.at(*column), *effect))
    }

    /// The purpose of each marker, in the order in which they are bound.
    #[must_use]
    pub fn markers(&self) -> impl ExactSizeIterator<Item = MarkerTarget<&str>> {
        self.lists.markers.iter().map(|target| target.map(|at| self.lists.names.at(at)))
    }

    /// The columns that a `SELECT` asks one value of: if all of the primary key are among them, it has one row at most.
    /// None where it has `IN` or `ALLOW FILTERING`.
    ///
    /// ```
    /// use cqlstack_syntax::{Facts, RowLimit, parse};
    ///
    /// let facts = Facts::of(&parse("SELECT v FROM t WHERE k = ? AND (a, b) = (1, 2) AND c > 3 LIMIT 10")?);
    /// assert_eq!(facts.equal().collect::<Vec<_>>(), ["k", "a", "b"]);
    /// assert_eq!(facts.limit(), Some(RowLimit::Rows(10)));
    /// # Ok::<(), cqlstack_syntax::SyntaxError>(())
    /// ```
    #[must_use]
    pub fn equal(&self) -> impl ExactSizeIterator<Item = &str> {
        self.lists.equal.iter().map(|at| self.lists.names.at(*at))
    }

    /// The `LIMIT` of a `SELECT`.
    #[must_use]
    pub const fn limit(&self) -> Option<RowLimit> {
        self.lists.limit
    }

    /// Whether it writes a list anew, whose elements would all be there twice if it was applied twice.
    ///
    /// `is_list` tells of a column, or of any column of the table, whether it is a list that is not frozen; where it
    /// does not know, what looks like a list is one.
    ///
    /// ```
    /// use cqlstack_syntax::{Facts, parse};
    ///
    /// let facts = Facts::of(&parse("UPDATE t SET tags = ? WHERE k = 1")?);
    /// assert!(facts.overwrites_list(|column| Some(column == Some("tags"))));
    /// # Ok::<(), cqlstack_syntax::SyntaxError>(())
    /// ```
    #[must_use]
    pub fn overwrites_list(&self, is_list: impl Fn(Option<&str>) -> Option<bool>) -> bool {
        let of_column = |(column, effect): (&str, Effect)| match effect {
            Effect::Bound | Effect::List | Effect::Value => {
                is_list(Some(column)).unwrap_or(effect == Effect::List)
            }
            Effect::Part | Effect::Removed => false,
        };
        self.written().any(of_column) || self.writes_json && is_list(None).unwrap_or(true)
    }
}

impl Lists {
    /// Nothing is known.
    pub const NONE: Self = Self {
        names: Names::Given(&[]),
        tables: Cow::Borrowed(&[]),
        several: Cow::Borrowed(&[]),
        given: Cow::Borrowed(&[]),
        written: Cow::Borrowed(&[]),
        markers: Cow::Borrowed(&[]),
        equal: Cow::Borrowed(&[]),
        limit: None,
    };
}

impl<N: Copy> MarkerTarget<N> {
    /// The column that the value is for, or for a part of.
    #[must_use]
    pub const fn column(self) -> Option<N> {
        match self {
            Self::Column(name)
            | Self::In(name)
            | Self::Key(name)
            | Self::Element(name)
            | Self::Field(name)
            | Self::Part(name) => Some(name),
            Self::Fixed | Self::Other => None,
        }
    }

    pub(super) fn map<M>(self, name: impl FnOnce(N) -> M) -> MarkerTarget<M> {
        match self {
            Self::Column(it) => MarkerTarget::Column(name(it)),
            Self::In(it) => MarkerTarget::In(name(it)),
            Self::Key(it) => MarkerTarget::Key(name(it)),
            Self::Element(it) => MarkerTarget::Element(name(it)),
            Self::Field(it) => MarkerTarget::Field(name(it)),
            Self::Part(it) => MarkerTarget::Part(name(it)),
            Self::Fixed => MarkerTarget::Fixed,
            Self::Other => MarkerTarget::Other,
        }
    }
}

/// The name at this index, of names that stand one after the other.
pub(super) fn nth<'n>(all: &'n str, ends: &[u32], index: usize) -> &'n str {
    let end = |index: usize| ends.get(index).map(|end| *end as usize);
    let start = index.checked_sub(1).map_or(Some(0), end);
    let span = start.zip(end(index));
    span.and_then(|(start, end)| all.get(start..end)).unwrap_or_default()
}
