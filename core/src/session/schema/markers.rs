//! Whether a statement's markers have the types of the columns that they are for.
//!
//! A server tells their types when it prepares the statement, and the tables are read from another node, or at
//! another moment: while a change of the schema spreads, one of them may know the old table and the other one
//! the new. A marker's name does not tell its column: in `v = :name` it is the variable's.

use cqlstack_syntax::{MarkerTarget, Type, TypeKind, parse_type};
use scylla::frame::response::result::{CollectionType, ColumnSpec, ColumnType, NativeType};
use scylla::statement::prepared::PreparedStatement;

use crate::session::schema::tables::{Definition, Named};
use crate::statement::Statement;

/// What comparing a marker with its column told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::session) enum Fit {
    /// They have the same type, or its type does not depend on a table.
    Same,
    /// They cannot be compared: an argument of a function, for example.
    Unknown,
    /// They have different types.
    Different,
}

/// What comparing all markers told, and the columns that they are for.
pub(in crate::session) struct Markers {
    pub(in crate::session) fit: Fit,
    pub(in crate::session) columns: Vec<String>,
}

impl Markers {
    pub(in crate::session) fn of(
        prepared: &PreparedStatement,
        statement: &Statement,
        tables: &[Named],
    ) -> Self {
        let specs = prepared.get_variable_col_specs();
        let specs = specs.as_slice();
        let bound = statement.facts().markers();
        if bound.len() != specs.len() {
            // Nobody knows what they are for: mostly a column of the same name.
            let columns = specs.iter().map(|spec| spec.name().to_owned()).collect();
            return Self { fit: Fit::Unknown, columns };
        }
        let fits = specs.iter().zip(bound).map(|(spec, target)| fit(spec, target, tables));
        let columns = statement.facts().markers().filter_map(MarkerTarget::column);
        Self { fit: fits.max().unwrap_or(Fit::Same), columns: columns.map(str::to_owned).collect() }
    }
}

fn fit(spec: &ColumnSpec<'_>, target: MarkerTarget<&str>, tables: &[Named]) -> Fit {
    let Some(name) = target.column() else {
        return if target == MarkerTarget::Fixed { Fit::Same } else { Fit::Unknown };
    };
    // What has no columns in the schema does not change, and what could not be read is not compared.
    let table = tables.iter().find(|table| table.name().is(spec.table_spec()));
    let Some(definition) = table.and_then(Named::definition) else { return Fit::Same };
    let Some(column) = definition.column(name) else { return Fit::Unknown };
    let Ok(kind) = parse_type(&column.written) else { return Fit::Unknown };
    compare(&kind, target, spec.typ(), definition)
}

fn compare(
    kind: &Type<'_>,
    target: MarkerTarget<&str>,
    told: &ColumnType<'_>,
    definition: &Definition,
) -> Fit {
    let is = |kind: &Type<'_>, told: &ColumnType<'_>| definition.is_type(kind, told);
    let inner = unfrozen(kind);
    let same = match target {
        MarkerTarget::Column(_) => match (&inner.kind, told) {
            // `m = m - ?`
            (
                TypeKind::Map(keys, _),
                ColumnType::Collection { typ: CollectionType::Set(told), .. },
            ) => is(keys, told),
            // Of users, and called like a native type, which the schema does not tell apart.
            (TypeKind::Native(_), ColumnType::UserDefinedType { .. })
            | (TypeKind::Custom(_), _) => {
                return Fit::Unknown;
            }
            _ => is(kind, told),
        },
        MarkerTarget::In(_) => match (&inner.kind, told) {
            // Of a part of it.
            (TypeKind::List(_) | TypeKind::Map(..), _) => return Fit::Unknown,
            (_, ColumnType::Collection { typ: CollectionType::List(told), .. }) => is(kind, told),
            _ => false,
        },
        MarkerTarget::Key(_) => match &inner.kind {
            TypeKind::List(_) => matches!(told, ColumnType::Native(NativeType::Int)),
            TypeKind::Map(keys, _) => is(keys, told),
            TypeKind::Set(of) => is(of, told),
            _ => return Fit::Unknown,
        },
        MarkerTarget::Element(_) => match &inner.kind {
            TypeKind::List(of) | TypeKind::Map(_, of) => is(of, told),
            _ => return Fit::Unknown,
        },
        MarkerTarget::Part(_) => match &inner.kind {
            TypeKind::List(of) | TypeKind::Set(of) => is(of, told),
            _ => return Fit::Unknown,
        },
        _ => return Fit::Unknown,
    };
    match (same, target) {
        (true, _) => Fit::Same,
        (false, MarkerTarget::Column(_) | MarkerTarget::In(_)) => Fit::Different,
        // A part may be one of a part.
        (false, _) => Fit::Unknown,
    }
}

fn unfrozen<'k, 't>(kind: &'k Type<'t>) -> &'k Type<'t> {
    match &kind.kind {
        TypeKind::Frozen(of) => of,
        _ => kind,
    }
}
