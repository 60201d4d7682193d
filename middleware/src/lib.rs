//! Layers for a Cassandra session, each by itself or stacked.
//!
//! Every layer is a plain [`tower_layer::Layer`] over any [`tower_service::Service`]. What it has to
//! know of a request or an error it asks through the small traits of `cqlstack-core`, `Described` and
//! `Classify`, so that it also goes around other services, and is tested without a server. From the
//! outside in:
//!
//! | layer | feature | what it does |
//! |---|---|---|
//! | [`limit::ConcurrencyLimitLayer`] | `limit` | at most N requests at a time; the others wait, or are refused |
//!
//! The feature `full` has them all.

#[cfg(feature = "limit")]
pub mod limit;

#[cfg(feature = "limit")]
pub use limit::ConcurrencyLimitLayer;

#[cfg(test)]
mod testing;
