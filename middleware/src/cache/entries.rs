//! The prepared statements of one service.

use std::hash::{Hash, Hasher};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cqlstack_core::layer::Striped;
use cqlstack_core::{Prepared, Statement};
use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, Equivalent, Lifecycle, OptionsBuilder, UnitWeighter};

use super::single_flight::Flights;

/// What has happened, in all services of a layer.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) hits: Striped<AtomicU64>,
    pub(super) misses: AtomicU64,
    pub(super) prepares: AtomicU64,
    pub(super) evictions: AtomicU64,
    /// Entries that were out of date.
    pub(super) stale: AtomicU64,
}

impl Counters {
    pub(super) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// What the clones of one service share.
pub(super) struct Entries {
    cache: Cache<ByText, Prepared, UnitWeighter, DefaultHashBuilder, CountEvictions>,
    pub(super) flights: Flights,
    pub(super) counters: Arc<Counters>,
}

/// A statement that is what its text is.
#[derive(Clone)]
struct ByText(Statement);

struct Text<'t>(&'t str);

impl Hash for ByText {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.0.text().as_bytes());
    }
}

impl PartialEq for ByText {
    fn eq(&self, other: &Self) -> bool {
        self.0.text() == other.0.text()
    }
}

impl Eq for ByText {}

impl Hash for Text<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.0.as_bytes());
    }
}

impl Equivalent<ByText> for Text<'_> {
    fn equivalent(&self, key: &ByText) -> bool {
        let text = key.0.text();
        // Clones and uses of one static are known by its address.
        ptr::eq(self.0, text) || self.0 == text
    }
}

#[derive(Clone)]
struct CountEvictions(Arc<Counters>);

impl Lifecycle<ByText, Prepared> for CountEvictions {
    type RequestState = ();

    fn on_evict(&self, (): &mut (), _statement: ByText, _prepared: Prepared) {
        Counters::count(&self.0.evictions);
    }
}

impl Entries {
    #[expect(clippy::expect_used, reason = "an error would be that a capacity is not given")]
    pub(super) fn new(capacity: usize, counters: Arc<Counters>) -> Self {
        // Several shards have a part of the capacity each: where more statements than that fall into one,
        // it evicts some while another has room. And of fewer statements that are gone than it holds, it would
        // not know any again that are used in turn, when it is full of others: they would never stay.
        let options = OptionsBuilder::new()
            .shards(1)
            .ghost_allocation(1.0)
            .estimated_items_capacity(capacity)
            .weight_capacity(capacity as u64)
            .build()
            .expect("both capacities are given");
        let evictions = CountEvictions(Arc::clone(&counters));
        let hasher = DefaultHashBuilder::default();
        let cache = Cache::with_options(options, UnitWeighter, hasher, evictions);
        Self { cache, flights: Flights::default(), counters }
    }

    /// The statement, if it is there and current; one that is not goes.
    pub(super) fn get(&self, statement: &Statement) -> Option<Prepared> {
        let text = Text(statement.text());
        let prepared = self.cache.get(&text)?;
        if prepared.is_current() {
            return Some(prepared);
        }
        if self.cache.remove_if(&text, |entry| !entry.is_current()).is_some() {
            Counters::count(&self.counters.stale);
        }
        None
    }

    pub(super) fn keep(&self, prepared: &Prepared) {
        self.cache.insert(ByText(prepared.statement().clone()), prepared.clone());
    }

    pub(super) fn remove(&self, statement: &Statement) {
        self.cache.remove(&Text(statement.text()));
    }

    pub(super) fn clear(&self) {
        self.cache.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.cache.len()
    }
}
