//! Tasks that a stream owns.

use std::panic::resume_unwind;

use tokio::task::JoinError;

/// What a task ended with. A panic in it goes on here, as if it had been polled here; none if it was
/// given up, which only the end of its runtime does while its owner waits for it.
pub(crate) fn outcome<T>(ended: Result<T, JoinError>) -> Option<T> {
    match ended.map_err(JoinError::try_into_panic) {
        Ok(outcome) => Some(outcome),
        Err(Ok(panic)) => resume_unwind(panic),
        Err(Err(_)) => None,
    }
}
