//! What a tree tells about its statement without a schema.

mod bound;
mod fingerprint;
mod idempotence;
mod keyspace;
mod kind;
mod label;
mod leaves;
mod reader;
mod row_bound;
mod summary;

pub use bound::{Bound, InText, Overwrite, Restriction};
pub use fingerprint::{fingerprint, normalized};
pub use kind::StatementKind;
pub use leaves::{Clause, Target};
pub use row_bound::RowLimit;
pub use summary::{Effect, Facts, Form, GivenValue, Lists, MarkerTarget, Names};
