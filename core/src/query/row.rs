//! Values that are serialised as soon as they are given.

use std::fmt;

use scylla::errors::SerializationError;
use scylla::serialize::row::{
    BuiltinSerializationError, BuiltinSerializationErrorKind, BuiltinTypeCheckError,
    BuiltinTypeCheckErrorKind, RowSerializationContext, SerializeRow,
};
use scylla::serialize::value::{self, SerializeValue};
use scylla::serialize::writers::{CellWriter, RowWriter};
use smallvec::SmallVec;

use super::shape::Markers;
use crate::error::TypeChanged;
use crate::serialized_row::Cells;

/// What fits is not allocated: six numbers and identifiers, or a short text beside them.
const INLINE: usize = 96;

/// In errors, the name of the Rust type.
const ARGUMENTS: &str = "the arguments of query!";

/// The values of a statement, serialised for the types that its markers had when the program was compiled. When
/// they are bound, these are compared with those that the server tells.
#[doc(hidden)]
pub struct BoundRow {
    markers: &'static Markers,
    /// As in a frame: the length of each, and its bytes.
    cells: SmallVec<[u8; INLINE]>,
    count: usize,
    /// The value that could not be serialised, and why.
    fault: Option<Box<(usize, SerializationError)>>,
}

impl BoundRow {
    #[must_use]
    #[inline]
    pub fn new(markers: &'static Markers) -> Self {
        Self { markers, cells: SmallVec::new(), count: 0, fault: None }
    }

    #[inline]
    pub(super) fn value(&mut self, bytes: &[u8]) {
        let Ok(length) = i32::try_from(bytes.len()) else {
            return self.too_large();
        };
        self.count += 1;
        self.cells.extend_from_slice(&length.to_be_bytes());
        self.cells.extend_from_slice(bytes);
    }

    #[inline]
    pub(super) fn null(&mut self) {
        self.count += 1;
        self.cells.extend_from_slice(&(-1_i32).to_be_bytes());
    }

    #[inline]
    pub(super) fn unset(&mut self) {
        self.count += 1;
        self.cells.extend_from_slice(&(-2_i32).to_be_bytes());
    }

    /// By the driver.
    pub(super) fn serialise<T: SerializeValue + ?Sized>(&mut self, value: &T) {
        let Some(kind) = self.markers.column_type(self.count) else { return };
        let before = self.cells.len();
        let mut cells = std::mem::take(&mut self.cells).into_vec();
        let written = value.serialize(kind, CellWriter::new(&mut cells)).map(drop);
        if written.is_err() {
            cells.truncate(before);
        }
        self.cells = SmallVec::from_vec(cells);
        match written {
            Ok(()) => self.count += 1,
            Err(error) => self.fail(error),
        }
    }

    #[cold]
    fn too_large(&mut self) {
        let Some(shape) = self.markers.shapes.get(self.count) else { return };
        self.fail(SerializationError::new(value::BuiltinSerializationError {
            rust_name: ARGUMENTS,
            got: shape.column_type(),
            kind: value::BuiltinSerializationErrorKind::SizeOverflow,
        }));
    }

    /// The first that fails is told.
    #[cold]
    fn fail(&mut self, error: SerializationError) {
        let index = self.count;
        self.null();
        self.fault.get_or_insert_with(|| Box::new((index, error)));
    }
}

#[cold]
fn at(name: &str, why: SerializationError) -> SerializationError {
    let name = name.to_owned();
    let kind = BuiltinSerializationErrorKind::ColumnSerializationFailed { name, err: why };
    SerializationError::new(BuiltinSerializationError { rust_name: ARGUMENTS, kind })
}

impl SerializeRow for BoundRow {
    fn serialize(
        &self,
        context: &RowSerializationContext<'_>,
        writer: &mut RowWriter<'_>,
    ) -> Result<(), SerializationError> {
        let (columns, shapes) = (context.columns(), self.markers.shapes);
        if columns.len() != shapes.len() {
            let (cql_cols, rust_cols) = (columns.len(), shapes.len());
            let kind = BuiltinTypeCheckErrorKind::WrongColumnCount { rust_cols, cql_cols };
            let error = BuiltinTypeCheckError { rust_name: ARGUMENTS, kind };
            return Err(SerializationError::new(error));
        }
        for (column, shape) in columns.iter().zip(shapes) {
            if !shape.fits(column.typ()) {
                let (now, compiled) = (column.typ().clone().into_owned(), shape.column_type());
                let changed = SerializationError::new(TypeChanged { now, compiled });
                return Err(at(column.name(), changed));
            }
        }
        if let Some(fault) = &self.fault {
            let name = columns.get(fault.0).map_or("", |column| column.name());
            return Err(at(name, fault.1.clone()));
        }
        Cells(&self.cells).serialize(context, writer)
    }

    fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// Shows no value.
impl fmt::Debug for BoundRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundRow").field("count", &self.count).finish_non_exhaustive()
    }
}
