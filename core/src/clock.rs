//! The time of a call, for all layers that it goes through.
//!
//! To look at the clock takes some 25 ns, as much as a layer. A call goes down through all layers at
//! once, so that the first one that looks can tell the others. What happens later, another attempt or a
//! request that waited, is a call of its own.

use std::cell::Cell;

use tokio::time::Instant;

thread_local! {
    static CALLED: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// The time of the call that this thread is in, or else the time now.
///
/// ```
/// use cqlstack_core::layer::clock;
/// use tokio::time::Instant;
///
/// let called = Instant::now();
/// assert_eq!(clock::during(called, clock::now), called);
/// assert_ne!(clock::now(), called);
/// ```
#[inline]
#[must_use]
pub fn now() -> Instant {
    CALLED.get().unwrap_or_else(Instant::now)
}

/// Calls the service below: all that happens in this call happens at this time.
#[inline]
pub fn during<T>(called: Instant, call: impl FnOnce() -> T) -> T {
    let _ended = Ended(CALLED.replace(Some(called)));
    call()
}

/// Also when the call panics.
struct Ended(Option<Instant>);

impl Drop for Ended {
    #[inline]
    fn drop(&mut self) {
        CALLED.set(self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_call_that_panics_is_over() {
        let called = Instant::now() + Duration::from_secs(9);
        let panics = || during(called, || panic!("a fault of the service"));
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        assert!(now() < called);
    }

    #[test]
    fn a_call_within_a_call_has_its_own_time() {
        let outer = Instant::now();
        let inner = outer + Duration::from_secs(9);
        during(outer, || {
            assert_eq!(during(inner, now), inner);
            assert_eq!(now(), outer);
        });
    }
}
