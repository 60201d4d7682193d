//! Values to bind, kept without their type until the statement is prepared.

use std::fmt;
use std::sync::Arc;

use scylla::serialize::row::SerializeRow;

use crate::lending::LentRow;
use crate::statement::Told;

/// The values of one request: anything that the driver can serialise as a row.
///
/// CQL types are known only once the statement is prepared, which happens further down in the
/// stack; until then the row is carried as it is, or stays with the caller
/// ([`Client::execute`](crate::Client::execute)). Making it is one allocation, cloning one atomic
/// increment. `Debug` shows no value.
///
/// ```
/// use cqlstack_core::layer::Values;
///
/// let values = Values::new((42_i32, "Ada".to_owned()));
/// assert_eq!(format!("{values:?}"), "Values(..)");
/// ```
#[derive(Clone)]
pub struct Values(Repr);

#[derive(Clone)]
enum Repr {
    Owned(Arc<Owned<dyn SerializeRow + Send + Sync>>),
    Lent(Arc<LentRow>),
}

struct Owned<R: ?Sized> {
    /// Of the statement that they were bound to.
    told: Told,
    row: R,
}

/// Where they are.
pub(crate) enum Place<'v> {
    Here(&'v (dyn SerializeRow + Send + Sync)),
    Lent(&'v LentRow),
}

impl Values {
    /// Takes a tuple, a `Vec`, a map by column name, or a struct that derives `SerializeRow`.
    pub fn new(row: impl SerializeRow + Send + Sync + 'static) -> Self {
        Self(Repr::Owned(Arc::new(Owned { told: Told::default(), row })))
    }

    #[inline]
    pub(crate) fn lent(row: Arc<LentRow>) -> Self {
        Self(Repr::Lent(row))
    }

    /// Whether there is nothing to bind.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        match self.place() {
            Place::Here(row) => row.is_empty(),
            Place::Lent(row) => row.is_empty,
        }
    }

    #[inline]
    pub(crate) fn place(&self) -> Place<'_> {
        match &self.0 {
            Repr::Owned(owned) => Place::Here(&owned.row),
            Repr::Lent(row) => Place::Lent(row),
        }
    }

    /// What was told of the statement that they were bound to.
    #[inline]
    pub(crate) fn told(&self) -> &Told {
        match &self.0 {
            Repr::Owned(owned) => &owned.told,
            Repr::Lent(row) => &row.told,
        }
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Values(..)")
    }
}
