//! Warnings of batches that are sent all the same, once a minute at most of each kind.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::guard::Seen;
use super::limits::BatchLimits;

const PAUSE: Duration = Duration::from_secs(60);

/// When something was told last.
struct Told(Mutex<Option<Instant>>);

impl Told {
    const fn never() -> Self {
        Self(Mutex::new(None))
    }

    /// Whether it is time to tell it again. A lock that is taken means that somebody is telling it.
    fn is_due(&self, now: Instant) -> bool {
        let Ok(mut last) = self.0.try_lock() else { return false };
        let due = last.is_none_or(|last| now.saturating_duration_since(last) >= PAUSE);
        if due {
            *last = Some(now);
        }
        due
    }
}

/// An UNLOGGED batch.
pub(super) fn several_partitions(name: &str, seen: &Seen) {
    static TOLD: Told = Told::never();
    if (seen.partitions > 1 || seen.unknown.is_some()) && TOLD.is_due(Instant::now()) {
        tracing::warn!(
            statement = name,
            partitions = seen.partitions,
            "an UNLOGGED batch is, or may be, over several partitions: it is not atomic, and has one node do \
             the work of all; send single writes at the same time"
        );
    }
}

pub(super) fn large(name: &str, seen: &Seen, limits: &BatchLimits) {
    static TOLD: Told = Told::never();
    if seen.partitions > 1 && seen.bytes > limits.warn && TOLD.is_due(Instant::now()) {
        tracing::warn!(
            statement = name,
            partitions = seen.partitions,
            bytes = seen.bytes,
            limit = limits.warn,
            "a batch over several partitions is large: the server warns of it too, and refuses what is \
             ten times as large; split it"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_once_a_minute() {
        let told = Told::never();
        let start = Instant::now();
        let due = [0, 30, 59, 60, 61].map(|s| told.is_due(start + Duration::from_secs(s)));
        assert_eq!(due, [true, false, false, true, false]);
    }
}
