//! The values of a batch, lent to its request, and all of them as a frame has them.

use std::fmt;
use std::sync::Arc;
use std::task::Waker;

use super::payload::{BatchPayload, Misfit, Row};
use crate::lending::Lending;
use crate::prepared::Prepared;
use crate::serialized_row::{Cells, serialise};
#[cfg(feature = "testing")]
use crate::testing::{Bindings, Columns, bindings};

/// What is to be made of the values.
#[derive(Clone)]
pub(crate) enum Wanted {
    /// What the driver sends of these statements.
    Rows(Arc<Vec<Prepared>>),
    /// What a test looks at.
    #[cfg(feature = "testing")]
    Made(Arc<Vec<Columns>>),
}

impl Wanted {
    /// Whether it wants the values for these.
    pub(super) fn is_rows(&self, prepared: &[Prepared]) -> bool {
        match self {
            Self::Rows(asked) => {
                asked.len() == prepared.len()
                    && asked.iter().zip(prepared).all(|(asked, other)| asked.is_same(other))
            }
            #[cfg(feature = "testing")]
            Self::Made(_) => false,
        }
    }
}

impl PartialEq for Wanted {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (asked, Self::Rows(prepared)) => asked.is_rows(prepared),
            #[cfg(feature = "testing")]
            (Self::Made(columns), Self::Made(others)) => Arc::ptr_eq(columns, others),
            #[cfg(feature = "testing")]
            _ => false,
        }
    }
}

/// What was made of them.
pub(crate) enum Given {
    /// None if a test made what was prepared.
    Rows(Result<Option<SerializedRows>, Misfit>),
    #[cfg(feature = "testing")]
    Made(Bindings),
}

/// Lends the values of a batch, owned or borrowed, to its request.
pub struct BatchLender<'v> {
    rows: Vec<Row<'v>>,
    payload: BatchPayload,
}

impl<'v> BatchLender<'v> {
    pub(super) fn new(rows: Vec<Row<'v>>, payload: &BatchPayload) -> Self {
        Self { rows, payload: payload.clone() }
    }

    fn give(&self, wanted: &Wanted) -> Given {
        match wanted {
            Wanted::Rows(prepared) => Given::Rows(self.payload.serialise(&self.rows, prepared)),
            #[cfg(feature = "testing")]
            Wanted::Made(columns) => {
                let rows = self.rows.iter().map(|row| &**row as _);
                Given::Made(bindings(self.payload.statements().zip(rows), columns))
            }
        }
    }
}

impl Lending for BatchLender<'_> {
    fn end(&self) {
        self.payload.loan().inspect(|loan| loan.end());
    }

    fn answer(&self) -> bool {
        self.payload.loan().is_some_and(|loan| loan.answer(|wanted| self.give(wanted)))
    }

    fn register(&self, waker: &Waker) {
        self.payload.loan().inspect(|loan| loan.register(waker));
    }
}

impl Drop for BatchLender<'_> {
    fn drop(&mut self) {
        self.end();
    }
}

/// Shows no value.
impl fmt::Debug for BatchLender<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BatchLender(..)")
    }
}

/// The values of all rows, as a frame has them.
#[derive(Clone)]
pub(crate) struct SerializedRows {
    /// One after another.
    values: Vec<u8>,
    /// Where those of each row end.
    ends: Vec<usize>,
}

impl SerializedRows {
    /// Each with the statement that it is of.
    pub(super) fn new<'p>(
        rows: &[Row<'_>],
        statements: impl Iterator<Item = Option<&'p Prepared>>,
    ) -> Result<Option<Self>, Misfit> {
        let (mut values, mut ends) = (Vec::new(), Vec::with_capacity(rows.len()));
        for (index, (row, prepared)) in rows.iter().zip(statements).enumerate() {
            let Some((prepared, _)) = prepared.and_then(Prepared::to_driver) else {
                return Ok(None);
            };
            serialise(&**row, prepared, &mut values).map_err(|error| Misfit { index, error })?;
            ends.push(values.len());
        }
        Ok(Some(Self { values, ends }))
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = Cells<'_>> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let row = &self.values[start..*end];
            start = *end;
            Cells(row)
        })
    }
}
