//! What this crate's own concurrency is made of. Its model tests put `loom`'s in their place.

pub(crate) use std::sync::Mutex;
pub(crate) use std::sync::atomic::{AtomicU64, AtomicUsize};

pub(crate) use tokio::sync::Semaphore;
