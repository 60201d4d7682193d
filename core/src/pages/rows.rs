//! The rows of a result, over all its pages.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::{Stream, StreamExt};
use scylla::deserialize::row::DeserializeRow;

use super::{PageStream, PagingState};
use crate::client::{Client, CqlService};
use crate::error::{Error, ErrorClass, ErrorKind};
use crate::request::Request;
use crate::response::Response;

/// The rows of one result, page by page: a stream of `R`.
///
/// A row that is not an `R` is an error in its place, and the rows after it follow. After a page that could
/// not be fetched it ends.
#[doc(alias("QueryPager", "TypedRowStream", "AsyncResultSet"))]
#[must_use = "nothing is fetched until it is polled"]
pub struct RowStream<S, R> {
    pages: PageStream<S>,
    /// What is left of the page.
    decoded: VecDeque<Result<R, Error>>,
    /// Where the page began.
    page: PagingState,
    /// How many rows it has, and how many of them were given.
    rows: usize,
    given: usize,
    /// How many rows the pages before it had.
    before: usize,
    /// Whether its columns are not those of an `R`, so that none of its rows can be given.
    unreadable: bool,
}

impl<S: CqlService> Client<S> {
    /// The rows of a request's result, over all its pages. Rows are owned: `String`, not `&str`.
    ///
    /// ```no_run
    /// use cqlstack_core::{Client, CqlService, Error, Statement};
    ///
    /// # async fn run(db: Client<impl CqlService>) -> Result<(), Error> {
    /// let all = Statement::new("SELECT id, name FROM app.users");
    /// let mut users = db.rows::<(i32, String)>(&all);
    /// while let Some((id, name)) = users.next_row().await? {
    ///     println!("{id} {name}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("execute_iter", "query_iter", "Iter"))]
    pub fn rows<R>(&self, request: impl Into<Request>) -> RowStream<S, R>
    where
        R: for<'r> DeserializeRow<'r, 'r>,
    {
        self.pages(request).rows()
    }
}

impl<S: CqlService> PageStream<S> {
    /// The rows of these pages.
    pub fn rows<R: for<'r> DeserializeRow<'r, 'r>>(self) -> RowStream<S, R> {
        let page = self.next_paging_state().unwrap_or_default();
        let decoded = VecDeque::new();
        RowStream { pages: self, decoded, page, rows: 0, given: 0, before: 0, unreadable: false }
    }
}

impl<S: CqlService, R: for<'r> DeserializeRow<'r, 'r>> RowStream<S, R> {
    /// The next row; none after the last.
    ///
    /// # Errors
    ///
    /// As [`PageStream::next_page`]; and [`ErrorKind::Rows`] if a row is not an `R`, which says which
    /// row of which page: the next call gives the row after it. If the columns are not those of an `R`, that
    /// is one error for each page.
    pub async fn next_row(&mut self) -> Result<Option<R>, Error> {
        self.next().await.transpose()
    }

    /// How many pages came so far.
    #[must_use]
    pub const fn page_count(&self) -> usize {
        self.pages.page_count()
    }

    /// Where the result goes on after the last row that this stream gave, an error in a row's place
    /// included; none after the last row. In the middle of a page it has
    /// [rows to skip](PagingState::rows_to_skip). After a page whose columns are not those of an `R` it is
    /// the start of that page.
    ///
    /// [`Request::with_page`] takes it: another stream, of this session or another one, gives the rest.
    ///
    /// ```no_run
    /// use cqlstack_core::{Client, CqlService, Error, Request, Statement};
    ///
    /// # async fn run(db: Client<impl CqlService>) -> Result<(), Error> {
    /// let all = Request::from(&Statement::new("SELECT id FROM app.users"));
    /// let mut users = db.rows::<(i32,)>(all.clone());
    /// let first = users.next_row().await?;
    /// if let Some(rest) = users.next_paging_state() {
    ///     let mut others = db.rows::<(i32,)>(all.with_page(rest));
    ///     assert_ne!(others.next_row().await?, first);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn next_paging_state(&self) -> Option<PagingState> {
        if self.decoded.is_empty() && !self.unreadable {
            return self.pages.next_paging_state();
        }
        Some(self.page.clone().skipping(self.given))
    }

    fn decode(&mut self, page: &Response) {
        match page.page::<R>() {
            Err(error) => {
                self.unreadable = true;
                self.decoded.push_back(Err(self.placed(&error)));
            }
            Ok(rows) => {
                self.decoded.reserve(page.rows_count());
                for row in rows {
                    let row = row.map_err(|error| self.placed(&error));
                    self.decoded.push_back(row);
                }
            }
        }
    }

    /// The error of a page, and which page that is.
    fn placed(&self, error: &Error) -> Error {
        let ErrorKind::Rows(what) = error.kind() else { return error.clone() };
        let (page, before) = (self.pages.page_count(), self.before);
        let what = format!("page {page}, after {before} rows of others: {what}");
        let statement = self.pages.request.statement();
        Error::new(ErrorKind::Rows(what), ErrorClass::Permanent).about(statement)
    }
}

impl<S: CqlService, R: for<'r> DeserializeRow<'r, 'r>> Stream for RowStream<S, R> {
    type Item = Result<R, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(row) = this.decoded.pop_front() {
                this.given += usize::from(!this.unreadable);
                return Poll::Ready(Some(row));
            }
            let at = this.pages.next_paging_state();
            let Some(page) = ready!(this.pages.poll_next_unpin(cx)?) else {
                return Poll::Ready(None);
            };
            this.before += this.rows;
            (this.page, this.rows, this.given) = (at.unwrap_or_default(), page.rows_count(), 0);
            this.unreadable = false;
            this.page = std::mem::take(&mut this.page).of(page.origin());
            this.decode(&page);
        }
    }
}

impl<S, R> Unpin for RowStream<S, R> {}

impl<S, R> fmt::Debug for RowStream<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowStream").field("pages", &self.pages).finish_non_exhaustive()
    }
}
