//! The tables that statements name, as the servers define them.
//!
//! The driver reads the schema of the whole cluster or none of it: one type that it does not understand, in
//! whatever table, and it knows no table any more, and at first no node. So it is told to read no columns
//! and no types, and each table is read here when it is first met, and again when the version of the schema
//! is another one.

mod definition;
mod read;
mod slot;
#[cfg(feature = "testing")]
mod told;
mod types;
mod unread;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::join;
use futures::stream::iter;
use futures::{StreamExt, TryStreamExt};
use scylla::cluster::Node;
use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

pub(crate) use definition::{Definition, Shape};
use read::FOR_COLUMNS;
pub(in crate::session) use read::{FOR_VERSION, version};
pub(in crate::session) use slot::{Named, TableName};
use slot::{Seen, Slot};
#[cfg(feature = "testing")]
pub use told::TableAsRead;
pub(crate) use types::NATIVE_TYPES;
pub(in crate::session) use unread::Unread;

use crate::lock::lock;
use crate::session::inner::Inner;
use crate::session::topology::ask::connected;

/// How many tables are read at the same time.
const AT_ONCE: usize = 8;

/// How long a statement waits, before it is prepared, for its turn to read tables and for a node's version of
/// the schema. It can be prepared without them.
const FOR_TABLES: Duration = Duration::from_millis(1_500);

/// How long the last of the nodes may take: nobody is asked in its stead, and it may only be slow.
const FOR_VERSION_OF_LAST: Duration = Duration::from_secs(1);
const FOR_COLUMNS_OF_LAST: Duration = Duration::from_secs(2);

/// How long a look waits for who reads a table already.
const FOR_TURN: Duration = Duration::from_millis(1_500);

/// The tables that were met.
#[derive(Default)]
pub(in crate::session) struct Tables {
    met: Mutex<HashMap<TableName, Arc<Slot>>>,
    /// The node that was asked last, and the version of its schema then.
    asked: Mutex<Option<(Arc<Node>, Uuid)>>,
    /// Whose turn it is to be asked.
    turn: AtomicUsize,
    /// The version of the last look.
    version: Mutex<Option<Uuid>>,
    /// Grows with each look that finds another version, and with the look after it: the change may not
    /// have been everywhere yet.
    epoch: AtomicU64,
    /// Whether the next look counts as one that finds another version.
    again: AtomicBool,
}

/// Tables that are about to be read, each held for that, from a node that had this version before.
struct Reads {
    node: Arc<Node>,
    version: Uuid,
    slots: Vec<(Arc<Slot>, OwnedMutexGuard<()>)>,
}

impl Tables {
    /// Of what changed just before nothing is known.
    pub(in crate::session) fn new() -> Self {
        Self { again: AtomicBool::new(true), ..Self::default() }
    }

    /// Prepares a statement, and reads those of its tables at the same time that were not met yet.
    ///
    /// What is read may be newer or older than what the server tells of the markers: compare them by
    /// [`Markers`](crate::session::schema::markers::Markers).
    pub(in crate::session) async fn meet<T>(
        &self,
        session: &Inner,
        names: &[TableName],
        by: Instant,
        prepare: impl Future<Output = T>,
    ) -> (Vec<Named>, T) {
        let slots: Vec<_> = names.iter().map(|name| self.slot(name)).collect();
        let mut reads = None;
        // While no node tells of the schema, a statement is not held up by another try.
        if !session.age.is_stale() && slots.iter().any(|slot| slot.is_to_be_read()) {
            let longest = Instant::now() + FOR_TABLES;
            let by = by.min(longest);
            let begun = Box::pin(self.begin(session, &slots));
            let begun = session.until(by, begun).await;
            // A caller in haste tells nothing of the nodes.
            if begun.is_none() && Instant::now() >= longest {
                slots.iter().filter(|slot| slot.is_to_be_read()).for_each(|slot| slot.has_failed());
            }
            reads = begun.flatten();
        }
        let mut tables: Vec<_> = slots.into_iter().map(Named::new).collect();
        let prepared = if let Some(reads) = reads {
            let read = self.read(session, reads);
            let read = Box::pin(session.until(by, read));
            let (read, prepared) = join(read, prepare).await;
            for (slot, seen) in read.unwrap_or_default() {
                let mut of_slot = tables.iter_mut().filter(|table| Arc::ptr_eq(&table.slot, &slot));
                if let Some(table) = of_slot.next() {
                    table.seen = seen;
                }
            }
            prepared
        } else {
            prepare.await
        };
        for table in &tables {
            table.is_given(&session.schema);
        }
        (tables, prepared)
    }

    /// All that has to be done before the statement is prepared.
    async fn begin(&self, session: &Inner, slots: &[Arc<Slot>]) -> Option<Reads> {
        // In the same order by whoever holds several.
        let mut ordered: Vec<_> = slots.iter().collect();
        ordered.sort_by_key(|slot| &slot.name);
        let mut held = Vec::new();
        for slot in ordered {
            let turn = Arc::clone(&slot.reading).lock_owned().await;
            // Another one may have read it meanwhile.
            if slot.is_to_be_read() {
                held.push((Arc::clone(slot), turn));
            }
        }
        if held.is_empty() {
            return None;
        }
        let Some((node, version)) = self.version_before(session).await else {
            for (slot, _) in &held {
                slot.has_failed();
            }
            return None;
        };
        Some(Reads { node, version, slots: held })
    }

    /// Of the node that was asked last: that it may have a newer one by now does no harm.
    async fn version_before(&self, session: &Inner) -> Option<(Arc<Node>, Uuid)> {
        let asked = lock(&self.asked).clone().filter(|(node, _)| node.is_connected());
        if asked.is_some() {
            return asked;
        }
        for node in self.in_turn(session) {
            if let Ok(version) = version(session, &node, FOR_VERSION).await {
                *lock(&self.asked) = Some((Arc::clone(&node), version));
                return Some((node, version));
            }
        }
        None
    }

    async fn read(&self, session: &Inner, reads: Reads) -> Vec<(Arc<Slot>, Seen)> {
        let Reads { node, version, slots } = reads;
        let reads = iter(slots).map(async |(slot, _turn): (Arc<Slot>, OwnedMutexGuard<()>)| {
            let seen = read_slot(session, &slot, &node, version, FOR_COLUMNS).await;
            (slot, seen)
        });
        let mut read = Vec::new();
        for (slot, seen) in reads.buffer_unordered(AT_ONCE).collect::<Vec<_>>().await {
            if let Ok(seen) = seen {
                read.push((slot, seen));
            } else {
                slot.has_failed();
                // The next one is asked in its stead.
                lock(&self.asked).take_if(|(asked, _)| Arc::ptr_eq(asked, &node));
            }
        }
        read
    }

    fn slot(&self, name: &TableName) -> Arc<Slot> {
        let mut met = lock(&self.met);
        if let Some(slot) = met.get(name) {
            return Arc::clone(slot);
        }
        let slot = Arc::new(Slot::new(name.clone()));
        met.insert(name.clone(), Arc::clone(&slot));
        slot
    }

    /// Asks a node for the version of its schema, and reads the tables that no node of that version told. None
    /// if no node told it, or what it has.
    pub(in crate::session) async fn refresh(&self, session: &Inner) -> Option<Refreshed> {
        let mut nodes = self.in_turn(session).into_iter().peekable();
        if nodes.peek().is_none() {
            session.age.has_failed(Unread::NoNode);
        }
        while let Some(node) = nodes.next() {
            let within = if nodes.peek().is_some() {
                (FOR_VERSION, FOR_COLUMNS)
            } else {
                (FOR_VERSION_OF_LAST, FOR_COLUMNS_OF_LAST)
            };
            let began = Instant::now();
            match self.refresh_from(session, &node, within).await {
                Ok(version) => {
                    let looked = self.look(session, version);
                    session.age.is_read(began);
                    return Some(looked);
                }
                Err(unread) => session.age.has_failed(unread),
            }
        }
        None
    }

    fn look(&self, session: &Inner, version: Uuid) -> Refreshed {
        let before = lock(&self.version).replace(version);
        let is_other = before.is_some_and(|before| before != version);
        let again = self.again.swap(is_other, Ordering::Relaxed);
        if is_other || again {
            self.epoch.fetch_add(1, Ordering::AcqRel);
            session.schema.changed();
        }
        if is_other { Refreshed::Other } else { Refreshed::Same }
    }

    pub(in crate::session) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// A server told of markers that do not fit these tables. It may know other ones than the node that was
    /// read, for as long as a change spreads: the tables are read again with the next statement. Where that
    /// does not help the comparison is wrong, and the markers are believed until the next look.
    pub(in crate::session) fn is_believed(&self, tables: &[Named]) -> bool {
        let is_believed = tables.iter().any(|table| table.slot.is_doubted());
        if is_believed {
            self.again.store(true, Ordering::Relaxed);
        } else {
            tables.iter().for_each(Named::doubt);
        }
        is_believed
    }

    /// Returns the version of the schema that the node has.
    async fn refresh_from(
        &self,
        session: &Inner,
        node: &Arc<Node>,
        (for_version, for_columns): (Duration, Duration),
    ) -> Result<Uuid, Unread> {
        let version = version(session, node, for_version).await?;
        *lock(&self.asked) = Some((Arc::clone(node), version));
        let reads = iter(self.read_otherwise(session, version)).map(async |slot: Arc<Slot>| {
            let Ok(_turn) = timeout(FOR_TURN, slot.reading.lock()).await else {
                // Whoever reads it is not polled: its statements are no reason to take all others for stale.
                slot.forget();
                session.schema.changed();
                return Ok(());
            };
            if slot.is_of(version) {
                Ok(())
            } else {
                read_slot(session, &slot, node, version, for_columns).await.map(drop)
            }
        });
        reads.buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        Ok(version)
    }

    /// What was read at other versions. What no statement names any more is forgotten instead; but not while
    /// it is stale, when statements are of one use: a look that tells of no table is none that succeeded.
    fn read_otherwise(&self, session: &Inner, version: Uuid) -> Vec<Arc<Slot>> {
        let is_stale = session.age.is_stale();
        let mut met = lock(&self.met);
        met.retain(|_, slot| {
            let is_named = is_stale || Arc::strong_count(slot) > 1;
            is_named || slot.is_of(version) || slot.is_conditional()
        });
        met.values().filter(|slot| !slot.is_of(version)).cloned().collect()
    }

    /// From now on nothing is known of any table.
    pub(in crate::session) fn forget(&self, session: &Inner) {
        let slots: Vec<_> = lock(&self.met).values().cloned().collect();
        for slot in slots {
            slot.forget();
        }
        session.schema.changed();
    }

    /// To be called when a statement could not be prepared: what is not there may be made.
    pub(in crate::session) fn doubt_missing(named: &[Named]) {
        for table in named.iter().filter(|named| named.definition().is_none()) {
            table.slot.outdate();
        }
    }

    /// The nodes that are connected, those of the local datacentre first, and another one first each time.
    fn in_turn(&self, session: &Inner) -> Vec<Arc<Node>> {
        let mut nodes = connected(&session.driver);
        if !nodes.is_empty() {
            let first = self.turn.fetch_add(1, Ordering::Relaxed) % nodes.len();
            nodes.rotate_left(first);
        }
        let local = session.config.local_datacenter.as_deref();
        nodes.sort_by_key(|node| local.is_some() && node.datacenter.as_deref() != local);
        nodes
    }
}

/// Reads a table from a node that had this version before.
async fn read_slot(
    session: &Inner,
    slot: &Slot,
    node: &Arc<Node>,
    version: Uuid,
    within: Duration,
) -> Result<Seen, Unread> {
    let read = match read::definition(session, node, &slot.name, within).await? {
        Some(definition) => Seen::Table(Arc::new(definition)),
        None => Seen::Nothing,
    };
    Ok(slot.learn(read, version, &session.schema))
}

/// What a look at the version of the schema told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::session) enum Refreshed {
    /// It is that of the look before.
    Same,
    Other,
}
