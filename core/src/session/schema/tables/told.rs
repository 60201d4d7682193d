//! A table as the session read it, for tests that compare it with what others read.

use std::collections::BTreeMap;

use cqlstack_syntax::ColumnRole;
use tokio::time::{Duration, Instant};

use crate::session::Session;
use crate::session::schema::tables::TableName;

/// A table as a session reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableAsRead {
    /// By name: what it is for, and its type as the server writes it.
    pub columns: BTreeMap<String, (ColumnRole, String)>,
    /// The columns of the partition key.
    pub partition_key: Vec<String>,
    /// The clustering columns.
    pub clustering_key: Vec<String>,
    /// The user-defined types in its columns: names and types of their fields.
    pub types: BTreeMap<String, Vec<(String, String)>>,
}

impl Session {
    /// A table as this session reads it; none if it has no columns, or could not be read within 5 s.
    pub async fn table_as_read(&self, keyspace: &str, table: &str) -> Option<TableAsRead> {
        let inner = self.lifecycle.session()?;
        let name = TableName { keyspace: keyspace.to_owned(), table: table.to_owned() };
        let by = Instant::now() + Duration::from_secs(5);
        let (named, ()) = inner.tables.meet(&inner, &[name], by, async {}).await;
        let definition = named.first()?.definition()?;
        let column =
            |(name, column): (&str, &crate::session::schema::tables::definition::Column)| {
                (name.to_owned(), (column.role, column.written.clone()))
            };
        Some(TableAsRead {
            columns: definition.columns().map(column).collect(),
            partition_key: definition.partition_key.clone(),
            clustering_key: definition.clustering_key.clone(),
            types: definition.types().clone(),
        })
    }
}
