//! What a scripted session does with a request.

use std::fmt;
use std::time::Duration;

use scylla::frame::response::result::ColumnType;
use scylla::serialize::row::SerializeRow;

use crate::error::{Error, ErrorKind};
use crate::paging::PagingState;
use crate::response::{Made, Response};
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
    Rows { rows: Made, next: Option<PagingState> },
    Error(ErrorKind),
    Never,
}

impl Answer {
    const fn of(outcome: Outcome) -> Self {
        Self { after: Duration::ZERO, outcome }
    }

    /// The answer of a write, without rows; to a prepare, the prepared statement.
    pub fn done() -> Self {
        Self::of(Outcome::Rows { rows: Made::default(), next: None })
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
        let rows = Made::new(&script, columns, rows)?;
        Ok(Self::of(Outcome::Rows { rows, next: None }))
    }

    /// Says that another page follows these rows, which starts there.
    pub fn followed_by(mut self, page: PagingState) -> Self {
        if let Outcome::Rows { next, .. } = &mut self.outcome {
            *next = Some(page);
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

    pub(super) fn to_response(rows: Made, next: Option<PagingState>, of: &Statement) -> Response {
        let response = Response::of_made(of, rows);
        match next {
            Some(page) => response.followed_by(page),
            None => response,
        }
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows { rows, next } => f
                .debug_struct("Rows")
                .field("count", &rows.count())
                .field("more_pages", &next.is_some())
                .finish(),
            Self::Error(kind) => f.debug_tuple("Error").field(kind).finish(),
            Self::Never => f.write_str("Never"),
        }
    }
}
