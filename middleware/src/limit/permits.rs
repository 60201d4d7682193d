//! Permits whose number can change while they are out.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use cqlstack_core::layer::TimeSum;
use tokio::time::Instant;

use crate::sync::{AtomicU64, AtomicUsize, Mutex, Semaphore};

/// What all services of one layer share: a semaphore, which is fair, and a debt, since `tokio`'s can
/// forget only permits that are free. Permits that are to disappear and are out, disappear when they come
/// back.
///
/// The permits that are out and those that are free are as many as the limit and the debt together, but
/// while the limit is being changed.
#[derive(Debug)]
pub(crate) struct Permits {
    semaphore: Semaphore,
    limit: AtomicUsize,
    debt: AtomicUsize,
    /// Held while the limit changes; never on the way of a request.
    change: Mutex<()>,
    /// Requests that have a place in the queue.
    waiting: AtomicUsize,
    pub(crate) refused: Refusals,
    waited: TimeSum,
}

/// Why requests were refused, by the names that figures have: in the order of `RefusalReason`.
pub(crate) const REASONS: [&str; 5] = ["full", "waited", "deadline", "attempt", "not_ready"];

/// How many requests were refused, for each of the [`REASONS`].
#[derive(Debug, Default)]
pub(crate) struct Refusals([AtomicU64; REASONS.len()]);

impl Refusals {
    pub(super) fn count(&self, reason: usize) {
        self.0[reason].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn by_reason(&self) -> [u64; REASONS.len()] {
        std::array::from_fn(|reason| self.0[reason].load(Ordering::Relaxed))
    }

    pub(crate) fn total(&self) -> u64 {
        self.by_reason().iter().sum()
    }
}

/// One request's permit, given back on drop.
#[derive(Debug)]
pub(crate) struct Permit(pub(super) Arc<Permits>);

impl Permits {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            semaphore: Semaphore::new(limit),
            limit: AtomicUsize::new(limit),
            debt: AtomicUsize::new(0),
            change: Mutex::new(()),
            waiting: AtomicUsize::new(0),
            refused: Refusals::default(),
            waited: TimeSum::default(),
        }
    }

    /// A permit, if one is free that nobody waits for.
    #[inline]
    pub(crate) fn try_take(self: &Arc<Self>) -> Option<Permit> {
        loop {
            self.semaphore.try_acquire().ok()?.forget();
            if !self.pays() {
                return Some(Permit(Arc::clone(self)));
            }
        }
    }

    /// A place in the queue, if fewer than so many are taken.
    pub(super) fn try_queue(self: &Arc<Self>, places: usize) -> Option<Place> {
        let one_more = |waiting| (waiting < places).then_some(waiting + 1);
        self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
        Some(Place { permits: Arc::clone(self), since: Instant::now() })
    }

    /// A permit, first come first served. For one who has a place in the queue.
    pub(super) async fn take(self: Arc<Self>) -> Permit {
        // It pays no debt: what it was given before the limit was lowered is its own, and it would have to
        // queue up again. An error would say that the semaphore is closed, which nobody does.
        if let Ok(permit) = self.semaphore.acquire().await {
            permit.forget();
        }
        Permit(self)
    }

    /// Whether a permit has to disappear, be it taken or given back.
    ///
    /// Asked on both ways: one that came back while the limit was being lowered, before there was a debt,
    /// pays when it is taken again. So nobody who comes after the limit was lowered goes beyond it.
    #[inline]
    fn pays(&self) -> bool {
        self.debt.load(Ordering::Acquire) > 0 && self.pay(1) == 1
    }

    #[inline]
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    /// Permits that are out.
    pub(crate) fn in_flight(&self) -> usize {
        let all = self.limit() + self.debt.load(Ordering::Relaxed);
        all.saturating_sub(self.semaphore.available_permits())
    }

    pub(crate) fn set_limit(&self, limit: usize) {
        let _change = self.change.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.limit.swap(limit, Ordering::Relaxed);
        if let Some(more) = limit.checked_sub(before) {
            let forgiven = self.pay(more);
            self.semaphore.add_permits(more - forgiven);
        } else {
            let fewer = before - limit;
            let free = self.semaphore.forget_permits(fewer);
            self.debt.fetch_add(fewer - free, Ordering::AcqRel);
        }
    }

    /// Lowers the debt by up to `most`, and says by how much.
    fn pay(&self, most: usize) -> usize {
        let lower = |debt: usize| (debt > 0).then(|| debt.saturating_sub(most));
        match self.debt.fetch_update(Ordering::AcqRel, Ordering::Acquire, lower) {
            Ok(before) => before.min(most),
            Err(_) => 0,
        }
    }

    pub(crate) fn waited(&self) -> Duration {
        self.waited.total()
    }
}

impl Drop for Permit {
    #[inline]
    fn drop(&mut self) {
        if !self.0.pays() {
            self.0.semaphore.add_permits(1);
        }
    }
}

/// A place in the queue, free again on drop.
pub(super) struct Place {
    pub(super) permits: Arc<Permits>,
    pub(super) since: Instant,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.permits.waiting.fetch_sub(1, Ordering::Relaxed);
        self.permits.waited.add(self.since.elapsed());
    }
}
