//! What own concurrency is made of. Model tests put `loom`'s in its place.

pub(crate) use std::sync::atomic::AtomicU64;
