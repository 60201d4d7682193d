//! The time of a request, with all its attempts.

use std::time::Duration;

use cqlstack_core::{Described, StatementKind};
use tokio::time::Instant;

use super::error::Stopped;

/// Gives a request without a deadline one; but a change of the schema has a time of its own.
#[inline]
pub(super) fn begin(request: &mut impl Described, started: Instant, total: Option<Duration>) {
    if request.deadline().is_none()
        && request.statement().kind() != StatementKind::Schema
        && let Some(end) = end_of(request, started, total)
    {
        request.set_deadline(end);
    }
}

/// One attempt has all of its time, where the request says how much that is.
#[inline]
fn end_of(request: &impl Described, started: Instant, total: Option<Duration>) -> Option<Instant> {
    let total = total?.max(request.attempt_timeout().unwrap_or_default());
    started.checked_add(total)
}

/// When a request began, and when its last attempt has to end. It is asked for after a failure only: a request
/// keeps no more than when it began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time {
    started: Instant,
    end: Option<(Instant, Stopped)>,
}

impl Time {
    pub(super) fn of(request: &impl Described, started: Instant, total: Option<Duration>) -> Self {
        let of_layer = end_of(request, started, total);
        let end = match request.deadline() {
            Some(own) if of_layer != Some(own) => Some((own, Stopped::Deadline)),
            _ => of_layer.map(|end| (end, Stopped::Time)),
        };
        Self { started, end }
    }

    pub(super) fn end(self) -> Option<Instant> {
        self.end.map(|(end, _)| end)
    }

    /// Why no attempt begins then, if the time is over.
    pub(super) fn stopped_at(self, next: Instant) -> Option<Stopped> {
        self.end.filter(|(end, _)| next >= *end).map(|(_, stopped)| stopped)
    }

    pub(super) fn elapsed(self) -> Duration {
        self.started.elapsed()
    }
}
