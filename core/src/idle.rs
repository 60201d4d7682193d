//! Objects that a thread keeps for its next request.

use std::cell::Cell;
use std::thread::LocalKey;

/// How many a thread keeps of each kind: of the largest, the futures of requests, that is a megabyte.
const MOST: usize = 256;

/// Objects of one kind that nobody uses, as a thread-local.
pub(crate) struct Idle<T>(Cell<Vec<T>>);

impl<T> Idle<T> {
    pub(crate) const fn new() -> Self {
        Self(Cell::new(Vec::new()))
    }

    pub(crate) fn take(&self) -> Option<T> {
        let mut idle = self.0.take();
        let last = idle.pop();
        self.0.set(idle);
        last
    }

    pub(crate) fn keep(&self, object: T) {
        let mut idle = self.0.take();
        if idle.len() < MOST {
            idle.push(object);
        }
        self.0.set(idle);
    }
}

/// One that this thread has kept. None, too, where the thread is at its end.
#[inline]
pub(crate) fn take<T>(kept: &'static LocalKey<Idle<T>>) -> Option<T> {
    kept.try_with(Idle::take).ok().flatten()
}

/// Drops it where there are enough, and where the thread is at its end.
#[inline]
pub(crate) fn keep<T>(kept: &'static LocalKey<Idle<T>>, object: T) {
    let _ = kept.try_with(|idle| idle.keep(object));
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    #[test]
    fn so_many_are_kept_and_no_more() {
        thread_local! {
            static KEPT: Idle<Rc<()>> = const { Idle::new() };
        }
        let object = Rc::new(());
        assert!(take(&KEPT).is_none());
        (0..2 * MOST).for_each(|_| keep(&KEPT, Rc::clone(&object)));
        assert_eq!(Rc::strong_count(&object), MOST + 1);
        while take(&KEPT).is_some() {}
        assert_eq!(Rc::strong_count(&object), 1);
    }
}
