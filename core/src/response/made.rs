//! Rows that a test makes.

use bytes::Bytes;
use scylla::frame::response::result::{ColumnSpec, ColumnType, TableSpec};
use scylla::serialize::row::{RowSerializationContext, SerializeRow};
use scylla::serialize::writers::RowWriter;
use uuid::Uuid;

use super::fault;
use crate::error::{Error, values_kind};
use crate::statement::Statement;

/// Rows that no server sent, in its own encoding, so that decoding is the real one.
#[derive(Clone, Default)]
pub(crate) struct Made {
    pub(super) columns: Vec<ColumnSpec<'static>>,
    pub(super) rows: Vec<Bytes>,
    pub(super) tracing_id: Option<Uuid>,
}

impl Made {
    pub(crate) fn new<N: Into<String>>(
        statement: &Statement,
        columns: impl IntoIterator<Item = (N, ColumnType<'static>)>,
        rows: impl IntoIterator<Item = impl SerializeRow>,
    ) -> Result<Self, Error> {
        let table = TableSpec::owned("made".to_owned(), "made".to_owned());
        let columns: Vec<_> = columns
            .into_iter()
            .map(|(name, typ)| ColumnSpec::owned(name.into(), typ, table.clone()))
            .collect();
        let context = RowSerializationContext::from_specs(&columns);
        let rows = rows.into_iter().map(|row| {
            let mut bytes = Vec::new();
            row.serialize(&context, &mut RowWriter::new(&mut bytes))
                .map_err(|error| fault(statement, values_kind(&error)))?;
            Ok(Bytes::from(bytes))
        });
        let rows = rows.collect::<Result<_, Error>>()?;
        Ok(Self { columns, rows, tracing_id: None })
    }

    #[cfg(feature = "testing")]
    pub(crate) fn traced(self, tracing_id: Option<Uuid>) -> Self {
        Self { tracing_id, ..self }
    }

    #[cfg(feature = "testing")]
    pub(crate) fn count(&self) -> usize {
        self.rows.len()
    }
}
