//! Whether a prepared statement still means what it meant.
//!
//! Cassandra knows a prepared statement by a hash of keyspace and text, and the driver prepares a
//! forgotten one again by that: a table that was dropped and made again with another type of the same
//! width would be written with the types of the old one, without an error.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use scylla::client::session::Session as Driver;
use scylla::cluster::ClusterState;
use scylla::cluster::metadata::Table;
use scylla::statement::prepared::PreparedStatement;

use super::Inner;
use crate::statement::Statement;

/// Counts the changes of schema and keyspace that a session learns of.
pub(super) struct SchemaClock {
    clock: Arc<Clock>,
    held: Mutex<Held>,
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
}

/// What the generation is of. Holding it weakly keeps its address from being used again.
struct Held {
    state: Weak<ClusterState>,
    keyspace: Option<Arc<String>>,
}

impl SchemaClock {
    pub(super) fn new(driver: &Driver, clock: Arc<Clock>) -> Self {
        let state = driver.get_cluster_state();
        clock.generation.store(1, Ordering::Relaxed);
        clock.address.store(Arc::as_ptr(&state).addr(), Ordering::Release);
        let held = Held { state: Arc::downgrade(&state), keyspace: driver.get_keyspace() };
        Self { clock, held: Mutex::new(held) }
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
            if held.state.as_ptr() != Arc::as_ptr(state) {
                held.state = Arc::downgrade(state);
                clock.generation.fetch_add(1, Ordering::AcqRel);
                clock.address.store(Arc::as_ptr(state).addr(), Ordering::Release);
            }
        }
        clock.generation.load(Ordering::Acquire)
    }

    /// To be told after each statement that may have been a `USE`, or may have changed a table.
    pub(super) fn look(&self, driver: &Driver) {
        self.generation(driver);
        let keyspace = driver.get_keyspace();
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.keyspace != keyspace {
            held.keyspace = keyspace;
            self.clock.generation.fetch_add(1, Ordering::AcqRel);
        }
    }

    pub(super) fn now(&self, driver: &Driver) -> Schema {
        let state = driver.get_cluster_state();
        let keyspace = driver.get_keyspace();
        Schema { generation: self.generation_of(&state), state, keyspace }
    }
}

/// A schema as the driver knew it at one moment, and the keyspace in use.
pub(super) struct Schema {
    generation: u64,
    state: Arc<ClusterState>,
    keyspace: Option<Arc<String>>,
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

    /// The tables of a statement: what its text says, and for a batch what its markers belong to.
    pub(super) fn tables(
        &self,
        prepared: &PreparedStatement,
        statement: &Statement,
    ) -> Vec<TableName> {
        let mut tables = Vec::new();
        if let Some(table) = statement.table()
            && let Some(keyspace) = table.keyspace.as_ref().or(self.keyspace.as_deref())
        {
            tables.push(TableName { keyspace: keyspace.clone(), table: table.name.clone() });
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

/// What a prepared statement stands on.
pub(super) struct Basis {
    session: Weak<Inner>,
    clock: Arc<Clock>,
    tables: Vec<TableName>,
    definition: u64,
    keyspace: Option<Arc<String>>,
    /// The generation at which it was last found to hold.
    checked: AtomicU64,
}

impl Basis {
    pub(super) fn new(session: &Arc<Inner>, schema: &Schema, tables: Vec<TableName>) -> Self {
        Self {
            session: Arc::downgrade(session),
            clock: Arc::clone(&session.schema.clock),
            definition: schema.definition(&tables),
            tables,
            keyspace: schema.keyspace.clone(),
            checked: AtomicU64::new(schema.generation),
        }
    }

    pub(super) fn holds(&self) -> bool {
        if self.clock.unchanged() == Some(self.checked.load(Ordering::Relaxed)) {
            return true;
        }
        // Without its session nobody can execute it either.
        let Some(session) = self.session.upgrade() else { return false };
        let generation = session.schema.generation(&session.driver);
        if self.checked.load(Ordering::Relaxed) == generation {
            return true;
        }
        let schema = session.schema.now(&session.driver);
        let holds =
            schema.keyspace == self.keyspace && schema.definition(&self.tables) == self.definition;
        if holds {
            self.checked.store(schema.generation, Ordering::Relaxed);
        }
        holds
    }
}
