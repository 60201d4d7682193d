//! The rows of a result, over all its pages.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::{Stream, StreamExt};
use scylla::deserialize::row::DeserializeRow;

use super::{PageStream, PagingState};
use crate::client::{Client, Stack};
use crate::error::{Error, ErrorClass, ErrorKind};
use crate::request::Request;
use crate::response::Response;

/// The rows of one result, page by page: a stream of `R`. After an error it ends.
#[must_use = "nothing is fetched until it is polled"]
pub struct RowStream<S: Send, R> {
    pages: PageStream<S>,
    decoded: VecDeque<R>,
    /// What ends it, after what was decoded before it.
    fault: Option<Error>,
    rows: usize,
}

impl<S: Stack + 'static> Client<S> {
    /// The rows of a request's result, over all its pages. Rows are owned: `String`, not `&str`.
    ///
    /// ```no_run
    /// use cqlstack_core::{Client, Error, Stack, Statement};
    ///
    /// # async fn run(db: Client<impl Stack + 'static>) -> Result<(), Error> {
    /// let all = Statement::new("SELECT id, name FROM app.users");
    /// let mut users = db.rows::<(i32, String)>(&all);
    /// while let Some((id, name)) = users.next_row().await? {
    ///     println!("{id} {name}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn rows<R>(&self, request: impl Into<Request>) -> RowStream<S, R>
    where
        R: for<'r> DeserializeRow<'r, 'r>,
    {
        self.pages(request).rows()
    }
}

impl<S: Stack + 'static> PageStream<S> {
    /// The rows of these pages.
    pub fn rows<R: for<'r> DeserializeRow<'r, 'r>>(self) -> RowStream<S, R> {
        RowStream { pages: self, decoded: VecDeque::new(), fault: None, rows: 0 }
    }
}

impl<S: Stack + 'static, R: for<'r> DeserializeRow<'r, 'r>> RowStream<S, R> {
    /// The next row; none after the last.
    ///
    /// # Errors
    ///
    /// As [`PageStream::next_page`]; and [`ErrorKind::Rows`] if a row is not an `R`, which says which
    /// row of which page.
    pub async fn next_row(&mut self) -> Result<Option<R>, Error> {
        self.next().await.transpose()
    }

    /// How many pages came so far.
    #[must_use]
    pub const fn pages(&self) -> usize {
        self.pages.pages()
    }

    /// As [`PageStream::rest`].
    #[must_use]
    pub fn rest(&self) -> Option<PagingState> {
        self.pages.rest()
    }

    fn decode(&mut self, page: &Response) {
        match page.page::<R>() {
            Err(error) => self.fault = Some(self.placed(&error)),
            Ok(rows) => {
                self.decoded.reserve(page.rows_count());
                for row in rows {
                    match row {
                        Ok(row) => self.decoded.push_back(row),
                        Err(error) => {
                            self.fault = Some(self.placed(&error));
                            return;
                        }
                    }
                }
            }
        }
    }

    /// The error of a page, and which page that is.
    fn placed(&self, error: &Error) -> Error {
        let ErrorKind::Rows(what) = error.kind() else { return error.clone() };
        let (page, before) = (self.pages.pages(), self.rows);
        let what = format!("page {page}, after {before} rows of others: {what}");
        let statement = self.pages.request.statement();
        Error::new(ErrorKind::Rows(what), ErrorClass::Permanent).about(statement)
    }
}

impl<S: Stack + 'static, R: for<'r> DeserializeRow<'r, 'r>> Stream for RowStream<S, R> {
    type Item = Result<R, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(row) = this.decoded.pop_front() {
                return Poll::Ready(Some(Ok(row)));
            }
            if let Some(fault) = this.fault.take() {
                this.pages.end();
                return Poll::Ready(Some(Err(fault)));
            }
            match ready!(this.pages.poll_next_unpin(cx)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(page)) => {
                    this.decode(&page);
                    this.rows += page.rows_count();
                }
            }
        }
    }
}

impl<S: Send, R> Unpin for RowStream<S, R> {}

impl<S: Send, R> fmt::Debug for RowStream<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowStream").field("pages", &self.pages).finish_non_exhaustive()
    }
}
