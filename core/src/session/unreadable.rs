//! Naming the column that the driver cannot read: it tells a place in a frame and a class.

use super::tables::{Named, TableName};
use crate::error::{ErrorKind, UnreadableType};

/// Names the column, if one of these tables has such a type.
#[cold]
pub(super) fn locate(kind: &mut ErrorKind, tables: &[Named]) {
    let ErrorKind::UnreadableType(unreadable) = kind else { return };
    let Some((table, column, type_name)) = find(&unreadable.type_name, tables) else { return };
    let TableName { keyspace, table } = table.name().clone();
    **unreadable = UnreadableType { keyspace, table, column, type_name, ..(**unreadable).clone() };
}

/// The column with this class, which the driver shortens; else the first with any that is no native type.
fn find<'t>(class: &str, tables: &'t [Named]) -> Option<(&'t Named, String, String)> {
    let definitions = tables.iter().filter_map(|table| Some((table, table.definition()?)));
    let custom = definitions.flat_map(|(table, definition)| {
        definition.custom_columns().map(move |(name, column, class)| (table, name, column, class))
    });
    let custom: Vec<_> = custom.collect();
    let has_class = |own: &str| own == class || own.ends_with(&format!(".{class}"));
    let found = custom.iter().find(|(.., own)| has_class(own)).or_else(|| custom.first());
    found.map(|(table, name, column, _)| (*table, (*name).to_owned(), column.written.clone()))
}
