//! The time of a call.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Error, ErrorKind, Waited};
use crate::paging::PagingState;
use crate::request::Request;
use crate::session::execution::error::{error_of, invalid};
use crate::session::inner::Inner;
use crate::session::wait::add;
use crate::statement::StatementKind;

/// When a call has to be done, and when it began.
#[derive(Debug, Clone, Copy)]
pub(in crate::session) struct Time {
    pub(super) started: Instant,
    pub(in crate::session) until: Instant,
}

impl Time {
    #[inline]
    pub(in crate::session) fn of(
        session: &Inner,
        request: &Request,
        started: Instant,
    ) -> Result<Self, Error> {
        let default = match request.statement().kind() {
            StatementKind::Schema => session.config.schema_timeout,
            _ => session.config.attempt_timeout,
        };
        let timeout = add(started, request.options().attempt_timeout.unwrap_or(default));
        match request.options().deadline {
            Some(deadline) if deadline <= started => {
                let late = ErrorKind::DeadlinePassed(Waited::BeforeTheSession);
                Err(error_of(session, request, late))
            }
            Some(deadline) => Ok(Self { started, until: deadline.min(timeout) }),
            None => Ok(Self { started, until: timeout }),
        }
    }

    pub(in crate::session) fn of_page(
        session: &Inner,
        request: &Request,
        started: Instant,
    ) -> Result<Self, Error> {
        if let Some(why) = request.paging_fault(&PagingState::default()) {
            return Err(invalid(session, request, why));
        }
        Self::of(session, request, started)
    }

    pub(super) fn given(self) -> Duration {
        self.until - self.started
    }
}
