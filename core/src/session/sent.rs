//! Whether the request that is polled now may have gone to a node.
//!
//! The driver tells its balancing policy of each attempt that a node ended, within the poll of the request's
//! future, and of nothing where a node had no connection. So what the policy is told during a poll is about the
//! request that is polled.

use std::cell::Cell;

use scylla::errors::RequestAttemptError;

thread_local! {
    static FAILED: Cell<u32> = const { Cell::new(0) };
}

/// Polls, and adds to the number of attempts that failed after they may have been sent.
#[inline]
pub(super) fn during<T>(failed: &mut u32, poll: impl FnOnce() -> T) -> T {
    FAILED.set(*failed);
    let outcome = poll();
    *failed = FAILED.get();
    outcome
}

/// For the policy: an attempt failed.
pub(super) fn failed(error: &RequestAttemptError) {
    if may_be_sent(error) {
        FAILED.set(so_far().saturating_add(1));
    }
}

/// How many attempts of the request that is polled now have failed.
pub(crate) fn so_far() -> u32 {
    FAILED.get()
}

/// Whether the frame may have left this machine.
pub(crate) fn may_be_sent(error: &RequestAttemptError) -> bool {
    !matches!(
        error,
        RequestAttemptError::SerializationError(_)
            | RequestAttemptError::CqlRequestSerialization(_)
            | RequestAttemptError::UnableToAllocStreamId
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_counts_its_own_over_all_its_polls() {
        let sent = || failed(&RequestAttemptError::NonfinishedPagingState);
        let (mut one, mut other) = (0, 0);
        during(&mut one, sent);
        during(&mut other, || {});
        during(&mut one, || {
            sent();
            failed(&RequestAttemptError::UnableToAllocStreamId);
        });
        assert_eq!((one, other), (2, 0));
    }
}
