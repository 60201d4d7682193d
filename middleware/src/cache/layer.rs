//! The layer, and the handle that looks into its caches.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use cqlstack_core::layer::{Report, Sink};
use cqlstack_core::{InvalidConfig, Statement};
use tower_layer::Layer;

use super::config::CacheConfig;
use super::entries::{Counters, Entries};
use super::service::StatementCache;

/// More are a mistake: every node keeps them too.
const MOST: usize = 1_000_000;

/// Prepares each statement once. See the [module](super).
#[doc(alias("CachingSession", "PreparedStatementCache"))]
#[derive(Debug, Clone)]
#[must_use = "a layer does nothing until it is put around a service"]
pub struct StatementCacheLayer {
    capacity: usize,
    handle: CacheHandle,
}

/// For 1,000 statements.
impl Default for StatementCacheLayer {
    fn default() -> Self {
        Self { capacity: CacheConfig::default().statements, handle: CacheHandle::default() }
    }
}

impl StatementCacheLayer {
    /// Keeps so many prepared statements. One takes about a kilobyte here, and memory on every node: a
    /// service needs as many as it has different texts, seldom more than some hundred.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] for `statements`, if it is 0 or above a million.
    pub fn new(statements: usize) -> Result<Self, InvalidConfig> {
        match statements {
            0 => {
                Err(InvalidConfig::new("statements", "is 0: leave the layer out to cache nothing"))
            }
            1..=MOST => Ok(Self { capacity: statements, handle: CacheHandle::default() }),
            _ => Err(InvalidConfig::new("statements", "is above a million")),
        }
    }

    /// A handle that looks into the caches of this layer. It stays good when the layer is gone.
    #[must_use]
    pub fn handle(&self) -> CacheHandle {
        self.handle.clone()
    }
}

impl<S> Layer<S> for StatementCacheLayer {
    type Service = StatementCache<S>;

    fn layer(&self, inner: S) -> Self::Service {
        let entries = Arc::new(Entries::new(self.capacity, Arc::clone(&self.handle.counters)));
        self.handle.add(&entries);
        StatementCache::new(inner, entries)
    }
}

/// Looks into the caches of a layer, and empties them. Cloning is two atomic increments.
#[derive(Clone, Default)]
pub struct CacheHandle {
    counters: Arc<Counters>,
    /// One for each service that lives. Never locked on the way of a request.
    caches: Arc<Mutex<Vec<Weak<Entries>>>>,
}

/// The statistics of a statement cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CacheStats {
    /// Statements that it holds now.
    pub statements: usize,
    /// Requests that found their statement.
    pub hits: u64,
    /// Requests that did not.
    pub misses: u64,
    /// Prepares that were sent.
    pub prepares: u64,
    /// Statements that had to make room for others.
    pub evictions: u64,
    /// Statements that went because their table or the keyspace in use had changed.
    pub stale: u64,
}

impl CacheHandle {
    /// The statistics now.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.counters;
        CacheStats {
            statements: self.caches().iter().map(|entries| entries.len()).sum(),
            hits: counters.hits.iter().map(of).sum(),
            misses: of(&counters.misses),
            prepares: of(&counters.prepares),
            evictions: of(&counters.evictions),
            stale: of(&counters.stale),
        }
    }

    /// Forgets a statement, whatever its name and options; its next use prepares it.
    pub fn invalidate(&self, statement: &Statement) {
        for entries in self.caches() {
            entries.remove(statement);
        }
    }

    /// Forgets all statements.
    pub fn clear(&self) {
        for entries in self.caches() {
            entries.clear();
        }
    }

    fn add(&self, entries: &Arc<Entries>) {
        let mut caches = self.caches.lock().unwrap_or_else(PoisonError::into_inner);
        caches.retain(|entries| entries.strong_count() > 0);
        caches.push(Arc::downgrade(entries));
    }

    fn caches(&self) -> Vec<Arc<Entries>> {
        let caches = self.caches.lock().unwrap_or_else(PoisonError::into_inner);
        caches.iter().filter_map(Weak::upgrade).collect()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a cache holds a million at most")]
impl Report for CacheHandle {
    fn report(&self, sink: &mut dyn Sink) {
        let CacheStats { statements, hits, misses, prepares, evictions, stale } = self.stats();
        sink.gauge("cache_statements", &[], statements as f64);
        sink.counter("cache_hits_total", &[], hits);
        sink.counter("cache_misses_total", &[], misses);
        sink.counter("cache_prepares_total", &[], prepares);
        sink.counter("cache_evictions_total", &[], evictions);
        sink.counter("cache_stale_total", &[], stale);
    }

    fn is_gone(&self) -> bool {
        Arc::strong_count(&self.counters) == 1
    }
}

impl fmt::Debug for CacheHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CacheHandle").field(&self.stats()).finish()
    }
}
