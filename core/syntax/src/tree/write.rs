//! Statements that write, and what they have in common.

use super::{Name, Relation, Statement, Table, Term};
use crate::token::Span;

/// `USING TTL 5`, `USING TIMESTAMP ?`
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct UsingOption<'t> {
    /// Which of the two.
    pub parameter: UsingParameter,
    /// An integer, of a timeout a duration, or a marker.
    pub value: Term<'t>,
}

/// What `USING` sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UsingParameter {
    /// Seconds until the value expires, from when it is applied.
    Ttl,
    /// When it was written, in microseconds.
    Timestamp,
    /// How long the server may take, as a duration: `ScyllaDB` has it.
    Timeout,
}

/// An `INSERT`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Insert<'t> {
    /// The table.
    pub into: Table<'t>,
    /// What is written.
    pub row: InsertRow<'t>,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// `USING`
    pub using: Vec<UsingOption<'t>>,
}

/// What an `INSERT` writes.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum InsertRow<'t> {
    /// `(a, b) VALUES (1, ?)`. That both have the same length is for the server to check.
    Values {
        /// The columns.
        columns: Vec<Name<'t>>,
        /// A value for each.
        values: Vec<Term<'t>>,
    },
    /// `JSON '…'`
    Json {
        /// A string or a marker.
        value: Term<'t>,
        /// `DEFAULT UNSET`, `DEFAULT NULL`
        default: JsonDefault,
    },
}

/// What becomes of the columns that a JSON text does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum JsonDefault {
    /// They become null.
    #[default]
    Null,
    /// They stay as they are.
    Unset,
}

/// An `UPDATE`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Update<'t> {
    /// The table.
    pub table: Table<'t>,
    /// `USING`
    pub using: Vec<UsingOption<'t>>,
    /// `SET`
    pub assignments: Vec<Assignment<'t>>,
    /// `WHERE`
    pub relations: Vec<Relation<'t>>,
    /// `IF`
    pub condition: Condition<'t>,
}

/// One part of a `SET`. They are equal wherever they stand.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Assignment<'t> {
    /// The column.
    pub column: Name<'t>,
    /// What of it.
    pub part: Part<'t>,
    /// What becomes of it.
    pub change: Change<'t>,
    /// Where it stands.
    pub span: Span,
}

impl PartialEq for Assignment<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.column, &self.part, &self.change) == (other.column, &other.part, &other.change)
    }
}

/// All of a column, or a part of it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Part<'t> {
    /// `a`
    Whole,
    /// `a[1]`
    Element(Term<'t>),
    /// `a.b`
    Field(Name<'t>),
}

/// What becomes of a column.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Change<'t> {
    /// `a = 1`
    Set(Term<'t>),
    /// `a = a + 1`, `a += 1`, and `a = a -1`, which is three tokens and adds -1.
    Add(Term<'t>),
    /// `a = a - 1`, `a -= 1`
    Subtract(Term<'t>),
    /// `a = [1] + a`
    Prepend(Term<'t>),
}

/// `IF` of an `UPDATE` or `DELETE`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Condition<'t> {
    /// There is none.
    Always,
    /// `IF EXISTS`
    Exists,
    /// `IF a = 1 AND …`
    If(Vec<Relation<'t>>),
}

/// A `DELETE`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Delete<'t> {
    /// What of the rows; all of them if empty.
    pub deletions: Vec<Deletion<'t>>,
    /// The table.
    pub from: Table<'t>,
    /// `USING TIMESTAMP`
    pub timestamp: Option<Term<'t>>,
    /// `USING TIMEOUT`, of `ScyllaDB`.
    pub timeout: Option<Term<'t>>,
    /// `WHERE`
    pub relations: Vec<Relation<'t>>,
    /// `IF`
    pub condition: Condition<'t>,
}

/// What a `DELETE` removes of a row.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Deletion<'t> {
    /// The column.
    pub column: Name<'t>,
    /// What of it.
    pub part: Part<'t>,
}

/// A `BEGIN BATCH … APPLY BATCH`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Batch<'t> {
    /// Which kind of batch.
    pub kind: BatchKind,
    /// `USING`
    pub using: Vec<UsingOption<'t>>,
    /// Its statements: `INSERT`, `UPDATE` and `DELETE`, nothing else.
    pub statements: Vec<Statement<'t>>,
}

/// Which kind of batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BatchKind {
    /// `BEGIN BATCH`
    Logged,
    /// `BEGIN UNLOGGED BATCH`
    Unlogged,
    /// `BEGIN COUNTER BATCH`
    Counter,
}

/// A `TRUNCATE`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Truncate<'t> {
    /// The table.
    pub table: Table<'t>,
    /// `USING TIMEOUT`, of `ScyllaDB`.
    pub timeout: Option<Term<'t>>,
}

/// A `PRUNE MATERIALIZED VIEW`, of `ScyllaDB`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Prune<'t> {
    /// The view.
    pub view: Table<'t>,
    /// `WHERE`
    pub relations: Vec<Relation<'t>>,
    /// `USING TIMEOUT`
    pub timeout: Option<Term<'t>>,
}

/// A `USE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Use<'t> {
    /// The keyspace.
    pub keyspace: Name<'t>,
}
