//! Which columns of a result can be null.

use super::find::{Of, is_counter};
use crate::functions::is_aggregate;
use crate::schema::{Column, ColumnRole, DataType};
use crate::tree::{Function, Name, Operand, Select, Term, TermKind};

/// Whether a column of a result can be null.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Nullability {
    /// It is never null.
    Never,
    /// It is a collection that is not frozen: a server keeps no empty one, and tells null in its place.
    Empty,
    /// It can be null.
    Nullable,
    /// It can be null, and so can its elements: what `ttl` tells of a collection.
    Elements,
}

/// What a `SELECT` is, as far as its rows depend on it.
pub(super) struct Rows<'s> {
    of: Of<'s>,
    /// One row, also over nothing: an aggregate without `GROUP BY`.
    is_one: bool,
    /// A partition that has static columns alone gives a row.
    has_static_only: bool,
}

impl<'s> Rows<'s> {
    pub(super) fn new(of: Of<'s>, select: &Select<'_>, terms: &[&Term<'_>]) -> Self {
        let is_one = select.group_by.is_empty() && terms.iter().any(|term| aggregates(of, term));
        let is_restricted = select.relations.iter().any(|relation| {
            let is_clustering =
                |name: &Name<'_>| of.clustering_key().any(|column| column.name == name.resolved());
            match &relation.left {
                Operand::Column(name) => is_clustering(name),
                Operand::Columns(names) => names.iter().any(is_clustering),
                _ => false,
            }
        });
        let is_static = |column: &Column| column.role == ColumnRole::Static;
        let has_static_only = !is_restricted && of.table.columns.iter().any(is_static);
        Self { of, is_one, has_static_only }
    }

    pub(super) fn column(&self, column: &Column) -> Nullability {
        if is_unfrozen_collection(&column.kind) {
            return Nullability::Empty;
        }
        let is_never = match column.role {
            // Who may not see it may see null.
            _ if self.is_one || column.is_masked => false,
            ColumnRole::PartitionKey { .. } => true,
            // Of compact storage, the last ones may be left out.
            ColumnRole::Clustering { .. } => !self.has_static_only && !self.of.table.is_compact,
            // A row of counters is there by its counters.
            ColumnRole::Regular if is_counter(column) => {
                self.of.table.columns.iter().filter(|column| !column.role.is_key()).count() == 1
            }
            ColumnRole::Static | ColumnRole::Regular => false,
        };
        if is_never { Nullability::Never } else { Nullability::Nullable }
    }

    pub(super) fn term(&self, term: &Term<'_>) -> Nullability {
        match &term.kind {
            TermKind::Column(name) => self.named(&name.resolved()),
            TermKind::CountRows => Nullability::Never,
            TermKind::Literal(_) if !self.is_one => Nullability::Never,
            TermKind::Function(function) => self.call(function),
            TermKind::Cast(inner, _) | TermKind::Negation(inner) => self.scalar(inner),
            TermKind::Hint(_, inner) => self.term(inner),
            TermKind::Arithmetic(first, rest) => {
                for (_, term) in rest {
                    if self.scalar(term) != Nullability::Never {
                        return Nullability::Nullable;
                    }
                }
                self.scalar(first)
            }
            TermKind::List(_) | TermKind::Set(_) | TermKind::Map(_) => Nullability::Elements,
            _ => Nullability::Nullable,
        }
    }

    fn named(&self, name: &str) -> Nullability {
        self.of.column(name).map_or(Nullability::Nullable, |column| self.column(column))
    }

    /// What is null where its operand is.
    fn scalar(&self, operand: &Term<'_>) -> Nullability {
        match self.term(operand) {
            Nullability::Never => Nullability::Never,
            _ => Nullability::Nullable,
        }
    }

    fn call(&self, function: &Function<'_>) -> Nullability {
        match Null::of(self.of, function) {
            Null::Never => Nullability::Never,
            Null::NeverOfRow if !self.is_one => Nullability::Never,
            Null::NeverOfRow | Null::Maybe => Nullability::Nullable,
            Null::Elements => Nullability::Elements,
            Null::AsArguments => {
                for argument in &function.arguments {
                    if self.scalar(argument) != Nullability::Never {
                        return Nullability::Nullable;
                    }
                }
                Nullability::Never
            }
        }
    }
}

/// When a function returns null.
enum Null {
    Never,
    /// Beside an aggregate, over nothing.
    NeverOfRow,
    AsArguments,
    Elements,
    Maybe,
}

impl Null {
    fn of(of: Of<'_>, function: &Function<'_>) -> Self {
        if of.is_own(function) {
            return Self::Maybe;
        }
        match &*function.name.resolved() {
            "count" | "sum" | "avg" => Self::Never,
            "now" | "uuid" | "current_timestamp" | "current_date" | "current_time"
            | "current_timeuuid" | "currenttimestamp" | "currentdate" | "currenttime"
            | "currenttimeuuid" => Self::NeverOfRow,
            "token" | "to_date" | "todate" | "to_timestamp" | "totimestamp"
            | "to_unix_timestamp" | "tounixtimestamp" => Self::AsArguments,
            "writetime" | "ttl" => Self::Elements,
            _ => Self::Maybe,
        }
    }
}

fn is_unfrozen_collection(kind: &DataType) -> bool {
    matches!(kind, DataType::List(_) | DataType::Set(_) | DataType::Map(..))
}

/// Whether it aggregates rows, or something in it does.
fn aggregates(of: Of<'_>, term: &Term<'_>) -> bool {
    match &term.kind {
        TermKind::CountRows => true,
        TermKind::Function(function) => {
            is_aggregate_of(of, function) || any(of, &function.arguments)
        }
        TermKind::Cast(inner, _) | TermKind::Hint(_, inner) | TermKind::Negation(inner) => {
            aggregates(of, inner)
        }
        TermKind::Arithmetic(first, rest) => {
            for (_, term) in rest {
                if aggregates(of, term) {
                    return true;
                }
            }
            aggregates(of, first)
        }
        TermKind::Path(base, _) => aggregates(of, base),
        TermKind::List(terms) | TermKind::Set(terms) | TermKind::Tuple(terms) => any(of, terms),
        TermKind::Map(entries) => {
            for (key, value) in entries {
                if aggregates(of, key) || aggregates(of, value) {
                    return true;
                }
            }
            false
        }
        TermKind::UserType(fields) => {
            for (_, value) in fields {
                if aggregates(of, value) {
                    return true;
                }
            }
            false
        }
        _ => false,
    }
}

/// A loop: an iterator's frames would be on the way of each bracket.
fn any(of: Of<'_>, terms: &[Term<'_>]) -> bool {
    for term in terms {
        if aggregates(of, term) {
            return true;
        }
    }
    false
}

fn is_aggregate_of(of: Of<'_>, function: &Function<'_>) -> bool {
    let name = function.name.resolved();
    // What another keyspace has is not looked at: it may be one.
    if of.is_of_others(function) {
        return true;
    }
    of.within.aggregates.iter().any(|it| it.name == name)
        || is_aggregate(&name) && !of.is_own(function)
}
