//! What own concurrency is made of. `tests/model_recorder` puts `loom`'s in its place.

pub(crate) use std::sync::Mutex;
pub(crate) use std::sync::atomic::AtomicU64;
pub(crate) use std::thread::yield_now;

pub(crate) use cqlstack_core::layer::TimeSum;
pub(crate) use histogram::AtomicHistogram;
