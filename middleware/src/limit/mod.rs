//! At most N requests at a time.
//!
//! A request takes a permit when it is called, and gives it back when its answer comes, when its
//! future is dropped, or when the service below panics. Where all are taken, a request queues up when
//! its future is first polled, and who queued first is served first. A handle that is ready and not
//! called holds nothing of this layer, so that it starves nobody (`tower`'s own limit takes the permit in
//! `poll_ready`). A request that waits holds nothing of the layers below either: it has them made ready
//! when it has its permit, at most until its deadline.
//!
//! What happens when all permits are taken is a choice:
//!
//! - wait, as long as the request's deadline allows: the default, the guide's `Semaphore(100)`;
//! - [`wait_bounded`](ConcurrencyLimitLayer::wait_bounded): wait in a queue of so many places, for so
//!   long;
//! - [`reject`](ConcurrencyLimitLayer::reject): no waiting at all.
//!
//! A refusal is a [`Refused`] error: at once, certainly not sent. Its class is `Overload`, or
//! `NotExecuted` where it was the request's own deadline that passed. The retry layer does not resend
//! it.
//!
//! The limit is shared by all clones of the service and by all services that the layer and its clones
//! make. A [`LimitHandle`] shows what goes on, and changes the limit while it runs: a lower one takes
//! effect as requests finish.
//!
//! ```
//! use cqlstack_core::{Client, Error, ErrorClass, Request, Response, Statement};
//! use cqlstack_middleware::ConcurrencyLimitLayer;
//! use tower::{Layer, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), cqlstack_core::Error> {
//! let limit = ConcurrencyLimitLayer::new(1)?.reject();
//! let session = service_fn(async |request: Request| {
//!     tokio::task::yield_now().await; // as if a server were asked
//!     Ok::<_, Error>(Response::done(request.statement()))
//! });
//! let db = Client::new(limit.layer(session));
//!
//! let touch = Statement::new("UPDATE app.users SET seen = true WHERE id = ?");
//! let (first, second) = tokio::join!(db.execute(&touch, (1,)), db.execute(&touch, (2,)));
//! assert!(first.is_ok());
//! assert_eq!(second.unwrap_err().class(), ErrorClass::Overload);
//! assert_eq!(limit.handle().stats().refused, 1);
//! # Ok(())
//! # }
//! ```
//!
//! # Order
//!
//! Right: below retry, so that no permit is held during a backoff, below metrics, which then time the
//! wait as the caller feels it, and above a statement cache.
//!
//! Wrong: above retry, where a request keeps its permit while it sleeps.
//!
//! # On drop
//!
//! A request that waits leaves the queue. One that is under way gives its permit back at once; the
//! server may still work on it, so that a stall with many cancelled requests can leave more in flight
//! at the server than the limit says.
//!
//! # Cost
//!
//! Without a wait no allocation: `tokio`'s semaphore, whose lock is held for some nanoseconds when a permit
//! is given back, and a reference count. With one, four boxes, two clones of the service, and a fifth box
//! with a timer where the wait is bounded.

mod config;
mod error;
pub(crate) mod future;
pub(crate) mod layer;
pub(crate) mod permits;
mod service;

pub use config::LimitConfig;
pub use error::{RefusalReason, Refused};
pub use future::ResponseFuture;
pub use layer::{ConcurrencyLimitLayer, LimitHandle, LimitStats};
pub use service::ConcurrencyLimit;

#[cfg(test)]
mod permits_tests;
#[cfg(test)]
pub(crate) mod probe;
#[cfg(test)]
mod tests;
