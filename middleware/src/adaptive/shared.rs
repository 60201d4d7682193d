//! The limits of all classes, and what was seen under them.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use tokio::time::Instant;

use super::algorithm::{LimitAlgorithm, Sample};
use super::classes::Classes;
use crate::limit::permits::Permits;

/// A window is no shorter than any of these: so long, so many requests, and so many times their mean latency. A shorter
/// one would see the fast answers and not the slow ones.
const SHORTEST: Duration = Duration::from_millis(50);
const REQUESTS: u32 = 100;
const LATENCIES: u64 = 3;
/// Where requests are few, a window of this length has enough of them.
const LONGEST: Duration = Duration::from_secs(1);
const FEWEST_REQUESTS: u32 = 10;

/// So many requests of a window are measured, about: of more, a part is drawn. A look at the clock costs a third of what
/// the whole layer does.
const MEASURED: u64 = 1_000;
/// However many there are, one of so many is measured.
const LONGEST_STRIDE: u64 = 64;

/// A timeout says something of the server only where the request had so many times the usual latency: who has waited for a
/// permit may have next to nothing left.
const PATIENCE: u64 = 2;

/// At most so long is waited for what was sent under the last limit, and for a window of long requests.
const LONGEST_SETTLING: Duration = Duration::from_secs(5);
const LONGEST_WINDOW: Duration = Duration::from_secs(10);

/// A class keeps so many permits, though it uses none.
const FEW: usize = 4;

/// What a request that has ended says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Answered,
    /// The server said that it is overloaded.
    Overloaded,
    /// There was no answer in time.
    TimedOut,
    /// Nothing: it was never sent, or failed for a reason of its own.
    Aside,
}

/// Bounds of the limits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) minimum: usize,
    /// Of all limits together.
    pub(super) maximum: usize,
}

/// What the services of one layer share.
pub(super) struct Shared {
    pub(super) classes: Classes,
    pub(super) limits: Box<[ClassLimit]>,
    bounds: Bounds,
    origin: Instant,
    /// Held while a limit changes, for some microseconds a window. Nobody who sends a request waits for it.
    algorithms: Mutex<Vec<Box<dyn LimitAlgorithm>>>,
}

/// The limit of a class. Times are nanoseconds since the origin.
pub(super) struct ClassLimit {
    pub(super) permits: Arc<Permits>,
    /// Whether a request found no permit in this window.
    pub(super) was_full: AtomicBool,
    /// When the window begins: what ends before says something of another limit.
    opened: AtomicU64,
    /// When the window ends at the earliest.
    closes: AtomicU64,
    ended: AtomicU32,
    overloaded: AtomicU32,
    latencies: AtomicU64,
    /// The mean latency of the last window in which most requests were answered.
    usual: AtomicU64,
    /// Requests that had a permit, and how many there are of them for each that is measured: a power of two.
    called: AtomicU32,
    stride: AtomicU32,
}

impl ClassLimit {
    fn new(limit: usize) -> Self {
        Self {
            permits: Arc::new(Permits::new(limit)),
            was_full: AtomicBool::new(false),
            opened: AtomicU64::new(0),
            closes: AtomicU64::new(nanos(SHORTEST)),
            ended: AtomicU32::new(0),
            overloaded: AtomicU32::new(0),
            latencies: AtomicU64::new(0),
            usual: AtomicU64::new(0),
            called: AtomicU32::new(0),
            stride: AtomicU32::new(1),
        }
    }

    /// Whether a request is one of those that are measured.
    #[inline]
    fn draws(&self) -> bool {
        let stride = self.stride.load(Ordering::Relaxed);
        if stride == 1 {
            return true;
        }
        // Not each n-th: requests may come in a pattern. The upper bits of a product with the golden ratio have none.
        let number = self.called.fetch_add(1, Ordering::Relaxed);
        number.wrapping_mul(0x9E37_79B9) <= u32::MAX / stride
    }

    /// The mean latency of those that have ended, in nanoseconds.
    fn latency(&self) -> u64 {
        let ended = self.ended.load(Ordering::Relaxed).max(1);
        self.latencies.load(Ordering::Relaxed) / u64::from(ended)
    }

    /// Begins a window at this time, or later. What ends meanwhile may be counted in neither.
    fn open(&self, at: u64) {
        self.latencies.store(0, Ordering::Relaxed);
        for counter in [&self.ended, &self.overloaded] {
            counter.store(0, Ordering::Relaxed);
        }
        self.was_full.store(false, Ordering::Relaxed);
        self.opened.store(at, Ordering::Relaxed);
        self.closes.store(at.saturating_add(nanos(SHORTEST)), Ordering::Relaxed);
    }

    /// Sets the limit, and begins a window. Where the limit is another one, the window begins when most of what was sent
    /// under the last one has ended: at once, it would see the fast ones of the new and the slow ones of the old.
    fn set(&self, limit: usize, now: u64) {
        let is_other = limit != self.permits.limit();
        let latency = self.latency().max(self.usual.load(Ordering::Relaxed));
        let settling = (latency.saturating_mul(3) / 2).min(nanos(LONGEST_SETTLING));
        let settled = if is_other { settling } else { 0 };
        self.permits.set_limit(limit);
        self.open(now.saturating_add(settled));
    }
}

impl Shared {
    pub(super) fn new(
        classes: Classes,
        bounds: Bounds,
        initial: usize,
        algorithm: &dyn Fn() -> Box<dyn LimitAlgorithm>,
    ) -> Self {
        let count = classes.names.len();
        Self {
            limits: (0..count).map(|_| ClassLimit::new(initial)).collect(),
            algorithms: Mutex::new((0..count).map(|_| algorithm()).collect()),
            classes,
            bounds,
            origin: Instant::now(),
        }
    }

    /// When a request is sent that is measured.
    #[inline]
    pub(super) fn begin(&self, class: usize) -> Option<Instant> {
        self.limits[class].draws().then(Instant::now)
    }

    pub(super) fn algorithms(&self) -> MutexGuard<'_, Vec<Box<dyn LimitAlgorithm>>> {
        self.algorithms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn bounds(&self) -> Bounds {
        self.bounds
    }

    fn since_origin(&self, when: Instant) -> u64 {
        nanos(when.saturating_duration_since(self.origin))
    }

    /// To be told of each request of a class that has ended.
    #[inline]
    pub(super) fn ended(&self, class: usize, sent: Instant, how: Ended) {
        if how != Ended::Aside {
            let now = Instant::now();
            self.record(class, self.since_origin(sent), self.since_origin(now), how);
        }
    }

    #[inline]
    fn record(&self, class: usize, sent: u64, now: u64, how: Ended) {
        let limit = &self.limits[class];
        if now < limit.opened.load(Ordering::Relaxed) {
            return;
        }
        let latency = now.saturating_sub(sent);
        if how != Ended::Answered {
            let usual = limit.usual.load(Ordering::Relaxed);
            if how == Ended::TimedOut && latency < usual.saturating_mul(PATIENCE) {
                return;
            }
            limit.overloaded.fetch_add(1, Ordering::Relaxed);
        }
        limit.latencies.fetch_add(latency, Ordering::Relaxed);
        let ended = limit.ended.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if ended >= FEWEST_REQUESTS && now >= limit.closes.load(Ordering::Relaxed) {
            self.close(class, now);
        }
    }

    /// Ends a window, if it is long enough.
    #[cold]
    fn close(&self, class: usize, now: u64) {
        let limit = &self.limits[class];
        let span = now.saturating_sub(limit.opened.load(Ordering::Relaxed));
        let ended = limit.ended.load(Ordering::Relaxed);
        if ended < REQUESTS && span < nanos(LONGEST) {
            return;
        }
        let least = limit.latency().saturating_mul(LATENCIES).min(nanos(LONGEST_WINDOW));
        if span < least {
            let opened = limit.opened.load(Ordering::Relaxed);
            limit.closes.store(opened.saturating_add(least), Ordering::Relaxed);
            return;
        }
        let mut algorithms = match self.algorithms.try_lock() {
            Ok(algorithms) => algorithms,
            // An algorithm has panicked once.
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Whoever holds it ends this window, or a later request will.
            Err(TryLockError::WouldBlock) => return,
        };
        if now < limit.closes.load(Ordering::Relaxed) {
            return;
        }
        let before = limit.permits.limit();
        let overloaded = limit.overloaded.load(Ordering::Relaxed);
        let was_full = limit.was_full.load(Ordering::Relaxed);
        // The one that ends the window is in flight.
        let in_flight = if was_full { before } else { limit.permits.in_flight() };
        let stride = limit.stride.load(Ordering::Relaxed);
        let sample = Sample {
            limit: before,
            in_flight,
            span: Duration::from_nanos(span),
            latency: Duration::from_nanos(limit.latency()),
            answered: ended.saturating_sub(overloaded).saturating_mul(stride),
            overloaded: overloaded.saturating_mul(stride),
        };
        if overloaded.saturating_mul(10) <= ended {
            limit.usual.store(limit.latency(), Ordering::Relaxed);
        }
        // Before the algorithm is asked, which may panic.
        limit.stride.store(next_stride(stride, ended), Ordering::Relaxed);
        limit.open(now);
        let next = algorithms[class].update(&sample);
        self.set(class, next, now);
    }

    /// Sets a limit as near to this one as the bounds and the other classes allow.
    fn set(&self, class: usize, limit: usize, now: u64) {
        let Bounds { minimum, maximum } = self.bounds;
        let wanted = limit.clamp(minimum, maximum);
        let room = |shared: &Self| {
            let others = shared.limits.iter().enumerate().filter(|(other, _)| *other != class);
            let taken: usize = others.map(|(_, other)| other.permits.limit()).sum();
            maximum.saturating_sub(taken).max(minimum)
        };
        let others = || self.limits.iter().enumerate().filter(|(other, _)| *other != class);
        if room(self) < wanted {
            // Those that do not use what they have give the rest away.
            for (_, other) in others().filter(|(_, other)| !other.was_full.load(Ordering::Relaxed))
            {
                // At this moment; a few more may come the next.
                let used = other.permits.in_flight().saturating_mul(2).max(FEW).max(minimum);
                if used < other.permits.limit() {
                    other.set(used, now);
                }
            }
        }
        // And none has more than its share while another one has less, and needs it.
        let share = maximum / self.limits.len();
        for (_, other) in others() {
            let missing = wanted.min(share).saturating_sub(room(self));
            let more = other.permits.limit().saturating_sub(share);
            if missing > 0 && more > 0 {
                other.set(other.permits.limit() - missing.min(more), now);
            }
        }
        self.limits[class].set(wanted.min(room(self)), now);
    }

    /// Sets a limit for whoever looks in from outside.
    pub(super) fn set_now(&self, class: usize, limit: usize) {
        let _algorithms = self.algorithms();
        let now = self.since_origin(Instant::now());
        self.set(class, limit, now);
    }

    /// The mean latency of a class in this window, if a request of it has ended.
    pub(super) fn latency(&self, class: usize) -> Option<Duration> {
        let limit = &self.limits[class];
        let has_ended = limit.ended.load(Ordering::Relaxed) > 0;
        has_ended.then(|| Duration::from_nanos(limit.latency()))
    }
}

/// By which about as many are measured as should be, if the next window is as this one.
fn next_stride(stride: u32, ended: u32) -> u32 {
    let wanted = u64::from(stride) * u64::from(ended) / MEASURED;
    let wanted = u32::try_from(wanted.clamp(1, LONGEST_STRIDE)).unwrap_or(1);
    1 << wanted.ilog2()
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("classes", &self.classes).finish_non_exhaustive()
    }
}
