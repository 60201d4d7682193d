//! Counting the changes that a session learns of.

use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use scylla::client::session::Session as Driver;
use scylla::cluster::ClusterState;

use crate::lock::lock;

/// Counts the changes of schema and keyspace that a session learns of.
pub(in crate::session) struct SchemaClock {
    clock: Arc<Clock>,
    /// What the generation is of. Holding it weakly keeps its address from being used again.
    held: Mutex<Weak<ClusterState>>,
}

/// What can be read at the price of two loads, and is late by one request: a cluster state is a shared
/// pointer, and to ask the driver for it is several atomics that all threads contend for. The driver
/// shows it to the load balancing policy for each request anyhow.
#[derive(Debug, Default)]
pub(in crate::session) struct Clock {
    generation: AtomicU64,
    /// Where the cluster state stands that the generation is of.
    address: AtomicUsize,
    /// Another state was seen since.
    changed: AtomicBool,
    /// Which keyspace is in use, by the number of the `USE`; 0 while that is not certain.
    keyspace: AtomicU64,
    /// Whether what is known of tables is too old to be relied upon.
    is_stale: AtomicBool,
}

impl Clock {
    /// A state that the driver has now. If the generation is of that one, says which it is.
    pub(in crate::session) fn see(&self, state: &ClusterState) -> Option<u64> {
        if self.address.load(Ordering::Acquire) == ptr::from_ref(state).addr() {
            return Some(self.generation.load(Ordering::Relaxed));
        }
        self.changed.store(true, Ordering::Release);
        None
    }

    /// The generation, if no other state was seen.
    pub(in crate::session) fn unchanged(&self) -> Option<u64> {
        let changed = self.changed.load(Ordering::Acquire);
        (!changed).then(|| self.generation.load(Ordering::Acquire))
    }

    pub(in crate::session) fn keyspace(&self) -> u64 {
        self.keyspace.load(Ordering::Acquire)
    }

    /// In this order: who sees the new generation sees the keyspace go.
    pub(in crate::session) fn unsettle_keyspace_of(&self, number: u64) {
        if self.keyspace() == number {
            self.unsettle_keyspace();
        }
    }

    pub(in crate::session) fn unsettle_keyspace(&self) {
        self.keyspace.store(0, Ordering::Release);
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    pub(in crate::session) fn is_stale(&self) -> bool {
        self.is_stale.load(Ordering::Acquire)
    }

    /// In this order: who sees the new generation sees why.
    pub(in crate::session) fn set_stale(&self, is_stale: bool) {
        self.is_stale.store(is_stale, Ordering::Release);
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    pub(in crate::session) fn settle_keyspace(&self, number: u64) {
        self.keyspace.store(number, Ordering::Release);
    }
}

impl SchemaClock {
    pub(in crate::session) fn new(driver: &Driver, clock: Arc<Clock>) -> Self {
        let state = driver.get_cluster_state();
        clock.generation.store(1, Ordering::Relaxed);
        clock.address.store(Arc::as_ptr(&state).addr(), Ordering::Release);
        let held = Mutex::new(Arc::downgrade(&state));
        Self { clock, held }
    }

    /// To be called for each request, so that the generation is soon that of the driver's state.
    #[inline]
    pub(in crate::session) fn keep_up(&self, driver: &Driver) {
        if self.clock.changed.load(Ordering::Relaxed) {
            self.generation(driver);
        }
    }

    pub(in crate::session) fn generation(&self, driver: &Driver) -> u64 {
        self.generation_of(&driver.get_cluster_state())
    }

    fn generation_of(&self, state: &Arc<ClusterState>) -> u64 {
        let clock = &self.clock;
        // Before the look: what is seen meanwhile is looked at again.
        clock.changed.store(false, Ordering::Release);
        if clock.address.load(Ordering::Acquire) != Arc::as_ptr(state).addr() {
            // Only when the driver has read another state.
            let mut held = lock(&self.held);
            if held.as_ptr() != Arc::as_ptr(state) {
                *held = Arc::downgrade(state);
                clock.generation.fetch_add(1, Ordering::AcqRel);
                clock.address.store(Arc::as_ptr(state).addr(), Ordering::Release);
            }
        }
        clock.generation.load(Ordering::Acquire)
    }

    /// To be called after a table became known otherwise: whoever sees the new generation looks at it again.
    pub(in crate::session) fn changed(&self) {
        self.clock.generation.fetch_add(1, Ordering::AcqRel);
    }

    pub(in crate::session) fn clock(&self) -> Arc<Clock> {
        Arc::clone(&self.clock)
    }
}
