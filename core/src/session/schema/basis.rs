//! Whether a prepared statement still means what it meant.
//!
//! Cassandra knows a prepared statement by a hash of keyspace and text, and the driver prepares a
//! forgotten one again by that: a table that was dropped and made again with another type of the same
//! width would be written with the types of the old one, without an error.

use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use cqlstack_syntax::ColumnRole;
use cqlstack_syntax::Form;
use scylla::frame::response::result::ColumnSpec;
use scylla::statement::prepared::PreparedStatement;

use crate::session::inner::Inner;
use crate::session::schema::generation::Clock;
use crate::session::schema::keyspaces::Settled;
use crate::session::schema::markers::{Fit, Markers};
use crate::session::schema::tables::{Named, TableName};
use crate::statement::Statement;

/// The tables of a statement that its text names, in this keyspace where it names none.
pub(in crate::session) fn named(statement: &Statement, keyspace: Option<&str>) -> Vec<TableName> {
    let name = |(own, table): (Option<&str>, &str)| {
        let keyspace = own.or(keyspace)?.to_owned();
        Some(TableName { keyspace, table: table.to_owned() })
    };
    let mut names: Vec<TableName> = Vec::new();
    for name in statement.facts().tables().filter_map(name) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The tables that the markers of a statement belong to, and that are not among these.
pub(in crate::session) fn of_markers(
    prepared: &PreparedStatement,
    known: &[Named],
) -> Vec<TableName> {
    let mut tables: Vec<TableName> = Vec::new();
    for marker in prepared.get_variable_col_specs().iter() {
        let spec = marker.table_spec();
        let mut names = known.iter().map(Named::name).chain(&tables);
        if !names.any(|name| name.is(spec)) {
            let (keyspace, table) = (spec.ks_name().to_owned(), spec.table_name().to_owned());
            tables.push(TableName { keyspace, table });
        }
    }
    tables
}

/// The keyspace that a server answered for, where the text names a table: it may be another one than the
/// session believes in.
pub(in crate::session) fn keyspace_answered(
    prepared: &PreparedStatement,
    statement: &Statement,
) -> Option<String> {
    if statement.form() == Form::Batch {
        return None;
    }
    // Of what the parser does not understand, any column tells.
    let table = statement.table();
    let results = prepared.get_current_result_set_col_specs();
    let columns = prepared.get_variable_col_specs();
    let columns = columns.iter().chain(results.get().iter());
    // A function's result may be told to be of another table.
    let of_table = columns
        .map(ColumnSpec::table_spec)
        .find(|it| table.is_none_or(|table| it.table_name() == table));
    of_table.map(|table| table.ks_name().to_owned())
}

/// What a result is of: a place in it is none in another one.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) keyspace: String,
    pub(crate) table: String,
    /// The columns of the primary key with their types, which a place in the result holds values of; empty
    /// if the session does not know the table.
    pub(crate) key: String,
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        let is_known = |source: &Self| !source.key.is_empty();
        (&self.keyspace, &self.table) == (&other.keyspace, &other.table)
            && (self.key == other.key || !is_known(self) || !is_known(other))
    }
}

impl Source {
    fn new(table: &Named) -> Self {
        let mut key = String::new();
        if let Some(definition) = table.definition() {
            let columns = definition.partition_key.iter().chain(&definition.clustering_key);
            for name in columns {
                let Some(column) = definition.column(name) else { continue };
                let kind = definition.type_in_full(column);
                let order = match column.role {
                    ColumnRole::PartitionKey { .. } => ",",
                    ColumnRole::Clustering { descending: true, .. } => " desc;",
                    _ => ";",
                };
                // Writing to a text does not fail.
                let _ = write!(key, "{name:?} {kind}{order}");
            }
        }
        let TableName { keyspace, table } = table.name().clone();
        Self { keyspace, table, key }
    }
}

/// What a prepared statement stands on.
pub(crate) struct Basis {
    session: Weak<Inner>,
    clock: Arc<Clock>,
    tables: Vec<Named>,
    /// The number of the `USE` that decided what it means; `None` if it names its keyspaces.
    keyspace: Option<u64>,
    source: Option<Source>,
    /// The columns that values are bound to, and what they were then.
    bound: Vec<String>,
    bound_types: u64,
    /// The generation at which it was last found to hold.
    checked: AtomicU64,
    /// Where its markers could not be compared with the tables: it holds until the schema changes.
    epoch: Option<u64>,
    /// It serves one request, since the session did not know the schema.
    is_one_shot: bool,
    /// How many different texts its session takes in a batch.
    batch_texts: usize,
    /// And the server knew another table.
    is_other: bool,
}

/// What is noted before a statement is prepared: should anything change meanwhile, it counts as old.
#[derive(Clone, Copy)]
pub(in crate::session) struct Before {
    generation: u64,
    epoch: u64,
    is_stale: bool,
}

impl Before {
    pub(in crate::session) fn now(session: &Inner) -> Self {
        let generation = session.schema.generation(&session.driver);
        Self { generation, epoch: session.tables.epoch(), is_stale: session.age.is_stale() }
    }

    /// Whether a server that differs from what is known of the tables is right.
    pub(in crate::session) fn is_stale(self) -> bool {
        self.is_stale
    }
}

/// In place of a generation: it was found not to hold, and never will again. What has once been thrown out
/// of one place may be kept in another.
const OUTDATED: u64 = u64::MAX;

/// A hash of the types that these columns have in the tables.
fn types(tables: &[Named], columns: &[String]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for table in tables.iter().filter_map(Named::definition) {
        for column in columns.iter().filter_map(|column| table.column(column)) {
            table.type_in_full(column).hash(&mut hasher);
        }
    }
    hasher.finish()
}

impl Basis {
    pub(in crate::session) fn new(
        session: &Arc<Inner>,
        before: Before,
        tables: Vec<Named>,
        markers: Markers,
        settled: Option<&Settled>,
    ) -> Self {
        let Markers { fit, columns: bound } = markers;
        let is_one_shot = before.is_stale;
        let is_kept =
            !is_one_shot && (fit != Fit::Different || session.tables.is_believed(&tables));
        Self {
            session: Arc::downgrade(session),
            clock: session.schema.clock(),
            keyspace: settled.map(Settled::number),
            source: tables.first().map(Source::new),
            bound_types: types(&tables, &bound),
            bound,
            tables,
            checked: AtomicU64::new(if is_kept { before.generation } else { OUTDATED }),
            epoch: (fit != Fit::Same).then_some(before.epoch),
            is_one_shot,
            batch_texts: session.config.batch_limits.texts,
            is_other: is_one_shot && fit == Fit::Different,
        }
    }

    pub(crate) fn batch_texts(&self) -> usize {
        self.batch_texts
    }

    pub(crate) fn holds(&self) -> bool {
        let checked = self.checked.load(Ordering::Relaxed);
        if self.clock.unchanged() == Some(checked) {
            return true;
        }
        self.holds_still(checked)
    }

    #[cold]
    fn holds_still(&self, checked: u64) -> bool {
        if checked == OUTDATED {
            return false;
        }
        // Without its session nobody can execute it either.
        let Some(session) = self.session.upgrade() else { return false };
        let generation = session.schema.generation(&session.driver);
        if checked == generation {
            return true;
        }
        let holds = !self.clock.is_stale()
            && self.keyspace.is_none_or(|number| number == self.clock.keyspace())
            && self.epoch.is_none_or(|epoch| epoch == session.tables.epoch())
            && self.tables.iter().all(Named::is_unchanged);
        if !holds {
            self.outdate();
            return false;
        }
        let (success, failure) = (Ordering::Relaxed, Ordering::Relaxed);
        match self.checked.compare_exchange(checked, generation, success, failure) {
            Ok(_) => true,
            // Another thread was faster, and may have found that it does not.
            Err(found) => found != OUTDATED,
        }
    }

    /// It holds no more: a server has another id for it by now.
    pub(crate) fn outdate(&self) {
        self.checked.store(OUTDATED, Ordering::Relaxed);
    }

    pub(crate) fn is_one_shot(&self) -> bool {
        self.is_one_shot
    }

    /// Whether the server knew another table than the session, which could not read it.
    pub(in crate::session) fn is_other(&self) -> bool {
        self.is_other
    }

    /// Which keyspace was in use, if it depends on that, by the number of the `USE`.
    pub(crate) fn keyspace(&self) -> Option<u64> {
        self.keyspace
    }

    pub(in crate::session) fn tables(&self) -> &[Named] {
        &self.tables
    }

    /// What it reads, and where its writes go.
    pub(crate) fn source(&self) -> Option<&Source> {
        self.source.as_ref()
    }

    /// Whether a place in its result is still one, and values that fit are bound to it: the keyspace in use
    /// does not matter, nor do columns that were added.
    pub(crate) fn continues(&self) -> bool {
        if self.is_other {
            // Nobody knows better.
            return true;
        }
        let now: Vec<_> = self.tables.iter().map(Named::now).collect();
        let source = now.first().map(Source::new);
        source == self.source && types(&now, &self.bound) == self.bound_types
    }

    /// Whether it was prepared by this session.
    pub(in crate::session) fn is_of(&self, session: &Inner) -> bool {
        ptr::eq(self.session.as_ptr(), session)
    }
}
