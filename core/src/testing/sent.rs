//! What came to a scripted session.

use std::fmt;

use scylla::deserialize::row::DeserializeRow;
use tokio::time::Instant;

use super::schema::Tables;
use crate::error::{Error, ErrorKind};
use crate::paging::PagingState;
use crate::request::{Payload, Request};
use crate::response::{Made, Response};
use crate::statement::Statement;
use crate::values::Values;

/// A request that came to a scripted session.
#[derive(Clone)]
#[non_exhaustive]
pub struct Sent {
    /// The request, with its options.
    pub request: Request,
    /// When it came.
    pub at: Instant,
    /// The place in the result from which it asked: of a page token, what the token says.
    pub page: PagingState,
    /// The bound values of each statement, as a server gets them, or why nobody can tell them.
    values: Vec<Result<Made, String>>,
}

impl Sent {
    /// With the error that a server has for values that do not fit.
    pub(super) fn new(
        request: Request,
        at: Instant,
        page: PagingState,
        tables: Option<&Tables>,
    ) -> Result<Self, Error> {
        let bound = |(statement, values): (&Statement, &Values)| match Tables::told(tables)
            .and_then(|tables| tables.markers(statement))
        {
            Err(why) => Ok(Err(why)),
            Ok(columns) => Made::new(statement, columns, [values.as_row()]).map(Ok),
        };
        let values: Result<Vec<_>, Error> = match request.payload() {
            Payload::Batch(batch) => batch.rows().map(bound).collect(),
            _ => request
                .values()
                .map(|values| bound((request.statement(), values)))
                .into_iter()
                .collect(),
        };
        let values = values.map_err(|error| request.error(error.kind().clone(), None))?;
        Ok(Self { request, at, page, values })
    }

    /// Whether it asked to prepare its statement.
    #[must_use]
    pub fn is_prepare(&self) -> bool {
        matches!(self.request.payload(), Payload::Prepare)
    }

    /// The bound values, in the order of the markers, as an `R`: a tuple, or a struct that derives
    /// [`DeserializeRow`](crate::DeserializeRow), by the markers' names.
    ///
    /// ```
    /// use cqlstack_core::testing::{Answer, ScriptedSession};
    /// use cqlstack_core::{Client, Statement};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), cqlstack_core::Error> {
    /// let session = ScriptedSession::new()
    ///     .with_schema("CREATE TABLE users (id int PRIMARY KEY, name text, email text)")
    ///     .otherwise(Answer::done());
    /// let insert = Statement::new("INSERT INTO users (id, name, email) VALUES (?, ?, ?)");
    /// Client::new(session.clone()).execute(&insert, (7, "Ada", "ada@example.org")).await?;
    /// let (id, name, email): (i32, String, String) = session.sent()[0].values()?;
    /// assert_eq!((id, &*name, &*email), (7, "Ada", "ada@example.org"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`] if the session has no [schema](super::ScriptedSession::with_schema), or if that does
    /// not tell the types; [`ErrorKind::Rows`] if the values are no `R`.
    pub fn values<R: for<'r> DeserializeRow<'r, 'r>>(&self) -> Result<R, Error> {
        self.values_of(0)
    }

    /// The bound values of the statement of a batch with this index, from 0. As [`values`](Self::values).
    ///
    /// # Errors
    ///
    /// As [`values`](Self::values), and [`ErrorKind::InvalidRequest`] if there is no such statement.
    pub fn values_of<R: for<'r> DeserializeRow<'r, 'r>>(&self, index: usize) -> Result<R, Error> {
        let untold = |why: &str| {
            self.request
                .error(ErrorKind::InvalidRequest(format!("its values cannot be told: {why}")), None)
        };
        let values = self.values.get(index).ok_or_else(|| untold("it has none with this index"))?;
        let values = values.as_ref().map_err(|why| untold(why))?;
        Response::of_made(self.request.statement(), values.clone()).row()
    }
}

/// Shows no value.
impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sent")
            .field("request", &self.request)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}
