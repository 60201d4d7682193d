//! Reads whose result is one page at most.
//!
//! They are sent without the size of a page. For a read by its key Cassandra makes a pager where it has a size, a tenth
//! of the read (`docs/costs.md`); where `LIMIT` is not above the size it makes none either way.

use std::sync::atomic::Ordering;

use cqlstack_syntax::RowLimit;
use scylla::statement::prepared::PreparedStatement;

use crate::prepared::{ALL_ROWS, BoundLimit};
use crate::session::inner::Inner;
use crate::session::schema::tables::{Definition, Named};
use crate::statement::Statement;

/// Sets how many rows a page has: all, where the whole primary key is asked for, or `LIMIT` is not above the session's
/// page. A `LIMIT` that is bound is returned.
///
/// `tables` are none where what is known of them may be old.
pub(in crate::session) fn set_page_size(
    session: &Inner,
    statement: &Statement,
    tables: &[Named],
    prepared: &mut PreparedStatement,
) -> Option<BoundLimit> {
    prepared.set_page_size(session.page_size());
    if session.ends_pages.load(Ordering::Relaxed) {
        return None;
    }
    let [table] = tables else { return None };
    let definition = table.definition()?;
    let facts = statement.facts();
    if is_one_row(definition, |key| facts.equal().any(|column| column == key)) {
        prepared.set_page_size(ALL_ROWS);
        return None;
    }
    let limit = facts.limit().filter(|_| facts.limits_reads)?;
    let most = most(session);
    match limit {
        RowLimit::Rows(rows) => {
            if (1..=most).contains(&rows) {
                prepared.set_page_size(ALL_ROWS);
            }
            None
        }
        // To look at each value for the sake of `LIMIT 1` does not pay.
        RowLimit::Marker(_) if most == 1 => None,
        RowLimit::Marker(marker) => {
            Some(BoundLimit { marker: usize::try_from(marker).ok()?, most })
        }
    }
}

fn is_one_row(table: &Definition, is_equal: impl Fn(&str) -> bool) -> bool {
    let key = table.partition_key.iter().chain(&table.clustering_key);
    !table.partition_key.is_empty() && key.map(String::as_str).all(is_equal)
}

/// How many rows may come without pages. ScyllaDB ends a page at a megabyte, too, and reads without pages at a limit of
/// its memory: one row is one page.
fn most(session: &Inner) -> u32 {
    let nodes = session.driver.get_cluster_state();
    if nodes.get_nodes_info().iter().any(|node| node.sharder().is_some()) {
        return 1;
    }
    session.config.page_size
}
