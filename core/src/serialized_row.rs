//! The values of a row as a frame has them.

use scylla::errors::SerializationError;
use scylla::serialize::row::{RowSerializationContext, SerializeRow};
use scylla::serialize::writers::RowWriter;
use scylla::statement::prepared::PreparedStatement;

/// Serialises the values for a statement, after what the buffer holds.
pub(crate) fn serialise(
    values: &dyn SerializeRow,
    prepared: &PreparedStatement,
    buffer: &mut Vec<u8>,
) -> Result<(), SerializationError> {
    let columns = prepared.get_variable_col_specs();
    let context = RowSerializationContext::from_specs(columns.as_slice());
    values.serialize(&context, &mut RowWriter::new(buffer))
}

/// The values of one row, serialised: an iterator over them.
#[derive(Debug, Clone)]
pub(crate) struct Cells<'b>(pub(crate) &'b [u8]);

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell<'b> {
    Null,
    /// What is there stays as it is.
    Unset,
    Value(&'b [u8]),
}

impl<'b> Cell<'b> {
    pub(crate) fn value(self) -> Option<&'b [u8]> {
        match self {
            Self::Value(value) => Some(value),
            Self::Null | Self::Unset => None,
        }
    }
}

impl<'b> Iterator for Cells<'b> {
    type Item = Cell<'b>;

    fn next(&mut self) -> Option<Cell<'b>> {
        let (length, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(match i32::from_be_bytes(*length) {
            -1 => Cell::Null,
            -2 => Cell::Unset,
            length => {
                let (value, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
                self.0 = rest;
                Cell::Value(value)
            }
        })
    }
}

impl SerializeRow for Cells<'_> {
    fn serialize(
        &self,
        _context: &RowSerializationContext<'_>,
        writer: &mut RowWriter<'_>,
    ) -> Result<(), SerializationError> {
        for cell in self.clone() {
            let writer = writer.make_cell_writer();
            match cell {
                Cell::Null => writer.set_null(),
                Cell::Unset => writer.set_unset(),
                Cell::Value(value) => writer.set_value(value).map_err(SerializationError::new)?,
            };
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use scylla::frame::response::result::{ColumnSpec, ColumnType, NativeType, TableSpec};
    use scylla::value::Unset;

    use super::*;

    #[test]
    fn what_was_serialised_is_read_and_written_again_as_it_is() {
        let column = |name| {
            let table = TableSpec::borrowed("ks", "t");
            ColumnSpec::borrowed(name, ColumnType::Native(NativeType::Text), table)
        };
        let columns = ["a", "b", "c", "d"].map(column);
        let context = RowSerializationContext::from_specs(&columns);
        let (mut first, mut again) = (Vec::new(), Vec::new());
        let row = (Some("x"), None::<&str>, Unset, "");
        row.serialize(&context, &mut RowWriter::new(&mut first)).unwrap();
        let cells: Vec<_> = Cells(&first).collect();
        assert_eq!(cells, [Cell::Value(b"x"), Cell::Null, Cell::Unset, Cell::Value(b"")]);
        let mut writer = RowWriter::new(&mut again);
        Cells(&first).serialize(&context, &mut writer).unwrap();
        assert_eq!(writer.value_count(), 4);
        assert_eq!(first, again);
        assert!(Cells(&first[..3]).next().is_none() && Cells(&first[..5]).count() == 1);
    }
}
