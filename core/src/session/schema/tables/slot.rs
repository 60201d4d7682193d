//! What is known of one table.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scylla::frame::response::result::TableSpec;
use tokio::sync::{Mutex as AsyncMutex, OnceCell};
use tokio::time::Instant;
use uuid::Uuid;

use crate::lock::lock;
use crate::session::schema::generation::SchemaClock;
use crate::session::schema::tables::definition::Definition;

/// How many versions of the schema are known of a table.
const VERSIONS: usize = 8;

/// How often markers may differ from a table before they are believed.
const DOUBTS: u32 = 3;

/// A table that could not be read is left alone for so long.
const PAUSE: Duration = Duration::from_secs(1);

/// A table as the schema calls it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TableName {
    pub(crate) keyspace: String,
    pub(crate) table: String,
}

impl TableName {
    /// Whether the server tells a column of this table.
    pub(crate) fn is(&self, spec: &TableSpec<'_>) -> bool {
        self.keyspace == spec.ks_name() && self.table == spec.table_name()
    }
}

/// A table's place.
pub(super) struct Slot {
    pub(super) name: TableName,
    /// Held while it is read: of one node, what is stored is not older than what was.
    pub(super) reading: Arc<AsyncMutex<()>>,
    known: Mutex<Known>,
    writes: Writes,
}

/// The kinds of writes that this session has prepared for a table.
#[derive(Default)]
pub(in crate::session) struct Writes {
    has_conditional: AtomicBool,
    has_plain: AtomicBool,
    is_told: AtomicBool,
    /// Once no server has a time before that of the plain writes of before.
    overtaken: OnceCell<()>,
}

impl Writes {
    #[inline]
    pub(in crate::session) fn have_conditional(&self) -> bool {
        self.has_conditional.load(Ordering::Acquire)
    }

    /// From now on servers stamp plain writes.
    pub(in crate::session) fn note_conditional(&self) {
        self.has_conditional.store(true, Ordering::Release);
    }

    pub(in crate::session) fn note_plain(&self) {
        self.has_plain.store(true, Ordering::Release);
    }

    /// True once, when it has both kinds.
    pub(in crate::session) fn meet(&self) -> bool {
        self.have_conditional()
            && self.has_plain.load(Ordering::Acquire)
            && !self.is_told.swap(true, Ordering::Relaxed)
    }

    pub(in crate::session) fn are_overtaken(&self) -> bool {
        self.overtaken.initialized()
    }

    /// Waits for that, once, with all that need it. Dropped, the next one waits anew.
    pub(in crate::session) async fn overtake(&self, wait: impl Future<Output = ()>) {
        self.overtaken.get_or_init(|| wait).await;
    }
}

#[derive(Default)]
struct Known {
    seen: Seen,
    /// The versions of the schemas of nodes that told this, each asked for before that.
    versions: Vec<Uuid>,
    /// When it could not be read, and how often since it was.
    failed: Option<(Instant, u32)>,
    /// Whether a statement was prepared without it.
    is_missed: bool,
    /// How often a server told of a marker that does not fit.
    doubts: u32,
}

/// What is known of a table.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// No node has told it.
    #[default]
    Unread,
    /// It has no columns: an index, a virtual table, or it is not there.
    Nothing,
    Table(Arc<Definition>),
}

/// A table of a statement, as it was known when the statement was prepared.
pub(in crate::session) struct Named {
    pub(super) slot: Arc<Slot>,
    pub(super) seen: Seen,
}

impl Named {
    pub(super) fn new(slot: Arc<Slot>) -> Self {
        let seen = lock(&slot.known).seen.clone();
        Self { slot, seen }
    }

    #[inline]
    pub(in crate::session) fn writes(&self) -> &Writes {
        &self.slot.writes
    }

    pub(in crate::session) fn name(&self) -> &TableName {
        &self.slot.name
    }

    /// None if it has no columns, or could not be read.
    pub(in crate::session) fn definition(&self) -> Option<&Definition> {
        match &self.seen {
            Seen::Table(definition) => Some(definition),
            Seen::Unread | Seen::Nothing => None,
        }
    }

    /// To be called before it is given to a statement: one without it has to learn when it is read.
    pub(super) fn is_given(&self, schema: &SchemaClock) {
        if self.seen != Seen::Unread {
            return;
        }
        let mut known = lock(&self.slot.known);
        known.is_missed = true;
        if known.seen != Seen::Unread {
            schema.changed();
        }
    }

    /// Whether it could not be read, and another try may do better.
    pub(in crate::session) fn is_to_be_read(&self) -> bool {
        self.seen == Seen::Unread && self.slot.is_to_be_read()
    }

    /// Whether it is known as it was.
    pub(in crate::session) fn is_unchanged(&self) -> bool {
        lock(&self.slot.known).seen == self.seen
    }

    /// The same table, of which nothing is known.
    pub(in crate::session) fn unread(&self) -> Self {
        Self { slot: Arc::clone(&self.slot), seen: Seen::Unread }
    }

    /// The same table as it is known now.
    pub(in crate::session) fn now(&self) -> Self {
        Self::new(Arc::clone(&self.slot))
    }

    /// To be called when a server told something else: the next statement that names it has it read anew.
    pub(super) fn doubt(&self) {
        let mut known = lock(&self.slot.known);
        known.versions.clear();
        known.doubts = known.doubts.saturating_add(1);
    }
}

impl Slot {
    pub(super) fn new(name: TableName) -> Self {
        Self { name, reading: Arc::default(), known: Mutex::default(), writes: Writes::default() }
    }

    /// Whether it is to be remembered although no statement names it any more.
    pub(super) fn is_conditional(&self) -> bool {
        self.writes.have_conditional()
    }

    pub(super) fn is_doubted(&self) -> bool {
        lock(&self.known).doubts >= DOUBTS
    }

    /// From now on it has to be read again, before a statement that names it is prepared.
    pub(super) fn outdate(&self) {
        lock(&self.known).versions.clear();
    }

    /// At once after the first failure, by another node.
    pub(super) fn is_to_be_read(&self) -> bool {
        let known = lock(&self.known);
        let is_time = |(at, times): (Instant, u32)| times < 2 || at.elapsed() >= PAUSE;
        known.versions.is_empty() && known.failed.is_none_or(is_time)
    }

    pub(super) fn is_of(&self, version: Uuid) -> bool {
        lock(&self.known).versions.contains(&version)
    }

    /// From now on nothing is known of it.
    pub(super) fn forget(&self) {
        *lock(&self.known) = Known { is_missed: true, ..Known::default() };
    }

    pub(super) fn has_failed(&self) {
        let mut known = lock(&self.known);
        let times = known.failed.map_or(0, |(_, times)| times);
        known.failed = Some((Instant::now(), times.saturating_add(1)));
    }

    /// To be called with what a node told that had this version before; returns what is known now.
    pub(super) fn learn(&self, read: Seen, version: Uuid, schema: &SchemaClock) -> Seen {
        let mut known = lock(&self.known);
        known.failed = None;
        if known.seen == read {
            // While nodes disagree each has a version of its own.
            known.versions.truncate(VERSIONS - 1);
            known.versions.insert(0, version);
            return known.seen.clone();
        }
        let is_known_otherwise = known.seen != Seen::Unread || known.is_missed;
        *known = Known { seen: read.clone(), versions: vec![version], ..Known::default() };
        drop(known);
        if is_known_otherwise {
            // At once: who sees the new generation looks at the table again.
            schema.changed();
        }
        read
    }
}
