//! What comes back up.

mod dynamic_row;
mod made;
#[cfg(feature = "page-token")]
mod page_token;
mod rows;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use scylla::deserialize::row::DeserializeRow;
use scylla::deserialize::value::DeserializeValue;
use scylla::deserialize::{DeserializationError, TypeCheckError};
use scylla::errors::RowsError;
use scylla::frame::response::result::{ColumnSpec, ColumnType};
use scylla::response::Coordinator;
use scylla::response::query_result::{IntoRowsResultError, QueryResult, QueryRowsResult};
use scylla::serialize::row::SerializeRow;
use uuid::Uuid;

pub use dynamic_row::DynamicRow;
pub(crate) use made::Made;
pub use rows::Rows;
use rows::Source;

use crate::error::{Error, ErrorClass, ErrorKind, columns, decoded, unreadable_answer};
use crate::paging::{Origin, PagingState, Seal, Start};
use crate::prepared::Prepared;
use crate::statement::Statement;

/// The answer to one request: a page of rows, nothing, or a prepared statement.
///
/// Rows are typed through the driver's `DeserializeRow`: tuples, structs that derive it, `Row`. They
/// may borrow from the response (`&str`, `&[u8]`), which then costs no allocation a row.
///
/// A test makes one without a server:
///
/// ```
/// use cqlstack_core::{ColumnType, NativeType, Response, Statement};
///
/// # fn main() -> Result<(), cqlstack_core::Error> {
/// let by_id = Statement::new("SELECT name FROM app.users WHERE id = ?");
/// let columns = [("name", ColumnType::Native(NativeType::Text))];
/// let response = Response::from_rows(&by_id, columns, [("Ada",), ("Bob",)])?;
///
/// let names: Result<Vec<(&str,)>, _> = response.rows()?.collect();
/// assert_eq!(names?, [("Ada",), ("Bob",)]);
/// # Ok(())
/// # }
/// ```
#[doc(alias("QueryResult", "ResultSet"))]
pub struct Response {
    statement: Statement,
    body: Body,
    /// Of one page of several.
    paging: Option<Box<Paging>>,
}

#[derive(Default)]
struct Paging {
    next: Option<PagingState>,
    /// Rows at the start of the page that were read before.
    skip: u32,
    /// What it was read with, of a request that says where it goes on.
    origin: Option<Origin>,
    /// Of a request that asked for page tokens.
    seal: Option<Arc<Seal>>,
}

/// The driver's results have 248 bytes, and each layer on the way up would move them at least once:
/// an allocation costs less.
enum Body {
    /// An answer without rows.
    Done(Box<QueryResult>),
    Rows(Box<QueryRowsResult>),
    Prepared(Prepared),
    Made(Box<Made>),
    /// As `Done`, and no server answered.
    Nothing,
}

impl Response {
    /// An answer without rows.
    #[must_use]
    pub fn done(statement: &Statement) -> Self {
        Self::new(statement.clone(), Body::Nothing)
    }

    pub(crate) fn of_made(statement: &Statement, rows: Made) -> Self {
        Self::new(statement.clone(), Body::Made(Box::new(rows)))
    }

    /// An answer with these rows: the name and type of each column, and values for each row.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Values`] if the values of a row do not fit the columns.
    pub fn from_rows<N: Into<String>>(
        statement: &Statement,
        columns: impl IntoIterator<Item = (N, ColumnType<'static>)>,
        rows: impl IntoIterator<Item = impl SerializeRow>,
    ) -> Result<Self, Error> {
        Ok(Self::of_made(statement, Made::new(statement, columns, rows)?))
    }

    /// The answer to a request that prepares.
    #[must_use]
    pub fn of_prepared(prepared: Prepared) -> Self {
        Self::new(prepared.statement().clone(), Body::Prepared(prepared))
    }

    /// Says that another page follows, which starts there.
    #[must_use]
    pub fn followed_by(mut self, page: PagingState) -> Self {
        self.paging_mut().next = Some(page);
        self
    }

    /// The answer to a request that may be gone on with.
    pub(crate) fn read_with(mut self, origin: Origin) -> Self {
        let paging = self.paging_mut();
        if paging.next.as_ref().is_some_and(|next| next.origin().is_none()) {
            paging.next = paging.next.take().map(|next| next.of(Some(origin.clone())));
        }
        paging.origin = Some(origin);
        self
    }

    pub(crate) fn origin(&self) -> Option<Origin> {
        self.paging.as_ref()?.origin.clone()
    }

    /// The answer to a request that started there: leaves out the rows that were read before, which may be
    /// more than a smaller page has.
    #[inline]
    pub(crate) fn started_at(mut self, Start { page, seal }: Start) -> Self {
        if seal.is_some() {
            self.paging_mut().seal = seal;
        }
        let skip = page.rows_to_skip();
        if skip > 0 {
            let of_next_page = (skip as usize).saturating_sub(self.rows_in_page());
            let paging = self.paging_mut();
            paging.skip = skip;
            paging.next = paging.next.take().map(|next| next.skipping(of_next_page));
        }
        self
    }

    #[inline]
    pub(crate) fn of_driver(
        statement: &Statement,
        result: QueryResult,
        next: Option<PagingState>,
    ) -> Result<Self, ErrorKind> {
        let body = match result.into_rows_result() {
            Ok(rows) => Body::Rows(Box::new(rows)),
            Err(IntoRowsResultError::ResultNotRows(result)) => Body::Done(Box::new(result)),
            Err(IntoRowsResultError::ResultMetadataLazyDeserializationError(error)) => {
                return Err(unreadable_answer(&error).map_or(ErrorKind::UnreadableAnswer, |it| {
                    ErrorKind::UnreadableType(Box::new(it))
                }));
            }
        };
        let response = Self::new(statement.clone(), body);
        Ok(match next {
            Some(next) => response.followed_by(next),
            None => response,
        })
    }

    fn new(statement: Statement, body: Body) -> Self {
        Self { statement, body, paging: None }
    }

    /// The statement that was answered.
    #[must_use]
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// How many rows this page has, those apart that its [place](PagingState::rows_to_skip) says were read
    /// before; none if the statement returns no rows.
    #[must_use]
    pub fn rows_count(&self) -> usize {
        self.rows_in_page().saturating_sub(self.skip() as usize)
    }

    fn skip(&self) -> u32 {
        self.paging.as_ref().map_or(0, |paging| paging.skip)
    }

    fn has_next(&self) -> bool {
        self.paging.as_ref().is_some_and(|paging| paging.next.is_some())
    }

    fn paging_mut(&mut self) -> &mut Paging {
        self.paging.get_or_insert_default()
    }

    fn rows_in_page(&self) -> usize {
        match &self.body {
            Body::Rows(rows) => rows.rows_num(),
            Body::Made(made) => made.rows.len(),
            Body::Done(_) | Body::Prepared(_) | Body::Nothing => 0,
        }
    }

    /// All rows, as `R`. A statement that returns no rows gives none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Rows`] if there are more pages, since nothing is cut off silently, or if the
    /// columns are not of the types asked for.
    pub fn rows<'r, R: DeserializeRow<'r, 'r>>(&'r self) -> Result<Rows<'r, R>, Error> {
        if self.has_next() {
            return Err(self.fault(format!(
                "this is a page of {} rows, and there are more: take `page()`, and ask for the next \
                 with `request.with_page(response.next_page())`; or raise the page size",
                self.rows_count()
            )));
        }
        self.page()
    }

    /// The rows of this page, as `R`, whether others follow or not.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Rows`] if the columns are not of the types asked for.
    pub fn page<'r, R: DeserializeRow<'r, 'r>>(&'r self) -> Result<Rows<'r, R>, Error> {
        let other_type = |error: &TypeCheckError| self.other_type(error);
        let source = match &self.body {
            Body::Rows(rows) => {
                let rows = rows.rows::<R>();
                Source::Driver(rows.map_err(|RowsError::TypeCheckFailed(e)| other_type(&e))?)
            }
            Body::Made(made) if !made.columns.is_empty() => {
                R::type_check(&made.columns).map_err(|error| other_type(&error))?;
                Source::Made { columns: &made.columns, rows: made.rows.iter() }
            }
            _ => Source::None,
        };
        let mut rows = Rows { source, response: self, row: 0 };
        for _ in 0..self.skip() {
            if rows.next().is_none() {
                break;
            }
        }
        Ok(rows)
    }

    /// The first row, if there is one. What follows it is not looked at.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Rows`] if it is not of the type asked for, or if this page is empty and others follow, as a server can
    /// answer that has filtered rows.
    pub fn maybe_row<'r, R: DeserializeRow<'r, 'r>>(&'r self) -> Result<Option<R>, Error> {
        match self.page()?.next() {
            None => self.ended().map(|()| None),
            row => row.transpose(),
        }
    }

    /// That no rows follow a page that has none.
    pub(crate) fn ended(&self) -> Result<(), Error> {
        if self.has_next() {
            return Err(self.fault(
                "this page has no rows, and others follow: ask for the next with \
                 `request.with_page(response.next_page())`, or read all of them as a stream"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// The first row. What follows it is not looked at.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Rows`] if there is none, or if it is not of the type asked for.
    pub fn row<'r, R: DeserializeRow<'r, 'r>>(&'r self) -> Result<R, Error> {
        self.maybe_row()?.ok_or_else(|| self.no_row("maybe_row"))
    }

    /// No row, and how to ask where there may be none.
    #[cold]
    pub(crate) fn no_row(&self, instead: &str) -> Error {
        self.fault(format!("a row was asked for, and there is none: ask with `{instead}()`"))
    }

    #[cold]
    fn other_type(&self, error: &TypeCheckError) -> Error {
        self.fault(format!("the columns are not what was asked for: {}", columns(error)))
    }

    /// The row of this number is not what was asked for.
    #[cold]
    pub(crate) fn undecoded(&self, row: usize, error: &DeserializationError) -> Error {
        self.fault(format!("row {row} cannot be decoded: {}", decoded(error)))
    }

    /// Looks at the columns, if it has rows.
    #[cfg(feature = "macros")]
    pub(crate) fn check(
        &self,
        check: impl FnOnce(&[ColumnSpec<'_>]) -> Result<(), TypeCheckError>,
    ) -> Result<(), Error> {
        match self.specs() {
            [] => Ok(()),
            specs => check(specs).map_err(|error| self.other_type(&error)),
        }
    }

    /// The first column of the first row.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Rows`] if there is no row, another number of columns, or another type.
    pub fn value<'r, T: DeserializeValue<'r, 'r>>(&'r self) -> Result<T, Error> {
        self.row::<(T,)>().map(|(value,)| value)
    }

    /// Where the next page starts, if there is one.
    #[must_use]
    pub fn next_page(&self) -> Option<PagingState> {
        self.paging.as_ref()?.next.clone()
    }

    /// The prepared statement, if that was asked for.
    #[must_use]
    pub fn prepared(&self) -> Option<&Prepared> {
        match &self.body {
            Body::Prepared(prepared) => Some(prepared),
            _ => None,
        }
    }

    /// The address of the node that coordinated the request.
    #[must_use]
    pub fn coordinator(&self) -> Option<SocketAddr> {
        self.coordinated_by().map(Coordinator::connection_address)
    }

    /// Its id in the cluster.
    pub(crate) fn coordinator_id(&self) -> Option<Uuid> {
        self.coordinated_by().map(|coordinator| coordinator.node().host_id)
    }

    fn coordinated_by(&self) -> Option<&Coordinator> {
        match &self.body {
            Body::Rows(rows) => Some(rows.request_coordinator()),
            Body::Done(result) => Some(result.request_coordinator()),
            Body::Prepared(_) | Body::Made(_) | Body::Nothing => None,
        }
    }

    /// What the server warned of. **It can contain CQL and values**: keep it out of logs.
    #[must_use]
    pub fn warnings(&self) -> Vec<&str> {
        match &self.body {
            Body::Rows(rows) => rows.warnings().collect(),
            Body::Done(result) => result.warnings().collect(),
            Body::Prepared(_) | Body::Made(_) | Body::Nothing => Vec::new(),
        }
    }

    /// The id under which the server traced the request, if that was [asked for](crate::Request::with_tracing).
    #[must_use]
    pub fn tracing_id(&self) -> Option<Uuid> {
        match &self.body {
            Body::Rows(rows) => rows.tracing_id(),
            Body::Done(result) => result.tracing_id(),
            Body::Made(made) => made.tracing_id,
            Body::Prepared(_) | Body::Nothing => None,
        }
    }

    /// The name and the type of each column, in the order of the result; none of a statement that returns no rows. What
    /// is known of a result without knowing its schema: [`DynamicRow`] has the values.
    ///
    /// ```
    /// use cqlstack_core::{ColumnType, NativeType, Response, Statement};
    ///
    /// # fn main() -> Result<(), cqlstack_core::Error> {
    /// let all = Statement::new("SELECT * FROM app.users");
    /// let response = Response::from_rows(&all, [("id", ColumnType::Native(NativeType::Int))], [(1,)])?;
    /// for (name, kind) in response.columns() {
    ///     assert_eq!((name, kind), ("id", &ColumnType::Native(NativeType::Int)));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn columns(&self) -> impl ExactSizeIterator<Item = (&str, &ColumnType<'_>)> {
        self.specs().iter().map(|column| (column.name(), column.typ()))
    }

    #[cfg(feature = "page-token")]
    pub(crate) fn seal(&self) -> Option<&Seal> {
        self.paging.as_ref()?.seal.as_deref()
    }

    #[cfg(feature = "page-token")]
    pub(crate) fn error(&self, kind: ErrorKind) -> Error {
        fault(&self.statement, kind)
    }

    pub(crate) fn specs(&self) -> &[ColumnSpec<'_>] {
        match &self.body {
            Body::Rows(rows) => rows.column_specs().as_slice(),
            Body::Made(made) => &made.columns,
            Body::Done(_) | Body::Prepared(_) | Body::Nothing => &[],
        }
    }

    pub(crate) fn fault(&self, what: String) -> Error {
        fault(&self.statement, ErrorKind::Rows(what))
    }
}

fn fault(statement: &Statement, kind: ErrorKind) -> Error {
    Error::new(kind, ErrorClass::Permanent).about(statement)
}

/// Shows the shape, no value.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("statement", &self.statement.name())
            .field("rows", &self.rows_count())
            .field("more_pages", &self.has_next())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
