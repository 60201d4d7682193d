//! The types of what a statement selects.

use super::find::Of;
use super::receiver::{field_of, receiver};
use crate::keyword::Keyword;
use crate::schema::DataType;
use crate::tree::{Function, Step, Term, TermKind, TypeKind};

pub(super) static INT: DataType = DataType::Native(Keyword::Int);
pub(super) static BIGINT: DataType = DataType::Native(Keyword::Bigint);
pub(super) static TEXT: DataType = DataType::Native(Keyword::Text);

/// The type of a selected term, as far as schema and text tell it.
pub(super) fn kind_of(of: Of<'_>, term: &Term<'_>) -> Option<DataType> {
    match &term.kind {
        TermKind::Column(name) => receiver(of, *name).kind.cloned(),
        TermKind::CountRows => Some(BIGINT.clone()),
        TermKind::Function(function) => of_call(of, function),
        TermKind::Cast(_, kind) => match kind.kind {
            TypeKind::Native(keyword) => Some(DataType::native(keyword)),
            _ => None,
        },
        TermKind::Path(base, steps) => of_path(of, base, steps),
        _ => None,
    }
}

fn of_call(of: Of<'_>, function: &Function<'_>) -> Option<DataType> {
    let name = function.name.resolved();
    let is_own = of.within.functions.iter().chain(&of.within.aggregates).any(|it| it.name == name);
    if function.keyspace.is_some() || is_own {
        return None;
    }
    let argument = || kind_of(of, function.arguments.first()?);
    // Of a collection there is one for each element.
    let is_of_cell = || {
        !matches!(
            argument(),
            None | Some(
                DataType::List(_) | DataType::Set(_) | DataType::Map(..) | DataType::User(_)
            )
        )
    };
    match &*name {
        "count" | "token" | "to_unix_timestamp" | "tounixtimestamp" => Some(BIGINT.clone()),
        "writetime" | "maxwritetime" | "max_writetime" if is_of_cell() => Some(BIGINT.clone()),
        "ttl" if is_of_cell() => Some(INT.clone()),
        "min" | "max" | "sum" | "avg" => argument(),
        "to_json" | "tojson" => Some(TEXT.clone()),
        "to_date" | "todate" => Some(DataType::Native(Keyword::Date)),
        "to_timestamp" | "totimestamp" => Some(DataType::Native(Keyword::Timestamp)),
        "now" => Some(DataType::Native(Keyword::Timeuuid)),
        "uuid" => Some(DataType::Native(Keyword::Uuid)),
        _ => None,
    }
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
    whole.kind.cloned()
}
