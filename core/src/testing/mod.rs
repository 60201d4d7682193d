//! A session that follows a script, to test layers, and handlers that use a stack, without a server.
//!
//! [`ScriptedSession`] stands in a [`Session`](crate::Session)'s place: statements are "prepared",
//! values are taken, and each request gets the [`Answer`] that the script has for it: rows, any error
//! that a driver can report, a delay, or none ever. Delays are on tokio's clock, so that a test may
//! pause it, and nothing is left to chance. What was sent is kept, with its options.
//!
//! By the `CREATE TABLE` statements of [`with_schema`](ScriptedSession::with_schema) it knows the types of values: what
//! does not fit is refused, as by a server, [`Sent::values`] has what was bound, and
//! [`Answer::rows_by_schema`] needs no columns. [`Sent::page`] is the page that was asked for. A request ends at its
//! deadline, and when the time of its attempt is over.
//!
//! Nobody knows the keys of tables: a batch is refused only for what its texts tell. A page token is of its statement
//! alone, whatever the values.
//!
//! ```
//! use cqlstack_core::testing::{Answer, ScriptedSession};
//! use cqlstack_core::{Client, ColumnType, ErrorKind, NativeType, Statement};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), cqlstack_core::Error> {
//! let session = ScriptedSession::new()
//!     .on("user_by_id", [
//!         Answer::error(ErrorKind::Overloaded),
//!         Answer::rows([("name", ColumnType::Native(NativeType::Text))], [("Ada",)])?,
//!     ])
//!     .otherwise(Answer::done());
//! let db = Client::new(session.clone()); // with layers around the session in a real test
//!
//! let by_id = Statement::new("SELECT name FROM app.users WHERE id = ?").named("user_by_id");
//! assert!(db.execute(&by_id, (1,)).await.is_err());
//! assert_eq!(db.execute(&by_id, (1,)).await?.value::<&str>()?, "Ada");
//! assert_eq!(session.sent().len(), 2);
//! # Ok(())
//! # }
//! ```

mod answer;
mod kinds;
mod schema;
mod script;
mod sent;
mod session;
#[cfg(test)]
mod tests;

pub use answer::Answer;
pub use kinds::error_kinds;
pub(crate) use schema::Columns;
pub use sent::Sent;
pub(crate) use sent::{Bindings, bindings};
pub use session::ScriptedSession;

pub use crate::session::TableAsRead;
pub use crate::timestamp::shift_clock;
