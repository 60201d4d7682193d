//! `loom`'s primitives, and a semaphore like `tokio`'s made of them: fair, and plain.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Poll, Waker};

pub(crate) use loom::sync::Mutex;
pub(crate) use loom::sync::atomic::{AtomicU64, AtomicUsize};

#[derive(Debug)]
pub(crate) struct Semaphore(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    free: usize,
    next: usize,
    queue: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    number: usize,
    waker: Waker,
    has_permit: bool,
}

pub(crate) struct SemaphorePermit;

/// Which nothing is here.
pub(crate) struct Closed;

impl SemaphorePermit {
    #[expect(clippy::unused_self, reason = "as tokio's")]
    pub(crate) fn forget(self) {}
}

impl State {
    fn give(&mut self) {
        match self.queue.iter_mut().find(|waiting| !waiting.has_permit) {
            Some(first) => {
                first.has_permit = true;
                first.waker.wake_by_ref();
            }
            None => self.free += 1,
        }
    }
}

impl Semaphore {
    pub(crate) fn new(permits: usize) -> Self {
        Self(Mutex::new(State { free: permits, ..State::default() }))
    }

    pub(crate) fn try_acquire(&self) -> Result<SemaphorePermit, ()> {
        let mut state = self.0.lock().unwrap();
        state.free = state.free.checked_sub(1).ok_or(())?;
        Ok(SemaphorePermit)
    }

    pub(crate) async fn acquire(&self) -> Result<SemaphorePermit, Closed> {
        let mut turn = Turn { semaphore: self, number: None };
        poll_fn(|cx| turn.poll(cx.waker())).await;
        Ok(SemaphorePermit)
    }

    pub(crate) fn add_permits(&self, permits: usize) {
        let mut state = self.0.lock().unwrap();
        for _ in 0..permits {
            state.give();
        }
    }

    pub(crate) fn forget_permits(&self, most: usize) -> usize {
        let mut state = self.0.lock().unwrap();
        let forgotten = most.min(state.free);
        state.free -= forgotten;
        forgotten
    }

    pub(crate) fn available_permits(&self) -> usize {
        self.0.lock().unwrap().free
    }
}

struct Turn<'s> {
    semaphore: &'s Semaphore,
    number: Option<usize>,
}

impl Turn<'_> {
    fn poll(&mut self, waker: &Waker) -> Poll<()> {
        let mut state = self.semaphore.0.lock().unwrap();
        let Some(number) = self.number else {
            if let Some(free) = state.free.checked_sub(1) {
                state.free = free;
                return Poll::Ready(());
            }
            let number = state.next;
            state.next += 1;
            state.queue.push_back(Waiting { number, waker: waker.clone(), has_permit: false });
            self.number = Some(number);
            return Poll::Pending;
        };
        let place = state.queue.iter().position(|waiting| waiting.number == number).unwrap();
        if state.queue[place].has_permit {
            state.queue.remove(place);
            self.number = None;
            return Poll::Ready(());
        }
        state.queue[place].waker.clone_from(waker);
        Poll::Pending
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        let mut state = self.semaphore.0.lock().unwrap();
        let place = state.queue.iter().position(|waiting| waiting.number == number).unwrap();
        let had_permit = state.queue.remove(place).is_some_and(|waiting| waiting.has_permit);
        if had_permit {
            state.give();
        }
    }
}
