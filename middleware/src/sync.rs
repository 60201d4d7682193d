//! What this crate's own concurrency is made of. Its model tests (`tests/model_*.rs`) put `loom`'s and
//! `shuttle`'s in their place.

pub(crate) use std::sync::Mutex;
#[cfg(feature = "cache")]
pub(crate) use std::sync::MutexGuard;
#[cfg(feature = "limit")]
pub(crate) use std::sync::atomic::{AtomicU64, AtomicUsize};

#[cfg(feature = "cache")]
pub(crate) use cqlstack_core::layer::has_runtime;
#[cfg(feature = "limit")]
pub(crate) use tokio::sync::Semaphore;
#[cfg(feature = "cache")]
pub(crate) use tokio::sync::watch;
#[cfg(feature = "cache")]
pub(crate) use tokio::time::timeout_at;
