//! Relations: what `WHERE` and `IF` ask for.

use super::{Marker, Name, Term};
use crate::token::Span;

/// One relation of a `WHERE` clause, or one condition of an `IF`. They are equal wherever they stand.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Relation<'t> {
    /// What is compared.
    pub left: Operand<'t>,
    /// How.
    pub operator: Operator,
    /// With what.
    pub right: Comparand<'t>,
    /// Where it stands, without parentheses around it.
    pub span: Span,
}

impl PartialEq for Relation<'_> {
    fn eq(&self, other: &Self) -> bool {
        (&self.left, self.operator, &self.right) == (&other.left, other.operator, &other.right)
    }
}

/// What is compared.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Operand<'t> {
    /// `a = …`
    Column(Name<'t>),
    /// `a[1] = …`
    Element(Name<'t>, Term<'t>),
    /// `a.b = …`, in conditions only.
    Field(Name<'t>, Name<'t>),
    /// `(a, b) = …`
    Columns(Vec<Name<'t>>),
    /// `TOKEN(a, b) > …`
    Token(Vec<Name<'t>>),
    /// `expr(index, …)`
    Index(Name<'t>),
}

/// How it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `IN`
    In,
    /// `NOT IN`, of the next Cassandra.
    NotIn,
    /// `BETWEEN a AND b`, of the next Cassandra: it has two terms.
    Between,
    /// `CONTAINS`
    Contains,
    /// `CONTAINS KEY`
    ContainsKey,
    /// `NOT CONTAINS`, of the next Cassandra.
    NotContains,
    /// `NOT CONTAINS KEY`, of the next Cassandra.
    NotContainsKey,
    /// `LIKE`
    Like,
    /// `IS NOT NULL`
    IsNotNull,
    /// `expr(index, term)`
    Expression,
}

/// With what it is compared.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Comparand<'t> {
    /// `IS NOT NULL` has it in its operator.
    Nothing,
    /// One value.
    Term(Term<'t>),
    /// `IN (1, 2, ?)`
    Terms(Vec<Term<'t>>),
    /// `IN ?`: all of the list is bound.
    List(Marker<'t>),
}
