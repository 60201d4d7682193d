//! Permits whose number can change while they are out.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

/// What all services of one layer share. While nobody waits, a permit is one of a number, at the price
/// of one atomic each way; whoever waits has it by `tokio`'s semaphore, which is fair and takes a lock.
///
/// There is a debt: permits that are to disappear and are out disappear when they come back.
#[derive(Debug)]
pub(super) struct Permits {
    free: AtomicUsize,
    /// Free permits here are for those who wait first.
    queue: Semaphore,
    limit: AtomicUsize,
    debt: AtomicUsize,
    /// Held while the limit changes; never on the way of a request.
    change: Mutex<()>,
    /// Requests that have a place in the queue.
    waiting: AtomicUsize,
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
            free: AtomicUsize::new(limit),
            queue: Semaphore::new(0),
            limit: AtomicUsize::new(limit),
            debt: AtomicUsize::new(0),
            change: Mutex::new(()),
            waiting: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
            waited_nanos: AtomicU64::new(0),
        }
    }

    /// A permit, if one is free that nobody waits for.
    #[inline]
    pub(super) fn try_take(self: &Arc<Self>) -> Option<Permit> {
        if self.waiting() > 0 || self.take_free(1) == 0 {
            self.take_left()?;
        }
        Some(Permit(Arc::clone(self)))
    }

    /// What is left when all who wait have theirs.
    fn take_left(&self) -> Option<()> {
        self.hand_over(1);
        self.queue.try_acquire().ok()?.forget();
        Some(())
    }

    /// A place in the queue, if fewer than so many are taken.
    pub(super) fn try_queue(self: &Arc<Self>, places: usize) -> Option<Place> {
        let one_more = |waiting| (waiting < places).then_some(waiting + 1);
        self.waiting.fetch_update(Ordering::SeqCst, Ordering::Relaxed, one_more).ok()?;
        Some(Place { permits: Arc::clone(self), since: Instant::now() })
    }

    /// A permit, first come first served. For one who has a place in the queue.
    pub(super) async fn take(self: Arc<Self>) -> Permit {
        // It may have been given back before the place was taken.
        self.hand_over(1);
        if let Ok(permit) = self.queue.acquire().await {
            permit.forget();
        }
        // An error would say that the semaphore is closed, which nobody does.
        Permit(self)
    }

    /// Takes up to so many that are free, and says how many.
    fn take_free(&self, most: usize) -> usize {
        let fewer = |free: usize| (free > 0).then(|| free.saturating_sub(most));
        match self.free.fetch_update(Ordering::SeqCst, Ordering::Relaxed, fewer) {
            Ok(before) => before.min(most),
            Err(_) => 0,
        }
    }

    /// Free permits for those who wait.
    fn hand_over(&self, most: usize) {
        let taken = self.take_free(most);
        if taken > 0 {
            self.queue.add_permits(taken);
        }
    }

    /// Whoever gives back looks for those who wait, after it; whoever waits looks for what is free,
    /// after it has a place. One of the two sees the other, since all four are sequentially consistent.
    #[inline]
    fn give(&self, permits: usize) {
        self.free.fetch_add(permits, Ordering::SeqCst);
        if self.waiting() > 0 {
            self.hand_over(permits);
        }
    }

    #[inline]
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    pub(super) fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    /// Permits that are out.
    pub(super) fn in_flight(&self) -> usize {
        let all = self.limit() + self.debt.load(Ordering::Relaxed);
        let free = self.free.load(Ordering::Relaxed) + self.queue.available_permits();
        all.saturating_sub(free)
    }

    pub(super) fn set_limit(&self, limit: usize) {
        let _change = self.change.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.limit.swap(limit, Ordering::Relaxed);
        if let Some(more) = limit.checked_sub(before) {
            let forgiven = self.pay(more);
            self.give(more - forgiven);
        } else {
            let mut fewer = before - limit;
            fewer -= self.take_free(fewer);
            fewer -= self.queue.forget_permits(fewer);
            self.debt.fetch_add(fewer, Ordering::AcqRel);
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

    pub(super) fn waited(&self) -> Duration {
        Duration::from_nanos(self.waited_nanos.load(Ordering::Relaxed))
    }
}

impl Drop for Permit {
    #[inline]
    fn drop(&mut self) {
        let permits = &self.0;
        if permits.debt.load(Ordering::Acquire) == 0 || permits.pay(1) == 0 {
            permits.give(1);
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
        self.permits.waiting.fetch_sub(1, Ordering::SeqCst);
        let nanos = u64::try_from(self.since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.permits.waited_nanos.fetch_add(nanos, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures::FutureExt;
    use futures::executor::block_on;

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
    fn what_came_back_before_a_place_was_taken_is_found() {
        let permits = Arc::new(Permits::new(1));
        let only = permits.try_take().unwrap();
        assert!(permits.try_take().is_none());
        drop(only);
        let _place = permits.try_queue(1).unwrap();
        assert!(Arc::clone(&permits).take().now_or_never().is_some());
    }

    #[test]
    fn what_one_who_gives_up_was_given_is_free_for_all() {
        let permits = Arc::new(Permits::new(2));
        let both = take(&permits, 2);
        let place = permits.try_queue(1).unwrap();
        let mut turn = Box::pin(Arc::clone(&permits).take());
        assert!(turn.as_mut().now_or_never().is_none());
        drop(both);
        // One is for the one who waits, whether it is polled or not.
        let second = permits.try_take().unwrap();
        assert!(permits.try_take().is_none());
        drop((turn, place));
        let first = permits.try_take().unwrap();
        assert!(permits.try_take().is_none());
        drop((first, second));
        assert_eq!(permits.in_flight(), 0);
    }

    #[test]
    fn no_permit_is_lost_between_one_who_gives_and_one_who_begins_to_wait() {
        const ROUNDS: usize = 20_000;
        let permits = Arc::new(Permits::new(1));
        let (start, starts) = mpsc::sync_channel(0);
        let (done, each_done) = mpsc::channel();
        let waiter = Arc::clone(&permits);
        std::thread::spawn(move || {
            while starts.recv().is_ok() {
                let place = waiter.try_queue(1).unwrap();
                let permit = block_on(Arc::clone(&waiter).take());
                drop((permit, place));
                done.send(()).unwrap();
            }
        });
        for round in 0..ROUNDS {
            let permit = permits.try_take().unwrap();
            start.send(()).unwrap();
            // So that it is given back while the other one is at each point of its way.
            (0..round % 200).for_each(|_| std::hint::spin_loop());
            drop(permit);
            each_done.recv_timeout(Duration::from_secs(60)).expect("nobody wakes who waits");
        }
        assert_eq!((permits.in_flight(), permits.waiting()), (0, 0));
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
