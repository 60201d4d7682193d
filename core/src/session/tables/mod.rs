//! The tables that statements name, as the servers define them.
//!
//! The driver reads the schema of the whole cluster or none of it: one type that it does not understand, in
//! whatever table, and it knows no table any more, and at first no node. So it is told to read no columns
//! and no types, and each table is read here when it is first met, and again when the version of the schema
//! is another one.

mod definition;
mod read;
mod types;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::iter;
use scylla::cluster::Node;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;
use uuid::Uuid;

pub(crate) use definition::{Definition, Shape};
use read::Unread;

use super::Inner;
use super::execute::until;

/// How many tables are read at the same time.
const AT_ONCE: usize = 8;

/// How long a statement waits for the tables that it names. It can be prepared without them.
const FOR_TABLES: Duration = Duration::from_millis(1_500);

/// A table that could not be read is left alone for so long.
const PAUSE: Duration = Duration::from_secs(1);

/// A table as the schema calls it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TableName {
    pub(crate) keyspace: String,
    pub(crate) table: String,
}

/// The tables that were met.
#[derive(Default)]
pub(super) struct Tables {
    met: Mutex<HashMap<TableName, Arc<Slot>>>,
    /// The node that was asked last, and the version of its schema then.
    asked: Mutex<Option<(Arc<Node>, Uuid)>>,
    /// Whose turn it is to be asked.
    turn: AtomicUsize,
}

/// A table's place.
struct Slot {
    name: TableName,
    /// Held while it is read: what is stored is not older than what was.
    reading: AsyncMutex<()>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    seen: Seen,
    /// The version of the node's schema before it told this.
    version: Option<Uuid>,
    /// When it could not be read.
    failed: Option<Instant>,
}

/// What is known of a table.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
enum Seen {
    /// No node has told it.
    #[default]
    Unread,
    /// It has no columns: an index, a virtual table, or it is not there.
    Nothing,
    Table(Arc<Definition>),
}

/// A table of a statement, as it was known when the statement was about to be prepared.
pub(super) struct Named {
    slot: Arc<Slot>,
    seen: Seen,
}

impl Named {
    fn new(slot: Arc<Slot>) -> Self {
        let seen = lock(&slot.known).seen.clone();
        Self { slot, seen }
    }

    pub(super) fn name(&self) -> &TableName {
        &self.slot.name
    }

    /// None if it has no columns, or could not be read.
    pub(super) fn definition(&self) -> Option<&Definition> {
        match &self.seen {
            Seen::Table(definition) => Some(definition),
            Seen::Unread | Seen::Nothing => None,
        }
    }

    /// Whether it is known as it was.
    pub(super) fn is_unchanged(&self) -> bool {
        lock(&self.slot.known).seen == self.seen
    }

    /// The same table as it is known now.
    pub(super) fn now(&self) -> Self {
        Self::new(Arc::clone(&self.slot))
    }

    /// To be called when a server told something else: the next statement that names it has it read anew.
    pub(super) fn doubt(&self) {
        lock(&self.slot.known).version = None;
    }
}

impl Tables {
    /// The tables of these names, read if they were not met yet.
    pub(super) async fn meet(
        &self,
        session: &Inner,
        names: Vec<TableName>,
        by: Instant,
    ) -> Vec<Named> {
        let slots: Vec<_> = names.into_iter().map(|name| self.slot(name)).collect();
        if slots.iter().any(|slot| slot.is_to_be_read()) {
            let read = async |slot: Arc<Slot>| self.read_first(session, &slot).await;
            let reads = iter(slots.clone()).map(read);
            let reads = reads.buffer_unordered(AT_ONCE).collect::<()>();
            let by = by.min(Instant::now() + FOR_TABLES);
            if until(|| session.inside.is_cut(), by, reads).await.is_none() {
                for slot in &slots {
                    slot.has_failed();
                }
            }
        }
        slots.into_iter().map(Named::new).collect()
    }

    fn slot(&self, name: TableName) -> Arc<Slot> {
        let mut met = lock(&self.met);
        if let Some(slot) = met.get(&name) {
            return Arc::clone(slot);
        }
        let slot = Arc::new(Slot {
            name: name.clone(),
            reading: AsyncMutex::default(),
            known: Mutex::default(),
        });
        met.insert(name, Arc::clone(&slot));
        slot
    }

    /// By the node that was asked last, of which the version is known: that it may have a newer one by now
    /// does no harm.
    async fn read_first(&self, session: &Inner, slot: &Slot) {
        let _turn = slot.reading.lock().await;
        // Another one may have read it meanwhile.
        if !slot.is_to_be_read() {
            return;
        }
        let asked = lock(&self.asked).clone().filter(|(node, _)| node.is_connected());
        if let Some((node, version)) = asked
            && slot.read(session, &node, version).await.is_ok()
        {
            return;
        }
        for node in self.in_turn(session) {
            let Ok(version) = read::version(session, &node).await else { continue };
            if slot.read(session, &node, version).await.is_ok() {
                *lock(&self.asked) = Some((node, version));
                return;
            }
        }
        slot.has_failed();
    }

    /// Asks a node for the version of its schema, and reads the tables anew that were read at another one.
    pub(super) async fn refresh(&self, session: &Inner) -> Refreshed {
        for node in self.in_turn(session) {
            let Ok(version) = read::version(session, &node).await else { continue };
            let before = lock(&self.asked).replace((Arc::clone(&node), version));
            if self.refresh_from(session, &node, version).await.is_ok() {
                let is_same = before.is_none_or(|(_, before)| before == version);
                return if is_same { Refreshed::Same } else { Refreshed::Other };
            }
        }
        Refreshed::Failed
    }

    async fn refresh_from(
        &self,
        session: &Inner,
        node: &Arc<Node>,
        version: Uuid,
    ) -> Result<(), Unread> {
        let reads = iter(self.read_otherwise(version)).map(async |slot: Arc<Slot>| {
            let _turn = slot.reading.lock().await;
            slot.read(session, node, version).await
        });
        let reads: Vec<_> = reads.buffer_unordered(AT_ONCE).collect().await;
        reads.into_iter().collect()
    }

    /// What was read at another version. What no statement names any more is forgotten instead.
    fn read_otherwise(&self, version: Uuid) -> Vec<Arc<Slot>> {
        let mut met = lock(&self.met);
        let is_old = |slot: &Arc<Slot>| lock(&slot.known).version != Some(version);
        met.retain(|_, slot| Arc::strong_count(slot) > 1 || !is_old(slot));
        met.values().filter(|slot| is_old(slot)).cloned().collect()
    }

    /// From now on nothing is known of any table.
    pub(super) fn forget(&self, session: &Inner) {
        let slots: Vec<_> = lock(&self.met).values().cloned().collect();
        for slot in slots {
            *lock(&slot.known) = Known::default();
        }
        session.schema.changed();
    }

    /// To be called when a statement could not be prepared: what is not there may be made.
    pub(super) fn doubt_missing(named: &[Named]) {
        named.iter().filter(|named| named.definition().is_none()).for_each(Named::doubt);
    }

    /// The nodes that are connected, those of the local datacentre first, and another one first each time.
    fn in_turn(&self, session: &Inner) -> Vec<Arc<Node>> {
        let cluster = session.driver.get_cluster_state();
        let nodes = cluster.get_nodes_info().iter();
        let mut nodes: Vec<_> = nodes.filter(|node| node.is_connected()).cloned().collect();
        if !nodes.is_empty() {
            let first = self.turn.fetch_add(1, Ordering::Relaxed) % nodes.len();
            nodes.rotate_left(first);
        }
        let local = session.config.local_datacenter.as_deref();
        nodes.sort_by_key(|node| local.is_some() && node.datacenter.as_deref() != local);
        nodes
    }
}

/// What a look at the version of the schema told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refreshed {
    /// It is that of the look before.
    Same,
    Other,
    /// No node told it, or what it has.
    Failed,
}

impl Slot {
    fn is_to_be_read(&self) -> bool {
        let known = lock(&self.known);
        known.version.is_none() && known.failed.is_none_or(|failed| failed.elapsed() >= PAUSE)
    }

    fn has_failed(&self) {
        let mut known = lock(&self.known);
        if known.version.is_none() {
            known.failed = Some(Instant::now());
        }
    }

    /// `version` is what the node had before.
    async fn read(&self, session: &Inner, node: &Arc<Node>, version: Uuid) -> Result<(), Unread> {
        let seen = match read::definition(session, node, &self.name).await? {
            Some(definition) => Seen::Table(Arc::new(definition)),
            None => Seen::Nothing,
        };
        let mut known = lock(&self.known);
        let is_new = known.seen != seen;
        known.version = Some(version);
        known.failed = None;
        if is_new {
            known.seen = seen;
            drop(known);
            // At once: who sees the new generation looks at the table again.
            session.schema.changed();
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
