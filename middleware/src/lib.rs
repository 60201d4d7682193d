//! Layers for a Cassandra session, each by itself or stacked.
//!
//! Every layer is a plain [`tower_layer::Layer`] over any [`tower_service::Service`]. What it has to
//! know of a request or an error it asks through the small traits of `cqlstack-core`, `Described` and
//! `Classify`, so that it also goes around other services, and is tested without a server. From the
//! outside in:
//!
//! | layer | feature | what it does |
//! |---|---|---|
//! | [`retry::RetryLayer`] | `retry` | sends again, after a growing wait, what may be sent again |
//! | [`limit::ConcurrencyLimitLayer`] | `limit` | at most N requests at a time; the others wait, or are refused |
//! | [`adaptive::AdaptiveLimitLayer`] | `adaptive-limit` | the same with a number that it finds by itself, for each class of statements |
//! | [`cache::StatementCacheLayer`] | `cache` | prepares each statement once |
//!
//! The feature `full` has them all, and the feature `serde` reads their settings from files and the environment.
//!
//! ```no_run
//! use cqlstack_core::{Client, Session};
//! use cqlstack_middleware::{ConcurrencyLimitLayer, RetryLayer, StatementCacheLayer};
//! use tower::ServiceBuilder;
//!
//! # fn run(session: Session) -> Result<(), cqlstack_core::Error> {
//! let db = Client::new(
//!     ServiceBuilder::new()
//!         .layer(RetryLayer::default())
//!         .layer(ConcurrencyLimitLayer::new(100)?)
//!         .layer(StatementCacheLayer::new(1_000)?)
//!         .service(session),
//! );
//! # Ok(())
//! # }
//! ```
//!
//! # In which order
//!
//! Retry above the limit: a request that waits for its next attempt then holds no permit. The statement
//! cache innermost: a prepare then passes all other layers, together with the request that needs it.
//! Other orders work, and cost what each layer's page says.

#[cfg(feature = "adaptive-limit")]
pub mod adaptive;
#[cfg(feature = "cache")]
pub mod cache;
#[cfg(feature = "limit")]
pub mod limit;
#[cfg(feature = "retry")]
pub mod retry;

#[cfg(feature = "adaptive-limit")]
pub use adaptive::AdaptiveLimitLayer;
#[cfg(feature = "cache")]
pub use cache::StatementCacheLayer;
#[cfg(feature = "limit")]
pub use limit::ConcurrencyLimitLayer;
#[cfg(feature = "retry")]
pub use retry::RetryLayer;

#[cfg(any(feature = "limit", feature = "cache"))]
mod sync;

#[cfg(test)]
#[cfg(feature = "full")]
mod storms;
#[cfg(test)]
#[cfg(feature = "full")]
mod testing;
