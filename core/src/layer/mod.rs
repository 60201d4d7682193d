//! What it takes to write a layer: questions that it may ask of what passes, readiness, time and statistics.
//!
//! A layer is a [`tower_layer::Layer`](https://docs.rs/tower-layer) around a service of requests. Few rules make one
//! that goes with all others:
//!
//! 1. **Generic** over request and error: it asks a request through [`Described`] and an error through [`Classify`],
//!    and never looks at a driver's type. It is then tested without a server, and goes around other services.
//! 2. **Readiness**: an instance that was made ready is called at once, or dropped, or replaced by a clone, before
//!    anything is awaited or kept: it may hold what others wait for. A service that is kept for a later call is a
//!    clone, and is made ready by [`Readying`], which ends with the deadline of the request.
//! 3. **Time** is tokio's, so that tests can pause it. What waits ends when the request's
//!    [`latest_after`](Described::latest_after) says so.
//! 4. **Drop**: a future may be dropped wherever it waits. What it holds (a permit, a count) is given back by a guard.
//! 5. **Errors** of its own are made by [`Error::other`](crate::Error::other), with a class that is true, and are told from
//!    others by their type. They show no value.
//! 6. **Statistics** are told through [`Report`], by a handle that outlives the layer. Nothing on the way of a
//!    request takes a lock, formats a string or allocates, unless a benchmark justifies it; [`Striped`] keeps threads
//!    from contending for a counter, and [`TimeSum`] adds up times.
//!
//! # A layer in sixty lines
//!
//! It refuses a request that is not worth sending any more, since less than a given time is left of its deadline. It
//! keeps the first, second, third and fifth rule; it holds nothing that a drop would have to give back, and counts
//! nothing. The layers of `cqlstack-middleware` pass a storm of calls, drops and panics, alone and in pairs, and this
//! one passes it with them.
//!
//! ```
#![doc = include_str!("example.rs")]
//!
//! let layer = Worthwhile { least: std::time::Duration::from_millis(5) };
//! # let _ = layer;
//! ```

pub use crate::attempts::Attempts;
pub use crate::batch::{BatchLender, BatchPayload};
pub use crate::client::Call;
pub use crate::lending::{Lend, RowLender};
pub use crate::prepared::Bound;
pub use crate::readying::{NotReady, Readying};
pub use crate::report::{Report, Sink, Times};
pub use crate::request::Payload;
pub use crate::striped::Striped;
pub use crate::time_sum::TimeSum;
pub use crate::timer::{Timer, has_runtime};
pub use crate::traits::{Classify, Described, LoadSign};
pub use crate::values::Values;
