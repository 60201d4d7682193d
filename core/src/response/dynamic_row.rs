//! A row whose columns are not known when the program is compiled.

use scylla::deserialize::row::{ColumnIterator, DeserializeRow};
use scylla::deserialize::value::DeserializeValue;
use scylla::errors::{DeserializationError, TypeCheckError};
use scylla::frame::response::result::ColumnSpec;
use scylla::value::CqlValue;

/// A row as names and values, whatever its columns are: for a tool that does not know the schema.
///
/// `Debug` shows the values. Costs an allocation for each name, and what each value allocates.
///
/// ```
/// use cqlstack_core::{ColumnType, CqlValue, DynamicRow, NativeType, Response, Statement};
///
/// # fn main() -> Result<(), cqlstack_core::Error> {
/// let all = Statement::new("SELECT * FROM app.users");
/// let columns = [("id", NativeType::Int), ("name", NativeType::Text)];
/// let columns = columns.map(|(name, kind)| (name, ColumnType::Native(kind)));
/// let response = Response::from_rows(&all, columns, [(7, None::<&str>)])?;
/// let row: DynamicRow = response.row()?;
/// assert_eq!(row.get("id"), Some(&CqlValue::Int(7)));
/// for (name, value) in row.iter() {
///     println!("{name}: {}", value.map_or("null".to_owned(), ToString::to_string));
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct DynamicRow {
    columns: Vec<(String, Option<CqlValue>)>,
}

impl DynamicRow {
    /// The value of the first column of this name; none if that is null, or if there is no such column
    /// ([`has`](Self::has)).
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&CqlValue> {
        self.iter().find(|(own, _)| *own == name)?.1
    }

    /// Whether there is a column of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.iter().any(|(own, _)| own == name)
    }

    /// Each column in the order of the result: its name, and its value unless that is null.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, Option<&CqlValue>)> {
        self.columns.iter().map(|(name, value)| (name.as_str(), value.as_ref()))
    }
}

impl IntoIterator for DynamicRow {
    type Item = (String, Option<CqlValue>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.columns.into_iter()
    }
}

impl<'f, 'm> DeserializeRow<'f, 'm> for DynamicRow {
    fn type_check(_specs: &[ColumnSpec<'_>]) -> Result<(), TypeCheckError> {
        Ok(())
    }

    fn deserialize(row: ColumnIterator<'f, 'm>) -> Result<Self, DeserializationError> {
        let columns = row.map(|column| {
            let column = column?;
            let value = Option::<CqlValue>::deserialize(column.spec.typ(), column.slice)?;
            Ok((column.spec.name().to_owned(), value))
        });
        Ok(Self { columns: columns.collect::<Result<_, _>>()? })
    }
}
