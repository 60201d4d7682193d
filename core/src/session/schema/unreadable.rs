//! Naming the column that the driver cannot read: it tells a place in a frame and a class.

use crate::error::{ErrorKind, UNTOLD_CLASS, UnreadableType};
use crate::session::schema::tables::{Named, TableName};

/// Names the column, if one of these tables has such a type.
#[cold]
pub(in crate::session) fn locate<'t>(
    kind: &mut ErrorKind,
    tables: impl Iterator<Item = &'t Named>,
) {
    let ErrorKind::UnreadableType(unreadable) = kind else { return };
    let Some((table, column, type_name)) = find(&unreadable.type_name, tables) else { return };
    let TableName { keyspace, table } = table.name().clone();
    **unreadable = UnreadableType { keyspace, table, column, type_name, ..(**unreadable).clone() };
}

/// The column with this class, which the driver shortens, or does not tell: then the only one that has any.
fn find<'t>(
    class: &str,
    tables: impl Iterator<Item = &'t Named>,
) -> Option<(&'t Named, String, String)> {
    let definitions = tables.filter_map(|table| Some((table, table.definition()?)));
    let custom = definitions.flat_map(|(table, definition)| {
        definition.custom_columns().map(move |(name, column, class)| (table, name, column, class))
    });
    let custom: Vec<_> = custom.collect();
    let has_class = |own: &str| own == class || own.ends_with(&format!(".{class}"));
    let found = custom.iter().find(|(.., own)| has_class(own)).or(match &custom[..] {
        [only] if class == UNTOLD_CLASS => Some(only),
        _ => None,
    });
    found.map(|(table, name, column, _)| (*table, (*name).to_owned(), column.written.clone()))
}
