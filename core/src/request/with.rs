//! How a request is to be executed: what it says of that, and what it leaves open.

use std::time::Duration;

use scylla::frame::types::{Consistency, SerialConsistency};
use tokio::time::Instant;

use super::options::{Options, PageSize};
use super::{Payload, Request};
use crate::statement::takes_timestamp;
use crate::timestamp::{Stamp, Timestamps};

impl Request {
    /// Sets something that goes to the driver with the statement.
    fn change(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.options);
        if let Payload::Bound(bound) = &mut self.payload {
            bound.reapply(&self.options);
        }
        self
    }

    /// Sets how many replicas have to answer.
    pub fn with_consistency(self, consistency: Consistency) -> Self {
        self.change(|options| options.consistency = Some(consistency))
    }

    /// Sets the consistency of the Paxos phase of a conditional statement.
    pub fn with_serial_consistency(self, consistency: SerialConsistency) -> Self {
        self.change(|options| options.set_serial_consistency(consistency))
    }

    /// Sets how many rows a page has, at least 1 and at most 2³¹ - 1.
    #[doc(alias("fetch_size", "setPageSize", "PageSize"))]
    pub fn with_page_size(self, rows: u32) -> Self {
        self.change(|options| options.page_size = Some(PageSize::new(rows)))
    }

    /// Asks for all rows at once, without pages: [`Statement::without_paging`](crate::Statement::without_paging).
    #[doc(alias("execute_unpaged", "execute_bound_unpaged"))]
    pub fn without_paging(self) -> Self {
        self.change(|options| options.page_size = Some(PageSize::NONE))
    }

    /// Asks the server to trace it: [`Response::tracing_id`](crate::Response::tracing_id) says under which id, and
    /// [`Session::trace`](crate::Session::trace) reads what was noted. Each node notes its steps in tables of its own, which
    /// costs more than the request: trace single ones. A request that [prepares](Self::prepare) is not traced, and one
    /// that fails has no id.
    #[doc(alias("setTracing", "Trace"))]
    pub fn with_tracing(self) -> Self {
        self.change(|options| options.is_traced = true)
    }

    /// Sets the timestamp of a write, in microseconds since 1970; `None` leaves it to the server, as
    /// [`Timestamps::Server`].
    pub fn with_timestamp(self, micros: Option<i64>) -> Self {
        self.change(|options| options.stamp = micros.map_or(Stamp::Server, Stamp::Given))
    }

    /// Sets who gives a write its timestamp. One that the caller gave before is dropped.
    pub fn with_timestamps(self, timestamps: Timestamps) -> Self {
        if !takes_timestamp(self.statement.kind()) {
            return self;
        }
        self.change(|options| options.stamp = Stamp::new(Some(timestamps)))
    }

    /// Sets the longest time of one attempt: of one call of the session, which prepares, if need be, and
    /// executes, with the driver's failover inside. A wait for a permit of a limit below the retry is part of
    /// the attempt. A retry makes several: the whole is bounded by the
    /// [deadline](Self::with_deadline), which a retry layer sets where there is none.
    pub fn with_attempt_timeout(mut self, timeout: Duration) -> Self {
        self.options.attempt_timeout = Some(timeout);
        self
    }

    /// Sets when the answer is worth nothing any more. Every layer obeys it, waiting and sending
    /// again included. The instant is [`tokio::time::Instant`], which a test may pause, and not the one of `std`:
    /// `Instant::from_std` converts that.
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        self.set_deadline(deadline);
        self
    }

    /// As [`with_deadline`](Self::with_deadline), in place.
    #[inline]
    pub fn set_deadline(&mut self, deadline: Instant) {
        self.options.deadline = Some(deadline);
    }

    /// The consistency level, if it or its statement does not leave it to the session.
    #[must_use]
    pub fn consistency(&self) -> Option<Consistency> {
        self.options.consistency
    }

    /// The serial consistency level, if it or its statement does not leave it to the session.
    #[must_use]
    pub fn serial_consistency(&self) -> Option<SerialConsistency> {
        self.options.serial_consistency()
    }

    /// How many rows a page has, if it has pages, and does not leave their size to the session.
    #[must_use]
    pub fn page_size(&self) -> Option<u32> {
        self.options.page_size()
    }

    /// Whether it asks for all rows at once.
    #[must_use]
    pub fn is_unpaged(&self) -> bool {
        self.options.is_unpaged()
    }

    /// Whether the server is to trace it.
    #[must_use]
    pub fn is_traced(&self) -> bool {
        self.options.is_traced
    }

    /// The longest time of one attempt, if it does not leave it to the session.
    #[must_use]
    #[inline]
    pub fn attempt_timeout(&self) -> Option<Duration> {
        self.options.attempt_timeout
    }

    /// When the answer is worth nothing any more.
    #[must_use]
    #[inline]
    pub fn deadline(&self) -> Option<Instant> {
        self.options.deadline
    }

    /// The timestamp that the client gives the write, in microseconds since 1970. Where it was taken by itself,
    /// a session drops it if the server is to stamp ([`Timestamps`]).
    #[must_use]
    pub fn timestamp(&self) -> Option<i64> {
        self.options.stamp.micros()
    }

    pub(crate) fn stamp(&self) -> Stamp {
        self.options.stamp
    }
}
