//! What is retried, how often and after which waits.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cqlstack_core::{Classify, Described, ErrorClass};

use super::backoff::{Growth, Jitter};

/// What is retried, and when.
pub(super) struct Policy<E> {
    pub(super) attempts: u32,
    pub(super) growth: Growth,
    pub(super) within: Option<Duration>,
    pub(super) retry_if: Option<Predicate<E>>,
}

pub(super) type Predicate<E> = Arc<dyn Fn(&E) -> bool + Send + Sync>;

impl<E> Default for Policy<E> {
    fn default() -> Self {
        let growth = Growth {
            base: Duration::from_millis(25),
            factor: 2.0,
            maximum: Duration::from_secs(1),
            jitter: Jitter::Full,
        };
        Self { attempts: 3, growth, within: None, retry_if: None }
    }
}

impl<E: Classify> Policy<E> {
    /// Whether this error may be followed by another attempt: what certainly was not executed, and of
    /// the rest what is idempotent. No predicate lifts that.
    pub(super) fn may_resend(&self, error: &E, request: &impl Described) -> bool {
        let safe = match error.class() {
            ErrorClass::NotExecuted | ErrorClass::Overload => true,
            ErrorClass::Ambiguous => request.is_idempotent(),
            _ => false,
        };
        safe && match &self.retry_if {
            Some(retry_if) => retry_if(error),
            None => !error.is_refusal(),
        }
    }
}

impl<E> fmt::Debug for Policy<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("attempts", &self.attempts)
            .field("growth", &self.growth)
            .field("within", &self.within)
            .field("retry_if", &self.retry_if.is_some())
            .finish()
    }
}
