//! Rows as the records of a query.

use std::marker::PhantomData;

use scylla::deserialize::row::{
    BuiltinDeserializationError, BuiltinDeserializationErrorKind, BuiltinTypeCheckError,
    BuiltinTypeCheckErrorKind, ColumnIterator, DeserializeRow, RawColumn,
};
use scylla::deserialize::value::DeserializeValue;
use scylla::deserialize::{DeserializationError, TypeCheckError};
use scylla::frame::response::result::{ColumnSpec, ColumnType};

/// What rows become, and where the columns of it are.
#[doc(hidden)]
pub trait Answer {
    type Record: FromColumns<Self::Columns>;
    type Columns;
}

/// A record `R` of columns that are where `C` says: `()` for the record that `query!` makes, which knows it.
#[derive(Debug)]
#[doc(hidden)]
pub struct Fill<R, C>(PhantomData<fn() -> (R, C)>);

impl<R: FromColumns<C>, C> Answer for Fill<R, C> {
    type Record = R;
    type Columns = C;
}

/// What is read of a row.
pub(super) const fn columns<A: Answer>() -> &'static [Column] {
    A::Record::COLUMNS
}

/// A record with one field.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`fetch_scalar` takes a query of one column, by `query!`",
    label = "a record with another number of fields"
)]
pub trait Scalar {
    type Value;

    fn value(self) -> Self::Value;
}

/// A column that is read as some type.
#[derive(Debug, Clone, Copy)]
#[doc(hidden)]
pub struct Column {
    name: &'static str,
    /// Where it is in the row.
    at: usize,
    check: for<'c> fn(&'c ColumnType<'c>) -> Result<(), TypeCheckError>,
}

impl Column {
    #[must_use]
    pub const fn new<T: for<'r> DeserializeValue<'r, 'r>>(name: &'static str, at: usize) -> Self {
        Self { name, at, check: |kind| T::type_check(kind) }
    }
}

/// The columns of one row.
#[derive(Debug)]
#[doc(hidden)]
pub struct Cells<'r> {
    row: ColumnIterator<'r, 'r>,
    rest: ColumnIterator<'r, 'r>,
    at: usize,
}

impl<'r> Cells<'r> {
    #[inline]
    pub(super) fn new(row: ColumnIterator<'r, 'r>) -> Self {
        Self { rest: row.clone(), row, at: 0 }
    }

    /// The column in this place. Those that follow each other are read without a step back.
    ///
    /// # Errors
    ///
    /// If its value is not a `T`.
    #[inline]
    pub fn at<T: DeserializeValue<'r, 'r>>(
        &mut self,
        at: usize,
    ) -> Result<T, DeserializationError> {
        if at < self.at {
            (self.rest, self.at) = (self.row.clone(), 0);
        }
        while self.at < at {
            self.at += 1;
            self.rest.next().transpose()?;
        }
        self.at += 1;
        value(self.rest.next().transpose()?)
    }

    /// The column of this name; null where there is none.
    ///
    /// # Errors
    ///
    /// If its value is not a `T`.
    pub fn named<T: DeserializeValue<'r, 'r>>(
        &mut self,
        name: &str,
    ) -> Result<Option<T>, DeserializationError> {
        for column in self.row.clone() {
            let column = column?;
            if column.spec.name() == name {
                return value(Some(column));
            }
        }
        Ok(None)
    }
}

#[inline]
fn value<'r, T: DeserializeValue<'r, 'r>>(
    column: Option<RawColumn<'r, 'r>>,
) -> Result<T, DeserializationError> {
    let Some(column) = column else { return Err(too_few()) };
    T::deserialize(column.spec.typ(), column.slice).map_err(|error| failed::<T>(&column, error))
}

/// The number of columns is checked before.
#[cold]
fn too_few() -> DeserializationError {
    DeserializationError::new(std::io::Error::from(std::io::ErrorKind::UnexpectedEof))
}

#[cold]
fn failed<T>(column: &RawColumn<'_, '_>, err: DeserializationError) -> DeserializationError {
    DeserializationError::new(BuiltinDeserializationError {
        rust_name: std::any::type_name::<T>(),
        kind: BuiltinDeserializationErrorKind::ColumnDeserializationFailed {
            column_index: column.index,
            column_name: column.spec.name().to_owned(),
            err,
        },
    })
}

#[cold]
fn misfit(specs: &[ColumnSpec<'_>], kind: BuiltinTypeCheckErrorKind) -> TypeCheckError {
    let cql_types = specs.iter().map(|spec| spec.typ().clone().into_owned()).collect();
    TypeCheckError::new(BuiltinTypeCheckError {
        rust_name: "the record of query!",
        cql_types,
        kind,
    })
}

fn check(
    specs: &[ColumnSpec<'_>],
    (index, spec): (usize, &ColumnSpec<'_>),
    column: &Column,
) -> Result<(), TypeCheckError> {
    (column.check)(spec.typ()).map_err(|err| {
        let column_name = spec.name().to_owned();
        let kind = BuiltinTypeCheckErrorKind::ColumnTypeCheckFailed {
            column_index: index,
            column_name,
            err,
        };
        misfit(specs, kind)
    })
}

/// That the columns are of the types that they are read as.
pub(super) fn check_columns(
    columns: &[Column],
    specs: &[ColumnSpec<'_>],
) -> Result<(), TypeCheckError> {
    for column in columns {
        let Some(spec) = specs.get(column.at) else {
            let (rust_cols, cql_cols) = (column.at + 1, specs.len());
            let kind = BuiltinTypeCheckErrorKind::WrongColumnCount { rust_cols, cql_cols };
            return Err(misfit(specs, kind));
        };
        check(specs, (column.at, spec), column)?;
    }
    Ok(())
}

/// A row whose columns are where the statement has them.
#[derive(Debug)]
pub(super) struct Read<A: Answer>(pub(super) A::Record);

impl<'r, A: Answer> DeserializeRow<'r, 'r> for Read<A> {
    fn type_check(specs: &[ColumnSpec<'_>]) -> Result<(), TypeCheckError> {
        check_columns(columns::<A>(), specs)
    }

    #[inline]
    fn deserialize(row: ColumnIterator<'r, 'r>) -> Result<Self, DeserializationError> {
        A::Record::read(&mut Cells::new(row)).map(Self)
    }
}

/// A row whose columns have names: what was found in the place of what a condition wanted. A column that is not there
/// is null.
#[derive(Debug)]
pub(super) struct ReadByName<A: Answer>(pub(super) A::Record);

impl<'r, A: Answer> DeserializeRow<'r, 'r> for ReadByName<A> {
    fn type_check(specs: &[ColumnSpec<'_>]) -> Result<(), TypeCheckError> {
        for (index, spec) in specs.iter().enumerate() {
            if let Some(column) = columns::<A>().iter().find(|column| column.name == spec.name()) {
                check(specs, (index, spec), column)?;
            }
        }
        Ok(())
    }

    fn deserialize(row: ColumnIterator<'r, 'r>) -> Result<Self, DeserializationError> {
        A::Record::read(&mut Cells::new(row)).map(Self)
    }
}

/// The columns of a statement, by the hashes of their names. `N` shows the name of the field that asks for it.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "the statement has no column for the field `{N}`",
    label = "no column of this name",
    note = "each field of the struct takes a column of its name, or of `#[scylla(rename = \"…\")]`: select it, or leave the field out"
)]
pub trait HasColumn<const NAME: u64, N> {
    /// Its CQL type.
    type Kind;
    /// Whether it can be null.
    type Nullability;
    /// Where it is in a row.
    const AT: usize;
}

/// The fields of a user-defined type, as [`HasColumn`].
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "the user-defined type has no field for `{N}`",
    label = "no field of this name",
    note = "each field of the struct takes one of its name, or of `#[scylla(rename = \"…\")]`"
)]
pub trait HasField<const NAME: u64, N> {
    /// Its CQL type.
    type Kind;
}

/// A record that columns of a statement fill: the one that `query!` makes, or a struct, by the names of its fields.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no struct for `query_as!`",
    note = "it takes a struct with named fields and without type parameters or lifetimes that derives `cqlstack_core::DeserializeRow`"
)]
pub trait FromColumns<C>: Sized {
    /// What is read of a row.
    const COLUMNS: &'static [Column];

    /// # Errors
    ///
    /// The column that could not be read.
    fn read(cells: &mut Cells<'_>) -> Result<Self, DeserializationError>;
}
