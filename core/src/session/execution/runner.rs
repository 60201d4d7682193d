//! The future of a bound request, in memory that a thread uses again.
//!
//! It has some 4 KB: to allocate and free as much for each request is 4 % of a read (`docs/costs.md`).

use std::task::{Context, Poll};

use tokio::time::Instant;

use crate::error::Error;
use crate::idle::{self, Idle};
use crate::request::Request;
use crate::response::Response;
use crate::session::execution::execute::execute;
use crate::session::execution::reusable::Reusable;
use crate::session::lifecycle::Entry;

type Answer = Result<Response, Error>;

struct Work {
    session: Entry,
    request: Request,
    called: Instant,
}

thread_local! {
    /// None of them holds a session: all sessions share those that a thread has.
    static IDLE: Idle<Runner> = const { Idle::new() };
}

/// Executes one bound request at a time. Dropped before the answer, it goes with the request.
pub(in crate::session) struct Runner(Reusable<Work, Answer>);

impl Runner {
    #[inline]
    pub(in crate::session) fn start(session: Entry, request: Request, called: Instant) -> Self {
        let mut runner = idle::take(&IDLE).unwrap_or_else(Self::new);
        runner.0.start(Work { session, request, called });
        runner
    }

    fn new() -> Self {
        Self(Reusable::new(|work: Work| async move {
            execute(&work.session, &work.request, work.called).await
        }))
    }

    #[inline]
    pub(in crate::session) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Answer> {
        self.0.poll(cx)
    }

    /// To be called when there was an answer.
    #[inline]
    pub(in crate::session) fn rest(self) {
        idle::keep(&IDLE, self);
    }
}
