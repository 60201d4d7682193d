//! A table as the server describes it, as far as requests depend on it.

use std::collections::BTreeMap;

use cqlstack_syntax::{ColumnRole, Keyword, Type, TypeKind, parse_type};
use scylla::frame::response::result::ColumnType;

use crate::session::schema::tables::types;
use crate::session::schema::tables::types::Types;

/// A table: its columns, and the user-defined types that they have.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Definition {
    /// By name.
    columns: BTreeMap<String, Column>,
    pub(crate) partition_key: Vec<String>,
    pub(crate) clustering_key: Vec<String>,
    /// `ALTER TYPE` does not show in the columns.
    types: Types,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    /// The type, as the server writes it.
    pub(crate) written: String,
    pub(crate) role: ColumnRole,
    pub(crate) shape: Shape,
}

/// A type, as far as that decides how its values are stored, and whether they can be written twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Native(Keyword),
    /// Not frozen, as the next three.
    List,
    Set,
    Map,
    User,
    /// Frozen, or of a type that the parser does not understand.
    Other,
}

/// A row of `system_schema.columns`.
pub(super) struct ColumnRow {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) position: i32,
    pub(super) written: String,
    pub(super) order: String,
}

impl ColumnRow {
    fn role(&self) -> ColumnRole {
        let position = usize::try_from(self.position).unwrap_or(0);
        match &*self.kind {
            "partition_key" => ColumnRole::PartitionKey { position },
            "clustering" => ColumnRole::Clustering {
                position,
                descending: self.order.eq_ignore_ascii_case("desc"),
            },
            "static" => ColumnRole::Static,
            _ => ColumnRole::Regular,
        }
    }
}

impl Definition {
    /// Of a table's columns, and of all types of its keyspace. None without columns: an index, a virtual
    /// table, or one that is not there.
    pub(super) fn new(rows: Vec<ColumnRow>, keyspace: &Types) -> Option<Self> {
        if rows.is_empty() {
            return None;
        }
        let (mut partition_key, mut clustering_key) = (BTreeMap::new(), BTreeMap::new());
        for row in &rows {
            match row.role() {
                ColumnRole::PartitionKey { position } => {
                    partition_key.insert(position, row.name.clone());
                }
                ColumnRole::Clustering { position, .. } => {
                    clustering_key.insert(position, row.name.clone());
                }
                _ => {}
            }
        }
        let types = types::used(rows.iter().map(|row| &*row.written), keyspace);
        let column = |row: ColumnRow| {
            let (role, shape) = (row.role(), Shape::of(&row.written));
            (row.name, Column { written: row.written, role, shape })
        };
        Some(Self {
            columns: rows.into_iter().map(column).collect(),
            partition_key: partition_key.into_values().collect(),
            clustering_key: clustering_key.into_values().collect(),
            types,
        })
    }

    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.get(name)
    }

    pub(crate) fn columns(&self) -> impl Iterator<Item = (&str, &Column)> {
        self.columns.iter().map(|(name, column)| (&**name, column))
    }

    #[cfg(feature = "testing")]
    pub(super) fn types(&self) -> &Types {
        &self.types
    }

    /// A column's type, with the fields of the types of users in it.
    pub(crate) fn type_in_full(&self, column: &Column) -> String {
        let mut full = column.written.clone();
        for (name, fields) in types::used([&*column.written], &self.types) {
            for (field, written) in fields {
                full.extend([" ", &*name, ".", &*field, " ", &*written]);
            }
        }
        full
    }

    /// Whether the driver was told this type, which names types of users of this keyspace.
    pub(crate) fn is_type(&self, kind: &Type<'_>, told: &ColumnType<'_>) -> bool {
        types::are_alike(kind, told, &self.types)
    }

    /// The columns that have a class in their types which is no native type; with that class.
    pub(crate) fn custom_columns(&self) -> impl Iterator<Item = (&str, &Column, String)> {
        self.columns().filter_map(|(name, column)| {
            let class = types::custom_class(&column.written, &self.types)?;
            Some((name, column, class))
        })
    }
}

impl Shape {
    fn of(written: &str) -> Self {
        let Ok(kind) = parse_type(written) else { return Self::Other };
        match kind.kind {
            TypeKind::Native(keyword) => Self::Native(types::as_stored(keyword)),
            TypeKind::List(_) => Self::List,
            TypeKind::Set(_) => Self::Set,
            TypeKind::Map(..) => Self::Map,
            TypeKind::User(_) => Self::User,
            _ => Self::Other,
        }
    }
}
