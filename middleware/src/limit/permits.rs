//! Permits whose number can change while they are out.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

/// What all services of one layer share: `tokio`'s semaphore, which is fair, with a debt. A semaphore
/// forgets free permits only; those that are to disappear and are out disappear when they come back.
#[derive(Debug)]
pub(super) struct Permits {
    semaphore: Semaphore,
    limit: AtomicUsize,
    debt: AtomicUsize,
    /// Held while the limit changes; never on the way of a request.
    change: Mutex<()>,
    pub(super) waiting: AtomicUsize,
    pub(super) refused: AtomicU64,
    waited_nanos: AtomicU64,
}

/// One request's permit, given back on drop.
#[derive(Debug)]
pub(super) struct Permit(Arc<Permits>);

impl Permits {
    pub(super) const MOST: usize = Semaphore::MAX_PERMITS;

    pub(super) fn new(limit: usize) -> Self {
        Self {
            semaphore: Semaphore::new(limit),
            limit: AtomicUsize::new(limit),
            debt: AtomicUsize::new(0),
            change: Mutex::new(()),
            waiting: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
            waited_nanos: AtomicU64::new(0),
        }
    }

    /// A permit, if one is free and nobody waits.
    pub(super) fn try_take(self: &Arc<Self>) -> Option<Permit> {
        self.semaphore.try_acquire().ok()?.forget();
        Some(Permit(Arc::clone(self)))
    }

    /// A permit, first come first served.
    pub(super) async fn take(self: Arc<Self>) -> Permit {
        if let Ok(permit) = self.semaphore.acquire().await {
            permit.forget();
        }
        // An error would say that the semaphore is closed, which nobody does.
        Permit(self)
    }

    pub(super) fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    /// Permits that are out.
    pub(super) fn in_flight(&self) -> usize {
        let all = self.limit() + self.debt.load(Ordering::Relaxed);
        all.saturating_sub(self.semaphore.available_permits())
    }

    pub(super) fn set_limit(&self, limit: usize) {
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

    pub(super) fn add_waited(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.waited_nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    pub(super) fn waited(&self) -> Duration {
        Duration::from_nanos(self.waited_nanos.load(Ordering::Relaxed))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let permits = &self.0;
        if permits.debt.load(Ordering::Acquire) == 0 || permits.pay(1) == 0 {
            permits.semaphore.add_permits(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(permits: &Arc<Permits>, count: usize) -> Vec<Permit> {
        (0..count).map(|_| permits.try_take().unwrap()).collect()
    }

    #[test]
    fn a_lower_limit_takes_effect_as_permits_return() {
        let permits = Arc::new(Permits::new(3));
        let mut out = take(&permits, 3);
        permits.set_limit(1);
        assert_eq!((permits.limit(), permits.in_flight()), (1, 3));
        out.pop();
        out.pop();
        assert!(permits.try_take().is_none());
        out.pop();
        assert_eq!(permits.in_flight(), 0);
        let one = permits.try_take().unwrap();
        assert!(permits.try_take().is_none());
        drop(one);
        assert!(permits.try_take().is_some());
    }

    #[test]
    fn a_higher_limit_forgives_the_debt_first() {
        let permits = Arc::new(Permits::new(4));
        let out = take(&permits, 4);
        permits.set_limit(1);
        permits.set_limit(5);
        let fifth = permits.try_take().unwrap();
        assert!(permits.try_take().is_none());
        drop((out, fifth));
        assert_eq!(permits.in_flight(), 0);
        assert_eq!(take(&permits, 5).len(), 5);
        assert!(permits.try_take().is_some());
    }

    #[test]
    fn free_permits_disappear_at_once() {
        let permits = Arc::new(Permits::new(10));
        let held = take(&permits, 1);
        permits.set_limit(2);
        let second = permits.try_take().unwrap();
        assert!(permits.try_take().is_none());
        drop((held, second));
        assert_eq!(permits.in_flight(), 0);
    }

    #[test]
    fn the_largest_limit_can_be_set_and_left() {
        let permits = Arc::new(Permits::new(1));
        let held = take(&permits, 1);
        permits.set_limit(Permits::MOST);
        permits.set_limit(1);
        permits.set_limit(Permits::MOST);
        drop(held);
        assert_eq!(permits.in_flight(), 0);
    }

    #[test]
    fn threads_that_take_give_and_change_leave_nothing_behind() {
        let permits = Arc::new(Permits::new(8));
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..20_000 {
                        drop(permits.try_take());
                    }
                });
            }
            scope.spawn(|| {
                for turn in 0..20_000 {
                    permits.set_limit(1 + turn % 16);
                    assert!(permits.in_flight() <= 16 + 2);
                }
            });
        });
        // A debt that a race has left is paid by the next that comes back.
        drop(permits.try_take());
        permits.set_limit(3);
        drop(permits.try_take());
        assert_eq!(permits.in_flight(), 0);
        assert_eq!(take(&permits, 3).len(), 3);
    }
}
