//! What a write touches, as found when it is prepared.

use cqlstack_syntax::{ColumnRole, Effect, Facts, Form, GivenValue};
use scylla::frame::response::result::{ColumnSpec, PartitionKeyIndex};

use super::fault::UnknownPartition;
use super::literal;
use crate::session::{Definition, Shape};

/// The partition of a write, and what of it counts to the size of a batch. Its values tell the rest.
#[derive(Debug)]
pub(crate) struct WriteSet {
    pub(super) keyspace: String,
    pub(super) table: String,
    /// The columns of the partition key, for messages.
    pub(super) key_columns: Vec<String>,
    pub(super) key: Result<Vec<KeyPart>, UnknownPartition>,
    /// Of each marker, in order.
    pub(super) markers: Vec<Role>,
    /// What it writes besides what is bound.
    pub(super) writes: Writes,
}

/// Where a column of the partition key has its value from.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum KeyPart {
    Marker(usize),
    Literal(Vec<u8>),
}

/// What a bound value is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    PartitionKey,
    /// Its place in the clustering key.
    ClusteringKey(usize),
    /// One cell.
    Cell,
    /// A cell for each element, which has so many bytes more than the element has in a frame.
    Elements(usize),
    /// Cells of which the bound value does not tell how many there are.
    Cells,
    /// A TTL, a condition.
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Writes {
    /// Whether it writes a row, and not only static columns, a range or a whole partition.
    pub(super) row: bool,
    /// How many cells have no bound value.
    pub(super) cells: usize,
}

/// What a server and a session know of a statement that was prepared.
pub(crate) struct Known<'a> {
    pub(crate) keyspace: &'a str,
    pub(crate) name: &'a str,
    pub(crate) table: Option<&'a Definition>,
    pub(crate) markers: &'a [ColumnSpec<'a>],
    /// The markers of the partition key, if all of it is bound.
    pub(crate) key: &'a [PartitionKeyIndex],
    /// Whether an `IN` of it may be on the partition key.
    pub(crate) several: bool,
}

impl WriteSet {
    pub(crate) fn new(facts: &Facts, known: &Known<'_>) -> Self {
        let role = |marker: &ColumnSpec<'_>| {
            known.table.map_or(Role::Nothing, |table| Role::of(marker.name(), table))
        };
        let writes = known.table.map(|table| Writes::of(facts, table));
        Self {
            keyspace: known.keyspace.to_owned(),
            table: known.name.to_owned(),
            key_columns: key_columns(known),
            key: key(facts, known),
            markers: known.markers.iter().map(role).collect(),
            writes: writes.unwrap_or_default(),
        }
    }
}

fn key_columns(known: &Known<'_>) -> Vec<String> {
    if let Some(table) = known.table {
        return table.partition_key.clone();
    }
    let markers = bound_key(known).filter_map(|marker| known.markers.get(marker));
    markers.map(|marker| marker.name().to_owned()).collect()
}

/// The markers of the partition key, in the key's order.
fn bound_key(known: &Known<'_>) -> impl Iterator<Item = usize> {
    let mut parts: Vec<_> = known.key.iter().collect();
    parts.sort_by_key(|part| part.sequence);
    parts.into_iter().map(|part| part.index.into())
}

fn key(facts: &Facts, known: &Known<'_>) -> Result<Vec<KeyPart>, UnknownPartition> {
    if facts.form == Form::Unread {
        return Err(UnknownPartition::Unread);
    }
    if known.several {
        return Err(UnknownPartition::Several);
    }
    if !known.key.is_empty() {
        return Ok(bound_key(known).map(KeyPart::Marker).collect());
    }
    let table = known.table.ok_or(UnknownPartition::Table)?;
    let part = |column: &String| match facts.given().find(|(own, _)| own == column)?.1 {
        GivenValue::Marker(index) => Some(KeyPart::Marker(index as usize)),
        GivenValue::Literal(kind, written) => {
            literal::bytes(kind, written, table.column(column)?.shape).map(KeyPart::Literal)
        }
        GivenValue::Computed => None,
    };
    let parts: Option<Vec<_>> = table.partition_key.iter().map(part).collect();
    parts.ok_or(UnknownPartition::Computed)
}

impl Role {
    fn of(name: &str, table: &Definition) -> Self {
        let Some(column) = table.column(name) else { return Self::Nothing };
        match column.role {
            ColumnRole::PartitionKey { .. } => Self::PartitionKey,
            ColumnRole::Clustering { position, .. } => Self::ClusteringKey(position),
            // Static, regular, and what a later parser may tell apart.
            _ => Self::of_cells(column.shape),
        }
    }

    /// An element has its length before it in a frame; instead, a cell has 20 bytes of its own, and in a
    /// list a key of 16 bytes.
    const fn of_cells(column: Shape) -> Self {
        match column {
            Shape::List => Self::Elements(20 + 16 - 4),
            Shape::Set => Self::Elements(20 - 4),
            Shape::Map => Self::Elements(20 - 4 - 4),
            Shape::User => Self::Cells,
            Shape::Native(_) | Shape::Other => Self::Cell,
        }
    }
}

impl Writes {
    fn of(facts: &Facts, table: &Definition) -> Self {
        let role = |name: &str| table.column(name).map(|column| column.role);
        let is_regular = |name: &str| role(name) == Some(ColumnRole::Regular);
        let is_clustering = |name: &str| matches!(role(name), Some(ColumnRole::Clustering { .. }));
        let no_clustering = table.clustering_key.is_empty();
        let mut columns = facts.written().map(|(column, _)| column);
        let row = match facts.form {
            // Of JSON no column is known.
            Form::Insert => facts.writes_json || no_clustering || columns.any(is_clustering),
            // A `DELETE` of rows.
            Form::Change if facts.written().len() == 0 => {
                let given = facts.given().filter(|(column, _)| is_clustering(column));
                !no_clustering && given.count() == table.clustering_key.len()
            }
            Form::Change => columns.any(is_regular),
            Form::Batch | Form::Use | Form::Other | Form::Unread => return Self::default(),
        };
        let unbound = facts.written().filter(|(column, effect)| {
            let is_whole = !matches!(effect, Effect::Bound | Effect::Part);
            is_whole && Role::of(column, table) == Role::Cell
        });
        Self { row, cells: unbound.count() }
    }
}
