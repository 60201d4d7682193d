//! A thin async session for Apache Cassandra and ScyllaDB, made to be stacked.
//!
//! The session over the `scylla` driver is a [`tower_service::Service`]: a [`Request`] goes in, a
//! [`Response`] or an [`Error`] comes out, and layers stand in between as needed. It adds what a
//! stack needs and the driver does not have:
//!
//! - a [`Statement`] that knows its name, its kind and whether it may be sent twice;
//! - a [`Request`] whose clones are reference counts, with one timestamp for each logical write;
//! - an [`Error`] that says whether the work may have been done, by a [published table](ErrorClass);
//! - deadlines around everything that can hang: building, preparing, executing.
//!
//! ```no_run
//! use cqlstack_core::{Client, Session, Statement};
//!
//! # async fn run() -> Result<(), cqlstack_core::Error> {
//! let session = Session::builder()
//!     .contact_points(["127.0.0.1:9042"])
//!     .local_datacenter("dc1")
//!     .build()
//!     .await?;
//! let db = Client::new(session); // layers go around the session
//!
//! let by_id = Statement::new("SELECT name FROM app.users WHERE id = ?");
//! let user: Option<(String,)> = db.execute(&by_id, (42_i32,)).await?.maybe_row()?;
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! None is on by default.
//!
//! - `page-token`: places in a result to give away, `PageTokenKey`.
//! - `serde`: [`SessionConfig`] and `PageTokenKey` from files and the environment, `HumanDuration`.
//! - `tls`: encrypted connections, [`Tls`].
//! - `testing`: a scripted session, to test layers and handlers without a server.

mod attempts;
pub mod batch;
mod client;
mod conditional;
#[cfg(feature = "serde")]
mod de;
mod error;
#[cfg(feature = "serde")]
mod human_duration;
mod idle;
mod invalid_config;
pub mod layer;
mod lock;
mod logs;
mod many;
mod one_line;
mod pages;
mod paging;
mod prepared;
mod profile;
mod readying;
mod refusal;
mod report;
mod request;
mod response;
mod sent;
mod serialized_row;
mod session;
mod statement;
mod striped;
mod sync;
mod task;
#[cfg(feature = "testing")]
pub mod testing;
mod thread_number;
mod time_sum;
mod timer;
mod timestamp;
mod traits;
mod values;

pub use batch::{Batch, BatchFault, BatchGuard, BatchLimits};
pub use client::{Client, CqlService};
pub use conditional::Conditional;
pub use error::{
    Error, ErrorClass, ErrorKind, FailureReason, Readiness, Recovery, Replicas, SchemaVersions,
    TlsFault, UnreadableType, Waited, WriteType,
};
#[cfg(feature = "serde")]
pub use human_duration::HumanDuration;
pub use invalid_config::InvalidConfig;
pub use logs::DRIVER_LOGS;
pub use many::{Many, ManyError, ManyReport};
pub use pages::{PageStream, RowStream};
#[cfg(feature = "page-token")]
pub use paging::PageTokenKey;
pub use paging::PagingState;
pub use prepared::Prepared;
pub use profile::Profile;
pub use request::Request;
pub use response::{Response, Rows};
pub use session::{
    ClockOffset, Compression, Credentials, DriverRef, Health, NodeHealth, NodeKey, NodeStats,
    Password, ResponseFuture, SchemaStats, Session, SessionBuilder, SessionConfig, Shutdown, Tls,
    WarmNode, WarmUp,
};
pub use statement::{Statement, StatementKind, StaticStatement};
pub use timestamp::Timestamps;

/// The driver, in the version that this crate is built on.
pub use scylla;
/// The types of columns, for responses that a test makes.
pub use scylla::frame::response::result::{ColumnType, NativeType};
pub use scylla::frame::types::{Consistency, SerialConsistency};
/// Derives for rows and values; see the driver's documentation. They expect the crate `scylla` in
/// the user's dependencies, or `#[scylla(crate = cqlstack_core::scylla)]` on the struct.
pub use scylla::{DeserializeRow, DeserializeValue, SerializeRow, SerializeValue};
