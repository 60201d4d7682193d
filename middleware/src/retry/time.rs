//! The time of a request, with all its attempts.

use std::time::Duration;

use cqlstack_core::StatementKind;
use cqlstack_core::layer::Described;
use tokio::time::Instant;

use super::error::StopReason;

/// Of tokio's timers.
const TICK: Duration = Duration::from_millis(1);

/// Gives a request without a deadline one; but a change of the schema has a time of its own.
#[inline]
pub(super) fn begin(request: &mut impl Described, started: Instant, max_elapsed: Option<Duration>) {
    if request.deadline().is_none()
        && request.statement().kind() != StatementKind::Schema
        && let Some(end) = end_of(request, started, max_elapsed)
    {
        request.set_deadline(end);
    }
}

/// One attempt has all of its time, where the request says how much that is.
#[inline]
fn end_of(
    request: &impl Described,
    started: Instant,
    max_elapsed: Option<Duration>,
) -> Option<Instant> {
    let max_elapsed = max_elapsed?.max(request.attempt_timeout().unwrap_or_default());
    started.checked_add(max_elapsed)
}

/// When a request began, and when its last attempt has to end. It is asked for after a failure only: a request
/// keeps no more than when it began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time {
    started: Instant,
    end: Option<(Instant, StopReason)>,
}

impl Time {
    pub(super) fn of(
        request: &impl Described,
        started: Instant,
        max_elapsed: Option<Duration>,
    ) -> Self {
        let of_layer = end_of(request, started, max_elapsed);
        let end = match request.deadline() {
            Some(own) if of_layer != Some(own) => Some((own, StopReason::Deadline)),
            _ => of_layer.map(|end| (end, StopReason::Time)),
        };
        Self { started, end }
    }

    pub(super) fn end(self) -> Option<Instant> {
        self.end.map(|(end, _)| end)
    }

    /// Why no attempt begins then, if the time is over. A wait ends up to a timer's tick late: an attempt that began with the
    /// last of the time would be refused for that, and count.
    pub(super) fn stopped_at(self, next: Instant) -> Option<StopReason> {
        self.end.filter(|(end, _)| next + TICK >= *end).map(|(_, reason)| reason)
    }

    pub(super) fn elapsed(self) -> Duration {
        self.started.elapsed()
    }
}
