//! A concurrency limit that finds itself.
//!
//! A fixed limit is right for one cluster, on one day. A server that has more to do than it can does not say so: it answers
//! late, and in the end too late for anybody. So this layer watches how long answers take, and has a limit for each class
//! of statements, which grows while that brings more answers, and shrinks where fewer requests at a time bring as many.
//!
//! ```
//! use std::time::Duration;
//!
//! use cqlstack_core::{Client, Error, Request, Response, Statement};
//! use cqlstack_middleware::AdaptiveLimitLayer;
//! use tower::{Layer, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), cqlstack_core::Error> {
//! // Beyond the limit of their class, a thousand requests wait, each for 0.1 s at most; the others are refused.
//! let limit = AdaptiveLimitLayer::new().wait_bounded(1_000, Duration::from_millis(100))?;
//! let handle = limit.handle();
//! let session = service_fn(async |request: Request| {
//!     Ok::<_, Error>(Response::done(request.statement()))
//! });
//! let db = Client::new(limit.layer(session));
//! db.execute(&Statement::new("SELECT name FROM app.users WHERE id = ?"), (1,)).await?;
//! for class in handle.stats() {
//!     println!("{}: {} at a time, {} refused", class.class, class.limit, class.refused);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What is measured
//!
//! A **window** of a class has at least 50 ms, 100 requests, and three times their mean latency; where requests are few, a
//! second is enough for ten of them. At its end the [algorithm](LimitAlgorithm) is told of it, and says the next limit. A
//! window begins one and a half latencies after the limit changed: before, what ends says something of the last one.
//!
//! | a request that | is |
//! |---|---|
//! | is answered | a sample, with its time from sent to answered |
//! | is refused by a server that is overloaded, or has no answer in time ([`Classify::load_sign`]) | a sample of overload, with its time |
//! | has no answer in time, and had less than twice the usual latency | none: its time was spent elsewhere, perhaps on waiting for its permit |
//! | fails for good, is refused by a layer below, was never sent, or was given up by its caller | none |
//!
//! The time that a request waits for its permit is in none of them.
//!
//! # The algorithm
//!
//! [`HillClimb`] tries a larger limit, and a smaller one, and compares the throughput. Its own documentation says how, and
//! `tests/tests/adaptive.rs` shows it: before simulated servers of 8, 64 and 400 workers, with three times the requests that they
//! can do, the limit comes within 0.7 to 1.6 of the best fixed one in ten seconds. [`Aimd`] is the other one; a
//! [`LimitAlgorithm`] is yours to write.
//!
//! # Classes
//!
//! A read by its key and a scan have different latencies, and a limit of both is right for neither. So each
//! [class](DEFAULT_CLASSES) has a limit of its own. All limits together stay below a maximum: where a class would grow
//! beyond, those that do not use what they have give the rest away, and none keeps more than its share from one that has less.
//!
//! # Order
//!
//! As the [fixed limit](crate::limit), in whose place it stands: below retry and metrics, above a statement cache. Not over
//! another layer that makes requests wait: it would take that wait for the server's, or not see it, where it is one for
//! readiness.
//!
//! # On drop
//!
//! As there: a request that waits leaves the queue, one that is under way gives its permit back and is no sample.
//!
//! # Cost
//!
//! Beside a fixed limit: two looks at the clock, a reference count, three atomics, and at the end of a window a lock that no
//! request waits for. Of more than 1,000 requests in a window a part is measured, and the others cost one atomic. No allocation
//! where nobody waits. `bench layers` has the figures.
//!
//! [`Classify::load_sign`]: cqlstack_core::layer::Classify::load_sign

mod aimd;
mod algorithm;
mod classes;
mod config;
mod handle;
mod hill_climb;
mod layer;
mod service;
mod shared;

pub use aimd::Aimd;
pub use algorithm::{LimitAlgorithm, Sample};
pub use classes::DEFAULT_CLASSES;
pub use config::AdaptiveLimitConfig;
pub use handle::{AdaptiveHandle, ClassStats};
pub use hill_climb::HillClimb;
pub use layer::{AdaptiveLimitBuilder, AdaptiveLimitLayer};
pub use service::{AdaptiveLimit, Measured, MeasuredFuture};

#[cfg(test)]
mod tests;
