//! The records of one page, and those of all pages.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;

use futures::{Stream, StreamExt};

use super::answer::{Answer, Read};
use crate::client::CqlService;
use crate::error::Error;
use crate::pages::RowStream;
use crate::paging::PagingState;
use crate::response::Response;

/// The records of one page: an iterator over them, and where the next page starts.
pub struct Page<R> {
    records: Vec<R>,
    response: Response,
}

impl<R> Page<R> {
    pub(super) fn new(records: Vec<R>, response: Response) -> Self {
        Self { records, response }
    }

    /// Its records.
    #[must_use]
    pub fn records(&self) -> &[R] {
        &self.records
    }

    /// Where the next page starts, if there is one: [`Request::with_page`](crate::Request::with_page) takes it.
    #[must_use]
    pub fn next_page(&self) -> Option<PagingState> {
        self.response.next_page()
    }

    /// The response: warnings, the coordinator, the token of the next page.
    #[must_use]
    pub fn response(&self) -> &Response {
        &self.response
    }
}

impl<R> IntoIterator for Page<R> {
    type Item = R;
    type IntoIter = vec::IntoIter<R>;

    fn into_iter(self) -> Self::IntoIter {
        self.records.into_iter()
    }
}

impl<R> fmt::Debug for Page<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page").field("records", &self.records.len()).finish_non_exhaustive()
    }
}

/// The records of one result, page by page: a stream. It ends and fails as a [`RowStream`] does.
#[must_use = "nothing is fetched until it is polled"]
pub struct RecordStream<S, A: Answer>(RowStream<S, Read<A>>);

impl<S, A: Answer> RecordStream<S, A> {
    pub(super) fn new(rows: RowStream<S, Read<A>>) -> Self {
        Self(rows)
    }
}

impl<S: CqlService, A: Answer> RecordStream<S, A> {
    /// The next record; none after the last.
    ///
    /// # Errors
    ///
    /// As [`RowStream::next_row`].
    pub async fn next_row(&mut self) -> Result<Option<A::Record>, Error> {
        Ok(self.0.next_row().await?.map(|Read(record)| record))
    }

    /// How many pages came so far.
    #[must_use]
    pub const fn page_count(&self) -> usize {
        self.0.page_count()
    }

    /// Where the result goes on after the last record that this stream gave:
    /// [`RowStream::next_paging_state`].
    #[must_use]
    pub fn next_paging_state(&self) -> Option<PagingState> {
        self.0.next_paging_state()
    }
}

impl<S: CqlService, A: Answer> Stream for RecordStream<S, A> {
    type Item = Result<A::Record, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let row = ready!(self.0.poll_next_unpin(cx));
        Poll::Ready(row.map(|row| row.map(|Read(record)| record)))
    }
}

impl<S, A: Answer> Unpin for RecordStream<S, A> {}

impl<S, A: Answer> fmt::Debug for RecordStream<S, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RecordStream").field(&self.0).finish()
    }
}
