//! What came to a scripted session.

use std::fmt;
use std::sync::Arc;

use scylla::deserialize::row::DeserializeRow;
use scylla::serialize::row::SerializeRow;
use tokio::time::Instant;

use super::schema::{Columns, Tables};
use crate::batch;
use crate::error::{Error, ErrorKind};
use crate::lending::{self, given_up};
use crate::paging::PagingState;
use crate::request::{Payload, Request};
use crate::response::{Made, Response};
use crate::statement::Statement;
use crate::values::{Place, Values};

/// A request that came to a scripted session.
#[derive(Clone)]
#[non_exhaustive]
pub struct Sent {
    /// The request, with its options. It cannot be sent again, if its caller lent the values and is gone:
    /// [`values`](Self::values) has them.
    pub request: Request,
    /// When it came.
    pub at: Instant,
    /// The place in the result from which it asked: of a page token, what the token says.
    pub page: PagingState,
    /// The bound values of each statement, as a server gets them, or why nobody can tell them.
    values: Vec<Result<Made, String>>,
}

/// What was bound to each statement, as a server gets it, or why nobody can tell.
pub(crate) type Bindings = Result<Vec<Result<Made, String>>, Error>;

/// By the columns of each.
pub(crate) fn bindings<'r>(
    rows: impl IntoIterator<Item = (&'r Statement, &'r dyn SerializeRow)>,
    columns: &[Columns],
) -> Bindings {
    let bound = |((statement, row), columns): ((&Statement, _), &Columns)| match columns {
        Err(why) => Ok(Err(why.clone())),
        Ok(columns) => Made::new(statement, columns.iter().cloned(), [row]).map(Ok),
    };
    rows.into_iter().zip(columns).map(bound).collect()
}

/// The columns of what a request binds.
pub(super) fn columns(request: &Request, tables: Option<&Tables>) -> Vec<Columns> {
    let columns = |statement| Tables::told(tables).and_then(|it| it.markers(statement));
    match request.payload() {
        Payload::Batch(batch) => batch.statements().map(columns).collect(),
        _ => vec![columns(request.statement())],
    }
}

/// What the request binds, once its caller has given values that it lends.
pub(super) async fn bound(request: Request, columns: Vec<Columns>) -> Bindings {
    let given = match request.payload() {
        Payload::Batch(batch) => match batch.place() {
            batch::Place::Here(rows) => {
                let rows = rows.iter().map(|row| &**row as _);
                return bindings(batch.statements().zip(rows), &columns);
            }
            batch::Place::Lent(loan) => {
                match loan.wait(batch::Wanted::Made(Arc::new(columns))).await {
                    Some(batch::Given::Made(made)) => Some(made),
                    _ => None,
                }
            }
        },
        _ => match request.values().map(Values::place) {
            None => return Ok(Vec::new()),
            Some(Place::Here(row)) => return bindings([(request.statement(), row as _)], &columns),
            Some(Place::Lent(row)) => {
                match row.loan.wait(lending::Wanted::Made(Arc::new(columns))).await {
                    Some(lending::Given::Made(made)) => Some(made),
                    _ => None,
                }
            }
        },
    };
    given.cloned().unwrap_or_else(|| Err(request.error(given_up(), None)))
}

impl Sent {
    /// With the error that a server has for values that do not fit.
    pub(super) fn new(
        request: Request,
        at: Instant,
        page: PagingState,
        values: Bindings,
    ) -> Result<Self, Error> {
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
