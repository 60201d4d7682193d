//! What a statement consists of. Everything borrows from the text; nothing is copied.

mod name;
mod relation;
mod select;
mod term;
mod write;

pub use name::{Name, Table};
pub use relation::{Comparand, Operand, Operator, Relation};
pub use select::{Ordering, Select, Selection, Selector};
pub use term::{
    ArithmeticOperator, Function, Literal, LiteralKind, Marker, Step, Term, TermKind, Type,
};
pub use write::{
    Assignment, Batch, BatchKind, Change, Condition, Delete, Deletion, Insert, InsertRow,
    JsonDefault, Part, Truncate, Update, Use, UsingOption, UsingParameter,
};

use crate::keyword::Keyword;
use crate::token::Span;

/// A statement as it was written.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Statement<'t> {
    /// `SELECT`
    Select(Select<'t>),
    /// `INSERT`
    Insert(Insert<'t>),
    /// `UPDATE`
    Update(Update<'t>),
    /// `DELETE`
    Delete(Delete<'t>),
    /// `BEGIN BATCH … APPLY BATCH`
    Batch(Batch<'t>),
    /// `TRUNCATE`
    Truncate(Truncate<'t>),
    /// `USE`
    Use(Use<'t>),
    /// Any other, of which only the first words are read.
    Unread(Unread),
}

/// A statement that is known by its first words only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unread {
    /// Its first word.
    pub verb: Keyword,
    /// What it is about.
    pub family: Family,
    /// All of it, without semicolons at its end.
    pub span: Span,
}

/// What an [`Unread`] statement is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// It changes a keyspace, table, index, type, function, aggregate, view or trigger.
    Schema,
    /// It changes or shows roles, users, identities or permissions.
    Role,
    /// `DESCRIBE`
    Other,
}
