//! A statement that the server knows, and the same with its values.

use std::cell::Cell;
use std::fmt;
use std::sync::{Arc, LazyLock};

use scylla::errors::SerializationError;
use scylla::policies::retry::{FallthroughRetryPolicy, RetryPolicy};
use scylla::serialize::row::{RowSerializationContext, SerializeRow};
use scylla::serialize::writers::RowWriter;
use scylla::statement::bound::BoundStatement;
use scylla::statement::prepared::PreparedStatement;

use crate::batch::WriteSet;
use crate::error::{Error, Failure, values_kind};
use crate::lending::{LentRow, given_up};
use crate::request::{ForDriver, Options};
use crate::serialized_row::{self, Cells, serialise};
use crate::session::Basis;
use crate::statement::{SchemaFacts, Statement, StatementKind, fails_over};
use crate::values::{Place, Values};

/// A statement that the server has prepared. Cloning is one atomic increment.
#[doc(alias("PreparedStatement"))]
#[derive(Clone)]
pub struct Prepared(Arc<Shared>);

/// What its clones share.
pub(crate) struct Shared {
    statement: Statement,
    facts: SchemaFacts,
    handle: Handle,
}

/// For how long what a test made is current.
#[cfg_attr(
    not(feature = "testing"),
    expect(dead_code, reason = "a scripted session makes the others")
)]
pub(crate) enum Made {
    Always,
    While(Box<dyn Fn() -> bool + Send + Sync>),
    /// As where a session does not know the schema.
    OneShot,
}

#[expect(clippy::large_enum_variant, reason = "only tests make small ones")]
enum Handle {
    Driver(OfDriver),
    Made(Made),
}

/// What a session has prepared.
pub(crate) struct OfDriver {
    /// Its page size is [`ALL_ROWS`] if the result is one page.
    pub(crate) prepared: PreparedStatement,
    pub(crate) basis: Basis,
    /// Of a write, what it touches.
    pub(crate) write_set: Option<Box<WriteSet>>,
    pub(crate) limit: Option<BoundLimit>,
}

/// The page size that the driver has of a statement whose result is one page, which is sent without it.
pub(crate) const ALL_ROWS: i32 = i32::MAX;

/// A `LIMIT` that is bound: up to so many rows are one page.
#[derive(Clone, Copy)]
pub(crate) struct BoundLimit {
    pub(crate) marker: usize,
    pub(crate) most: u32,
}

/// A row whose serialisation notes what is bound to `LIMIT`: the driver shows no values that it has.
struct NotesLimit<'r, R> {
    row: &'r R,
    limit: BoundLimit,
    is_one_page: Cell<bool>,
}

impl<R: SerializeRow> SerializeRow for NotesLimit<'_, R> {
    fn serialize(
        &self,
        context: &RowSerializationContext<'_>,
        writer: &mut RowWriter<'_>,
    ) -> Result<(), SerializationError> {
        // Of a key and a number: enlarging costs more than the values.
        let mut values = Vec::with_capacity(128);
        self.row.serialize(context, &mut RowWriter::new(&mut values))?;
        let rows = limit_in(&values, self.limit.marker);
        self.is_one_page.set(rows.is_some_and(|rows| (1..=self.limit.most).contains(&rows)));
        Cells(&values).serialize(context, writer)
    }

    fn is_empty(&self) -> bool {
        self.row.is_empty()
    }
}

impl BoundLimit {
    /// Binds, without the size of a page if the `LIMIT` says so.
    fn bind(
        self,
        prepared: &PreparedStatement,
        row: &impl SerializeRow,
    ) -> Result<BoundStatement, SerializationError> {
        let row = NotesLimit { row, limit: self, is_one_page: Cell::new(false) };
        let mut bound = prepared.clone().bind(&row)?;
        if row.is_one_page.get() {
            bound.set_page_size(ALL_ROWS);
        }
        Ok(bound)
    }
}

/// A prepared statement with its serialised values. Cloning is one atomic increment.
#[doc(alias("BoundStatement"))]
#[derive(Clone)]
pub struct Bound(BoundRepr);

#[derive(Clone)]
enum BoundRepr {
    Driver(Arc<Early>),
    /// Serialised by the session, when it sends.
    Late(Prepared, Values),
}

/// What is serialised, and what it was serialised from.
#[derive(Clone)]
struct Early {
    bound: BoundStatement,
    prepared: Prepared,
    values: Values,
}

/// What is bound to `LIMIT`, as a number of rows.
fn limit_in(values: &[u8], marker: usize) -> Option<u32> {
    let rows = Cells(values).nth(marker).and_then(serialized_row::Cell::value)?;
    u32::try_from(i32::from_be_bytes(rows.try_into().ok()?)).ok()
}

impl Prepared {
    /// For a service that a test puts in place of a session: what is bound to it carries nothing,
    /// and a real session refuses it.
    #[must_use]
    pub fn made(statement: &Statement) -> Self {
        Self::made_for(statement, Made::Always)
    }

    pub(crate) fn made_for(statement: &Statement, made: Made) -> Self {
        let (statement, facts) = (statement.clone(), SchemaFacts::default());
        Self(Arc::new(Shared { statement, facts, handle: Handle::Made(made) }))
    }

    /// `facts` is what only the schema tells.
    pub(crate) fn of_driver(statement: &Statement, driver: OfDriver, facts: SchemaFacts) -> Self {
        let (statement, handle) = (statement.clone(), Handle::Driver(driver));
        Self(Arc::new(Shared { statement, facts, handle }))
    }

    /// What the driver sends, and what it touches; nothing if a test made it, or of what does not write.
    pub(crate) fn to_driver(&self) -> Option<(&PreparedStatement, &WriteSet)> {
        match &self.0.handle {
            Handle::Driver(driver) => Some((&driver.prepared, driver.write_set.as_deref()?)),
            Handle::Made(_) => None,
        }
    }

    /// Whether the tables it was prepared for are still defined as they were, as far as its session
    /// knows, and, if its text names no keyspace, no other one is in use. One that is not must be prepared
    /// anew: a server knows a statement by its text and keyspace alone, and would take values of the old types
    /// for those of the new. One that was once not current never is again.
    ///
    /// Costs a few atomics, and after each change that the session learns of one look at the tables.
    #[must_use]
    #[inline]
    pub fn is_current(&self) -> bool {
        match &self.0.handle {
            Handle::Driver(driver) => driver.basis.holds(),
            Handle::Made(Made::Always) => true,
            Handle::Made(Made::While(is_current)) => is_current(),
            Handle::Made(Made::OneShot) => false,
        }
    }

    /// Whether it serves the one request that it was prepared for, since its session could not read the
    /// schema and does not know when the tables change
    /// ([`schema_stale_after`](crate::SessionBuilder::schema_stale_after)). It is not current: prepare another
    /// one for the next request.
    #[must_use]
    pub fn is_one_shot(&self) -> bool {
        match &self.0.handle {
            Handle::Driver(driver) => driver.basis.is_one_shot(),
            Handle::Made(made) => matches!(made, Made::OneShot),
        }
    }

    /// From now on it is not current.
    pub(crate) fn outdate(&self) {
        if let Some(basis) = self.basis() {
            basis.outdate();
        }
    }

    /// What the driver has prepared; none if a test made it.
    pub(crate) fn driver(&self) -> Option<&PreparedStatement> {
        match &self.0.handle {
            Handle::Driver(driver) => Some(&driver.prepared),
            Handle::Made(_) => None,
        }
    }

    /// What it stands on; nothing if a test made it.
    pub(crate) fn basis(&self) -> Option<&Basis> {
        match &self.0.handle {
            Handle::Driver(driver) => Some(&driver.basis),
            Handle::Made(_) => None,
        }
    }

    /// What its statement does, by its text and by the schema: whether it writes a counter, and whether an
    /// `IN` is on the partition key.
    #[must_use]
    pub fn kind(&self) -> StatementKind {
        self.0.statement.kind_with(self.0.facts)
    }

    /// Whether its statement may be sent twice: what the user said, else what the text and the schema tell.
    /// What writes a list anew may not: sent again with the same timestamp, as a resend is, Cassandra would
    /// keep the elements of both.
    #[must_use]
    pub fn is_idempotent(&self) -> bool {
        self.0.statement.is_idempotent_with(self.0.facts)
    }

    pub(crate) fn facts(&self) -> SchemaFacts {
        self.0.facts
    }

    /// The statement.
    #[must_use]
    pub fn statement(&self) -> &Statement {
        &self.0.statement
    }

    /// Nothing of the statement that was prepared goes into the bound one but its text: another one
    /// with the same text may differ in all else.
    pub(crate) fn bind(
        &self,
        statement: &Statement,
        values: &Values,
        options: &Options,
    ) -> Result<Bound, Error> {
        let Place::Here(row) = values.place() else {
            return Ok(self.clone().attach_prepared(values.clone(), options, true));
        };
        values.told().add(self.0.facts);
        let bound = self.serialise(statement, &row, &options.for_driver());
        let bound = bound.map_err(|error| self.misfit(statement, options, &error))?;
        let (prepared, values) = (self.clone(), values.clone());
        Ok(Bound(match bound {
            Some(bound) => BoundRepr::Driver(Arc::new(Early { bound, prepared, values })),
            None => BoundRepr::Late(prepared, values),
        }))
    }

    /// Values that are lent are asked for.
    #[inline]
    pub(crate) fn attach_prepared(self, values: Values, options: &Options, is_kept: bool) -> Bound {
        values.told().add(self.0.facts);
        if let (Place::Lent(row), Handle::Driver(_)) = (values.place(), &self.0.handle) {
            row.ask(&self, options, is_kept);
        }
        Bound(BoundRepr::Late(self, values))
    }

    /// What the driver sends; none if a test made it.
    #[inline]
    pub(crate) fn serialise(
        &self,
        statement: &Statement,
        row: &impl SerializeRow,
        options: &ForDriver,
    ) -> Result<Option<BoundStatement>, SerializationError> {
        let Handle::Driver(driver) = &self.0.handle else { return Ok(None) };
        let mut bound = match driver.limit {
            None => driver.prepared.clone().bind(row)?,
            Some(limit) => limit.bind(&driver.prepared, row)?,
        };
        let (idempotent, policy) = resends(statement, self.0.facts);
        bound.set_is_idempotent(idempotent);
        bound.set_retry_policy(policy);
        options.apply(&mut bound);
        Ok(Some(bound))
    }

    /// The values do not fit.
    #[cold]
    fn misfit(
        &self,
        statement: &Statement,
        options: &Options,
        error: &SerializationError,
    ) -> Error {
        Error::of_driver(
            Failure { cause: Some(Arc::new(error.clone())), ..values_kind(error).into() },
            statement,
            options.work(statement, self.0.facts, None),
            false,
        )
    }

    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.0)
    }

    /// Whether it is a clone.
    #[inline]
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Bound {
    /// What the driver executes; nothing if a test made it. What was not serialised yet is put in
    /// that place.
    #[inline]
    pub(crate) fn driver<'b>(
        &'b self,
        statement: &Statement,
        options: &Options,
        place: &'b mut Option<BoundStatement>,
    ) -> Result<Option<&'b BoundStatement>, Error> {
        let (prepared, values) = match &self.0 {
            BoundRepr::Driver(early) => return Ok(Some(&early.bound)),
            BoundRepr::Late(prepared, values) => (prepared, values),
        };
        let misfit = |error: &SerializationError| prepared.misfit(statement, options, error);
        match values.place() {
            Place::Here(row) => {
                let bound = prepared.serialise(statement, &row, &options.for_driver());
                *place = bound.map_err(|error| misfit(&error))?;
                Ok(place.as_ref())
            }
            Place::Lent(row) => match row.bound(prepared) {
                Some(Ok(None)) => Ok(None),
                Some(Ok(Some((bound, with)))) => {
                    let options = options.for_driver();
                    if *with == options {
                        return Ok(Some(bound));
                    }
                    // Options are set, and never taken back; but the size of a page, which without pages has no effect.
                    let bound = place.insert(bound.clone());
                    options.apply(bound);
                    Ok(Some(bound))
                }
                Some(Err(error)) => Err(misfit(error)),
                None if matches!(prepared.0.handle, Handle::Made(_)) => Ok(None),
                None => {
                    let work = options.work(statement, prepared.0.facts, None);
                    Err(Error::of_driver(given_up().into(), statement, work, false))
                }
            },
        }
    }

    /// The values, if they are lent, and what they are bound to.
    #[inline]
    pub(crate) fn lent(&self) -> Option<(&Prepared, &LentRow)> {
        let BoundRepr::Late(prepared, values) = &self.0 else { return None };
        match (values.place(), &prepared.0.handle) {
            (Place::Lent(row), Handle::Driver(_)) => Some((prepared, row)),
            _ => None,
        }
    }

    /// Sets the options anew; copies what is shared.
    pub(crate) fn reapply(&mut self, options: &Options) {
        if let BoundRepr::Driver(early) = &mut self.0 {
            options.for_driver().apply(&mut Arc::make_mut(early).bound);
        }
    }

    /// What is bound to `LIMIT`, of a request that goes on after a page.
    pub(crate) fn limit(&self, marker: u32) -> Option<u32> {
        let (prepared, values) = self.parts();
        let marker = usize::try_from(marker).ok()?;
        match values.place() {
            Place::Here(row) => {
                let mut values = Vec::new();
                serialise(&row, prepared.driver()?, &mut values).ok()?;
                limit_in(&values, marker)
            }
            Place::Lent(row) => limit_in(row.serialized(prepared)?.as_ref().ok()?, marker),
        }
    }

    /// What the values are bound to, and the values.
    pub(crate) fn parts(&self) -> (&Prepared, &Values) {
        match &self.0 {
            BoundRepr::Driver(early) => (&early.prepared, &early.values),
            BoundRepr::Late(prepared, values) => (prepared, values),
        }
    }
}

impl From<Arc<Shared>> for Prepared {
    #[inline]
    fn from(shared: Arc<Shared>) -> Self {
        Self(shared)
    }
}

/// Whether the driver hears that it is idempotent, and its policy if it is not the default one.
///
/// A user's word counts for resends by layers, which wait; the driver does not wait, and hears it only where
/// the table of promises lets it fail over.
#[inline]
pub(crate) fn resends(
    statement: &Statement,
    facts: SchemaFacts,
) -> (bool, Option<Arc<dyn RetryPolicy>>) {
    let fails_over = fails_over(statement.kind_with(facts));
    (fails_over && statement.is_idempotent_with(facts), (!fails_over).then(no_failover))
}

/// The driver's default policy resends `Unavailable` to another node whatever the idempotence. That
/// is right for reads and plain writes only.
pub(crate) fn no_failover() -> Arc<dyn RetryPolicy> {
    static POLICY: LazyLock<Arc<dyn RetryPolicy>> =
        LazyLock::new(|| Arc::new(FallthroughRetryPolicy));
    Arc::clone(&POLICY)
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("statement", &self.0.statement.name())
            .finish_non_exhaustive()
    }
}

/// Shows no value.
impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bound(..)")
    }
}
