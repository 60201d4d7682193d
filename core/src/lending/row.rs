//! The values of one statement, lent.

use std::fmt;
use std::sync::Arc;
use std::task::Waker;

use scylla::errors::SerializationError;
use scylla::serialize::row::SerializeRow;
use scylla::statement::bound::BoundStatement;

use super::{Lending, Loan};
use crate::prepared::Prepared;
use crate::request::{ForDriver, Request};
#[cfg(feature = "page-token")]
use crate::serialized_row::serialise;
use crate::statement::{Statement, Told};
#[cfg(feature = "testing")]
use crate::testing::{Bindings, Columns, bindings};
use crate::values::Values;

/// What is to be made of the values.
#[derive(Clone)]
pub(crate) enum Wanted {
    /// What the driver sends, with these options.
    Bound(Prepared, ForDriver),
    /// The values as a frame has them: a page token is of them.
    #[cfg(feature = "page-token")]
    Serialized(Prepared),
    /// What a test looks at.
    #[cfg(feature = "testing")]
    Made(Arc<Vec<Columns>>),
}

impl PartialEq for Wanted {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bound(prepared, options), Self::Bound(other, others)) => {
                prepared.is_same(other) && options == others
            }
            #[cfg(feature = "page-token")]
            (Self::Serialized(prepared), Self::Serialized(other)) => prepared.is_same(other),
            #[cfg(feature = "testing")]
            (Self::Made(columns), Self::Made(others)) => Arc::ptr_eq(columns, others),
            #[cfg(any(feature = "page-token", feature = "testing"))]
            _ => false,
        }
    }
}

/// None if a test made what was prepared.
type GivenBound = Result<Option<BoundStatement>, SerializationError>;

/// What was made of them.
pub(crate) enum Given {
    Bound(GivenBound),
    #[cfg(feature = "page-token")]
    Serialized(Result<Vec<u8>, SerializationError>),
    #[cfg(feature = "testing")]
    Made(Bindings),
}

/// What the request has of values that are lent.
pub(crate) struct LentRow {
    /// Of the statement that they were bound to.
    pub(crate) told: Told,
    pub(crate) is_empty: bool,
    pub(crate) statement: Statement,
    pub(crate) loan: Loan<Wanted, Given>,
}

impl LentRow {
    /// What the driver sends, if that was made.
    #[inline]
    pub(crate) fn bound(&self, prepared: &Prepared, options: ForDriver) -> Option<&GivenBound> {
        let is_it = |wanted: &Wanted| match wanted {
            Wanted::Bound(of, with) => of.is_same(prepared) && *with == options,
            #[cfg(any(feature = "page-token", feature = "testing"))]
            _ => false,
        };
        match self.loan.answer_to(is_it)? {
            Given::Bound(bound) => Some(bound),
            #[cfg(any(feature = "page-token", feature = "testing"))]
            _ => None,
        }
    }

    /// The values as a frame has them, if they were asked for.
    #[cfg(feature = "page-token")]
    pub(crate) fn serialized(
        &self,
        prepared: &Prepared,
    ) -> Option<&Result<Vec<u8>, SerializationError>> {
        let is_it =
            |wanted: &Wanted| matches!(wanted, Wanted::Serialized(of) if of.is_same(prepared));
        match self.loan.answer_to(is_it)? {
            Given::Serialized(values) => Some(values),
            _ => None,
        }
    }
}

/// Lends the values of one statement, owned or borrowed, to its request.
pub struct RowLender<V> {
    values: V,
    row: Arc<LentRow>,
}

impl<V: SerializeRow> RowLender<V> {
    /// The request, and what has its values.
    #[inline]
    pub(crate) fn lend(statement: Statement, values: V) -> (Request, Self) {
        let row = Arc::new(LentRow {
            told: Told::default(),
            is_empty: values.is_empty(),
            statement: statement.clone(),
            loan: Loan::new(),
        });
        let lent = Values::lent(Arc::clone(&row));
        (Request::of_values(statement, lent), Self { values, row })
    }

    fn give(&self, wanted: &Wanted) -> Given {
        match wanted {
            Wanted::Bound(prepared, options) => {
                Given::Bound(prepared.serialise(&self.row.statement, &self.values, options))
            }
            #[cfg(feature = "page-token")]
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

impl<V: SerializeRow> Lending for RowLender<V> {
    #[inline]
    fn answer(&self) -> bool {
        self.row.loan.answer(|wanted| self.give(wanted))
    }

    #[inline]
    fn answer_or_register(&self, waker: &Waker) -> bool {
        self.answer() || {
            self.row.loan.register(waker);
            self.answer()
        }
    }
}

impl<V> Drop for RowLender<V> {
    fn drop(&mut self) {
        self.row.loan.end();
    }
}

/// Shows no value.
impl<V> fmt::Debug for RowLender<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RowLender(..)")
    }
}
