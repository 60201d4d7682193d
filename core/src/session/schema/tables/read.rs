//! Reading a table's definition from one node.
//!
//! By literal text: what has values the driver would prepare first.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use scylla::cluster::Node;
use scylla::deserialize::row::DeserializeRow;
use scylla::response::query_result::QueryRowsResult;
use tokio::time::Instant;
use uuid::Uuid;

use crate::error::{ErrorKind, Failure};
use crate::one_line::OneLine;
use crate::session::inner::Inner;
use crate::session::schema::tables::definition::{ColumnRow, Definition};
use crate::session::schema::tables::slot::TableName;
use crate::session::schema::tables::types::{Types, may_name_user_types};
use crate::session::schema::tables::unread::{ReadFault, Unread};
use crate::session::topology::ask::query;

/// How long a node may take to tell the version of its schema, which it has in memory.
pub(in crate::session) const FOR_VERSION: Duration = Duration::from_millis(300);
/// The same for columns or types. A table may have thousands of columns.
pub(super) const FOR_COLUMNS: Duration = Duration::from_millis(700);

/// What a node is asked for.
#[derive(Clone, Copy)]
enum Asked<'a> {
    Version,
    ColumnsOf(&'a TableName),
    /// Of a keyspace.
    TypesOf(&'a str),
}

impl fmt::Display for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version => f.write_str("the version of the schema"),
            Self::ColumnsOf(TableName { keyspace, table }) => {
                write!(f, "the columns of {}.{}", OneLine(keyspace), OneLine(table))
            }
            Self::TypesOf(keyspace) => write!(f, "the types of {}", OneLine(keyspace)),
        }
    }
}

/// The version of the schema that the node has.
pub(in crate::session) async fn version(
    session: &Inner,
    node: &Arc<Node>,
    within: Duration,
) -> Result<Uuid, Unread> {
    let text = "SELECT schema_version FROM system.local WHERE key = 'local'";
    let rows = ask::<(Uuid,)>(session, node, text, Asked::Version, within).await?;
    let version = rows.into_iter().next().map(|(version,)| version);
    version.ok_or_else(|| {
        unread(session, node, Asked::Version, ReadFault::Failed(ErrorKind::UnreadableAnswer))
    })
}

/// The table; none if it has no columns.
pub(super) async fn definition(
    session: &Inner,
    node: &Arc<Node>,
    table: &TableName,
    within: Duration,
) -> Result<Option<Definition>, Unread> {
    type Row = (String, String, i32, String, String);
    let text = format!(
        "SELECT column_name, kind, position, type, clustering_order FROM system_schema.columns \
         WHERE keyspace_name = {} AND table_name = {}",
        literal(&table.keyspace),
        literal(&table.table)
    );
    let rows = ask::<Row>(session, node, &text, Asked::ColumnsOf(table), within).await?;
    let row =
        |(name, kind, position, written, order)| ColumnRow { name, kind, position, written, order };
    let rows: Vec<_> = rows.into_iter().map(row).collect();
    let types = if rows.iter().any(|row| may_name_user_types(&row.written)) {
        types(session, node, &table.keyspace, within).await?
    } else {
        Types::new()
    };
    Ok(Definition::new(rows, &types))
}

/// The user-defined types of a keyspace.
async fn types(
    session: &Inner,
    node: &Arc<Node>,
    keyspace: &str,
    within: Duration,
) -> Result<Types, Unread> {
    type Row = (String, Vec<String>, Vec<String>);
    let text = format!(
        "SELECT type_name, field_names, field_types FROM system_schema.types \
         WHERE keyspace_name = {}",
        literal(keyspace)
    );
    let rows = ask::<Row>(session, node, &text, Asked::TypesOf(keyspace), within).await?;
    let fields = |names: Vec<String>, kinds: Vec<String>| names.into_iter().zip(kinds).collect();
    Ok(rows.into_iter().map(|(name, names, kinds)| (name, fields(names, kinds))).collect())
}

async fn ask<R>(
    session: &Inner,
    node: &Arc<Node>,
    text: &str,
    asked: Asked<'_>,
    within: Duration,
) -> Result<Vec<R>, Unread>
where
    R: for<'r> DeserializeRow<'r, 'r>,
{
    let answer = session.until(Instant::now() + within, query(&session.driver, node, text)).await;
    let answer = answer.ok_or_else(|| unread(session, node, asked, ReadFault::Late(within)))?;
    let answer = answer.map_err(|error| {
        unread(session, node, asked, ReadFault::Failed(Failure::from(error).kind))
    })?;
    let unreadable =
        || unread(session, node, asked, ReadFault::Failed(ErrorKind::UnreadableAnswer));
    let rows: QueryRowsResult = answer.into_rows_result().map_err(|_| unreadable())?;
    let typed = rows.rows::<R>().map_err(|_| unreadable())?;
    typed.collect::<Result<_, _>>().map_err(|_| unreadable())
}

fn unread(session: &Inner, node: &Node, asked: Asked<'_>, why: ReadFault) -> Unread {
    let node = session.translation.address(node);
    Unread::Node { node, asked: asked.to_string(), why }
}

fn literal(name: &str) -> String {
    format!("'{}'", name.replace('\'', "''"))
}
