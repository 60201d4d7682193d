//! A statement that the server knows, and the same with its values.

use std::fmt;
use std::sync::{Arc, LazyLock};

use scylla::policies::retry::{FallthroughRetryPolicy, RetryPolicy};
use scylla::statement::bound::BoundStatement;
use scylla::statement::prepared::PreparedStatement;

use crate::batch::Footprint;
use crate::error::{Error, Failure, values_kind};
use crate::request::Options;
use crate::statement::{Learned, Statement, fails_over};
use crate::values::Values;

/// A statement that the server has prepared. Cloning is one atomic increment.
#[derive(Clone)]
pub struct Prepared(Arc<Inner>);

struct Inner {
    statement: Statement,
    learned: Learned,
    /// Whether it is current; `None` if it always is.
    current: Option<Current>,
    handle: Handle,
}

pub(crate) type Current = Box<dyn Fn() -> bool + Send + Sync>;

enum Handle {
    /// Of a write, with what it touches.
    Driver(PreparedStatement, Option<Box<Footprint>>),
    Made,
}

/// A prepared statement with its serialised values. Cloning is one atomic increment.
#[derive(Clone)]
pub struct Bound(BoundRepr);

#[derive(Clone)]
enum BoundRepr {
    Driver(Arc<Early>),
    /// Serialised by the session, when it sends.
    Late(Prepared, Values),
    Made,
}

/// What is serialised, and what it was serialised from.
#[derive(Clone)]
struct Early {
    bound: BoundStatement,
    values: Values,
}

impl Prepared {
    /// For a service that a test puts in place of a session: what is bound to it carries nothing,
    /// and a real session refuses it.
    #[must_use]
    pub fn made(statement: &Statement) -> Self {
        Self::made_while(statement, None)
    }

    pub(crate) fn made_while(statement: &Statement, current: Option<Current>) -> Self {
        let statement = statement.clone();
        Self(Arc::new(Inner {
            statement,
            learned: Learned::default(),
            current,
            handle: Handle::Made,
        }))
    }

    /// `learned` is what only the schema tells.
    pub(crate) fn of_driver(
        statement: &Statement,
        prepared: PreparedStatement,
        footprint: Option<Footprint>,
        learned: Learned,
        current: Current,
    ) -> Self {
        let (statement, current) = (statement.clone(), Some(current));
        let handle = Handle::Driver(prepared, footprint.map(Box::new));
        Self(Arc::new(Inner { statement, learned, current, handle }))
    }

    /// What the driver sends, and what it touches; nothing if a test made it, or of what does not write.
    pub(crate) fn to_driver(&self) -> Option<(&PreparedStatement, &Footprint)> {
        match &self.0.handle {
            Handle::Driver(prepared, footprint) => Some((prepared, footprint.as_deref()?)),
            Handle::Made => None,
        }
    }

    /// Whether the tables it was prepared for are still defined as they were, as far as its session
    /// knows, and the same keyspace is in use. One that is not must be prepared anew: the server knows
    /// a statement by its text alone, and would take values of the old types for those of the new.
    ///
    /// Costs a few atomics, and after each change that the session learns of one look at the tables.
    #[must_use]
    #[inline]
    pub fn is_current(&self) -> bool {
        self.0.current.as_ref().is_none_or(|current| current())
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
        self.teach(statement);
        Ok(Bound(match &self.0.handle {
            Handle::Driver(prepared, _) => {
                let bound = serialise(prepared, statement, values, options)?;
                BoundRepr::Driver(Arc::new(Early { bound, values: values.clone() }))
            }
            Handle::Made => BoundRepr::Made,
        }))
    }

    #[inline]
    pub(crate) fn bind_late(self, statement: &Statement, values: Values) -> Bound {
        self.teach(statement);
        Bound(BoundRepr::Late(self, values))
    }

    pub(crate) fn teach(&self, statement: &Statement) {
        statement.learn(self.0.learned);
    }
}

#[inline]
fn serialise(
    prepared: &PreparedStatement,
    statement: &Statement,
    values: &Values,
    options: &Options,
) -> Result<BoundStatement, Error> {
    let mut bound = prepared.clone().bind(&values.as_row()).map_err(|error| {
        Error::of_driver(
            Failure { cause: Some(Arc::new(error.clone())), ..values_kind(&error).into() },
            statement,
            options.work(statement, None),
            false,
        )
    })?;
    let (idempotent, policy) = resends(statement);
    bound.set_is_idempotent(idempotent);
    bound.set_retry_policy(policy);
    options.apply(&mut bound);
    Ok(bound)
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
        Ok(match &self.0 {
            BoundRepr::Driver(early) => Some(&early.bound),
            BoundRepr::Late(prepared, values) => match &prepared.0.handle {
                Handle::Driver(prepared, _) => {
                    Some(place.insert(serialise(prepared, statement, values, options)?))
                }
                Handle::Made => None,
            },
            BoundRepr::Made => None,
        })
    }

    /// Sets the options anew; copies what is shared.
    pub(crate) fn reapply(&mut self, options: &Options) {
        if let BoundRepr::Driver(early) = &mut self.0 {
            options.apply(&mut Arc::make_mut(early).bound);
        }
    }

    /// The statement, and the values that are bound to it; nothing if a test made it.
    pub(crate) fn values(&self) -> Option<(&PreparedStatement, &Values)> {
        match &self.0 {
            BoundRepr::Driver(early) => Some((early.bound.prepared(), &early.values)),
            BoundRepr::Late(prepared, values) => match &prepared.0.handle {
                Handle::Driver(prepared, _) => Some((prepared, values)),
                Handle::Made => None,
            },
            BoundRepr::Made => None,
        }
    }
}

/// Whether the driver hears that it is idempotent, and its policy if it is not the default one.
///
/// A user's word counts for resends by layers, which wait; the driver does not wait, and hears it only where
/// the table of promises lets it fail over.
#[inline]
pub(crate) fn resends(statement: &Statement) -> (bool, Option<Arc<dyn RetryPolicy>>) {
    let fails_over = fails_over(statement.kind());
    (fails_over && statement.is_idempotent(), (!fails_over).then(no_failover))
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
