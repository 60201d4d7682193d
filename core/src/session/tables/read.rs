//! Reading a table's definition from one node.
//!
//! By literal text: what has values the driver would prepare first.

use std::sync::Arc;
use std::time::Duration;

use scylla::cluster::Node;
use scylla::deserialize::row::DeserializeRow;
use scylla::response::query_result::QueryRowsResult;
use tokio::time::Instant;
use uuid::Uuid;

use super::definition::{ColumnRow, Definition};
use super::types::{Types, may_name_user_types};
use super::{Inner, TableName};
use crate::session::execute::until;
use crate::session::nodes::query;

/// How long a node may take to tell the version of its schema, which it has in memory.
const FOR_VERSION: Duration = Duration::from_millis(300);
/// A table may have thousands of columns.
const FOR_COLUMNS: Duration = Duration::from_millis(700);

/// The node did not answer in time, or not with what was asked for. Another one may.
#[derive(Debug)]
pub(super) struct Unread;

/// The version of the schema that the node has.
pub(super) async fn version(session: &Inner, node: &Arc<Node>) -> Result<Uuid, Unread> {
    let text = "SELECT schema_version FROM system.local WHERE key = 'local'";
    let rows = ask::<(Uuid,)>(session, node, text, FOR_VERSION).await?;
    rows.into_iter().next().map(|(version,)| version).ok_or(Unread)
}

/// The table; none if it has no columns.
pub(super) async fn definition(
    session: &Inner,
    node: &Arc<Node>,
    table: &TableName,
) -> Result<Option<Definition>, Unread> {
    type Row = (String, String, i32, String, String);
    let keyspace = literal(&table.keyspace);
    let text = format!(
        "SELECT column_name, kind, position, type, clustering_order FROM system_schema.columns \
         WHERE keyspace_name = {keyspace} AND table_name = {}",
        literal(&table.table)
    );
    let rows = ask::<Row>(session, node, &text, FOR_COLUMNS).await?;
    let row =
        |(name, kind, position, written, order)| ColumnRow { name, kind, position, written, order };
    let rows: Vec<_> = rows.into_iter().map(row).collect();
    let types = if rows.iter().any(|row| may_name_user_types(&row.written)) {
        types(session, node, &keyspace).await?
    } else {
        Types::new()
    };
    Ok(Definition::new(rows, &types))
}

/// The user-defined types of a keyspace, of which the name is a literal.
async fn types(session: &Inner, node: &Arc<Node>, keyspace: &str) -> Result<Types, Unread> {
    type Row = (String, Vec<String>, Vec<String>);
    let text = format!(
        "SELECT type_name, field_names, field_types FROM system_schema.types \
         WHERE keyspace_name = {keyspace}"
    );
    let rows = ask::<Row>(session, node, &text, FOR_COLUMNS).await?;
    let fields = |names: Vec<String>, kinds: Vec<String>| names.into_iter().zip(kinds).collect();
    Ok(rows.into_iter().map(|(name, names, kinds)| (name, fields(names, kinds))).collect())
}

async fn ask<R>(
    session: &Inner,
    node: &Arc<Node>,
    text: &str,
    within: Duration,
) -> Result<Vec<R>, Unread>
where
    R: for<'r> DeserializeRow<'r, 'r>,
{
    let is_cut = || session.inside.is_cut();
    let answer = until(is_cut, Instant::now() + within, query(session, node, text));
    let answer = answer.await.ok_or(Unread)?;
    let rows: QueryRowsResult =
        answer.map_err(|_| Unread)?.into_rows_result().map_err(|_| Unread)?;
    let typed = rows.rows::<R>().map_err(|_| Unread)?;
    typed.collect::<Result<_, _>>().map_err(|_| Unread)
}

fn literal(name: &str) -> String {
    format!("'{}'", name.replace('\'', "''"))
}
