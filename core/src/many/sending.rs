//! Which row is sent next, and when.
//!
//! A row that a layer below refuses, since it is full, was certainly not sent. It is sent again, and as many are in
//! flight from then on as were let through: the answer to one row makes room for the next. Where none is in
//! flight, since others have all of the room, a wait that doubles makes it.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::stream::{self, FusedStream, Stream, StreamExt};
use pin_project_lite::pin_project;
use scylla::serialize::row::SerializeRow;
use tokio::time::Instant;

use crate::client::{Client, CqlService};
use crate::error::Error;
use crate::lending::{Recent, RowLender};
use crate::refusal::{PATIENCE, Refusals, is_refused};
use crate::request::Request;
use crate::response::Response;
use crate::statement::Statement;
use crate::task;
use crate::timer::Timer;

/// What the performance guide sends at a time.
const IN_FLIGHT: usize = 100;

/// After so many answers, at least, one more may be in flight. A refusal costs no network.
const PROBE: usize = 10;

pub(super) type Answer = Result<Response, Error>;

pin_project! {
    /// The rows that are not sent yet, and those that are to be sent again.
    pub(super) struct Sending<V, R> {
        statement: Statement,
        #[pin]
        rows: stream::Fuse<V>,
        pub(super) sent: usize,
        again: VecDeque<Refused<R>>,
        deadline: Option<Instant>,
        end: Option<Timer>,
        pause: Option<Timer>,
        refusals: Refusals,
        most: usize,
        // How many may be in flight now.
        room: usize,
        // Answers since the last refusal.
        answers: usize,
        is_over: bool,
        // Once it is over: whether all rows had been taken.
        is_complete: Option<bool>,
    }
}

/// A row on its way.
pub(super) struct Row<R> {
    pub(super) index: usize,
    /// What is sent, or why the row could not be read: that row fails at once, and no other is affected.
    pub(super) request: Result<(Request, RowLender<R>), Error>,
}

impl<R: SerializeRow> Row<R> {
    /// Sends it; gives it back with its answer.
    pub(super) async fn answered<S: CqlService>(self, client: Client<S>) -> (Self, Answer) {
        let answer = match &self.request {
            Ok((request, lender)) => client.lend(request.clone(), lender).await,
            Err(error) => Err(error.clone()),
        };
        (self, answer)
    }
}

struct Refused<R> {
    row: Row<R>,
    error: Error,
}

impl<V: Stream, R> Sending<V, R> {
    pub(super) fn new(statement: Statement, rows: V) -> Self {
        Self {
            statement,
            rows: rows.fuse(),
            sent: 0,
            again: VecDeque::new(),
            deadline: None,
            end: None,
            pause: None,
            refusals: Refusals::default(),
            most: IN_FLIGHT,
            room: IN_FLIGHT,
            answers: 0,
            is_over: false,
            is_complete: None,
        }
    }

    pub(super) fn set_in_flight(&mut self, most: usize) {
        (self.most, self.room) = (most, most);
    }

    pub(super) fn set_deadline(&mut self, deadline: Instant) {
        self.deadline = Some(deadline);
    }

    pub(super) fn statement(&self) -> &Statement {
        &self.statement
    }

    /// Whether all rows were sent, as far as it is over.
    pub(super) fn is_complete(&self) -> bool {
        self.is_complete.unwrap_or(true)
    }

    /// Whether nothing is sent any more, not even what was refused.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Whether no other row will be sent.
    pub(super) fn is_done(&self) -> bool {
        self.again.is_empty() && (self.is_over || self.rows.is_terminated())
    }

    /// Sends no other row.
    pub(super) fn stop(self: Pin<&mut Self>) {
        *self.project().is_over = true;
    }

    /// Sends no other row, since there is no runtime; the next one fails for that.
    pub(super) fn without_runtime(mut self: Pin<&mut Self>) -> (usize, Answer) {
        let error = task::no_runtime().about(&self.statement);
        self.as_mut().stop();
        let this = self.project();
        *this.is_complete = Some(false);
        *this.sent += 1;
        (*this.sent - 1, Err(error))
    }

    /// The answer to a row, unless the row is to be sent again; beside so many in flight.
    pub(super) fn answered(
        mut self: Pin<&mut Self>,
        row: Row<R>,
        answer: Answer,
        in_flight: usize,
    ) -> Option<(usize, Answer)> {
        let error = match answer {
            // The error of a row that could not be read may be a refusal of the stack that it was read through.
            Err(error) if row.request.is_ok() && is_refused(&error) => error,
            answer => {
                let this = self.project();
                (*this.refusals, *this.pause) = (Refusals::default(), None);
                *this.answers += 1;
                if *this.answers >= PROBE.max(*this.room) && this.room < this.most {
                    (*this.answers, *this.room) = (0, *this.room + 1);
                }
                return Some((row.index, answer));
            }
        };
        let this = self.as_mut().project();
        let refused_for = this.refusals.endure();
        (*this.answers, *this.room) = (0, in_flight.clamp(1, *this.room));
        this.again.push_back(Refused { row, error });
        if this.deadline.is_none() && refused_for >= PATIENCE {
            self.stop();
        } else if in_flight == 0 && this.pause.is_none() && !*this.is_over {
            *this.pause = Some(Timer::at(Instant::now() + this.refusals.wait()));
        }
        None
    }

    /// A row that is not sent again.
    pub(super) fn given_up(self: Pin<&mut Self>) -> Option<(usize, Answer)> {
        if !self.is_over {
            return None;
        }
        let Refused { row, error } = self.project().again.pop_front()?;
        Some((row.index, Err(error)))
    }
}

impl<V, R> Sending<V, R>
where
    V: Stream<Item = Result<R, Error>>,
    R: SerializeRow,
{
    /// The next row to be sent, beside those in flight and those whose answers were not taken yet; none if
    /// there is none left.
    pub(super) fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        recent: &Recent,
        in_flight: usize,
        not_taken: usize,
    ) -> Poll<Option<Row<R>>> {
        self.as_mut().poll_end(cx);
        let mut this = self.project();
        if *this.is_over {
            if this.is_complete.is_none() {
                let is_last = matches!(this.rows.as_mut().poll_next(cx), Poll::Ready(None));
                *this.is_complete = Some(is_last);
            }
            return Poll::Ready(None);
        }
        if in_flight >= *this.room {
            return Poll::Pending;
        }
        if let Some(pause) = this.pause {
            ready!(pause.poll(cx));
            *this.pause = None;
        }
        if let Some(Refused { row, .. }) = this.again.pop_front() {
            return Poll::Ready(Some(row));
        }
        if in_flight + not_taken >= *this.room {
            return Poll::Pending;
        }
        let Some(values) = ready!(this.rows.as_mut().poll_next(cx)) else {
            return Poll::Ready(None);
        };
        let request = match values {
            Ok(values) => {
                let (mut request, lender) = RowLender::lend(this.statement.clone(), values, recent);
                if let Some(deadline) = *this.deadline {
                    request.set_deadline(deadline);
                }
                Ok((request, lender))
            }
            Err(error) => Err(error.about(this.statement)),
        };
        let index = *this.sent;
        *this.sent += 1;
        Poll::Ready(Some(Row { index, request }))
    }

    fn poll_end(mut self: Pin<&mut Self>, cx: &mut Context<'_>) {
        let this = self.as_mut().project();
        let Some(deadline) = *this.deadline else { return };
        if *this.is_over || this.rows.is_terminated() && this.again.is_empty() {
            return;
        }
        if this.end.get_or_insert_with(|| Timer::at(deadline)).poll(cx).is_ready() {
            self.stop();
        }
    }
}
