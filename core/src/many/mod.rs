//! One statement with the values of many rows, never more than so many in flight.
//!
//! [`Client::many`] gives a [`Many`]: a stream of the answers, as they come or in order, each with its
//! index. [`run`](Many::run) drives it to the first error, [`run_all`](Many::run_all) to the end. Rows may be borrowed for
//! both; as a stream, which sends each row in a task, they have to be `'static` and `Send + Sync`.
//!
//! A row that a layer below refuses, since it is full, is sent again: as many rows are in flight from then on as
//! were let through, and slowly more. Without a [deadline](Many::with_deadline) it goes on until nothing was let
//! through for 30 s. Each row is a request, which ends in the time that the stack gives it: over nodes that do not
//! answer, `run` ends with the first that fails.
//!
//! # Cost
//!
//! `run` and `run_all` cost next to nothing above the requests. As a stream, a task for each row, which
//! is what lets an answer come while nobody asks for it: a request that waited for the consumer would hold
//! its permit of a limit below, and a consumer who sends something for each answer would wait for that
//! permit for ever. In memory are at most so many rows as may be in flight, answers that were not taken
//! yet included.
//!
//! All goes on in the `tracing` span that was current when the [`Many`] was made.
//!
//! # On drop
//!
//! Requests in flight are given up, as each would be if it were dropped: they may be applied. No task
//! and no permit is left.

mod outcome;
mod rows;
mod sending;

use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use futures::stream::{FuturesUnordered, Stream, StreamExt};
use pin_project_lite::pin_project;
use scylla::serialize::row::SerializeRow;
use tokio::runtime::Handle;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;
use tracing::Span;

pub use outcome::{ManyError, ManyReport};
pub use rows::{GivenRows, ReadRows};

use crate::client::{Client, CqlService};
use crate::error::{Error, ErrorKind, Waited};
use crate::invalid_config::InvalidConfig;
use crate::request::Request;
use crate::statement::Statement;
use crate::task;
use crate::timer::has_runtime;
use sending::{Answer, Row, Sending};

pin_project! {
    /// Answers to one statement with many values: a stream of an index, from 0, and its answer.
    ///
    /// It does nothing until it is polled, and takes rows no faster than answers are taken.
    #[must_use = "nothing is sent until it is run or polled"]
    pub struct Many<S, V, R> {
        client: Client<S>,
        #[pin]
        sending: Sending<V, R>,
        ordered: bool,
        // The next to be given, where they are given in order.
        next: usize,
        early: HashMap<usize, Answer>,
        under_way: JoinSet<(Row<R>, Answer)>,
        // What is known of a row whose task ended without an answer.
        rows: HashMap<Id, (usize, Result<Request, Error>)>,
        // Of whoever made it.
        span: Span,
    }
}

/// The answer to a row, unless it is sent again.
type Landed = Option<(usize, Answer)>;

impl<S: CqlService> Client<S> {
    /// Executes a statement once for each of these values, owned or borrowed, 100 at a time.
    ///
    /// ```no_run
    /// use cqlstack_core::{Client, CqlService, StaticStatement};
    ///
    /// static INSERT: StaticStatement =
    ///     StaticStatement::new("INSERT INTO app.users (id, name) VALUES (?, ?)");
    ///
    /// # async fn run(db: Client<impl CqlService>) -> Result<(), Box<dyn std::error::Error>> {
    /// // Sends a thousand rows, and stops at the first error, which names its row.
    /// db.many(&INSERT, (0..1_000).map(|id| (id, format!("User{id}")))).run().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("execute_concurrent", "execute_concurrent_with_args"))]
    pub fn many<I>(
        &self,
        statement: impl Into<Statement>,
        rows: I,
    ) -> Many<S, GivenRows<I::IntoIter>, I::Item>
    where
        I: IntoIterator<Item: SerializeRow>,
    {
        Many::new(self.clone(), statement.into(), GivenRows(rows.into_iter()))
    }

    /// As [`many`](Self::many), with values that come from a stream, and may fail to come: lines of a file, or the
    /// rows of another table.
    ///
    /// A row that fails is not sent, and counts as any failure: it ends [`run`](Many::run), and is one of those that
    /// [`run_all`](Many::run_all) tells. The error is what [`Error::other`] makes of it, of the class
    /// [`Permanent`](crate::ErrorClass::Permanent), and [`Error::downcast_ref`] has it back; an [`Error`] stays as it is.
    /// The stream is asked for more until it ends. Rows that cannot fail are `Ok::<_, Infallible>(row)`.
    ///
    /// ```
    /// use cqlstack_core::{Client, CqlService, ManyError, StaticStatement};
    /// use futures::stream;
    ///
    /// static INSERT: StaticStatement =
    ///     StaticStatement::new("INSERT INTO app.users (id, name) VALUES (?, ?)");
    ///
    /// /// `1,Ada`
    /// fn user(line: &str) -> Result<(i32, String), Box<dyn std::error::Error + Send + Sync>> {
    ///     let (id, name) = line.split_once(',').ok_or("a line has no comma")?;
    ///     Ok((id.parse()?, name.to_owned()))
    /// }
    ///
    /// async fn load(db: &Client<impl CqlService>, file: &str) -> Result<usize, ManyError> {
    ///     db.many_of(&INSERT, stream::iter(file.lines().map(user))).run().await
    /// }
    /// ```
    pub fn many_of<V, R, E>(
        &self,
        statement: impl Into<Statement>,
        rows: V,
    ) -> Many<S, ReadRows<V>, R>
    where
        V: Stream<Item = Result<R, E>>,
        R: SerializeRow,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        Many::new(self.clone(), statement.into(), ReadRows { rows })
    }
}

impl<S: CqlService, V, R> Many<S, V, R>
where
    V: Stream<Item = Result<R, Error>>,
    R: SerializeRow,
{
    fn new(client: Client<S>, statement: Statement, rows: V) -> Self {
        Self {
            client,
            sending: Sending::new(statement, rows),
            ordered: false,
            next: 0,
            early: HashMap::new(),
            under_way: JoinSet::new(),
            rows: HashMap::new(),
            span: Span::current(),
        }
    }

    /// Sets how many rows are in flight at most, 1 at least. What a limit below does not let through
    /// waits there; as many as it lets through, or somewhat more, are enough.
    ///
    /// # Errors
    ///
    /// For none.
    pub fn in_flight(mut self, most: usize) -> Result<Self, InvalidConfig> {
        if most == 0 {
            return Err(InvalidConfig::new("in_flight", "has to be at least 1"));
        }
        self.sending.set_in_flight(most);
        Ok(self)
    }

    /// Sets when all has to be done: each row's request has this deadline, and no row is sent after it. (One more may
    /// be taken, to know whether there are others.) A row then has all of this time, also where a retry layer would
    /// give it less: while no node has a connection, it waits for one until then.
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        self.sending.set_deadline(deadline);
        self
    }

    /// Whether all rows were sent, of a stream that has ended. If not, the deadline passed, a layer below let nothing
    /// through for 30 s, or there was no tokio runtime.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.sending.is_complete()
    }

    /// Gives the answers in the order of their rows, and not as they come.
    pub fn ordered(mut self) -> Self {
        self.ordered = true;
        self
    }

    /// Sends all rows until one fails; tells how many there were. After a failure no other row is
    /// sent, and those in flight are waited for, so that each is accounted for.
    ///
    /// # Errors
    ///
    /// The first failure, with the index of its row, and what became of the others. If the deadline passes while
    /// none is in flight, that is one of the row that would have been next.
    pub async fn run(self) -> Result<usize, ManyError> {
        let mut first: Option<(usize, Error)> = None;
        let (mut succeeded, mut failed) = (0, 0);
        let statement = self.sending.statement().clone();
        let each = |index, answer| match answer {
            Ok(_) => succeeded += 1,
            Err(error) => {
                failed += 1;
                first.get_or_insert((index, error));
            }
        };
        let is_complete = self.drive(each, true).await;
        match first {
            Some((index, error)) => Err(ManyError::new(index, error, succeeded, failed)),
            None if is_complete => Ok(succeeded),
            None => {
                let late = ErrorKind::DeadlinePassed(Waited::BeforeTheSession);
                let error = Request::from(&statement).error(late, None);
                Err(ManyError::new(succeeded, error, succeeded, 0))
            }
        }
    }

    /// Sends all rows, whatever becomes of them; tells which failed. Memory grows with the failures.
    pub async fn run_all(self) -> ManyReport {
        let (mut succeeded, mut failed) = (0, Vec::new());
        let each = |index, answer| match answer {
            Ok(_) => succeeded += 1,
            Err(error) => failed.push((index, error)),
        };
        let is_complete = self.drive(each, false).await;
        ManyReport { succeeded, failed, is_complete }
    }

    /// All requests are polled here, so that none needs a task: nobody else is given a turn between
    /// their answers. Tells whether all rows were sent.
    async fn drive(self, mut each: impl FnMut(usize, Answer), stop_at_failure: bool) -> bool {
        let Self { client, sending, span, .. } = self;
        let mut sending = pin!(sending);
        if !has_runtime() {
            let (index, answer) = sending.without_runtime();
            each(index, answer);
            return false;
        }
        let mut under_way = FuturesUnordered::new();
        let mut tell = |sending: Pin<&mut Sending<V, R>>, index, answer: Answer| {
            if stop_at_failure && answer.is_err() {
                sending.stop();
            }
            each(index, answer);
        };
        // It holds the client, and not a reference: a stack need not be `Sync`.
        let drive = poll_fn(move |cx| {
            loop {
                while let Poll::Ready(Some(row)) =
                    sending.as_mut().poll_next(cx, client.recent(), under_way.len(), 0)
                {
                    if stop_at_failure && row.request.is_err() {
                        sending.as_mut().stop();
                    }
                    under_way.push(row.answered(client.clone()));
                }
                while let Some((index, answer)) = sending.as_mut().given_up() {
                    tell(sending.as_mut(), index, answer);
                }
                let Some((row, answer)) = ready!(under_way.poll_next_unpin(cx)) else {
                    let is_done = sending.is_done();
                    return if is_done {
                        Poll::Ready(sending.is_complete())
                    } else {
                        Poll::Pending
                    };
                };
                let in_flight = under_way.len();
                let answered = sending.as_mut().answered(row, answer, in_flight);
                if let Some((index, answer)) = answered {
                    tell(sending.as_mut(), index, answer);
                }
            }
        });
        task::in_span(&span, drive).await
    }
}

impl<S: CqlService, V, R> Many<S, V, R>
where
    V: Stream<Item = Result<R, Error>>,
    R: SerializeRow + Send + Sync + 'static,
{
    /// Sends rows until so many are in flight or were not taken yet.
    fn send(self: Pin<&mut Self>, cx: &mut Context<'_>, runtime: &Handle) {
        let mut this = self.project();
        loop {
            let (in_flight, not_taken) = (this.under_way.len(), this.early.len());
            let next =
                this.sending.as_mut().poll_next(cx, this.client.recent(), in_flight, not_taken);
            let Poll::Ready(Some(row)) = next else { return };
            let index = row.index;
            let request = row.request.as_ref().map(|(request, _)| request.clone());
            let request = request.map_err(Error::clone);
            let answer = task::in_span(this.span, row.answered(this.client.clone()));
            let task = this.under_way.spawn_on(answer, runtime);
            this.rows.insert(task.id(), (index, request));
        }
    }

    /// The next row that is no longer in flight, with its answer unless it is sent again; none while none is
    /// in flight.
    fn poll_row(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Landed>> {
        let mut this = self.project();
        if let given_up @ Some(_) = this.sending.as_mut().given_up() {
            return Poll::Ready(Some(given_up));
        }
        let Some(ended) = ready!(this.under_way.poll_join_next_with_id(cx)) else {
            return Poll::Ready(None);
        };
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let Some((index, request)) = this.rows.remove(&id) else { return Poll::Ready(Some(None)) };
        let answered = task::outcome(ended.map(|(_, answered)| answered));
        let (row, answer) = answered.unwrap_or_else(|| {
            // Where the runtime has ended, so have its connections.
            let lost = |request: Request| request.error(ErrorKind::ConnectionBroken, None);
            let error = request.map_or_else(|error| error, lost);
            (Row { index, request: Err(error.clone()) }, Err(error))
        });
        Poll::Ready(Some(this.sending.as_mut().answered(row, answer, this.under_way.len())))
    }
}

impl<S: CqlService, V, R> Stream for Many<S, V, R>
where
    V: Stream<Item = Result<R, Error>>,
    R: SerializeRow + Send + Sync + 'static,
{
    type Item = (usize, Answer);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let runtime = Handle::try_current();
        loop {
            match &runtime {
                Ok(runtime) => self.as_mut().send(cx, runtime),
                Err(_) if self.sending.is_over() || self.sending.is_done() => {}
                Err(_) => {
                    let this = self.as_mut().project();
                    let (index, answer) = this.sending.without_runtime();
                    if !*this.ordered {
                        return Poll::Ready(Some((index, answer)));
                    }
                    this.early.insert(index, answer);
                }
            }
            let this = self.as_mut().project();
            if let Some(answer) = this.early.remove(this.next) {
                *this.next += 1;
                return Poll::Ready(Some((*this.next - 1, answer)));
            }
            let Some(landed) = ready!(self.as_mut().poll_row(cx)) else {
                // More rows may come, which the stream of them will tell, or a pause ends.
                return if self.sending.is_done() { Poll::Ready(None) } else { Poll::Pending };
            };
            let Some((index, answer)) = landed else { continue };
            if !self.ordered {
                return Poll::Ready(Some((index, answer)));
            }
            self.as_mut().project().early.insert(index, answer);
        }
    }
}

impl<S, V, R> fmt::Debug for Many<S, V, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Many")
            .field("in_flight", &self.under_way.len())
            .field("sent", &self.sending.sent)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
