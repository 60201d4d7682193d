//! A lock that a panic of another thread does not poison.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// For what is whole after each statement.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
