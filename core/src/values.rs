//! Values to bind, kept without their type until the statement is prepared.

use std::fmt;
use std::sync::Arc;

use scylla::serialize::row::SerializeRow;

use crate::statement::Told;

/// The values of one request: anything that the driver can serialise as a row, owned.
///
/// CQL types are known only once the statement is prepared, which happens further down in the
/// stack; until then the row is carried as it is. Making it is one allocation, cloning one atomic
/// increment. `Debug` shows no value.
///
/// ```
/// use cqlstack_core::layer::Values;
///
/// let values = Values::new((42_i32, "Ada".to_owned()));
/// assert_eq!(format!("{values:?}"), "Values(..)");
/// ```
#[derive(Clone)]
pub struct Values(Arc<Shared<dyn SerializeRow + Send + Sync>>);

struct Shared<R: ?Sized> {
    /// Of the statement that they were bound to.
    told: Told,
    row: R,
}

impl Values {
    /// Takes a tuple, a `Vec`, a map by column name, or a struct that derives `SerializeRow`.
    pub fn new(row: impl SerializeRow + Send + Sync + 'static) -> Self {
        Self(Arc::new(Shared { told: Told::default(), row }))
    }

    /// Whether there is nothing to bind.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.row.is_empty()
    }

    pub(crate) fn as_row(&self) -> &(dyn SerializeRow + Send + Sync) {
        &self.0.row
    }

    /// What was told of the statement that they were bound to.
    #[inline]
    pub(crate) fn told(&self) -> &Told {
        &self.0.told
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Values(..)")
    }
}
