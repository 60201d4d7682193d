//! Whether a prepared statement still means what it meant.
//!
//! Cassandra knows a prepared statement by a hash of keyspace and text, and the driver prepares a
//! forgotten one again by that: a table that was dropped and made again with another type of the same
//! width would be written with the types of the old one, without an error.

use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use scylla::client::session::Session as Driver;
use scylla::cluster::ClusterState;
use scylla::cluster::metadata::Table;
use scylla::frame::response::result::ColumnSpec;
use scylla::statement::prepared::PreparedStatement;

use super::Inner;
use super::keyspace::Settled;
use crate::statement::{Form, Statement};

/// Counts the changes of schema and keyspace that a session learns of.
pub(super) struct SchemaClock {
    clock: Arc<Clock>,
    /// What the generation is of. Holding it weakly keeps its address from being used again.
    held: Mutex<Weak<ClusterState>>,
}

/// What can be read at the price of two loads, and is late by one request: a cluster state is a shared
/// pointer, and to ask the driver for it is several atomics that all threads contend for. The driver
/// shows it to the load balancing policy for each request anyhow.
#[derive(Debug, Default)]
pub(super) struct Clock {
    generation: AtomicU64,
    /// Where the cluster state stands that the generation is of.
    address: AtomicUsize,
    /// Another state was seen since.
    changed: AtomicBool,
    /// Which keyspace is in use, by the number of the `USE`; 0 while that is not certain.
    keyspace: AtomicU64,
}

impl Clock {
    /// A state that the driver has now. If the generation is of that one, says which it is.
    pub(super) fn see(&self, state: &ClusterState) -> Option<u64> {
        if self.address.load(Ordering::Acquire) == ptr::from_ref(state).addr() {
            return Some(self.generation.load(Ordering::Relaxed));
        }
        self.changed.store(true, Ordering::Release);
        None
    }

    /// The generation, if no other state was seen.
    fn unchanged(&self) -> Option<u64> {
        let changed = self.changed.load(Ordering::Acquire);
        (!changed).then(|| self.generation.load(Ordering::Acquire))
    }

    pub(super) fn keyspace(&self) -> u64 {
        self.keyspace.load(Ordering::Acquire)
    }

    /// In this order: who sees the new generation sees the keyspace go.
    pub(super) fn unsettle_keyspace_of(&self, number: u64) {
        if self.keyspace() == number {
            self.unsettle_keyspace();
        }
    }

    pub(super) fn unsettle_keyspace(&self) {
        self.keyspace.store(0, Ordering::Release);
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn settle_keyspace(&self, number: u64) {
        self.keyspace.store(number, Ordering::Release);
    }
}

impl SchemaClock {
    pub(super) fn new(driver: &Driver, clock: Arc<Clock>) -> Self {
        let state = driver.get_cluster_state();
        clock.generation.store(1, Ordering::Relaxed);
        clock.address.store(Arc::as_ptr(&state).addr(), Ordering::Release);
        let held = Mutex::new(Arc::downgrade(&state));
        Self { clock, held }
    }

    /// To be called for each request, so that the generation is soon that of the driver's state.
    #[inline]
    pub(super) fn keep_up(&self, driver: &Driver) {
        if self.clock.changed.load(Ordering::Relaxed) {
            self.generation(driver);
        }
    }

    pub(super) fn generation(&self, driver: &Driver) -> u64 {
        self.generation_of(&driver.get_cluster_state())
    }

    fn generation_of(&self, state: &Arc<ClusterState>) -> u64 {
        let clock = &self.clock;
        // Before the look: what is seen meanwhile is looked at again.
        clock.changed.store(false, Ordering::Release);
        if clock.address.load(Ordering::Acquire) != Arc::as_ptr(state).addr() {
            // Only when the driver has read another state.
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            if held.as_ptr() != Arc::as_ptr(state) {
                *held = Arc::downgrade(state);
                clock.generation.fetch_add(1, Ordering::AcqRel);
                clock.address.store(Arc::as_ptr(state).addr(), Ordering::Release);
            }
        }
        clock.generation.load(Ordering::Acquire)
    }

    /// To be told after each statement that may have changed a table.
    pub(super) fn look(&self, driver: &Driver) {
        self.generation(driver);
    }

    pub(super) fn now(&self, driver: &Driver) -> Schema {
        // In this order: a newer state does no harm to an older generation.
        let generation = self.generation(driver);
        Schema { generation, state: driver.get_cluster_state() }
    }
}

/// A schema as the driver knew it at one moment.
pub(super) struct Schema {
    generation: u64,
    state: Arc<ClusterState>,
}

/// A table as the schema calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TableName {
    pub(super) keyspace: String,
    pub(super) table: String,
}

impl Schema {
    pub(super) fn table(&self, name: &TableName) -> Option<&Table> {
        self.state.get_keyspace(&name.keyspace)?.tables.get(&name.table)
    }

    /// The tables of a statement: what its text says, in this keyspace where it names none, and for a batch
    /// what its markers belong to.
    pub(super) fn tables(
        prepared: &PreparedStatement,
        statement: &Statement,
        keyspace: Option<&str>,
    ) -> Vec<TableName> {
        let mut tables = Vec::new();
        if let Some(table) = statement.table()
            && let Some(keyspace) = table.keyspace.as_deref().or(keyspace)
        {
            tables.push(TableName { keyspace: keyspace.to_owned(), table: table.name.clone() });
        }
        for marker in prepared.get_variable_col_specs().iter() {
            let spec = marker.table_spec();
            let named =
                TableName { keyspace: spec.ks_name().into(), table: spec.table_name().into() };
            if !tables.contains(&named) {
                tables.push(named);
            }
        }
        tables
    }

    /// A hash of the types that these columns have in the tables.
    fn types(&self, tables: &[TableName], columns: &[String]) -> u64 {
        let mut hasher = DefaultHasher::new();
        for table in tables.iter().filter_map(|name| self.table(name)) {
            for column in columns.iter().filter_map(|column| table.columns.get(column)) {
                format!("{:?}", column.typ).hash(&mut hasher);
            }
        }
        hasher.finish()
    }

    /// A hash of how the tables are defined.
    fn definition(&self, tables: &[TableName]) -> u64 {
        let mut hasher = DefaultHasher::new();
        for name in tables {
            let Some(table) = self.table(name) else {
                hasher.write_u8(0);
                continue;
            };
            let mut columns: Vec<_> = table.columns.iter().collect();
            columns.sort_by_key(|(name, _)| name.as_str());
            for (name, column) in columns {
                name.hash(&mut hasher);
                format!("{:?} {:?}", column.typ, column.kind).hash(&mut hasher);
            }
            table.partition_key.hash(&mut hasher);
            table.clustering_key.hash(&mut hasher);
        }
        hasher.finish()
    }
}

/// The keyspace that a server answered for, where the text names a table: it may be another one than the
/// session believes in.
pub(super) fn keyspace_answered(
    prepared: &PreparedStatement,
    statement: &Statement,
) -> Option<String> {
    if statement.form() == Form::Batch {
        return None;
    }
    // Of what the parser does not understand, any column tells.
    let table = statement.table().map(|table| &*table.name);
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
    fn new(schema: &Schema, name: &TableName) -> Self {
        let mut key = String::new();
        if let Some(table) = schema.table(name) {
            for (column, separator) in table
                .partition_key
                .iter()
                .map(|column| (column, ','))
                .chain(table.clustering_key.iter().map(|column| (column, ';')))
            {
                let kind = table.columns.get(column).map(|column| &column.typ);
                // Writing to a text does not fail.
                let _ = write!(key, "{column:?} {kind:?}{separator}");
            }
        }
        Self { keyspace: name.keyspace.clone(), table: name.table.clone(), key }
    }
}

/// What a prepared statement stands on.
pub(crate) struct Basis {
    session: Weak<Inner>,
    clock: Arc<Clock>,
    tables: Vec<TableName>,
    definition: u64,
    /// The number of the `USE` that decided what it means; `None` if it names its keyspaces.
    keyspace: Option<u64>,
    source: Option<Source>,
    /// The columns that values are bound to, and what they were then.
    bound: Vec<String>,
    bound_types: u64,
    /// The generation at which it was last found to hold.
    checked: AtomicU64,
}

/// In place of a generation: it was found not to hold, and never will again. What has once been thrown out
/// of one place may be kept in another.
const OUTDATED: u64 = u64::MAX;

impl Basis {
    pub(super) fn new(
        session: &Arc<Inner>,
        schema: &Schema,
        tables: Vec<TableName>,
        prepared: &PreparedStatement,
        settled: Option<&Settled>,
    ) -> Self {
        let bound = prepared.get_variable_col_specs().iter();
        let bound: Vec<_> = bound.map(|column| column.name().to_owned()).collect();
        Self {
            session: Arc::downgrade(session),
            clock: Arc::clone(&session.schema.clock),
            definition: schema.definition(&tables),
            keyspace: settled.map(Settled::number),
            source: tables.first().map(|table| Source::new(schema, table)),
            bound_types: schema.types(&tables, &bound),
            bound,
            tables,
            checked: AtomicU64::new(schema.generation),
        }
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
        let schema = session.schema.now(&session.driver);
        let holds = self.keyspace.is_none_or(|number| number == self.clock.keyspace())
            && schema.definition(&self.tables) == self.definition;
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

    /// Which keyspace was in use, if it depends on that, by the number of the `USE`.
    pub(crate) fn keyspace(&self) -> Option<u64> {
        self.keyspace
    }

    /// What it reads, and where its writes go.
    pub(crate) fn source(&self) -> Option<&Source> {
        self.source.as_ref()
    }

    /// Whether a place in its result is still one, and values that fit are bound to it: the keyspace in use
    /// does not matter, nor do columns that were added.
    pub(crate) fn continues(&self) -> bool {
        let Some(session) = self.session.upgrade() else { return false };
        let schema = session.schema.now(&session.driver);
        let source = self.tables.first().map(|table| Source::new(&schema, table));
        source == self.source && schema.types(&self.tables, &self.bound) == self.bound_types
    }

    /// Whether it was prepared by this session.
    pub(super) fn is_of(&self, session: &Inner) -> bool {
        ptr::eq(self.session.as_ptr(), session)
    }
}
