//! One timestamp per logical write.
//!
//! Cassandra resolves concurrent writes to a cell by timestamp. The driver stamps each *attempt*,
//! so that a retry which arrives late overwrites what somebody else wrote in between. Here the
//! stamp is taken when the request is made, and every resend keeps it, where the client stamps.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::lock::lock;

/// Who gives writes their timestamps, by which Cassandra decides which of two writes of a cell stays.
///
/// A conditional statement (`IF`) has the time of a server. A plain write of the same row has to have it too:
/// with one of the client's clock it can be newer than a conditional write that was applied after it, which is
/// then gone although it was acknowledged.
///
/// | | plain writes | are sent again after an error that leaves it open |
/// |---|---|---|
/// | `Client` | have one timestamp each, of this process's clock, which all attempts keep | yes, a late one cannot undo a newer write |
/// | `Server` | are stamped by the first replica of their token, where conditional statements go too | only if the statement [says so](crate::Statement::idempotent): each attempt would be newer than the one before |
/// | `ByTable` | as `Server` for tables for which this session has prepared a conditional statement, else as `Client` | the same |
///
/// Where one process writes conditionally and another one plainly, the other one has to be told: `Server`, for
/// its session or for these statements.
#[doc(alias("TimestampGenerator", "DefaultTimestamp"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Timestamps {
    /// By the client, but for tables with conditional statements.
    #[default]
    ByTable,
    /// By the client, beside conditional statements too.
    Client,
    /// By the server.
    Server,
}

/// The timestamp of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Stamp {
    /// It has no use for one.
    #[default]
    None,
    /// Taken when it was made, in microseconds since 1970. The session drops it where the server is to stamp.
    /// Where nobody chose, its settings decide.
    Automatic {
        micros: i64,
        choice: Option<Timestamps>,
    },
    /// The caller's.
    Given(i64),
    Server,
}

impl Stamp {
    pub(crate) fn new(choice: Option<Timestamps>) -> Self {
        match choice {
            Some(Timestamps::Server) => Self::Server,
            _ => Self::Automatic { micros: next(), choice },
        }
    }

    /// What it has of the client.
    pub(crate) fn micros(self) -> Option<i64> {
        match self {
            Self::Automatic { micros, .. } | Self::Given(micros) => Some(micros),
            Self::None | Self::Server => None,
        }
    }
}

static LAST: AtomicI64 = AtomicI64::new(i64::MIN);

/// How far stamps may be ahead of the clock after it stepped back, in microseconds.
const MOST_AHEAD: i64 = 10_000_000;

/// Less than that goes without saying.
const WORTH_A_WORD: i64 = 1_000_000;

const MINUTE: Duration = Duration::from_secs(60);

/// Microseconds since 1970, strictly growing within the process, also if the clock steps back by up to ten
/// seconds. After a longer step the clock counts again, which a warning tells: else the writes of this process
/// would go before all others' until the clock is where it was.
///
/// Costs one reading of the clock and one compare-and-swap.
pub(crate) fn next() -> i64 {
    next_after(&LAST, now)
}

/// Microseconds since 1970 by this process's clock.
pub(crate) fn now() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX - 1));
    #[cfg(feature = "testing")]
    let now = now.saturating_add(SHIFT.load(Ordering::Relaxed));
    now
}

#[cfg(feature = "testing")]
static SHIFT: AtomicI64 = AtomicI64::new(0);

/// From now on the clock that writes of this process are stamped by is ahead by so many microseconds, or behind.
#[cfg(feature = "testing")]
pub fn shift_clock(micros: i64) {
    SHIFT.store(micros, Ordering::Relaxed);
}

fn next_after(last: &AtomicI64, clock: impl Fn() -> i64) -> i64 {
    let mut now = clock();
    let mut seen = last.load(Ordering::Relaxed);
    loop {
        let mut next = now.max(seen.saturating_add(1));
        let mut ahead = next.saturating_sub(now);
        if ahead > MOST_AHEAD {
            // It may have been a while since it was read.
            now = clock();
            next = now.max(seen.saturating_add(1));
            ahead = next.saturating_sub(now);
            if ahead > MOST_AHEAD {
                next = now;
            }
        }
        match last.compare_exchange_weak(seen, next, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) if ahead > WORTH_A_WORD => {
                stepped_back(ahead);
                return next;
            }
            Ok(_) => return next,
            Err(newer) => seen = newer,
        }
    }
}

/// Once a minute.
#[cold]
fn stepped_back(micros: i64) {
    static LAST_WORD: Mutex<Option<Instant>> = Mutex::new(None);
    let mut last = lock(&LAST_WORD);
    if last.is_some_and(|last| last.elapsed() < MINUTE) {
        return;
    }
    *last = Some(Instant::now());
    drop(last);
    let by = Duration::from_micros(micros.unsigned_abs());
    if micros <= MOST_AHEAD {
        tracing::warn!(
            "the clock stepped back by {by:.1?}: until it is where it was, timestamps of this process are ahead of it"
        );
        return;
    }
    tracing::warn!(
        "the clock stepped back by {by:.1?}: for as long, what this process writes is older than what it wrote \
         before of the same cells, and is not seen"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_grow_although_the_clock_stands_still_or_steps_back() {
        let last = AtomicI64::new(i64::MIN);
        let stamps: Vec<i64> = [100, 100, 90, 200].map(|now| next_after(&last, || now)).to_vec();
        assert_eq!(stamps, [100, 101, 102, 200]);
    }

    #[test]
    fn after_a_long_step_back_stamps_are_the_clock_s_again() {
        let last = AtomicI64::new(i64::MIN);
        let hour = 3_600_000_000;
        let nows = [hour + 5, 5, 5, 9, hour, hour + 1 - MOST_AHEAD, i64::MIN, i64::MAX, 7];
        let stamps = nows.map(|now| next_after(&last, || now));
        let kept = [hour, hour + 1, i64::MIN, i64::MAX, 7];
        assert_eq!((&stamps[..4], &stamps[4..]), (&[hour + 5, 5, 6, 9][..], &kept[..]));
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
