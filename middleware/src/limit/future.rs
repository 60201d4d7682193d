//! A request that waits for its permit, or runs.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use cqlstack_core::layer::{Described, NotReady, Readying, Timer};
use cqlstack_core::{InvalidConfig, Statement};
use pin_project_lite::pin_project;
use tokio::task::unconstrained;
use tokio::time::Instant;
use tower_service::Service;

use super::error::{RefusalReason, Refused};
use super::permits::{Permit, Permits, Place};

/// What a request does when all permits are taken.
#[derive(Debug, Clone, Copy)]
pub(crate) enum WhenFull {
    Wait,
    WaitBounded { queue: usize, longest: Duration },
    Reject,
}

impl WhenFull {
    /// As settings say.
    pub(crate) fn of_config(
        queue: Option<usize>,
        longest_wait: Option<Duration>,
        reject: bool,
    ) -> Result<Self, InvalidConfig> {
        match (queue, longest_wait) {
            (Some(_), _) | (_, Some(_)) if reject => {
                let why =
                    "is set, and so is a queue, in which requests wait: leave out one of them";
                Err(InvalidConfig::new("reject", why))
            }
            (Some(queue), Some(longest)) => Self::wait_bounded(queue, longest),
            (Some(_), None) => {
                Err(InvalidConfig::new("longest_wait", "is missing, and there is a `queue`"))
            }
            (None, Some(_)) => {
                Err(InvalidConfig::new("queue", "is missing, and there is a `longest_wait`"))
            }
            (None, None) if reject => Ok(Self::Reject),
            (None, None) => Ok(Self::Wait),
        }
    }

    pub(crate) fn wait_bounded(queue: usize, longest: Duration) -> Result<Self, InvalidConfig> {
        const ZERO: &str = "is 0, with which nothing can wait: use `reject` for that";
        if queue == 0 {
            return Err(InvalidConfig::new("queue", ZERO));
        }
        if longest.is_zero() {
            return Err(InvalidConfig::new("longest_wait", ZERO));
        }
        Ok(Self::WaitBounded { queue, longest })
    }

    fn places(self) -> usize {
        match self {
            Self::Wait => usize::MAX,
            Self::WaitBounded { queue, .. } => queue,
            Self::Reject => 0,
        }
    }
}

pin_project! {
    /// The answer of a [`ConcurrencyLimit`](super::ConcurrencyLimit) to come.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, R>
    where
        S: Service<R>,
    {
        #[pin]
        state: State<S, R>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, R>
    where
        S: Service<R>,
    {
        Running {
            permit: Option<Permit>,
            #[pin]
            future: S::Future,
        },
        // Full when it was called, and not polled yet. In boxes, so that the common way stays small.
        Called { called: Option<Box<Called<S, R>>> },
        Waiting { waiting: Option<Box<Waiting<S, R>>> },
        Readying { permitted: Option<Box<Permitted<S, R>>> },
        Failed,
    }
}

struct Called<S, R> {
    inner: S,
    request: R,
    permits: Arc<Permits>,
    when_full: WhenFull,
}

struct Waiting<S, R> {
    inner: S,
    request: R,
    turn: Turn,
    place: Place,
    end: Option<Timer>,
    /// With how long it waited.
    reason: ReasonAfter,
}

/// It has its permit, and waits for the service below.
struct Permitted<S, R> {
    service: Readying<S>,
    request: R,
    permit: Permit,
    /// When it began to wait for the service, if it is not ready at once.
    since: Option<Instant>,
}

/// Why it is refused, of how long it waited.
type ReasonAfter = fn(Duration) -> RefusalReason;

type Turn = Pin<Box<dyn Future<Output = Permit> + Send + Sync>>;

impl<S: Service<R>, R> ResponseFuture<S, R> {
    pub(crate) fn running(permit: Permit, future: S::Future) -> Self {
        Self { state: State::Running { permit: Some(permit), future } }
    }

    pub(crate) fn waiting(
        inner: S,
        request: R,
        permits: Arc<Permits>,
        when_full: WhenFull,
    ) -> Self {
        let called = Called { inner, request, permits, when_full };
        Self { state: State::Called { called: Some(Box::new(called)) } }
    }
}

impl<S, R> Future for ResponseFuture<S, R>
where
    S: Service<R, Error: From<Refused>>,
    R: Described,
{
    type Output = Result<S::Response, S::Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            if let StateProj::Running { permit, future } = state.as_mut().project() {
                return poll_running(permit, future, cx);
            }
            match ready!(state.as_mut().poll_waiting(cx)) {
                Ok(next) => state.set(next),
                Err(error) => {
                    state.set(State::Failed);
                    return Poll::Ready(Err(error));
                }
            }
        }
    }
}

impl<S, R> State<S, R>
where
    S: Service<R, Error: From<Refused>>,
    R: Described,
{
    fn permitted(inner: S, request: R, permit: Permit) -> Self {
        let service = Readying::new(inner, request.latest_after(Instant::now()));
        let permitted = Permitted { service, request, permit, since: None };
        Self::Readying { permitted: Some(Box::new(permitted)) }
    }

    /// The next state. Apart from the common way, which goes through each layer for each poll.
    fn poll_waiting(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Self, S::Error>> {
        match self.project() {
            StateProj::Called { called } => {
                let Some(called) = called.take() else { return Poll::Pending };
                if let Some(permit) = called.permits.try_take() {
                    return Poll::Ready(Ok(Self::permitted(called.inner, called.request, permit)));
                }
                let Some(place) = called.permits.try_queue(called.when_full.places()) else {
                    let statement = called.request.statement();
                    return Poll::Ready(Err(refuse(
                        &called.permits,
                        RefusalReason::Full,
                        statement,
                    )
                    .into()));
                };
                Poll::Ready(Ok(Self::Waiting { waiting: Some(Box::new(called.wait(place))) }))
            }
            StateProj::Waiting { waiting } => {
                let Some(current) = waiting else { return Poll::Pending };
                let Poll::Ready(permit) = poll_turn(&mut current.turn, cx) else {
                    let Some(end) = &mut current.end else { return Poll::Pending };
                    ready!(end.poll(cx));
                    let Waiting { place, request, reason, .. } = &**current;
                    let reason = reason(place.since.elapsed());
                    return Poll::Ready(Err(
                        refuse(&place.permits, reason, request.statement()).into()
                    ));
                };
                let Some(done) = waiting.take() else { return Poll::Pending };
                // It waits in the queue no longer.
                let Waiting { inner, request, .. } = *done;
                Poll::Ready(Ok(Self::permitted(inner, request, permit)))
            }
            StateProj::Readying { permitted } => {
                let Some(current) = permitted else { return Poll::Pending };
                let Poll::Ready(outcome) = current.service.poll::<R>(cx) else {
                    current.since.get_or_insert_with(Instant::now);
                    return Poll::Pending;
                };
                let Some(done) = permitted.take() else { return Poll::Pending };
                let Permitted { mut service, request, permit, since } = *done;
                Poll::Ready(match outcome {
                    Ok(()) => {
                        let future = service.call(request);
                        Ok(Self::Running { permit: Some(permit), future })
                    }
                    Err(NotReady::Failed(error)) => Err(error),
                    Err(NotReady::Late) => {
                        let waited = since.map_or(Duration::ZERO, |since| since.elapsed());
                        Err(refuse(&permit.0, RefusalReason::NotReady(waited), request.statement())
                            .into())
                    }
                })
            }
            // No other answer will come.
            StateProj::Failed | StateProj::Running { .. } => Poll::Pending,
        }
    }
}

/// An answer is large: it is not moved on its way up.
#[inline]
fn poll_running<F: Future>(
    permit: &mut Option<Permit>,
    future: Pin<&mut F>,
    cx: &mut Context<'_>,
) -> Poll<F::Output> {
    let answer = future.poll(cx);
    if answer.is_ready() {
        // Here, not on drop: the caller may keep a future that is done.
        *permit = None;
    }
    answer
}

/// Outside of tokio's budget for a task: a poll that the budget cuts short would queue up later than
/// its turn.
fn poll_turn(turn: &mut Turn, cx: &mut Context<'_>) -> Poll<Permit> {
    Pin::new(&mut unconstrained(turn)).poll(cx)
}

impl<S, R: Described> Called<S, R> {
    fn wait(mut self, place: Place) -> Waiting<S, R> {
        let after = |time: Option<Duration>| place.since.checked_add(time?);
        let allowed = match self.when_full {
            WhenFull::WaitBounded { longest, .. } => Some(longest),
            WhenFull::Wait | WhenFull::Reject => None,
        };
        let ends: [(_, ReasonAfter); 3] = [
            (after(allowed), RefusalReason::Waited),
            (self.request.deadline(), RefusalReason::Deadline),
            (after(self.request.attempt_timeout()), RefusalReason::Attempt),
        ];
        let ends = ends.into_iter().filter_map(|(end, reason)| Some((end?, reason)));
        let first = ends.min_by_key(|(end, _)| *end);
        // What follows the wait is part of the same attempt.
        if let Some(end) = self.request.latest_after(place.since) {
            self.request.set_deadline(end);
        }
        Waiting {
            turn: Box::pin(self.permits.take()),
            inner: self.inner,
            request: self.request,
            place,
            end: first.map(|(end, _)| Timer::at(end)),
            reason: first.map_or(RefusalReason::Waited, |(_, reason)| reason),
        }
    }
}

fn refuse(permits: &Permits, reason: RefusalReason, statement: &Statement) -> Refused {
    permits.refused.count(reason.index());
    Refused {
        reason,
        limit: permits.limit(),
        waiting: permits.waiting(),
        statement: statement.clone(),
    }
}

impl<S: Service<R>, R> fmt::Debug for ResponseFuture<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Running { .. } => "running",
            State::Called { .. } | State::Waiting { .. } | State::Readying { .. } => "waiting",
            State::Failed => "failed",
        };
        f.debug_struct("ResponseFuture").field("state", &state).finish_non_exhaustive()
    }
}
