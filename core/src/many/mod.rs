//! One statement with the values of many rows, never more than so many in flight.
//!
//! [`Client::many`] gives a [`Many`]: a stream of the answers, as they come or in order, each with its
//! index. [`run`](Many::run) drives it to the first error, [`run_all`](Many::run_all) to the end.
//!
//! # Cost
//!
//! `run` and `run_all` cost next to nothing above the requests. As a stream, a task for each row, which
//! is what lets an answer come while nobody asks for it: a request that waited for the consumer would hold
//! its permit of a limit below, and a consumer who sends something for each answer would wait for that
//! permit for ever. In memory are at most so many rows as may be in flight, answers that were not taken
//! yet included.
//!
//! # On drop
//!
//! Requests in flight are given up, as each would be if it were dropped: they may be applied. No task
//! and no permit is left.

mod outcome;

use std::collections::HashMap;
use std::fmt;
use std::future::ready;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures::stream::{self, FusedStream, Stream, StreamExt};
use pin_project_lite::pin_project;
use scylla::serialize::row::SerializeRow;
use tokio::task::JoinSet;

pub use outcome::{ManyError, ManyReport};

use crate::client::{Client, Stack};
use crate::error::Error;
use crate::invalid_config::InvalidConfig;
use crate::request::Request;
use crate::response::Response;
use crate::statement::Statement;
use crate::task;

/// What the performance guide sends at a time.
const IN_FLIGHT: usize = 100;

pin_project! {
    /// Answers to one statement with many values: a stream of an index, from 0, and its answer.
    ///
    /// It does nothing until it is polled, and takes rows no faster than answers are taken.
    #[must_use = "nothing is sent until it is run or polled"]
    pub struct Many<S, V> {
        client: Client<S>,
        statement: Statement,
        #[pin]
        rows: stream::Fuse<V>,
        most: usize,
        in_order: bool,
        sent: usize,
        // The next to be given, where they are given in order.
        next: usize,
        early: HashMap<usize, Answer>,
        under_way: JoinSet<(usize, Answer)>,
    }
}

type Answer = Result<Response, Error>;

impl<S: Stack + 'static> Client<S> {
    /// Executes a statement once for each of these values, 100 at a time.
    ///
    /// ```no_run
    /// use cqlstack_core::{Client, Stack, StaticStatement};
    ///
    /// static INSERT: StaticStatement =
    ///     StaticStatement::new("INSERT INTO app.users (id, name) VALUES (?, ?)");
    ///
    /// # async fn run(db: Client<impl Stack + 'static>) -> Result<(), Box<dyn std::error::Error>> {
    /// // Sends a thousand rows, and stops at the first error, which names its row.
    /// db.many(&INSERT, (0..1_000).map(|id| (id, format!("User{id}")))).run().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn many<I>(
        &self,
        statement: impl Into<Statement>,
        rows: I,
    ) -> Many<S, stream::Iter<I::IntoIter>>
    where
        I: IntoIterator<Item: SerializeRow + Send + Sync + 'static>,
    {
        self.many_of(statement, stream::iter(rows))
    }

    /// As [`many`](Self::many), with values that come from a stream.
    pub fn many_of<V>(&self, statement: impl Into<Statement>, rows: V) -> Many<S, V>
    where
        V: Stream<Item: SerializeRow + Send + Sync + 'static>,
    {
        Many {
            client: self.clone(),
            statement: statement.into(),
            rows: rows.fuse(),
            most: IN_FLIGHT,
            in_order: false,
            sent: 0,
            next: 0,
            early: HashMap::new(),
            under_way: JoinSet::new(),
        }
    }
}

impl<S: Stack + 'static, V> Many<S, V>
where
    V: Stream<Item: SerializeRow + Send + Sync + 'static>,
{
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
        self.most = most;
        Ok(self)
    }

    /// Gives the answers in the order of their rows, and not as they come.
    pub fn in_order(mut self) -> Self {
        self.in_order = true;
        self
    }

    /// Sends all rows until one fails; tells how many there were. After a failure no other row is
    /// sent, and those in flight are waited for, so that each is accounted for.
    ///
    /// # Errors
    ///
    /// The first failure, with the index of its row, and what became of the others.
    pub async fn run(self) -> Result<usize, ManyError> {
        let mut first: Option<(usize, Error)> = None;
        let (mut succeeded, mut failed) = (0, 0);
        let each = |index, answer| match answer {
            Ok(_) => succeeded += 1,
            Err(error) => {
                failed += 1;
                first.get_or_insert((index, error));
            }
        };
        self.drive(each, true).await;
        match first {
            None => Ok(succeeded),
            Some((index, error)) => Err(ManyError::new(index, error, succeeded, failed)),
        }
    }

    /// Sends all rows, whatever becomes of them; tells which failed. Memory grows with the failures.
    pub async fn run_all(self) -> ManyReport {
        let mut report = ManyReport::default();
        let each = |index, answer| match answer {
            Ok(_) => report.succeeded += 1,
            Err(error) => report.failed.push((index, error)),
        };
        self.drive(each, false).await;
        report
    }

    /// All requests are polled here, so that none needs a task: nobody else is given a turn between
    /// their answers.
    async fn drive(self, mut each: impl FnMut(usize, Answer), stop_at_failure: bool) {
        let Self { client, statement, rows, most, .. } = self;
        let stopped = AtomicBool::new(false);
        let going_on = |_: &(usize, V::Item)| ready(!stopped.load(Ordering::Relaxed));
        let answers = rows.enumerate().take_while(going_on).map(|(index, values)| {
            let call = client.request(Request::new(&statement, values));
            async move { (index, call.await) }
        });
        let mut answers = pin!(answers.buffer_unordered(most));
        while let Some((index, answer)) = answers.next().await {
            if stop_at_failure && answer.is_err() {
                stopped.store(true, Ordering::Relaxed);
            }
            each(index, answer);
        }
    }

    /// Sends rows until so many are in flight or were not taken yet.
    fn send(self: Pin<&mut Self>, cx: &mut Context<'_>) {
        let mut this = self.project();
        while this.under_way.len() + this.early.len() < *this.most {
            let Poll::Ready(Some(values)) = this.rows.as_mut().poll_next(cx) else { return };
            let call = this.client.request(Request::new(&*this.statement, values));
            let index = *this.sent;
            *this.sent += 1;
            this.under_way.spawn(async move { (index, call.await) });
        }
    }

    /// The next answer of those that were sent.
    fn poll_under_way(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<(usize, Answer)>> {
        let this = self.project();
        loop {
            if let Some(answer) = this.early.remove(this.next) {
                *this.next += 1;
                return Poll::Ready(Some((*this.next - 1, answer)));
            }
            let Poll::Ready(ended) = this.under_way.poll_join_next(cx) else {
                return Poll::Pending;
            };
            let Some(ended) = ended else { return Poll::Ready(None) };
            // Where the runtime has ended, no answer will come.
            let Some((index, answer)) = task::outcome(ended) else { return Poll::Pending };
            if !*this.in_order {
                return Poll::Ready(Some((index, answer)));
            }
            this.early.insert(index, answer);
        }
    }
}

impl<S: Stack + 'static, V> Stream for Many<S, V>
where
    V: Stream<Item: SerializeRow + Send + Sync + 'static>,
{
    type Item = (usize, Answer);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.as_mut().send(cx);
        match self.as_mut().poll_under_way(cx) {
            // More rows may come, which the stream of them will tell.
            Poll::Ready(None) if !self.rows.is_terminated() => Poll::Pending,
            answer => answer,
        }
    }
}

impl<S, V> fmt::Debug for Many<S, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Many")
            .field("statement", &self.statement.name())
            .field("in_flight", &self.under_way.len())
            .field("sent", &self.sent)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
