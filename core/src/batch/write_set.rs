//! What a write touches, as found when it is prepared.

use cqlstack_syntax::{Change, ColumnRole, InsertRow, Name, Part, Statement, Term, TermKind};
use scylla::frame::response::result::{ColumnSpec, PartitionKeyIndex};

use super::fault::UnknownPartition;
use super::literal;
use crate::session::{Definition, Shape};
use crate::statement::parse;

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
    pub(crate) fn new(text: &str, known: &Known<'_>) -> Self {
        let statement = parse(text).ok();
        let role = |marker: &ColumnSpec<'_>| {
            known.table.map_or(Role::Nothing, |table| Role::of(marker.name(), table))
        };
        let writes = statement
            .as_ref()
            .zip(known.table)
            .map(|(statement, table)| Writes::of(statement, table));
        Self {
            keyspace: known.keyspace.to_owned(),
            table: known.name.to_owned(),
            key_columns: key_columns(known),
            key: key(statement.as_ref(), known),
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

fn key(
    statement: Option<&Statement<'_>>,
    known: &Known<'_>,
) -> Result<Vec<KeyPart>, UnknownPartition> {
    let statement = statement.ok_or(UnknownPartition::Unread)?;
    if known.several {
        return Err(UnknownPartition::Several);
    }
    if !known.key.is_empty() {
        return Ok(bound_key(known).map(KeyPart::Marker).collect());
    }
    let table = known.table.ok_or(UnknownPartition::Table)?;
    let given = statement.given();
    let part = |column: &String| {
        let (_, value) = given.iter().find(|(name, _)| name.resolved() == **column)?;
        match value.kind {
            TermKind::Marker(marker) => Some(KeyPart::Marker(marker.index as usize)),
            _ => literal::bytes(value, table.column(column)?.shape).map(KeyPart::Literal),
        }
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
    fn of(statement: &Statement<'_>, table: &Definition) -> Self {
        let role = |name: &Name<'_>| table.column(&name.resolved()).map(|column| column.role);
        let is_regular = |name: &Name<'_>| role(name) == Some(ColumnRole::Regular);
        let is_clustering =
            |name: &Name<'_>| matches!(role(name), Some(ColumnRole::Clustering { .. }));
        let is_cell = |name: &Name<'_>| Role::of(&name.resolved(), table) == Role::Cell;
        let no_clustering = table.clustering_key.is_empty();
        match statement {
            Statement::Insert(insert) => match &insert.row {
                InsertRow::Values { columns, values } => Self {
                    row: no_clustering || columns.iter().any(is_clustering),
                    cells: count(columns.iter().zip(values), |(name, value)| {
                        is_cell(name) && !is_marker(value)
                    }),
                },
                // As JSON, of which nothing is known.
                _ => Self { row: true, cells: 0 },
            },
            Statement::Update(update) => Self {
                row: update.assignments.iter().any(|it| is_regular(&it.column)),
                cells: count(&update.assignments, |it| {
                    let unbound = matches!(&it.change, Change::Set(value) if !is_marker(value));
                    it.part == Part::Whole && is_cell(&it.column) && unbound
                }),
            },
            Statement::Delete(delete) if delete.deletions.is_empty() => {
                let given = statement.given();
                let clustering = count(&given, |(name, _)| is_clustering(name));
                Self { row: !no_clustering && clustering == table.clustering_key.len(), cells: 0 }
            }
            Statement::Delete(delete) => Self {
                row: delete.deletions.iter().any(|it| is_regular(&it.column)),
                cells: count(&delete.deletions, |it| is_cell(&it.column)),
            },
            _ => Self::default(),
        }
    }
}

fn is_marker(term: &Term<'_>) -> bool {
    matches!(term.kind, TermKind::Marker(_))
}

fn count<T>(all: impl IntoIterator<Item = T>, is: impl Fn(&T) -> bool) -> usize {
    all.into_iter().filter(is).count()
}
