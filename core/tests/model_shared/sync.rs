//! `loom`'s primitives.

pub(crate) use loom::sync::atomic::AtomicU64;
