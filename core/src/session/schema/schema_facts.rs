//! What the schema tells of a statement, when it is prepared.

use cqlstack_syntax::{Form, Keyword};
use scylla::frame::response::result::{CollectionType, ColumnType, NativeType};
use scylla::statement::prepared::PreparedStatement;

use crate::batch::{Known, WriteSet};
use crate::session::schema::tables::{Named, Shape};
use crate::statement::{SchemaFacts, Statement, StatementKind};

/// What a text alone does not tell of a write.
///
/// A marker in `n = n + ?` is a counter; without a marker the table tells, since one with counters
/// has nothing else beside its key. `IN` on a column that is not of the partition key does not make
/// it several partitions.
pub(in crate::session) fn schema_facts(
    prepared: &PreparedStatement,
    tables: &[Named],
    statement: &Statement,
) -> SchemaFacts {
    if statement.kind() == StatementKind::Read {
        return SchemaFacts::default();
    }
    let markers = prepared.get_variable_col_specs();
    let known: Vec<_> = tables.iter().filter_map(Named::definition).collect();
    let mut several = statement.facts().several();
    let of_key = |column: &str| {
        known.iter().any(|table| table.partition_key.iter().any(|own| own == column))
    };
    SchemaFacts {
        counter: markers.iter().any(|marker| is_counter(marker.typ()))
            || known.iter().any(|table| {
                table.columns().any(|(_, column)| column.shape == Shape::Native(Keyword::Counter))
            }),
        several: (several.len() > 0).then(|| known.len() != 1 || several.any(of_key)),
        by_server: false,
        list: statement.facts().overwrites_list(|column| {
            let is_column = |name: &str| column.is_none_or(|column| column == name);
            let of_tables = known.iter().flat_map(|table| table.columns());
            let of_tables = of_tables.filter(|(name, _)| is_column(name));
            let of_markers = markers.iter().filter(|marker| is_column(marker.name()));
            // A marker's type does not tell whether it is frozen: it is asked where nothing else is.
            any(of_tables.map(|(_, column)| column.shape == Shape::List))
                .or_else(|| any(of_markers.map(|marker| is_list(marker.typ()))))
        }),
    }
}

/// What a write touches; nothing of what is no single write.
pub(in crate::session) fn write_set(
    prepared: &PreparedStatement,
    tables: &[Named],
    statement: &Statement,
    facts: SchemaFacts,
) -> Option<Box<WriteSet>> {
    if matches!(statement.form(), Form::Batch | Form::Use | Form::Other) {
        return None;
    }
    let named = tables.first();
    let known = Known {
        keyspace: named.map_or("", |table| &table.name().keyspace),
        name: named.map_or("", |table| &table.name().table),
        table: named.and_then(Named::definition),
        markers: prepared.get_variable_col_specs().as_slice(),
        key: prepared.get_variable_pk_indexes(),
        several: statement.may_be_several(facts),
    };
    Some(Box::new(WriteSet::new(statement.facts(), &known)))
}

/// Whether one of them is so; none if there is none.
fn any(are: impl Iterator<Item = bool>) -> Option<bool> {
    are.reduce(|one, other| one || other)
}

fn is_counter(column: &ColumnType<'_>) -> bool {
    matches!(column, ColumnType::Native(NativeType::Counter))
}

/// A frozen one is a single value.
fn is_list(column: &ColumnType<'_>) -> bool {
    matches!(column, ColumnType::Collection { frozen: false, typ: CollectionType::List(_) })
}
