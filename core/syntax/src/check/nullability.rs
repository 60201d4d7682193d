//! Which columns of a result can be null.

use super::find::{Of, is_counter};
use crate::functions::is_aggregate;
use crate::schema::{Column, ColumnRole, DataType};
use crate::tree::{Function, Operand, Select, Term, TermKind};

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
            let is_clustering = |name: &crate::tree::Name<'_>| {
                of.clustering_key().any(|column| column.name == name.resolved())
            };
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
            _ if self.is_one => false,
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
            TermKind::Column(name) => {
                self.of.column(&name.resolved()).map_or(Nullability::Nullable, |it| self.column(it))
            }
            TermKind::CountRows => Nullability::Never,
            TermKind::Literal(_) if !self.is_one => Nullability::Never,
            TermKind::Function(function) => self.call(function),
            TermKind::Cast(inner, _) | TermKind::Negation(inner) => self.scalar([&**inner]),
            TermKind::Hint(_, inner) => self.term(inner),
            TermKind::Arithmetic(first, rest) => {
                self.scalar([&**first].into_iter().chain(rest.iter().map(|(_, term)| term)))
            }
            TermKind::List(_) | TermKind::Set(_) | TermKind::Map(_) => Nullability::Elements,
            _ => Nullability::Nullable,
        }
    }

    /// What is null where one of its operands is.
    fn scalar<'t>(&self, operands: impl IntoIterator<Item = &'t Term<'t>>) -> Nullability {
        let mut operands = operands.into_iter();
        let is_never = operands.all(|term| self.term(term) == Nullability::Never);
        if is_never { Nullability::Never } else { Nullability::Nullable }
    }

    fn call(&self, function: &Function<'_>) -> Nullability {
        let is_own = self.of.is_own(function);
        match &*function.name.resolved() {
            "count" | "sum" | "avg" if !is_own => Nullability::Never,
            "now" | "uuid" | "current_timestamp" | "current_date" | "current_time"
            | "current_timeuuid" | "currenttimestamp" | "currentdate" | "currenttime"
            | "currenttimeuuid"
                if !is_own && !self.is_one =>
            {
                Nullability::Never
            }
            "token" | "to_date" | "todate" | "to_timestamp" | "totimestamp"
            | "to_unix_timestamp" | "tounixtimestamp"
                if !is_own =>
            {
                self.scalar(&function.arguments)
            }
            "writetime" | "ttl" if !is_own => Nullability::Elements,
            _ => Nullability::Nullable,
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
            let name = function.name.resolved();
            let is_of_schema = of.within.aggregates.iter().any(|it| it.name == name);
            is_of_schema
                || is_aggregate(&name) && !of.is_own(function)
                || function.arguments.iter().any(|term| aggregates(of, term))
        }
        TermKind::Cast(inner, _) | TermKind::Hint(_, inner) | TermKind::Negation(inner) => {
            aggregates(of, inner)
        }
        TermKind::Arithmetic(first, rest) => {
            aggregates(of, first) || rest.iter().any(|(_, term)| aggregates(of, term))
        }
        TermKind::Path(base, _) => aggregates(of, base),
        TermKind::List(terms) | TermKind::Set(terms) | TermKind::Tuple(terms) => {
            terms.iter().any(|term| aggregates(of, term))
        }
        TermKind::Map(entries) => {
            entries.iter().any(|(key, value)| aggregates(of, key) || aggregates(of, value))
        }
        TermKind::UserType(fields) => fields.iter().any(|(_, value)| aggregates(of, value)),
        _ => false,
    }
}
