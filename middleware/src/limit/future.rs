//! A request that waits for its permit, or runs.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use cqlstack_core::{Described, Statement};
use pin_project_lite::pin_project;
use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};
use tower_service::Service;

use super::error::{Refused, Why};
use super::permits::{Permit, Permits};

/// What a request does when all permits are taken.
#[derive(Debug, Clone, Copy)]
pub(super) enum WhenFull {
    Wait,
    WaitBounded { queue: usize, longest: Duration },
    Reject,
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
        /// Full when it was called, and not polled yet.
        Called { call: Option<(S, R)>, permits: Arc<Permits>, when_full: WhenFull },
        Waiting {
            call: Option<(S, R)>,
            turn: Turn,
            place: Place,
            #[pin]
            end: Option<Sleep>,
            why: Why,
        },
        Refused,
    }
}

type Turn = Pin<Box<dyn Future<Output = Permit> + Send + Sync>>;

impl<S: Service<R>, R> ResponseFuture<S, R> {
    pub(super) fn running(permit: Permit, future: S::Future) -> Self {
        Self { state: State::Running { permit: Some(permit), future } }
    }

    pub(super) fn waiting(
        inner: S,
        request: R,
        permits: Arc<Permits>,
        when_full: WhenFull,
    ) -> Self {
        Self { state: State::Called { call: Some((inner, request)), permits, when_full } }
    }
}

impl<S, R> Future for ResponseFuture<S, R>
where
    S: Service<R, Error: From<Refused>>,
    R: Described,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProj::Running { permit, future } => {
                    let answer = ready!(future.poll(cx));
                    // Here, not on drop: the caller may keep a future that is done.
                    *permit = None;
                    return Poll::Ready(answer);
                }
                StateProj::Called { call, permits, when_full } => {
                    let Some((inner, request)) = call.take() else { return Poll::Pending };
                    let Some(place) = Place::take(permits, *when_full) else {
                        let refused = refuse(permits, Why::Full, request.statement());
                        state.set(State::Refused);
                        return Poll::Ready(Err(refused.into()));
                    };
                    wait(inner, request, place, *when_full)
                }
                StateProj::Waiting { call, turn, place, end, why } => {
                    let Poll::Ready(permit) = poll_turn(turn, cx) else {
                        let Some(end) = end.as_pin_mut() else { return Poll::Pending };
                        ready!(end.poll(cx));
                        let Some((_, request)) = call.take() else { return Poll::Pending };
                        let refused = refuse(&place.permits, *why, request.statement());
                        state.set(State::Refused);
                        return Poll::Ready(Err(refused.into()));
                    };
                    let Some((mut inner, request)) = call.take() else { return Poll::Pending };
                    let future = inner.call(request);
                    State::Running { permit: Some(permit), future }
                }
                // It was done when it was polled last: no other answer will come.
                StateProj::Refused => return Poll::Pending,
            };
            state.set(next);
        }
    }
}

/// Outside of tokio's budget for a task: a poll that the budget cuts short would queue up later than
/// its turn.
fn poll_turn(turn: &mut Turn, cx: &mut Context<'_>) -> Poll<Permit> {
    Pin::new(&mut unconstrained(turn)).poll(cx)
}

fn wait<S: Service<R>, R: Described>(
    inner: S,
    request: R,
    place: Place,
    when_full: WhenFull,
) -> State<S, R> {
    let allowed = match when_full {
        WhenFull::WaitBounded { longest, .. } => {
            place.since.checked_add(longest).map(|end| (end, Why::Waited(longest)))
        }
        WhenFull::Wait | WhenFull::Reject => None,
    };
    let deadline = request.deadline().map(|deadline| (deadline, Why::Deadline));
    let first = allowed.into_iter().chain(deadline).min_by_key(|(end, _)| *end);
    State::Waiting {
        turn: Box::pin(Arc::clone(&place.permits).take()),
        call: Some((inner, request)),
        place,
        end: first.map(|(end, _)| sleep_until(end)),
        why: first.map_or(Why::Full, |(_, why)| why),
    }
}

fn refuse(permits: &Permits, why: Why, statement: &Statement) -> Refused {
    permits.refused.fetch_add(1, Ordering::Relaxed);
    Refused {
        why,
        limit: permits.limit(),
        waiting: permits.waiting.load(Ordering::Relaxed),
        statement: statement.clone(),
    }
}

/// A place in the queue, free again on drop.
struct Place {
    permits: Arc<Permits>,
    since: Instant,
}

impl Place {
    fn take(permits: &Arc<Permits>, when_full: WhenFull) -> Option<Self> {
        let places = match when_full {
            WhenFull::Wait => usize::MAX,
            WhenFull::WaitBounded { queue, .. } => queue,
            WhenFull::Reject => 0,
        };
        let one_more = |waiting| (waiting < places).then_some(waiting + 1);
        permits.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
        Some(Self { permits: Arc::clone(permits), since: Instant::now() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.permits.waiting.fetch_sub(1, Ordering::Relaxed);
        self.permits.add_waited(self.since.elapsed());
    }
}

impl<S: Service<R>, R> fmt::Debug for ResponseFuture<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Running { .. } => "running",
            State::Called { .. } | State::Waiting { .. } => "waiting",
            State::Refused => "refused",
        };
        f.debug_struct("ResponseFuture").field("state", &state).finish_non_exhaustive()
    }
}
