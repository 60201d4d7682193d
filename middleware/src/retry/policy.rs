//! What is retried, how often and after which waits.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cqlstack_core::layer::{Classify, Described};
use cqlstack_core::{ErrorClass, Recovery};

use super::backoff::{Growth, Jitter};

/// The time for a request with all its attempts and waits, where it has no deadline.
const MAX_ELAPSED: Duration = Duration::from_secs(10);

/// How a request waits for a connection: the driver makes one after 50 ms and a handshake, or else after
/// growing waits.
pub(super) const RECONNECT: Growth = Growth {
    min_delay: Duration::from_millis(20),
    multiplier: 2.0,
    max_delay: Duration::from_millis(200),
    jitter: Jitter::Full,
};

/// What is retried, and when.
pub(super) struct Policy<E> {
    pub(super) attempts: u32,
    pub(super) growth: Growth,
    pub(super) max_elapsed: Option<Duration>,
    pub(super) retry_if: Option<Predicate<E>>,
}

pub(super) type Predicate<E> = Arc<dyn Fn(&E) -> bool + Send + Sync>;

impl<E> Default for Policy<E> {
    fn default() -> Self {
        let growth = Growth {
            min_delay: Duration::from_millis(25),
            multiplier: 2.0,
            max_delay: Duration::from_secs(1),
            jitter: Jitter::Full,
        };
        Self { attempts: 3, growth, max_elapsed: Some(MAX_ELAPSED), retry_if: None }
    }
}

impl<E: Classify> Policy<E> {
    /// Whether this error may be followed by another attempt: what certainly was not executed, and of
    /// the rest what is idempotent; and nothing of which another attempt is in vain. No predicate lifts that.
    pub(super) fn may_resend(&self, error: &E, request: &impl Described) -> bool {
        if error.recovery() == Recovery::Final {
            return false;
        }
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
            .field("max_elapsed", &self.max_elapsed)
            .field("retry_if", &self.retry_if.is_some())
            .finish()
    }
}
