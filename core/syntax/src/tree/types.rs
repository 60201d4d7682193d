//! Types.

use super::{Literal, Table};
use crate::keyword::Keyword;
use crate::token::Span;

/// A type of values. Types are equal when they are written alike, wherever they stand.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Type<'t> {
    /// Which one.
    pub kind: TypeKind<'t>,
    /// Where it stands.
    pub span: Span,
}

impl PartialEq for Type<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

/// What a [`Type`] is.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum TypeKind<'t> {
    /// `int`, `text`, …
    Native(Keyword),
    /// `list<int>`
    List(Box<Type<'t>>),
    /// `set<int>`
    Set(Box<Type<'t>>),
    /// `map<int, text>`
    Map(Box<Type<'t>>, Box<Type<'t>>),
    /// `tuple<int, text>`
    Tuple(Vec<Type<'t>>),
    /// `vector<float, 3>`
    Vector(Box<Type<'t>>, i32),
    /// `frozen<list<int>>`
    Frozen(Box<Type<'t>>),
    /// `address`, `app.address`
    User(Table<'t>),
    /// `'org.apache.cassandra.db.marshal.Int32Type'`
    Custom(Literal<'t>),
}
