//! What a scripted session does with a request.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use scylla::errors::SerializationError;
use scylla::frame::response::result::{ColumnType, NativeType};
use scylla::serialize::row::{RowSerializationContext, SerializeRow};
use scylla::serialize::writers::RowWriter;
use uuid::Uuid;

use super::schema::Tables;
use crate::conditional::APPLIED;
use crate::error::{Error, ErrorKind};
use crate::paging::PagingState;
use crate::request::{Payload, Request};
use crate::response::Made;
use crate::statement::Statement;

/// What a scripted session does with one request.
#[derive(Debug, Clone)]
#[must_use = "an answer does nothing until a script has it"]
pub struct Answer {
    pub(super) after: Duration,
    pub(super) outcome: Outcome,
}

#[derive(Clone)]
pub(super) enum Outcome {
    Rows { rows: Rows, next: Option<PagingState>, tracing_id: Option<Uuid> },
    Error(ErrorKind),
    Never,
}

/// The values of a row.
type Row = Arc<dyn SerializeRow + Send + Sync>;

fn row(values: impl SerializeRow + Send + Sync + 'static) -> Row {
    Arc::new(values)
}

/// What the rows of an answer are.
#[derive(Clone)]
pub(super) enum Rows {
    /// Complete.
    Made(Made),
    /// Of the columns that the schema tells.
    BySchema(Vec<Row>),
    Applied,
    /// With the row that was found, if there is one.
    NotApplied(Option<Row>),
}

impl Answer {
    const fn of(outcome: Outcome) -> Self {
        Self { after: Duration::ZERO, outcome }
    }

    fn of_rows(rows: Rows) -> Self {
        Self::of(Outcome::Rows { rows, next: None, tracing_id: None })
    }

    /// The answer of a write, without rows; to a prepare, the prepared statement.
    pub fn done() -> Self {
        Self::of_rows(Rows::Made(Made::default()))
    }

    /// Rows of the columns that the schema tells: [`ScriptedSession::with_schema`](super::ScriptedSession::with_schema).
    /// Rows that do not fit them are a mistake of the test: the call panics, and names the statement.
    pub fn rows_by_schema<R>(rows: impl IntoIterator<Item = R>) -> Self
    where
        R: SerializeRow + Send + Sync + 'static,
    {
        Self::of_rows(Rows::BySchema(rows.into_iter().map(row).collect()))
    }

    /// The answer to a conditional statement, or to a batch with one, whose condition held.
    pub fn applied() -> Self {
        Self::of_rows(Rows::Applied)
    }

    /// The answer to a conditional statement, or to a batch with one, whose condition did not hold, with the row that was
    /// found. Its columns are those that the schema tells, in the order of the server:
    /// [`Response::conditional`](crate::Response::conditional) has them.
    pub fn not_applied<R: SerializeRow + Send + Sync + 'static>(found: R) -> Self {
        Self::of_rows(Rows::NotApplied(Some(row(found))))
    }

    /// As [`not_applied`](Self::not_applied), where there is no row.
    pub fn not_applied_without_row() -> Self {
        Self::of_rows(Rows::NotApplied(None))
    }

    /// Says that the server traced the request under this id.
    ///
    /// # Panics
    ///
    /// If it is an error, or never comes: such an answer has no id.
    pub fn traced(mut self, id: Uuid) -> Self {
        match &mut self.outcome {
            Outcome::Rows { tracing_id, .. } => *tracing_id = Some(id),
            Outcome::Error(_) | Outcome::Never => panic!("what fails has no tracing id"),
        }
        self
    }

    /// Rows: the name and type of each column, and values for each row.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Values`] if the values of a row do not fit the columns.
    pub fn rows<N: Into<String>>(
        columns: impl IntoIterator<Item = (N, ColumnType<'static>)>,
        rows: impl IntoIterator<Item = impl SerializeRow>,
    ) -> Result<Self, Error> {
        let script = Statement::new("SELECT").named("a script");
        Ok(Self::of_rows(Rows::Made(Made::new(&script, columns, rows)?)))
    }

    /// Says that another page follows these rows, which starts there.
    ///
    /// # Panics
    ///
    /// If it is an error, or never comes: no page follows such an answer.
    pub fn followed_by(mut self, page: PagingState) -> Self {
        match &mut self.outcome {
            Outcome::Rows { next, .. } => *next = Some(page),
            Outcome::Error(_) | Outcome::Never => panic!("no page follows what fails"),
        }
        self
    }

    /// An error, of the class that the table of [`ErrorClass`](crate::ErrorClass) gives it for the
    /// request. After [`ErrorKind::Layer`] there is nothing to be had back.
    pub fn error(kind: ErrorKind) -> Self {
        Self::of(Outcome::Error(kind))
    }

    /// No answer, ever.
    pub fn never() -> Self {
        Self::of(Outcome::Never)
    }

    /// This answer, after a time.
    pub fn after(mut self, delay: Duration) -> Self {
        self.after = delay;
        self
    }
}

impl Rows {
    /// Of the columns that the request has; or the mistake of the test.
    pub(super) fn of(self, request: &Request, tables: Option<&Tables>) -> Result<Made, String> {
        let statement = request.statement();
        let applied = || (APPLIED.to_owned(), ColumnType::Native(NativeType::Boolean));
        let made = match self {
            Self::Made(made) => return Ok(made),
            Self::BySchema(rows) => {
                let columns = Tables::told(tables)?.rows(statement)?;
                Made::new(statement, columns, rows.iter().map(|row| &**row))
            }
            Self::Applied => Made::new(statement, [applied()], [(true,)]),
            Self::NotApplied(None) => Made::new(statement, [applied()], [(false,)]),
            Self::NotApplied(Some(row)) => {
                let tables = Tables::told(tables)?;
                let found = match request.payload() {
                    Payload::Batch(batch) => {
                        tables.found(&batch.statements().collect::<Vec<_>>(), true)?
                    }
                    _ => tables.found(&[statement], false)?,
                };
                let columns = [applied()].into_iter().chain(found);
                Made::new(statement, columns, [NotApplied(&row)])
            }
        };
        made.map_err(|error| error.what().to_string())
    }
}

/// What was found, after `[applied]`.
struct NotApplied<'v>(&'v Row);

impl SerializeRow for NotApplied<'_> {
    fn serialize(
        &self,
        context: &RowSerializationContext<'_>,
        writer: &mut RowWriter<'_>,
    ) -> Result<(), SerializationError> {
        let (applied, found) = context.columns().split_at(1);
        let context = |columns| RowSerializationContext::from_specs(columns);
        (false,).serialize(&context(applied), writer)?;
        self.0.serialize(&context(found), writer)
    }

    fn is_empty(&self) -> bool {
        false
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows { rows, next, .. } => {
                let count = match rows {
                    Rows::Made(made) => made.count(),
                    Rows::BySchema(rows) => rows.len(),
                    Rows::Applied | Rows::NotApplied(_) => 1,
                };
                let mut rows = f.debug_struct("Rows");
                rows.field("count", &count).field("more_pages", &next.is_some()).finish()
            }
            Self::Error(kind) => f.debug_tuple("Error").field(kind).finish(),
            Self::Never => f.write_str("Never"),
        }
    }
}
