//! The types of terms.

use std::borrow::Cow;

use super::find::Of;
use super::function_kind::of_call;
use super::receiver::{field_of, receiver};
use crate::keyword::Keyword;
use crate::schema::DataType;
use crate::tree::{ArithmeticOperator, LiteralKind, Step, Term, TermKind, Type, TypeKind};

pub(super) static INT: DataType = DataType::Native(Keyword::Int);
pub(super) static BIGINT: DataType = DataType::Native(Keyword::Bigint);
pub(super) static TEXT: DataType = DataType::Native(Keyword::Text);
pub(super) static BLOB: DataType = DataType::Native(Keyword::Blob);
pub(super) static TIMESTAMP: DataType = DataType::Native(Keyword::Timestamp);

/// The type of a selected term, as far as schema and text tell it.
pub(super) fn kind_of(of: Of<'_>, term: &Term<'_>) -> Option<DataType> {
    match &term.kind {
        TermKind::Column(name) => of.column(&name.resolved()).map(|column| column.kind.clone()),
        TermKind::CountRows => Some(BIGINT.clone()),
        TermKind::Function(function) => of_call(of, function),
        TermKind::Cast(_, kind) => of_cast(kind),
        TermKind::Hint(kind, _) => DataType::hinted(kind, of.keyspace, of.within),
        TermKind::Negation(inner) => kind_of(of, inner),
        TermKind::Arithmetic(first, rest) => of_arithmetic(of, first, rest),
        TermKind::Path(base, steps) => of_path(of, base, steps),
        TermKind::List(terms) => of_first(of, terms).map(DataType::List),
        TermKind::Set(terms) => of_first(of, terms).map(DataType::Set),
        TermKind::Tuple(terms) => of_tuple(of, terms),
        _ => None,
    }
}

fn of_cast(kind: &Type<'_>) -> Option<DataType> {
    match kind.kind {
        TypeKind::Native(keyword) => Some(DataType::native(keyword)),
        _ => None,
    }
}

fn of_tuple(of: Of<'_>, terms: &[Term<'_>]) -> Option<DataType> {
    if let [one] = terms {
        return kind_of(of, one);
    }
    let mut kinds = Vec::with_capacity(terms.len());
    for term in terms {
        kinds.push(kind_of(of, term)?);
    }
    Some(DataType::Tuple(kinds))
}

fn of_first(of: Of<'_>, terms: &[Term<'_>]) -> Option<Box<DataType>> {
    terms.iter().find_map(|term| kind_of(of, term)).map(Box::new)
}

fn of_path(of: Of<'_>, base: &Term<'_>, steps: &[Step<'_>]) -> Option<DataType> {
    let TermKind::Column(name) = base.kind else { return None };
    let mut whole = receiver(of, name);
    for step in steps {
        whole = match step {
            Step::Field(field) => field_of(of, &whole, *field),
            Step::Element(_) => whole.element(),
            Step::Slice(..) => whole,
        };
    }
    whole.kind.map(Cow::into_owned)
}

/// From the left: each operator makes a type of two.
fn of_arithmetic(
    of: Of<'_>,
    first: &Term<'_>,
    rest: &[(ArithmeticOperator, Term<'_>)],
) -> Option<DataType> {
    let mut kind = operand(of, first);
    for (_, term) in rest {
        kind = match (kind, operand(of, term)) {
            (Some(left), Some(right)) => Some(result_of(&left, &right)?),
            // What is bound is of the other's type.
            (known, None) | (None, known) => known,
        };
    }
    kind
}

/// The type of an operand; none of a marker, which takes it from the other one.
pub(super) fn operand(of: Of<'_>, term: &Term<'_>) -> Option<DataType> {
    let TermKind::Literal(literal) = &term.kind else { return kind_of(of, term) };
    // Cassandra's `Constants.Literal`: the shortest type of those that are long enough.
    Some(DataType::Native(match literal.kind {
        LiteralKind::Integer if literal.written.parse::<i32>().is_ok() => Keyword::Int,
        LiteralKind::Integer if literal.written.parse::<i64>().is_ok() => Keyword::Bigint,
        LiteralKind::Integer => Keyword::Varint,
        LiteralKind::Float => Keyword::Double,
        LiteralKind::Duration => Keyword::Duration,
        _ => return None,
    }))
}

/// Cassandra's rule: the longer of both, with a fraction if one of them has it. What is added to a time is none.
fn result_of(left: &DataType, right: &DataType) -> Option<DataType> {
    let (DataType::Native(one), DataType::Native(other)) = (left, right) else { return None };
    if *other == Keyword::Duration {
        return Some(left.clone());
    }
    let ((bytes, is_fraction), (other, or_fraction)) = (number(*one)?, number(*other)?);
    Some(DataType::Native(match (bytes.max(other), is_fraction || or_fraction) {
        (1, false) => Keyword::Tinyint,
        (2, false) => Keyword::Smallint,
        (4, false) => Keyword::Int,
        (8, false) => Keyword::Bigint,
        (_, false) => Keyword::Varint,
        (1..=4, true) => Keyword::Float,
        (8, true) => Keyword::Double,
        (_, true) => Keyword::Decimal,
    }))
}

/// The bytes of a number, and whether it can have a fraction.
fn number(keyword: Keyword) -> Option<(u8, bool)> {
    Some(match keyword {
        Keyword::Tinyint => (1, false),
        Keyword::Smallint => (2, false),
        Keyword::Int => (4, false),
        Keyword::Bigint | Keyword::Counter => (8, false),
        Keyword::Varint => (u8::MAX, false),
        Keyword::Float => (4, true),
        Keyword::Double => (8, true),
        Keyword::Decimal => (u8::MAX, true),
        _ => return None,
    })
}
