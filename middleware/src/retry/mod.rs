//! Sends again, after a growing wait, what may be sent again.
//!
//! Whether a request may be sent again is no guess. It follows from the error **and** the kind of
//! statement, by the table of [`ErrorClass`](cqlstack_core::ErrorClass):
//!
//! | class of the error | sent again |
//! |---|---|
//! | `NotExecuted`, `Overload` of the server | always: it was certainly not executed |
//! | `NotExecuted`, `Overload` from a layer below (a full limit) | no, unless [`retry_if`](RetryBuilder::retry_if) says so |
//! | `Ambiguous` | if the statement is idempotent; never a counter or a conditional one; what a server stamps ([`Timestamps`](cqlstack_core::Timestamps)) only if it is said to be idempotent |
//! | `Permanent`, `Exhausted` | never |
//!
//! What is [final](cqlstack_core::Recovery) is never sent again, whatever its class: a session that is shut down,
//! a read that met too many tombstones, an answer that cannot be understood. The error comes back as it is. The
//! [table](#each-error) has each error.
//!
//! A request that finds no connection was certainly not sent, and that is no attempt: it looks again after up to
//! 20 ms, 40 ms, ... 200 ms, until there is one or its time is over. (The driver connects again after 50 ms, and
//! then after growing waits.) Sent once, by one attempt, it waits for nothing.
//!
//! A resend keeps the timestamp that the client gave the write, so that a late one cannot overwrite what
//! somebody else wrote meanwhile.
//!
//! # How often at most
//!
//! Below each attempt the driver may turn to other nodes by itself, without waiting, with reads and
//! plain writes. The frames that go out are at most
//!
//! | the driver meets | frames of one attempt | with 3 attempts, 3 nodes |
//! |---|---|---|
//! | `Unavailable` | 2, on one node 1 | 6 |
//! | bootstrapping, no stream id | one for each node | 9 |
//! | overloaded, server error, broken connection; read, or idempotent write | one for each node | 9 |
//! | the same; write that is not idempotent | 1, and it is not retried | 1 |
//! | read timeout with enough answers and no data; write timeout of the batch log, if idempotent | 2 | 6 |
//! | a statement that the server has forgotten, of any kind: it is prepared anew | 2 | 6 |
//! | a batch of which the server has forgotten statements: each is prepared anew | 1, and one for each | |
//! | a batch of which it forgets statements again and again | its texts + 5 | the same: it is final |
//! | everything else; a batch, counter, conditional or several-partition statement | 1 | 3 |
//!
//! # When it gives up
//!
//! An error of the first attempt that is not to be retried is returned as it is. After that the error
//! is [`Exhausted`]: it says how many attempts there were, why it stopped, and what the last one ended
//! with. Its class is `Exhausted`, so that a retry around this one does not multiply the attempts; its
//! [`worst_class`](cqlstack_core::Error::worst_class) says whether any of them may have been applied.
//! A request without a deadline gets one, 10 s after the call unless [`max_elapsed`](RetryBuilder::max_elapsed) says otherwise:
//! it ends by then, whatever is below. (Before the call, a service that is not ready is waited for until the request's
//! own deadline, or for the time of an attempt, if it says one.) The session's `attempt_timeout` bounds each attempt.
//! No wait begins that would end after that, or after the request's own deadline. If the
//! service below fails before it is ready for another attempt, that is no attempt: it ends them
//! ([`StopReason::NotReady`]). A layer below that waits by itself (a full limit, a statement's first use) reports
//! such a failure as the outcome of its call, which is an attempt.
//!
//! ```
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicU32, Ordering};
//!
//! use cqlstack_core::{Client, Error, ErrorClass, Request, Response, Statement};
//! use cqlstack_middleware::RetryLayer;
//! use tower::{Layer, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), cqlstack_core::Error> {
//! let calls = Arc::new(AtomicU32::new(0));
//! let counted = Arc::clone(&calls);
//! let session = service_fn(move |request: Request| {
//!     let call = counted.fetch_add(1, Ordering::Relaxed);
//!     async move {
//!         match call {
//!             0 | 1 => Err(Error::other(ErrorClass::Ambiguous, "connection lost")),
//!             _ => Ok(Response::done(request.statement())),
//!         }
//!     }
//! });
//! let db = Client::new(RetryLayer::default().layer(session));
//!
//! let rename = Statement::new("UPDATE app.users SET name = ? WHERE id = ?");
//! db.execute(&rename, ("Ada", 1)).await?;
//! assert_eq!(calls.load(Ordering::Relaxed), 3);
//! # Ok(())
//! # }
//! ```
//!
//! A [`RetryHandle`] tells how often it sent again, by the class of the error, and how often in vain.
//!
//! # Each error
//!
//! What the default does with it, made by the default itself: N, not executed; O, not executed for reasons of load;
//! A, it may have been applied; P, it fails again. A plain write that may be sent twice may have gone to several nodes,
//! so that an N of the last of them is an A. A layer's own error follows its class, and a refusal is not sent again.
//! A batch does as a write does.
//!
#![doc = include_str!("ERRORS.md")]
//!
//! # Order
//!
//! Right: above the concurrency limit and a statement cache, below metrics.
//!
//! Wrong: below the limit, where a request that sleeps keeps its permit from others. Two retries in
//! one stack: the outer one passes on what the inner one gave up.
//!
//! # On drop
//!
//! Dropped while it sleeps, nothing more is sent. Dropped during an attempt, that attempt may still be
//! applied.
//!
//! # Cost
//!
//! One clone of the request for each call, which is some reference counts in a stack of ours; no
//! allocation, and one look at the clock. After a failure waits are computed, and the service is cloned for
//! the next attempt, in two boxes.

mod backoff;
mod config;
mod error;
mod future;
mod layer;
mod policy;
mod service;
mod stats;
mod time;

pub use backoff::Jitter;
pub use config::RetryConfig;
pub use error::{Exhausted, StopReason};
pub use future::ResponseFuture;
pub use layer::{RetryBuilder, RetryLayer};
pub use service::Retry;
pub use stats::{RetryHandle, RetryStats};

#[cfg(test)]
mod tests;
