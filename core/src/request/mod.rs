//! What travels down the stack.

mod described;
mod lent;
mod options;
mod place;
mod with;

use std::fmt;
use std::mem;
use std::slice;
use std::sync::Arc;

use scylla::frame::types::Consistency;
use scylla::serialize::row::SerializeRow;
use scylla::statement::bound::BoundStatement;

use crate::attempts::Attempts;
use crate::batch::{BatchFault, BatchPayload};
use crate::error::{Error, ErrorKind, Failure};
use crate::prepared::{Bound, Prepared};
use crate::session::Basis;
use crate::statement::{SchemaFacts, Statement, StatementKind, StaticStatement, Told};
use crate::timestamp::Stamp;
use crate::values::Values;
pub(crate) use options::{ForDriver, Options, PAGE_SIZES, PageSize};
use place::Place;

/// A statement with its values and options, on its way through the layers.
///
/// Cloning is a few atomic increments: values are never serialised twice. A write gets its timestamp
/// **here**, once, so that every resend keeps it and a late one cannot overwrite a newer write; unless a server
/// is to stamp it ([`Timestamps`](crate::Timestamps)).
///
/// What is not set is decided by the statement, and then by the session's defaults:
/// [`Statement::with_consistency`] has the table.
///
/// ```
/// use cqlstack_core::{Consistency, Request, Statement};
/// use std::time::Duration;
///
/// let by_id = Statement::new("SELECT name FROM app.users WHERE id = ?");
/// let request = Request::new(&by_id, (42_i32,))
///     .with_consistency(Consistency::One)
///     .with_attempt_timeout(Duration::from_millis(50));
/// assert_eq!(request.statement().name(), "SELECT app.users");
/// assert_eq!(request.timestamp(), None); // it reads
/// ```
#[derive(Clone)]
#[must_use = "a request does nothing until a service is called with it"]
pub struct Request {
    statement: Statement,
    payload: Payload,
    options: Options,
    /// None for the first page, without tokens.
    place: Option<Arc<Place>>,
}

/// What a request asks to be done.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Payload {
    /// Execute the statement with these values. It is not prepared yet.
    Raw(Values),
    /// Execute the prepared statement with the values that were bound to it.
    Bound(Bound),
    /// Prepare the statement; the response holds the [`Prepared`].
    Prepare,
    /// Execute these statements as one.
    Batch(BatchPayload),
}

/// What is larger is not copied in place any more, and each layer copies it.
const _: () = assert!(size_of::<Request>() <= 120);

impl Request {
    /// Executes a statement with these values: a tuple, a `Vec`, a map by column name, a struct that
    /// derives `SerializeRow`, or `()` for none. Costs one allocation.
    #[inline]
    pub fn new<V>(statement: impl Into<Statement>, values: V) -> Self
    where
        V: SerializeRow + Send + Sync + 'static,
    {
        Self::of_values(statement.into(), Values::new(values))
    }

    #[inline]
    fn of_values(statement: Statement, values: Values) -> Self {
        let options = Self::options_of(&statement);
        Self::with_options(statement, values, options)
    }

    /// Those of a request that says nothing; of a write, with a timestamp.
    #[inline]
    pub(crate) fn options_of(statement: &Statement) -> Options {
        Options::of(statement).stamped(statement)
    }

    #[inline]
    pub(crate) fn with_options(statement: Statement, values: Values, options: Options) -> Self {
        Self { statement, payload: Payload::Raw(values), options, place: None }
    }

    pub(crate) fn of_batch(statement: Statement, batch: BatchPayload) -> Self {
        let mut options = Options::of(&statement).stamped(&statement);
        if options.stamp != Stamp::None && batch.is_for_server() {
            options.stamp = Stamp::Server;
        }
        Self { statement, payload: Payload::Batch(batch), options, place: None }
    }

    /// Begins to count how often it and its clones are sent. Costs one allocation, the first time.
    pub fn count_attempts(&mut self) -> Attempts {
        self.options.attempts.get_or_insert_default().clone()
    }

    /// A session was called with it.
    pub(crate) fn count_sent(&self) {
        if let Some(attempts) = &self.options.attempts {
            attempts.count();
        }
    }

    /// Prepares a statement. The response has it: [`Response::prepared`](crate::Response::prepared).
    pub fn prepare(statement: impl Into<Statement>) -> Self {
        let statement = statement.into();
        let options = Options::of(&statement);
        Self { statement, payload: Payload::Prepare, options, place: None }
    }

    /// Binds the values to the prepared statement, which serialises them: for a request that is sent
    /// many times, or to know at once whether the values fit. One that is bound already stays as it
    /// is. Of a batch, the next statement is bound: [`unprepared`](Self::unprepared).
    ///
    /// Values that the caller lends ([`Client::execute`](crate::Client::execute)) are asked for: whether they fit is known
    /// when the request is sent.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Values`] if they do not fit; [`ErrorKind::InvalidRequest`] for a request that
    /// prepares, or whose text is another than the prepared one.
    pub fn bind(mut self, prepared: &Prepared) -> Result<Self, Error> {
        self.can_be_bound(prepared)?;
        match &mut self.payload {
            // It changes all connections, and not the one that executes it: the session sends its text.
            Payload::Raw(_) if self.statement.is_use() => {}
            Payload::Raw(values) => {
                let bound = prepared.bind(&self.statement, values, &self.options)?;
                self.payload = Payload::Bound(bound);
            }
            Payload::Batch(batch) => batch.bind(prepared.clone()),
            Payload::Bound(_) | Payload::Prepare => {}
        }
        Ok(self)
    }

    /// As [`bind`](Self::bind), in place, and leaves it to the session to serialise values that are owned each
    /// time it sends them, and to say if they do not fit: for one allocation less, what a statement
    /// cache does. Values that the caller lends are serialised once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`] as [`bind`](Self::bind).
    #[inline]
    pub fn attach_prepared(&mut self, prepared: Prepared) -> Result<(), Error> {
        self.attach(prepared, true)
    }

    /// As [`attach_prepared`](Self::attach_prepared); whether other requests may be bound to it, too.
    #[inline]
    pub(crate) fn attach(&mut self, prepared: Prepared, is_kept: bool) -> Result<(), Error> {
        self.can_be_bound(&prepared)?;
        match &mut self.payload {
            // As in `bind`.
            Payload::Raw(_) if self.statement.is_use() => {}
            raw @ Payload::Raw(_) => {
                if let Payload::Raw(values) = mem::replace(raw, Payload::Prepare) {
                    *raw = Payload::Bound(prepared.attach_prepared(values, &self.options, is_kept));
                }
            }
            Payload::Batch(batch) => batch.bind(prepared),
            Payload::Bound(_) | Payload::Prepare => {}
        }
        Ok(())
    }

    #[inline]
    fn can_be_bound(&self, prepared: &Prepared) -> Result<(), Error> {
        let asked = match &self.payload {
            Payload::Raw(_) => Some(&self.statement),
            Payload::Batch(batch) => batch.unprepared(),
            Payload::Bound(_) => None,
            Payload::Prepare => {
                let why = "there is nothing to bind in a request that prepares: make another one";
                return Err(self.error(ErrorKind::InvalidRequest(why.to_owned()), None));
            }
        };
        if asked.is_none_or(|asked| prepared.statement().has_text_of(asked)) {
            return Ok(());
        }
        let why = "the statement that was prepared has another text: prepare this one";
        Err(self.error(ErrorKind::InvalidRequest(why.to_owned()), None))
    }

    /// What the driver executes. Values that are not serialised yet are serialised to that place.
    #[inline]
    pub(crate) fn bound<'b>(
        &'b self,
        place: &'b mut Option<BoundStatement>,
    ) -> Result<Option<&'b BoundStatement>, Error> {
        match &self.payload {
            Payload::Bound(bound) => bound.driver(&self.statement, &self.options, place),
            Payload::Raw(_) | Payload::Prepare | Payload::Batch(_) => Ok(None),
        }
    }

    /// All that it is bound to so far.
    pub(crate) fn all_prepared(&self) -> &[Prepared] {
        match &self.payload {
            Payload::Bound(bound) => slice::from_ref(bound.parts().0),
            Payload::Batch(batch) => batch.prepared(),
            Payload::Raw(_) | Payload::Prepare => &[],
        }
    }

    /// The same, bound to this.
    pub(crate) fn bound_to(&self, prepared: &Prepared) -> Self {
        let mut request = self.clone();
        if let Payload::Bound(bound) = &self.payload {
            let values = bound.parts().1.clone();
            request.payload =
                Payload::Bound(prepared.clone().attach_prepared(values, &self.options, false));
        }
        request
    }

    /// The keyspace that what it is bound to depends on, by the number of the `USE`; an error if its statements
    /// depend on several.
    #[inline]
    pub(crate) fn keyspace(&self) -> Result<Option<u64>, ErrorKind> {
        let batch = match &self.payload {
            Payload::Bound(bound) => {
                return Ok(bound.parts().0.basis().and_then(Basis::keyspace));
            }
            Payload::Batch(batch) => batch,
            Payload::Raw(_) | Payload::Prepare => return Ok(None),
        };
        let bases = batch.prepared().iter().filter_map(Prepared::basis);
        let mut keyspaces = bases.filter_map(Basis::keyspace);
        let first = keyspaces.next();
        if keyspaces.all(|keyspace| Some(keyspace) == first) {
            Ok(first)
        } else {
            Err(ErrorKind::KeyspaceChanged)
        }
    }

    /// The values of its one statement.
    #[cfg(feature = "testing")]
    pub(crate) fn values(&self) -> Option<&Values> {
        match &self.payload {
            Payload::Raw(values) => Some(values),
            Payload::Bound(bound) => Some(bound.parts().1),
            Payload::Prepare | Payload::Batch(_) => None,
        }
    }

    /// What all clones of it were told.
    pub(crate) fn told(&self) -> Option<&Told> {
        match &self.payload {
            Payload::Raw(values) => Some(values.told()),
            Payload::Bound(bound) => Some(bound.parts().1.told()),
            Payload::Batch(batch) => Some(batch.told()),
            Payload::Prepare => None,
        }
    }

    /// What it is bound to.
    pub(crate) fn prepared(&self) -> Option<&Prepared> {
        match &self.payload {
            Payload::Bound(bound) => Some(bound.parts().0),
            Payload::Raw(_) | Payload::Prepare | Payload::Batch(_) => None,
        }
    }

    /// The statement.
    #[must_use]
    #[inline]
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// What its statement does: as [`Statement::kind`], and, once it or a clone of it was bound, as
    /// [`Prepared::kind`] of what it was bound to. Of several the most careful.
    #[must_use]
    pub fn kind(&self) -> StatementKind {
        self.statement.kind_with(self.facts())
    }

    /// Whether it may be sent twice: as [`Statement::is_idempotent`], and, once it or a clone of it was bound,
    /// as [`Prepared::is_idempotent`] of what it was bound to. Of several the most careful.
    #[must_use]
    pub fn is_idempotent(&self) -> bool {
        self.statement.is_idempotent_with(self.facts())
    }

    /// What was told when it was prepared, on the way of any of its clones.
    pub(crate) fn facts(&self) -> SchemaFacts {
        let facts = self.told().map_or_else(SchemaFacts::default, Told::all);
        let by_server = facts.by_server || self.stamp() == Stamp::Server;
        SchemaFacts { by_server, ..facts }
    }

    /// What is to be done.
    #[must_use]
    pub fn payload(&self) -> &Payload {
        &self.payload
    }

    /// The statement that has to be prepared next, and [bound](Self::attach_prepared), before it can be executed:
    /// its own if it is raw, unless the session sends that as it is (`CREATE`, `TRUNCATE`, `USE`, without
    /// values); of a batch one after another.
    #[must_use]
    #[inline]
    pub fn unprepared(&self) -> Option<&Statement> {
        match &self.payload {
            Payload::Raw(values) => {
                let goes = self.statement.is_use()
                    || values.is_empty() && self.statement.goes_unprepared();
                (!goes).then_some(&self.statement)
            }
            Payload::Batch(batch) => batch.unprepared(),
            Payload::Bound(_) | Payload::Prepare => None,
        }
    }

    /// Why it is not to be sent, as far as that is known before anything is prepared.
    pub(crate) fn fault(&self) -> Option<&BatchFault> {
        match &self.payload {
            Payload::Batch(batch) => batch.fault(),
            Payload::Raw(_) | Payload::Bound(_) | Payload::Prepare => None,
        }
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    /// An error of this request, in which the session's default consistency decides what the request
    /// leaves open.
    pub(crate) fn error(&self, failure: impl Into<Failure>, default: Option<Consistency>) -> Error {
        let statement = &self.statement;
        let work = self.options.work(statement, self.facts(), default);
        // Of what fails over, a read leaves nothing behind.
        let failed_over = work.kind == StatementKind::Write && self.is_idempotent();
        Error::of_driver(failure.into(), statement, work, failed_over)
    }
}

/// A statement without values.
impl From<&Statement> for Request {
    fn from(statement: &Statement) -> Self {
        Self::new(statement, ())
    }
}

/// A statement without values.
impl From<Statement> for Request {
    fn from(statement: Statement) -> Self {
        Self::new(statement, ())
    }
}

/// A statement without values, from its text: [`Statement::new`].
impl From<&'static str> for Request {
    fn from(text: &'static str) -> Self {
        Self::new(text, ())
    }
}

/// A statement without values, from its text: [`Statement::new`].
impl From<String> for Request {
    fn from(text: String) -> Self {
        Self::new(text, ())
    }
}

/// A statement without values.
impl From<&&'static StaticStatement> for Request {
    fn from(statement: &&'static StaticStatement) -> Self {
        Self::new(*statement, ())
    }
}

/// A statement without values.
impl From<&'static StaticStatement> for Request {
    fn from(statement: &'static StaticStatement) -> Self {
        Self::new(statement, ())
    }
}

/// Shows no value.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("statement", &self.statement.name())
            .field("payload", &self.payload)
            .field("options", &self.options)
            .field("place", &self.place)
            .finish()
    }
}

#[cfg(test)]
mod tests;
