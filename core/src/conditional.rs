//! What became of a lightweight transaction.

use scylla::deserialize::row::{ColumnIterator, DeserializeRow};
use scylla::deserialize::value::DeserializeValue;

use crate::error::{Error, columns as columns_misfit, decoded};
use crate::response::Response;

/// What a conditional statement (`IF …`), or a batch with one, came to.
///
/// ```
/// use cqlstack_core::{Client, Conditional, CqlService, Error, StaticStatement};
///
/// static RENAME: StaticStatement =
///     StaticStatement::new("UPDATE app.users SET name = ?, version = ? WHERE id = ? IF version = ?");
///
/// /// Renames a user that nobody has changed since `version`; else the version that it has now.
/// async fn rename(
///     db: &Client<impl CqlService>,
///     id: i32,
///     version: i32,
///     name: &str,
/// ) -> Result<Result<(), Option<i32>>, Error> {
///     let answer = db.execute(&RENAME, (name, version + 1, id, version)).await?;
///     Ok(match answer.conditional::<(i32,)>()? {
///         Conditional::Applied => Ok(()),
///         Conditional::NotApplied(found) => Err(found.first().map(|(version,)| *version)),
///     })
/// }
/// ```
#[doc(alias("LWT", "lightweight transaction", "wasApplied", "MapScanCAS"))]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[must_use]
pub enum Conditional<R> {
    /// The condition held, and all of it was written.
    Applied,
    /// The condition did not hold, and nothing was written. What was found instead: at most one row for a
    /// statement, one for each row that exists for a batch.
    ///
    /// None if there is no such row, and of `IF EXISTS`, which has nothing to show. ScyllaDB shows a row
    /// of nulls instead: ask for `Option`s.
    NotApplied(Vec<R>),
}

impl<R> Conditional<R> {
    /// Whether it was applied.
    #[must_use]
    pub const fn is_applied(&self) -> bool {
        matches!(self, Self::Applied)
    }
}

/// The first column of the answer to a conditional statement.
pub(crate) const APPLIED: &str = "[applied]";

impl Response {
    /// What a conditional statement came to, with the rows that were found as `R`: of `IF NOT EXISTS`
    /// all columns of the table, of other conditions the columns that they name; in a batch those of the
    /// primary key before them.
    ///
    /// The order of the columns is the server's, and not that of the text: of a whole table as `SELECT *` has it, of
    /// conditions static columns last. Read several of them by name, with a struct that derives
    /// [`DeserializeRow`](crate::DeserializeRow).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Rows`](crate::ErrorKind::Rows) if the statement has no `IF`, or if it was not applied
    /// and what was found is not an `R`.
    pub fn conditional<'r, R>(&'r self) -> Result<Conditional<R>, Error>
    where
        R: DeserializeRow<'r, 'r>,
    {
        if self.applied()? {
            return Ok(Conditional::Applied);
        }
        let [_, columns @ ..] = self.specs() else { return Err(self.no_condition()) };
        if columns.is_empty() {
            return Ok(Conditional::NotApplied(Vec::new()));
        }
        R::type_check(columns).map_err(|error| {
            let what = columns_misfit(&error);
            self.fault(format!("what was found is not what was asked for: {what}"))
        })?;
        let found = self.rows::<ColumnIterator<'_, '_>>()?.map(|row| {
            let mut columns = row?;
            columns.next();
            R::deserialize(columns).map_err(|error| {
                let what = decoded(&error);
                self.fault(format!("what was found cannot be decoded: {what}"))
            })
        });
        Ok(Conditional::NotApplied(found.collect::<Result<_, Error>>()?))
    }

    /// Whether a conditional statement was applied.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Rows`](crate::ErrorKind::Rows) if the statement has no `IF`.
    pub fn applied(&self) -> Result<bool, Error> {
        let mut columns = self.row::<ColumnIterator<'_, '_>>().map_err(|_| self.no_condition())?;
        match columns.next() {
            Some(Ok(column)) if column.spec.name() == APPLIED => {
                bool::deserialize(column.spec.typ(), column.slice).map_err(|_| self.no_condition())
            }
            _ => Err(self.no_condition()),
        }
    }

    fn no_condition(&self) -> Error {
        self.fault(format!("the answer has no column {APPLIED}: the statement has no IF"))
    }
}

#[cfg(test)]
mod tests {
    use scylla::serialize::row::SerializeRow;

    use super::*;
    use crate::{ColumnType, NativeType, Statement};

    const BOOLEAN: ColumnType<'static> = ColumnType::Native(NativeType::Boolean);
    const INT: ColumnType<'static> = ColumnType::Native(NativeType::Int);

    fn answer<const N: usize>(
        columns: [(&str, ColumnType<'static>); N],
        rows: impl IntoIterator<Item = impl SerializeRow>,
    ) -> Response {
        let update = Statement::new("UPDATE t SET v = 2 WHERE k = 1 IF v = 1");
        Response::from_rows(&update, columns, rows).unwrap()
    }

    #[test]
    fn what_was_applied_says_so_whatever_row_is_asked_for() {
        let cassandra = answer([(APPLIED, BOOLEAN)], [(true,)]);
        let scylla = answer([(APPLIED, BOOLEAN), ("v", INT)], [(true, Some(1))]);
        for answer in [cassandra, scylla] {
            assert!(answer.applied().unwrap());
            assert_eq!(answer.conditional::<(String,)>().unwrap(), Conditional::Applied);
        }
    }

    #[test]
    fn what_was_not_applied_comes_with_what_was_found() {
        let found = answer([(APPLIED, BOOLEAN), ("v", INT)], [(false, 7)]);
        assert!(!found.applied().unwrap());
        assert_eq!(found.conditional::<(i32,)>().unwrap(), Conditional::NotApplied(vec![(7,)]));
        let columns = [(APPLIED, BOOLEAN), ("k", INT), ("c", INT), ("v", INT)];
        let batch = answer(columns, [(false, 1, 1, Some(5)), (false, 1, 2, None)]);
        let rows = vec![(1, 1, Some(5)), (1, 2, None)];
        assert_eq!(batch.conditional().unwrap(), Conditional::NotApplied(rows));
    }

    #[test]
    fn where_there_is_no_row_none_is_found() {
        let nothing = answer([(APPLIED, BOOLEAN)], [(false,)]);
        assert_eq!(nothing.conditional::<(i32,)>().unwrap(), Conditional::NotApplied(vec![]));
    }

    #[test]
    fn another_type_and_another_statement_are_errors() {
        let found = answer([(APPLIED, BOOLEAN), ("v", INT)], [(false, Some(7)), (false, None)]);
        let error = found.conditional::<(String,)>().unwrap_err();
        assert!(error.to_string().contains("column v: int is read as `i32`"), "{error}");
        let error = found.conditional::<(i32,)>().unwrap_err();
        assert!(error.to_string().contains("cannot be null"), "{error}");
        let unconditional = answer([("v", INT)], [(7,)]);
        assert!(unconditional.conditional::<(i32,)>().is_err());
        let update = Statement::new("UPDATE t SET v = 2 WHERE k = 1");
        assert!(Response::done(&update).applied().is_err());
    }
}
