//! The layer, and how it is made.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cqlstack_core::{InvalidConfig, Statement};
use tower_layer::Layer;

use super::algorithm::LimitAlgorithm;
use super::classes::Classes;
use super::config::AdaptiveLimitConfig;
use super::handle::AdaptiveHandle;
use super::hill_climb::HillClimb;
use super::service::AdaptiveLimit;
use super::shared::{Bounds, Shared};
use crate::limit::future::WhenFull;
use crate::limit::layer::MOST;

/// Bounds the number of requests in flight, and finds the bound by itself. See the [module](super).
///
/// Clones share the limits, and so do the services that they make.
#[derive(Debug, Clone)]
#[must_use = "a layer does nothing until it is put around a service"]
pub struct AdaptiveLimitLayer {
    shared: Arc<Shared>,
    when_full: WhenFull,
}

impl Default for AdaptiveLimitLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl AdaptiveLimitLayer {
    /// With a limit for each of the [`DEFAULT_CLASSES`](super::DEFAULT_CLASSES), from 20 on, of 1 to 4,096 together, found
    /// by [`HillClimb`]; requests above it wait. [`builder`](Self::builder) sets all that.
    pub fn new() -> Self {
        Self::builder().made()
    }

    /// Begins with the settings of [`new`](Self::new).
    pub fn builder() -> AdaptiveLimitBuilder {
        AdaptiveLimitBuilder {
            config: AdaptiveLimitConfig::default(),
            classes: Classes::default(),
            algorithm: Box::new(|| Box::new(HillClimb::default())),
        }
    }

    /// As [`ConcurrencyLimitLayer::wait_bounded`](crate::ConcurrencyLimitLayer::wait_bounded): `queue` is of each class.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] for `queue` or `longest_wait`, if it is 0: that is [`Self::reject`].
    pub fn wait_bounded(
        mut self,
        queue: usize,
        longest_wait: Duration,
    ) -> Result<Self, InvalidConfig> {
        self.when_full = WhenFull::wait_bounded(queue, longest_wait)?;
        Ok(self)
    }

    /// When all permits of a class are taken, refuses at once.
    pub fn reject(mut self) -> Self {
        self.when_full = WhenFull::Reject;
        self
    }

    pub(super) fn when_full(self, when_full: WhenFull) -> Self {
        Self { when_full, ..self }
    }

    /// A handle that looks into these limits and sets them. It stays good when the layer is gone.
    #[must_use]
    pub fn handle(&self) -> AdaptiveHandle {
        AdaptiveHandle::new(Arc::clone(&self.shared))
    }
}

impl<S> Layer<S> for AdaptiveLimitLayer {
    type Service = AdaptiveLimit<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AdaptiveLimit::new(inner, Arc::clone(&self.shared), self.when_full)
    }
}

/// Makes an [`AdaptiveLimitLayer`].
///
/// ```
/// use cqlstack_core::Statement;
/// use cqlstack_middleware::AdaptiveLimitLayer;
///
/// let is_report = |statement: &Statement| statement.name().starts_with("report");
/// let layer = AdaptiveLimitLayer::builder()
///     .limits(4, 1_000)
///     .initial(50)
///     .classes(&["requests", "reports"], move |statement| usize::from(is_report(statement)))?
///     .build()?;
/// # let _ = layer;
/// # Ok::<(), cqlstack_core::InvalidConfig>(())
/// ```
#[must_use = "a builder does nothing until it builds"]
pub struct AdaptiveLimitBuilder {
    config: AdaptiveLimitConfig,
    classes: Classes,
    algorithm: Box<dyn Fn() -> Box<dyn LimitAlgorithm>>,
}

impl AdaptiveLimitBuilder {
    /// Each limit is at least `minimum`, and all together are at most `maximum`.
    pub fn limits(mut self, minimum: usize, maximum: usize) -> Self {
        (self.config.minimum, self.config.maximum) = (minimum, maximum);
        self
    }

    /// Each limit before anything was seen.
    pub fn initial(mut self, limit: usize) -> Self {
        self.config.initial = limit;
        self
    }

    /// Classes of these names; `of` says which one a statement is of, by its place among them. A place that there is not
    /// is the last. It is asked for each request: have it look at the statement's
    /// [kind](Statement::kind) or [name](Statement::name), and not at its text.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] for `classes`, if there is none, there are more than 16, or two have the same name.
    pub fn classes(
        mut self,
        names: &[&'static str],
        of: impl Fn(&Statement) -> usize + Send + Sync + 'static,
    ) -> Result<Self, InvalidConfig> {
        self.classes = Classes::new(names, of)?;
        Ok(self)
    }

    /// Another algorithm: `make` makes one for each class.
    pub fn algorithm<A: LimitAlgorithm>(mut self, make: impl Fn() -> A + 'static) -> Self {
        self.algorithm = Box::new(move || Box::new(make()));
        self
    }

    /// The layer.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] for `minimum` that is 0, `maximum` that is above 2⁶¹ - 1 or has no room for the minimum or the
    /// initial limit of each class, and `initial` below the minimum.
    pub fn build(self) -> Result<AdaptiveLimitLayer, InvalidConfig> {
        let AdaptiveLimitConfig { minimum, maximum, initial, .. } = self.config;
        let count = self.classes.names.len();
        if minimum == 0 {
            return Err(InvalidConfig::new(
                "minimum",
                "is 0, with which nothing would ever run: give 1",
            ));
        }
        if initial < minimum {
            return Err(InvalidConfig::new(
                "initial",
                format!("is below the minimum of {minimum}"),
            ));
        }
        if maximum > MOST {
            return Err(InvalidConfig::new("maximum", format!("is above {MOST}")));
        }
        if initial.checked_mul(count).is_none_or(|all| all > maximum) {
            let why = format!(
                "has no room for the initial limit of {initial} for each of {count} classes"
            );
            return Err(InvalidConfig::new("maximum", why));
        }
        Ok(self.made())
    }

    /// Of settings that were looked at.
    fn made(self) -> AdaptiveLimitLayer {
        let AdaptiveLimitConfig { minimum, maximum, initial, .. } = self.config;
        let bounds = Bounds { minimum, maximum };
        let shared = Shared::new(self.classes, bounds, initial, &*self.algorithm);
        AdaptiveLimitLayer { shared: Arc::new(shared), when_full: WhenFull::Wait }
    }
}

impl fmt::Debug for AdaptiveLimitBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdaptiveLimitBuilder")
            .field("config", &self.config)
            .field("classes", &self.classes)
            .finish_non_exhaustive()
    }
}
