//! Objects that a thread keeps for its next request.

use std::cell::RefCell;
use std::thread::LocalKey;

/// How many a thread keeps of each kind: of the largest, the futures of requests, that is a megabyte.
const MOST: usize = 256;

/// Objects of one kind that nobody uses, as a thread-local.
pub(crate) struct Idle<T>(RefCell<Vec<T>>);

// Nothing is dropped while the list is borrowed: a drop may come here again.
impl<T> Idle<T> {
    pub(crate) const fn new() -> Self {
        Self(RefCell::new(Vec::new()))
    }

    #[inline]
    pub(crate) fn take(&self) -> Option<T> {
        self.0.borrow_mut().pop()
    }

    #[inline]
    pub(crate) fn keep(&self, object: T) {
        let mut idle = self.0.borrow_mut();
        if idle.len() < MOST {
            idle.push(object);
        } else {
            drop(idle);
            drop(object);
        }
    }

    fn clear(&self) {
        drop(self.0.take());
    }
}

/// One that this thread has kept. None, too, where the thread is at its end.
#[inline]
pub(crate) fn take<T>(kept: &'static LocalKey<Idle<T>>) -> Option<T> {
    kept.try_with(Idle::take).ok().flatten()
}

/// Drops all that this thread has kept.
pub(crate) fn clear<T>(kept: &'static LocalKey<Idle<T>>) {
    let _ = kept.try_with(Idle::clear);
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
        drop(take(&KEPT));
        assert_eq!(Rc::strong_count(&object), MOST);
        clear(&KEPT);
        assert_eq!(Rc::strong_count(&object), 1);
    }
}
