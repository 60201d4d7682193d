//! Prepares each statement once.
//!
//! A request whose statement was prepared before is bound to the prepared form and goes on; for a new
//! one a *prepare* request is sent first, through the service below, so that whatever stands there
//! limits, times and retries it. The answer is kept:
//!
//! - **bounded**: it holds any N statements that are in use, and no more; where it is full of others, from
//!   their fifth use on at the latest. Those that are not used again go first (S3-FIFO and Clock-PRO, by
//!   `quick_cache`), so that thousands of one-off texts do not push out the hot ones;
//! - **single flight**: however many requests want the same new statement at once, one prepare is sent
//!   for all of them. If it fails, those that waited get its error; it is not kept, and the next
//!   request tries anew. What concerns the one that sent it alone is nobody else's error: where it is
//!   dropped, or panics, or its time is over, or a layer below refuses it, one that waits sends the prepare
//!   anew, after three refusals in a row no more. So it does where the answer is 15 s late: then the one
//!   that sent it may not be polled any more;
//! - **nothing of the first caller stays**: an entry is the text's; consistency, page size, timeout
//!   and the like are each request's own;
//! - **current**: an entry goes when its session learns that the definition of the statement's table
//!   has changed, or that another keyspace is in use
//!   ([`Prepared::is_current`](cqlstack_core::Prepared::is_current)). Of a change by this session that
//!   is before the change is answered, of one by others it is within
//!   [`schema_refresh`](cqlstack_core::SessionBuilder::schema_refresh), a second by default. In that
//!   window a table that was dropped and made again with another type of the same width can be written
//!   with the old type. While the session can ask no node for the schema, for
//!   [`schema_stale_after`](cqlstack_core::SessionBuilder::schema_stale_after) and longer, nothing is kept:
//!   a request has its statement prepared, together with all that wait for the same one.
//!
//! Each statement of a [`Batch`](cqlstack_core::Batch) is looked up, or prepared, like this.
//!
//! A request that is bound already passes, and so does what needs no preparing (`CREATE`, `TRUNCATE`,
//! `USE`). A statement that the server has forgotten the driver prepares again by itself.
//!
//! ```
//! use cqlstack_core::testing::{Answer, ScriptedSession};
//! use cqlstack_core::{Client, Statement};
//! use cqlstack_middleware::StatementCacheLayer;
//! use tower::Layer;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), cqlstack_core::Error> {
//! let cache = StatementCacheLayer::new(1_000)?;
//! let handle = cache.handle();
//! let session = ScriptedSession::new().otherwise(Answer::done());
//! let db = Client::new(cache.layer(session.clone()));
//!
//! let touch = Statement::new("UPDATE app.users SET seen = true WHERE id = ?");
//! for id in 0..100 {
//!     db.execute(&touch, (id,)).await?;
//! }
//! assert_eq!(session.prepares(), 1);
//! assert_eq!(handle.stats().hits, 99);
//! # Ok(())
//! # }
//! ```
//!
//! # Order
//!
//! Right: innermost, next to the session: a first use then passes limit and retry once, together with
//! its prepare.
//!
//! Wrong: above retry. It works, but what is retried is then the bound request alone, and a prepare
//! that failed on the way is retried by itself.
//!
//! # Sharing
//!
//! Clones of a service share its cache. Each service that the layer makes has one of its own, since
//! the same text means different tables to sessions with different keyspaces; the handle speaks for
//! all of them.
//!
//! # On drop
//!
//! Dropping a request that waits for a prepare leaves the prepare to the others; dropping the one that
//! sent it lets one of those that wait send it anew.
//!
//! # Cost
//!
//! A hit: a hash of the text, a read lock, what `is_current` costs, and no allocation; the session
//! serialises the values when it sends them. A miss: one boxed future, two clones of the service below, and
//! a prepare on every node.

mod config;
mod entries;
mod error;
mod future;
mod layer;
mod service;
mod single_flight;

pub use config::CacheConfig;
pub use error::NotPrepared;
pub use future::ResponseFuture;
pub use layer::{CacheHandle, CacheStats, StatementCacheLayer};
pub use service::StatementCache;

#[cfg(test)]
mod tests;
