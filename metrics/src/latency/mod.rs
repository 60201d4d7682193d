//! Counts and times requests, by statement.
//!
//! For each statement name: how many requests ended, how long they took (50 µs to 10 s in the buckets
//! of Prometheus, to 3 % in the program), how many failed, by the class of the error, how many were
//! given up by their callers, and how many are under way. **A request that failed or was cancelled is
//! counted and timed like one that was answered**: a timeout of 10 s that is missing from the latency
//! is how a stall stays invisible.
//!
//! Names are those of the statements, never their texts, so that no literal becomes a label. The first
//! 256 names are kept apart ([`most_statements`](MetricsLayer::most_statements)), all others counted as
//! `other`; of a name longer than 128 bytes the beginning counts.
//!
//! ```
//! use cqlstack_core::testing::{Answer, ScriptedSession};
//! use cqlstack_core::{Client, ErrorClass, ErrorKind, Statement};
//! use cqlstack_metrics::MetricsLayer;
//! use tower::Layer;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let metrics = MetricsLayer::new();
//! let session = ScriptedSession::new()
//!     .on("touch", [Answer::done(), Answer::error(ErrorKind::Overloaded)]);
//! let db = Client::new(metrics.layer(session));
//!
//! let touch = Statement::new("UPDATE app.users SET seen = true WHERE id = ?").named("touch");
//! assert!(db.execute(&touch, (1,)).await.is_ok());
//! assert!(db.execute(&touch, (2,)).await.is_err());
//!
//! let snapshot = metrics.handle().snapshot();
//! let touch = snapshot.statement("touch").unwrap();
//! assert_eq!((touch.query_count, touch.error_count), (2, 1));
//! assert_eq!(touch.errors(ErrorClass::Ambiguous), 1);
//! println!("{snapshot}");
//! # }
//! ```
//!
//! # Order
//!
//! Right: outermost. It then tells what the callers see: waiting for a permit, retries and the waits
//! between them are in the time, a retried request is one request.
//!
//! Wrong: below retry, unless you want to know the attempts: each is counted, and the wait is not.
//!
//! A request is seen when it is called. Where a layer below is not ready (`tower`'s limits; none of ours), the
//! wait for it comes before, and is in no statistic, nor is a request whose deadline ends it.
//!
//! # On drop
//!
//! A request that is dropped before its answer came is counted as cancelled, with the time until then.
//! So is one whose inner service panics.
//!
//! # Cost
//!
//! No lock, no allocation, nothing formatted: six atomics and two looks at the clock. Threads count
//! apart from each other, so that they do not contend. A statement that a thread sees for the first
//! time costs 12 KB, eight times at most.
//!
//! With another recorder than [`PrometheusExporter`](crate::PrometheusExporter)'s, each latency is
//! recorded there as well, and **what that costs is added to each request**. If it panics, it gets no
//! more of that statement, and the request goes on. The statement's histogram is resolved when it is
//! first seen: install such a recorder before the first request.

mod config;
mod future;
mod guard;
mod layer;
mod service;
mod slow;

pub use config::MetricsConfig;
pub use future::ResponseFuture;
pub use layer::{MetricsHandle, MetricsLayer};
pub use service::Metrics;
pub use slow::SlowRequests;

#[cfg(test)]
mod tests;
