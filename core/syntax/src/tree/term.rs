//! Terms: what has a value.

use std::borrow::Cow;

use super::{Name, Type};
use crate::token::Span;

/// A value, or how it is made. In a `SELECT` clause it can name columns too. Terms are equal when they are
/// written alike, wherever they stand.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Term<'t> {
    /// What it is.
    pub kind: TermKind<'t>,
    /// Where it stands.
    pub span: Span,
}

impl PartialEq for Term<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl Term<'_> {
    /// What stands in parentheses, if it is one term: `((1))` is taken for 1 where no tuple is wanted.
    #[must_use]
    pub fn without_parentheses(&self) -> &Self {
        let mut term = self;
        while let TermKind::Tuple(terms) = &term.kind
            && let [inner] = &terms[..]
        {
            term = inner;
        }
        term
    }
}

/// What a [`Term`] is. Chains of operators and of steps are flat: only brackets nest.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum TermKind<'t> {
    /// A value in the text.
    Literal(Literal<'t>),
    /// `NULL`
    Null,
    /// A value that is bound.
    Marker(Marker<'t>),
    /// `[1, 2]`: a list or a vector.
    List(Vec<Term<'t>>),
    /// `{1, 2}`; `{}` may be a map as well.
    Set(Vec<Term<'t>>),
    /// `{'a': 1}`; where columns can be named, a UDT too.
    Map(Vec<(Term<'t>, Term<'t>)>),
    /// `{street: 'x', city: 'y'}`
    UserType(Vec<(Name<'t>, Term<'t>)>),
    /// `(1, 'a')`; with one element it is that element in parentheses, if no tuple is wanted.
    Tuple(Vec<Term<'t>>),
    /// `f(1, 2)`
    Function(Box<Function<'t>>),
    /// `(int) 1`
    Hint(Box<Type<'t>>, Box<Term<'t>>),
    /// `CAST(x AS text)`
    Cast(Box<Term<'t>>, Box<Type<'t>>),
    /// `-x`
    Negation(Box<Term<'t>>),
    /// `a + b - c`, and `a * b / c % d`: from the left, all of one precedence.
    Arithmetic(Box<Term<'t>>, Vec<(ArithmeticOperator, Term<'t>)>),
    /// A column.
    Column(Name<'t>),
    /// `a.b[1]`
    Path(Box<Term<'t>>, Vec<Step<'t>>),
    /// `COUNT(*)`
    CountRows,
}

/// A value that stands in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Literal<'t> {
    /// What it looks like; the column decides what it becomes.
    pub kind: LiteralKind,
    /// With its quotes.
    pub written: &'t str,
}

impl<'t> Literal<'t> {
    /// Without the quotes of a string.
    ///
    /// ```
    /// use cqlstack_syntax::parse;
    ///
    /// let statement = parse("UPDATE t SET v = 'it''s' WHERE k = $$1$$")?;
    /// let texts: Vec<_> = statement.literals().iter().map(|it| it.literal.text()).collect();
    /// assert_eq!(texts, ["it's", "1"]);
    /// # Ok::<(), cqlstack_syntax::SyntaxError>(())
    /// ```
    #[must_use]
    pub fn text(&self) -> Cow<'t, str> {
        let between = |quotes: &str| {
            self.written.strip_prefix(quotes).and_then(|rest| rest.strip_suffix(quotes))
        };
        if self.kind != LiteralKind::String {
            return Cow::Borrowed(self.written);
        }
        match between("'") {
            Some(text) if text.contains('\'') => Cow::Owned(text.replace("''", "'")),
            Some(text) => Cow::Borrowed(text),
            None => Cow::Borrowed(between("$$").unwrap_or(self.written)),
        }
    }
}

/// What a [`Literal`] looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LiteralKind {
    /// `'text'`, `$$text$$`
    String,
    /// `-1`
    Integer,
    /// `1.5`, `NaN`, `-Infinity`
    Float,
    /// `true`
    Boolean,
    /// `1h30m`
    Duration,
    /// `123e4567-e89b-12d3-a456-426614174000`
    Uuid,
    /// `0xCAFE`
    Blob,
}

/// A place for a bound value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Marker<'t> {
    /// Which one it is in the statement, from 0, in the order of the text.
    pub index: u32,
    /// `:name`; `?` has none.
    pub name: Option<Name<'t>>,
}

/// A call of a function.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Function<'t> {
    /// `system` in `system.now()`.
    pub keyspace: Option<Name<'t>>,
    /// Its name, `TOKEN`, `TTL` and the like among them.
    pub name: Name<'t>,
    /// What it is called with.
    pub arguments: Vec<Term<'t>>,
}

/// A step from a value to a part of it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Step<'t> {
    /// `.field`
    Field(Name<'t>),
    /// `[key]`
    Element(Term<'t>),
    /// `[from..to]`, either may be absent.
    Slice(Option<Term<'t>>, Option<Term<'t>>),
}

/// An operator of arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ArithmeticOperator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
}
