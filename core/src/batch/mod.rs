//! Batches: several writes in one request, for what they are good for.
//!
//! | | what it promises | for |
//! |---|---|---|
//! | [`Batch::same_partition`] | one write to one partition: all or none, at once | several rows or tables of one partition key |
//! | [`Batch::logged`] | all or none, in the end | rows of several partitions or tables that belong together |
//! | [`Batch::counter`] | nothing | counters that are counted together |
//!
//! A batch of one partition is also several times faster than as many single writes. One over several
//! partitions is no way to load data: a single node coordinates all of it and waits for the slowest replica,
//! and if it fails nobody knows what was written. Single writes at the same time
//! ([`Client::many`](crate::Client::many)) go to their replicas each, and fail each.
//!
//! What would be a mistake, or what the server would refuse, is an error before anything is sent: an
//! [`ErrorKind::Batch`](crate::ErrorKind::Batch). Whether an UNLOGGED batch is over several partitions is
//! told by the partition keys of its statements, bound or in the text.
//!
//! # Cost
//!
//! A few allocations for each batch and two for each statement; its values are serialised once for all attempts, of a
//! batch that was made a [`Request`] once for each time that it is sent. A statement that is in it many times is prepared once, and not anew for each batch
//! where a statement cache stands above the session.
//!
//! # On drop
//!
//! As any request: it may have been applied, all of it or, of an UNLOGGED batch over several partitions and
//! of counters, a part.

mod fault;
mod guard;
mod lender;
mod limits;
mod literal;
mod payload;
mod rows;
mod warnings;
mod write_set;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use scylla::serialize::row::SerializeRow;

pub use fault::{BatchFault, Member, UnknownPartition};
pub use guard::BatchGuard;
pub use lender::BatchLender;
#[cfg(feature = "testing")]
pub(crate) use lender::{Given, Wanted};
pub use limits::BatchLimits;
pub use payload::BatchPayload;
#[cfg(feature = "testing")]
pub(crate) use payload::Place;
pub(crate) use rows::{Rounds, Rows};
pub(crate) use write_set::{Known, WriteSet};

use crate::request::Request;
use crate::statement::{Statement, interned};
use payload::{BatchKind, Members, Row};

/// Several writes in one request. The [module](self) says what each kind is for.
///
/// It has one timestamp, so that the order of its statements does not matter: of two that write the same
/// cell, the larger value stays. It goes through a stack like any request, and its statements are prepared
/// on the way. What they set themselves, consistency, timeout and the like, counts for nothing: set it on
/// the [`Request`]. It goes to a replica of its first statement, if the key of that is bound, and
/// ends after a minute at the latest, whatever timeout it has.
///
/// ```no_run
/// use cqlstack_core::{Batch, Client, CqlService, Error, StaticStatement};
///
/// static SET_EMAIL: StaticStatement =
///     StaticStatement::new("UPDATE app.users SET email = ? WHERE id = ?").named("set_email");
/// static SET_NAME: StaticStatement =
///     StaticStatement::new("UPDATE app.users SET name = ? WHERE id = ?").named("set_name");
///
/// async fn update(db: &Client<impl CqlService>, id: i32, email: &str, name: &str) -> Result<(), Error> {
///     let batch = Batch::same_partition()
///         .named("update_profile")
///         .add(&SET_EMAIL, (email, id))
///         .add(&SET_NAME, (name, id));
///     db.request(batch).await?;
///     Ok(())
/// }
/// ```
#[doc(alias("BatchStatement", "NewBatch"))]
///
/// Its values may be borrowed: they stay in the future of [`Client::request`](crate::Client::request). A [`Request`] is
/// made of one whose values are `'static`.
#[derive(Clone)]
#[must_use = "a batch does nothing until a client is asked for it"]
pub struct Batch<'v> {
    members: Members,
    rows: Vec<Row<'v>>,
    name: Option<&'static str>,
    idempotent: Option<bool>,
}

impl<'v> Batch<'v> {
    /// A LOGGED batch: once it is answered, all of it is applied or will be, also if the coordinator dies.
    /// It costs a write to the batch log of two other nodes first; where all of it is one partition of one
    /// keyspace, the server leaves that out.
    ///
    /// Its statements may be seen one after another meanwhile: it is atomic, not isolated.
    pub fn logged() -> Self {
        Self::new(BatchKind::Logged)
    }

    /// An UNLOGGED batch to one partition: the same partition key in the same keyspace, also in several
    /// tables. It is one write: applied in all or not at all, and seen at once.
    ///
    /// One over several partitions is refused: see [`with_guard`](Self::with_guard).
    pub fn same_partition() -> Self {
        Self::new(BatchKind::Unlogged)
    }

    /// A batch of counters and nothing else. If it fails, each of them may have been counted or not.
    pub fn counter() -> Self {
        Self::new(BatchKind::Counter)
    }

    fn new(kind: BatchKind) -> Self {
        let members =
            Members { kind, guard: BatchGuard::Refuse, statements: Vec::new(), rows: Vec::new() };
        Self { members, rows: Vec::new(), name: None, idempotent: None }
    }

    /// Sets the name by which metrics and errors speak of it. Else it is `LOGGED BATCH`, `UNLOGGED BATCH`
    /// or `COUNTER BATCH`. One that is made at run time is taken as [`Statement::named`] takes it.
    pub fn named(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = interned(name.into()).or(self.name);
        self
    }

    /// Adds a statement and its values.
    pub fn add<V>(mut self, statement: impl Into<Statement>, values: V) -> Self
    where
        V: SerializeRow + Send + Sync + 'v,
    {
        self.push(statement, values);
        self
    }

    /// Adds a statement and its values, in place: for a loop.
    pub fn push<V>(&mut self, statement: impl Into<Statement>, values: V)
    where
        V: SerializeRow + Send + Sync + 'v,
    {
        self.members.push(&statement.into());
        self.rows.push(Arc::new(values));
    }

    /// Sets what becomes of an UNLOGGED batch over several partitions. [`BatchGuard::Refuse`] unless it is
    /// set.
    pub fn with_guard(mut self, guard: BatchGuard) -> Self {
        self.members.guard = guard;
        self
    }

    /// Says whether applying it twice is as good as once. Else it is so if all its statements are. Never
    /// true for counters and conditional statements, whatever is said here.
    pub fn idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = Some(idempotent);
        self
    }

    /// How many statements it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.rows.len()
    }

    /// Whether it has no statement.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.rows.is_empty()
    }

    /// The request, and what has its values.
    pub(crate) fn lend(self) -> (Request, BatchLender<'v>) {
        let Self { members, rows, name, idempotent } = self;
        let statement = members.statement(name, idempotent);
        let payload = BatchPayload::lent(members);
        let lender = BatchLender::new(rows, &payload);
        (Request::of_batch(statement, payload), lender)
    }
}

impl From<Batch<'static>> for Request {
    fn from(batch: Batch<'static>) -> Self {
        let Batch { members, rows, name, idempotent } = batch;
        let statement = members.statement(name, idempotent);
        Self::of_batch(statement, BatchPayload::owned(members, rows))
    }
}

/// Shows no value.
impl fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.members.fmt(f)
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;
