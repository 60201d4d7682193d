//! Results that have many pages: as a stream of pages ([`Client::pages`]) or of rows ([`Client::rows`]).
//!
//! Each page is a request of its own, which passes the layers like any other, and has the time that the stack gives to
//! a request. While a layer below refuses it, since it is full, it is sent again, after up to 2 ms, 4 ms, ... 250 ms,
//! until the request's deadline or for 30 s.
//!
//! # Cost
//!
//! While a page is read, the next one is fetched by a task that the stream owns: what waits for a page
//! need not poll the stream, and a page that is there holds no permit of a limit below. So in memory are
//! two pages at most, and with rows those of one page decoded. [`without_prefetch`](PageStream::without_prefetch)
//! fetches a page only when it is asked for.
//!
//! # On drop
//!
//! The page under way is given up. No task and no permit is left.

mod rows;

use std::fmt;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::{Stream, StreamExt};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tracing::Span;

pub use rows::RowStream;

use crate::boxed::BoxedService;
use crate::client::{Client, CqlService};
use crate::error::{Error, ErrorClass, ErrorKind};
use crate::paging::PagingState;
use crate::refusal::{PATIENCE, Refusals, is_refused};
use crate::request::Request;
use crate::response::Response;
use crate::task;

/// The pages of one result, to the last: a stream of [`Response`]s, each of which is one page. Pages may
/// be empty, also where others follow. After an error it ends.
#[must_use = "nothing is fetched until it is polled"]
pub struct PageStream<S = BoxedService> {
    client: Client<S>,
    request: Request,
    state: State,
    ahead: bool,
    pages: usize,
    most: Option<NonZeroUsize>,
    /// Of whoever made it.
    span: Span,
}

enum State {
    /// A page is there to be fetched.
    Next(PagingState),
    UnderWay {
        of: PagingState,
        task: Task,
    },
    /// With the place where more would follow: no other page was wanted, or that one failed.
    Ended(Option<PagingState>),
}

/// A task that ends with this value.
struct Task(JoinHandle<Result<Response, Error>>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The answer to a request for a page, which is sent again while a layer below is full.
async fn fetched<S: CqlService>(client: Client<S>, request: Request) -> Result<Response, Error> {
    let mut refusals = Refusals::default();
    loop {
        let error = match client.request(request.clone()).await {
            Err(error) if is_refused(&error) => error,
            answer => return answer,
        };
        let wait = refusals.wait();
        let is_over = match request.deadline() {
            Some(deadline) => Instant::now() + wait >= deadline,
            None => refusals.endure() >= PATIENCE,
        };
        if is_over {
            return Err(error);
        }
        sleep(wait).await;
    }
}

impl<S: CqlService> Client<S> {
    /// The pages of a request's result, from the first, or from where
    /// [`with_page`](Request::with_page) says. The request has its values: its pages are fetched in tasks.
    ///
    /// ```no_run
    /// use cqlstack_core::{Client, CqlService, Error, Request, Statement};
    ///
    /// # async fn run(db: Client<impl CqlService>) -> Result<(), Error> {
    /// let all = Request::from(&Statement::new("SELECT id FROM app.users")).with_page_size(1_000);
    /// let mut pages = db.pages(all);
    /// while let Some(page) = pages.next_page().await? {
    ///     println!("{} users", page.rows_count());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("execute_single_page", "fetchNextPage"))]
    pub fn pages(&self, request: impl Into<Request>) -> PageStream<S> {
        let request = request.into();
        let state = State::Next(request.page());
        let (client, span) = (self.clone(), Span::current());
        PageStream { client, request, state, ahead: true, pages: 0, most: None, span }
    }
}

impl<S: CqlService> PageStream<S> {
    /// Fetches a page only when it is asked for, and none ahead.
    #[doc(alias("Prefetch"))]
    pub fn without_prefetch(mut self) -> Self {
        self.ahead = false;
        self
    }

    /// Ends after so many pages, empty ones too. [`next_paging_state`](Self::next_paging_state) tells whether there were more.
    pub fn max_pages(mut self, most: NonZeroUsize) -> Self {
        self.most = Some(most);
        self
    }

    /// Where the result goes on after the last page that this stream gave, whatever was fetched ahead; none
    /// after the last page. After an error that is the page that failed.
    ///
    /// [`Request::with_page`] takes it: another stream, of this session or another one, gives the rest.
    #[doc(alias("getPagingState", "PageState"))]
    #[must_use]
    pub fn next_paging_state(&self) -> Option<PagingState> {
        match &self.state {
            State::Next(page) | State::UnderWay { of: page, .. } => Some(page.clone()),
            State::Ended(page) => page.clone(),
        }
    }

    /// How many pages came so far.
    #[must_use]
    pub const fn page_count(&self) -> usize {
        self.pages
    }

    /// The next page; none after the last.
    ///
    /// # Errors
    ///
    /// What the request for it ends with; and [`ErrorKind::UnreadableAnswer`] if the server says that
    /// more follows, and names the place that was just read.
    pub async fn next_page(&mut self) -> Result<Option<Response>, Error> {
        self.next().await.transpose()
    }

    /// Calls back with each page, to the last or to the first error.
    ///
    /// # Errors
    ///
    /// As [`next_page`](Self::next_page), and what the callback returns.
    pub async fn for_each_page<E: From<Error>>(
        mut self,
        mut each: impl FnMut(&Response) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(page) = self.next_page().await? {
            each(&page)?;
        }
        Ok(())
    }

    /// An error outside of a runtime.
    fn fetch(&self, page: PagingState) -> Result<State, Error> {
        let statement = self.request.statement();
        let runtime = task::runtime().map_err(|error| error.about(statement))?;
        let request = self.request.clone().with_page(page.clone());
        let fetched = task::in_span(&self.span, fetched(self.client.clone(), request));
        Ok(State::UnderWay { of: page, task: Task(runtime.spawn(fetched)) })
    }

    /// What follows a page that came.
    fn after(&self, page: &Response, of: &PagingState) -> Result<State, Error> {
        let Some(next) = page.next_page() else { return Ok(State::Ended(None)) };
        if next == *of {
            let error = Error::new(ErrorKind::UnreadableAnswer, ErrorClass::Permanent);
            return Err(error.about(self.request.statement()));
        }
        Ok(match self.most {
            Some(most) if self.pages == most.get() => State::Ended(Some(next)),
            _ if self.ahead => self.fetch(next.clone()).unwrap_or(State::Next(next)),
            _ => State::Next(next),
        })
    }
}

impl<S: CqlService> Stream for PageStream<S> {
    type Item = Result<Response, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if let State::Next(page) = &this.state {
            let page = page.clone();
            let fetching = this.fetch(page.clone());
            this.state = State::Ended(Some(page));
            this.state = fetching?;
        }
        let State::UnderWay { of, task } = &mut this.state else { return Poll::Ready(None) };
        let ended = ready!(Pin::new(&mut task.0).poll(cx));
        let of = of.clone();
        this.state = State::Ended(Some(of.clone()));
        // Where the runtime has ended, so have its connections.
        let lost = || Err(this.request.error(ErrorKind::ConnectionBroken, None));
        let answer = task::outcome(ended).unwrap_or_else(lost);
        Poll::Ready(Some(answer.and_then(|page| {
            this.pages += 1;
            this.state = this.after(&page, &of)?;
            Ok(page)
        })))
    }
}

impl<S> Unpin for PageStream<S> {}

impl<S> fmt::Debug for PageStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageStream")
            .field("statement", &self.request.statement().name())
            .field("pages", &self.pages)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;
