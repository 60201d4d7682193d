//! How often a request was sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// How often a request was sent so far: once at most, unless a layer sends it again.
#[derive(Debug, Clone, Default)]
pub struct Attempts(Arc<AtomicU32>);

impl Attempts {
    /// The number now. The driver's own failover to another node is not in it.
    #[must_use]
    pub fn so_far(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
