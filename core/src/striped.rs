//! Something for each of a few threads.

use crate::thread_number::thread_number;

/// So many that hardly any two threads that count at the same time share one, and few enough to be
/// added up.
const STRIPES: usize = 8;

/// One `T` for each of a few groups of threads, each on cache lines of its own.
///
/// A counter that all threads add to goes from core to core with each request, which costs more than all
/// else that a layer does, and the more the more cores there are. What is counted here stays where it is
/// counted; whoever reads adds up.
///
/// ```
/// use cqlstack_core::layer::Striped;
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// let hits: Striped<AtomicU64> = Striped::default();
/// std::thread::scope(|threads| {
///     for _ in 0..20 {
///         threads.spawn(|| hits.here().fetch_add(1, Ordering::Relaxed));
///     }
/// });
/// assert_eq!(hits.iter().map(|hits| hits.load(Ordering::Relaxed)).sum::<u64>(), 20);
/// ```
#[derive(Debug, Default)]
pub struct Striped<T>([Apart<T>; STRIPES]);

/// Processors fetch lines in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Apart<T>(T);

impl<T> Striped<T> {
    /// The one of this thread. Others may use it at the same time.
    #[inline]
    pub fn here(&self) -> &T {
        &self.0[thread_number() % STRIPES].0
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|apart| &apart.0)
    }
}
