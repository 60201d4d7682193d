//! One timestamp per logical write.
//!
//! Cassandra resolves concurrent writes to a cell by timestamp. The driver stamps each *attempt*,
//! so that a retry which arrives late overwrites what somebody else wrote in between. Here the
//! stamp is taken when the request is made, and every resend keeps it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

static LAST: AtomicI64 = AtomicI64::new(i64::MIN);

/// Microseconds since 1970, strictly growing within the process even if the clock steps back.
///
/// Costs one reading of the clock and one compare-and-swap.
pub(crate) fn next() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX - 1));
    next_after(&LAST, now)
}

fn next_after(last: &AtomicI64, now: i64) -> i64 {
    let mut seen = last.load(Ordering::Relaxed);
    loop {
        let next = now.max(seen.saturating_add(1));
        match last.compare_exchange_weak(seen, next, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return next,
            Err(newer) => seen = newer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_grow_although_the_clock_stands_still_or_steps_back() {
        let last = AtomicI64::new(i64::MIN);
        let stamps: Vec<i64> = [100, 100, 90, 200].map(|now| next_after(&last, now)).to_vec();
        assert_eq!(stamps, [100, 101, 102, 200]);
    }

    #[test]
    fn threads_never_get_the_same_stamp() {
        let mut stamps: Vec<i64> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..1_000).map(|_| next()).collect::<Vec<_>>()))
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        stamps.sort_unstable();
        let count = stamps.len();
        stamps.dedup();
        assert_eq!(stamps.len(), count);
    }
}
