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

/// To be called before a poll, with the number of attempts of this request that failed so far, after they may
/// have been sent: [`so_far`] tells it after the poll. A closure around the poll would copy the answer once more.
#[inline]
pub(crate) fn resume(failed: u32) {
    FAILED.set(failed);
}

/// For the policy: an attempt failed.
pub(crate) fn failed(error: &RequestAttemptError) {
    if may_be_sent(error) {
        FAILED.set(so_far().saturating_add(1));
    }
}

/// How many attempts of the request that is polled now have failed.
#[inline]
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
        let poll = |before, sent: bool| {
            resume(before);
            if sent {
                failed(&RequestAttemptError::NonfinishedPagingState);
            }
            failed(&RequestAttemptError::UnableToAllocStreamId);
            so_far()
        };
        let one = poll(0, true);
        let other = poll(0, false);
        assert_eq!((poll(one, true), other), (2, 0));
    }
}
