//! The values of one statement, lent.

use std::fmt;
use std::sync::Arc;
use std::task::Waker;

use scylla::errors::SerializationError;
use scylla::serialize::row::SerializeRow;
use scylla::statement::bound::BoundStatement;

use super::{Lending, Loan, Recent};
use crate::prepared::Prepared;
use crate::request::{ForDriver, Options, Request};
use crate::serialized_row::serialise;
use crate::statement::{Statement, Told};
#[cfg(feature = "testing")]
use crate::testing::{Bindings, Columns, bindings};
use crate::values::Values;

/// What is to be made of the values.
#[derive(Clone)]
pub(crate) enum Wanted {
    /// What the driver sends, with the options that the request has now.
    Bound { prepared: Prepared, options: ForDriver, is_kept: bool },
    /// The values as a frame has them: a page token is of them.
    Serialized(Prepared),
    /// What a test looks at.
    #[cfg(feature = "testing")]
    Made(Arc<Vec<Columns>>),
}

impl PartialEq for Wanted {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bound { prepared, .. }, Self::Bound { prepared: other, .. }) => {
                prepared.is_same(other)
            }
            (Self::Serialized(prepared), Self::Serialized(other)) => prepared.is_same(other),
            #[cfg(feature = "testing")]
            (Self::Made(columns), Self::Made(others)) => Arc::ptr_eq(columns, others),
            _ => false,
        }
    }
}

/// With the options that it has. None if a test made what was prepared.
type GivenBound = Result<Option<(BoundStatement, ForDriver)>, SerializationError>;

/// What was made of them.
pub(crate) enum Given {
    Bound(GivenBound),
    Serialized(Result<Vec<u8>, SerializationError>),
    #[cfg(feature = "testing")]
    Made(Bindings),
}

/// What the request has of values that are lent.
pub(crate) struct LentRow {
    /// Of the statement that they were bound to.
    pub(crate) told: Told,
    pub(crate) is_empty: bool,
    statement: Statement,
    early: Option<Early>,
    pub(crate) loan: Loan<Wanted, Given>,
}

/// What was made before anybody asked.
struct Early {
    prepared: Prepared,
    bound: GivenBound,
}

impl LentRow {
    /// Asks for what the driver sends, unless it was made. What was prepared `is_kept` for other requests, or serves this one
    /// alone.
    #[inline]
    pub(crate) fn ask(&self, prepared: &Prepared, options: &Options, is_kept: bool) {
        if self.early(prepared).is_none() {
            let (prepared, options) = (prepared.clone(), options.for_driver());
            self.loan.ask(Wanted::Bound { prepared, options, is_kept });
        }
    }

    /// What the driver sends, if that was made.
    #[inline]
    pub(crate) fn bound(&self, prepared: &Prepared) -> Option<&GivenBound> {
        self.early(prepared).or_else(|| self.asked(prepared))
    }

    #[inline]
    fn early(&self, prepared: &Prepared) -> Option<&GivenBound> {
        let early = self.early.as_ref().filter(|early| early.prepared.is_same(prepared))?;
        Some(&early.bound)
    }

    fn asked(&self, prepared: &Prepared) -> Option<&GivenBound> {
        let is_it = |wanted: &Wanted| match wanted {
            Wanted::Bound { prepared: of, .. } => of.is_same(prepared),
            Wanted::Serialized(_) => false,
            #[cfg(feature = "testing")]
            Wanted::Made(_) => false,
        };
        match self.loan.answer_to(is_it)? {
            Given::Bound(bound) => Some(bound),
            Given::Serialized(_) => None,
            #[cfg(feature = "testing")]
            Given::Made(_) => None,
        }
    }

    /// The values as a frame has them, if they were asked for.
    pub(crate) fn serialized(
        &self,
        prepared: &Prepared,
    ) -> Option<&Result<Vec<u8>, SerializationError>> {
        let is_it =
            |wanted: &Wanted| matches!(wanted, Wanted::Serialized(of) if of.is_same(prepared));
        match self.loan.answer_to(is_it)? {
            Given::Serialized(values) => Some(values),
            Given::Bound(_) => None,
            #[cfg(feature = "testing")]
            Given::Made(_) => None,
        }
    }
}

/// Lends the values of one statement, owned or borrowed, to its request.
pub struct RowLender<V> {
    values: V,
    row: Arc<LentRow>,
    recent: Recent,
}

impl<V: SerializeRow> RowLender<V> {
    /// The request, and what has its values.
    #[inline]
    pub(crate) fn lend(statement: Statement, values: V, recent: &Recent) -> (Request, Self) {
        let options = Request::options_of(&statement);
        let early = recent.get(&statement).map(|prepared| {
            let options = options.for_driver();
            let bound = prepared.serialise(&statement, &values, &options);
            let bound = bound.map(|bound| bound.map(|bound| (bound, options)));
            Early { prepared, bound }
        });
        let row = Arc::new(LentRow {
            told: Told::default(),
            is_empty: values.is_empty(),
            statement: statement.clone(),
            early,
            loan: Loan::new(),
        });
        let lent = Values::lent(Arc::clone(&row));
        let request = Request::with_options(statement, lent, options);
        (request, Self { values, row, recent: recent.clone() })
    }

    fn give(&self, wanted: &Wanted) -> Given {
        match wanted {
            Wanted::Bound { prepared, options, is_kept } => {
                if *is_kept && !prepared.is_one_shot() {
                    self.recent.keep(&self.row.statement, prepared);
                }
                let bound = prepared.serialise(&self.row.statement, &self.values, options);
                Given::Bound(bound.map(|bound| bound.map(|bound| (bound, *options))))
            }
            Wanted::Serialized(prepared) => {
                let mut values = Vec::new();
                let written = prepared
                    .driver()
                    .map_or(Ok(()), |prepared| serialise(&self.values, prepared, &mut values));
                Given::Serialized(written.map(|()| values))
            }
            #[cfg(feature = "testing")]
            Wanted::Made(columns) => {
                let row = (&self.row.statement, &self.values as &dyn SerializeRow);
                Given::Made(bindings([row], columns))
            }
        }
    }
}

impl<V> RowLender<V> {
    #[inline]
    fn end(&self) {
        // Where nobody else has it, nobody waits.
        if Arc::strong_count(&self.row) > 1 {
            self.row.loan.end();
        }
    }
}

impl<V: SerializeRow> Lending for RowLender<V> {
    #[inline]
    fn end(&self) {
        Self::end(self);
    }

    fn change(&mut self, request: &mut Request) {
        let options = request.options().for_driver();
        request.change_lent(&mut self.row, |row| {
            if let Some(Early { bound: Ok(Some((bound, with))), .. }) = &mut row.early {
                options.apply(bound);
                *with = options;
            }
        });
    }

    #[inline]
    fn answer(&self) -> bool {
        self.row.loan.is_asked() && self.row.loan.answer(|wanted| self.give(wanted))
    }

    #[inline]
    fn register(&self, waker: &Waker) {
        self.row.loan.register(waker);
    }
}

impl<V> Drop for RowLender<V> {
    #[inline]
    fn drop(&mut self) {
        self.end();
    }
}

/// Shows no value.
impl<V> fmt::Debug for RowLender<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RowLender(..)")
    }
}
