//! The layer and its settings.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cqlstack_core::{Error, InvalidConfig};
use tower_layer::Layer;

use super::backoff::{Growth, Jitter};
use super::policy::Policy;
use super::service::Retry;
use super::stats::{RetryHandle, Shared};

/// More attempts are a mistake: each is a request to the server.
const MOST_ATTEMPTS: u32 = 1_000;
/// A wait that grows faster is at its maximum after the first.
const MOST_MULTIPLIER: f64 = 1_000.0;

/// Sends again, after a growing wait, what may be sent again. See the [module](super).
///
/// Clones share their statistics. `E` is the error of the service below, [`Error`] in a stack of ours.
#[doc(alias("RetryPolicy", "ExponentialBackoffRetryPolicy"))]
#[must_use = "a layer does nothing until it is put around a service"]
pub struct RetryLayer<E = Error> {
    shared: Arc<Shared<E>>,
}

/// For production: 3 attempts, waits of anything up to 25 ms, 50 ms, ... 1 s, and 10 s for all together.
impl<E> Default for RetryLayer<E> {
    fn default() -> Self {
        Self::with(Policy::default())
    }
}

impl RetryLayer {
    /// The performance guide's: 3 attempts, waits of exactly 1 s, 2 s, ... 10 s; and 10 s for all together.
    pub fn guide() -> Self {
        let growth = Growth {
            min_delay: Duration::from_secs(1),
            multiplier: 2.0,
            max_delay: Duration::from_secs(10),
            jitter: Jitter::None,
        };
        Self::with(Policy { growth, ..Policy::default() })
    }

    /// Everything to be set, from the defaults for production. For another error than [`Error`]
    /// there is [`RetryBuilder::default`].
    pub fn builder() -> RetryBuilder {
        RetryBuilder::default()
    }
}

impl<E> RetryLayer<E> {
    fn with(policy: Policy<E>) -> Self {
        Self { shared: Arc::new(Shared::new(policy)) }
    }

    /// A handle that reads what was sent again. It stays good when the layer is gone.
    #[must_use]
    pub fn handle(&self) -> RetryHandle {
        self.shared.handle()
    }
}

/// Builds a [`RetryLayer`]. What is not set is as in [`RetryLayer::default`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct RetryBuilder<E = Error> {
    policy: Policy<E>,
}

impl<E> Default for RetryBuilder<E> {
    fn default() -> Self {
        Self { policy: Policy::default() }
    }
}

impl<E> RetryBuilder<E> {
    /// Sets how often a request is sent at most, the first time included.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.policy.attempts = attempts;
        self
    }

    /// Sets the first wait, before jitter.
    pub fn min_delay(mut self, min_delay: Duration) -> Self {
        self.policy.growth.min_delay = min_delay;
        self
    }

    /// Sets by what each wait is multiplied to give the next, before jitter.
    pub fn multiplier(mut self, multiplier: f64) -> Self {
        self.policy.growth.multiplier = multiplier;
        self
    }

    /// Sets the longest wait.
    pub fn max_delay(mut self, max_delay: Duration) -> Self {
        self.policy.growth.max_delay = max_delay;
        self
    }

    /// Sets whether waits are drawn at random.
    pub fn jitter(mut self, jitter: Jitter) -> Self {
        self.policy.growth.jitter = jitter;
        self
    }

    /// Sets the time for all attempts and waits together, from the call on, for requests without a deadline:
    /// it becomes their [deadline](cqlstack_core::Request::with_deadline), which everything below obeys, also
    /// an attempt that is under way. 10 s unless it is set; or the attempt timeout of the request or its statement,
    /// if that is longer. A change of the schema has its own time
    /// ([`schema_timeout`](cqlstack_core::SessionBuilder::schema_timeout)): it gets no deadline, and only no
    /// wait begins that would end later.
    pub fn max_elapsed(mut self, time: Duration) -> Self {
        self.policy.max_elapsed = Some(time);
        self
    }

    /// Leaves requests without a deadline as they are: each attempt is bounded by itself, and a request that
    /// finds no connection waits for one for ever.
    pub fn without_max_elapsed(mut self) -> Self {
        self.policy.max_elapsed = None;
        self
    }

    /// Sets which errors are worth another attempt, **among those that may be sent again safely**; by
    /// default all but the refusals of a layer below, such as a full limit.
    pub fn retry_if(mut self, predicate: impl Fn(&E) -> bool + Send + Sync + 'static) -> Self {
        self.policy.retry_if = Some(Arc::new(predicate));
        self
    }

    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] for `attempts`, if it is 0 or above 1,000; for `multiplier`, if it is below 1 or above 1,000; for
    /// `min_delay`, if it is above `max_delay`; for `max_delay`, if it is above a day; for `max_elapsed`, if it is
    /// 0.
    pub fn build(self) -> Result<RetryLayer<E>, InvalidConfig> {
        let Growth { min_delay, multiplier, max_delay, .. } = self.policy.growth;
        if self.policy.attempts == 0 {
            return Err(InvalidConfig::new(
                "attempts",
                "is 0: give 1 to send once, without a retry",
            ));
        }
        InvalidConfig::check("attempts", self.policy.attempts, 1..=MOST_ATTEMPTS)?;
        InvalidConfig::check("multiplier", multiplier, 1.0..=MOST_MULTIPLIER)?;
        // The exponential formula stays exact below.
        if max_delay > *InvalidConfig::TIMES.end() {
            return Err(InvalidConfig::new("max_delay", "is above a day"));
        }
        if min_delay > max_delay {
            return Err(InvalidConfig::new("min_delay", "is above `max_delay`"));
        }
        if self.policy.max_elapsed == Some(Duration::ZERO) {
            return Err(InvalidConfig::new("max_elapsed", "is 0: leave it out, or give 1 attempt"));
        }
        Ok(RetryLayer::with(self.policy))
    }
}

impl<E> Clone for RetryLayer<E> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<S: Clone, E> Layer<S> for RetryLayer<E> {
    type Service = Retry<S, E>;

    fn layer(&self, inner: S) -> Self::Service {
        Retry::new(inner, Arc::clone(&self.shared))
    }
}

impl<E> fmt::Debug for RetryLayer<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryLayer").field("policy", &self.shared.policy).finish()
    }
}

impl<E> fmt::Debug for RetryBuilder<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryBuilder").field("policy", &self.policy).finish()
    }
}
