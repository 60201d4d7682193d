//! One request, one or several attempts.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use cqlstack_core::layer::{Classify, Described, NotReady, Readying, has_runtime};
use cqlstack_core::{ErrorClass, Recovery};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};
use tower_service::Service;

use super::backoff::{Growth, Waits};
use super::error::{Exhausted, StopReason};
use super::policy::RECONNECT;
use super::service::Again;
use super::stats::Shared;
use super::time::Time;

pin_project! {
    /// The answer of a [`Retry`](super::Retry) to come.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, R>
    where
        S: Service<R>,
    {
        #[pin]
        state: State<S::Future, S>,
        request: R,
        again: Arc<Again<S, S::Error>>,
        started: Instant,
        before: Option<Before<S::Error>>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, S> {
        Calling { #[pin] future: F },
        // In boxes, so that the common way stays small.
        Sleeping { sleep: Pin<Box<Sleep>> },
        // Nothing once it was called, or given up.
        Readying { service: Option<Box<Readying<S>>> },
    }
}

/// What is known of the attempts so far.
struct Before<E> {
    attempts: u32,
    /// How often there was no connection to make an attempt with.
    unconnected: u32,
    ambiguous: bool,
    waits: Waits,
    reconnect: Waits,
    /// What the last one ended with, while the next is waited for.
    last: Option<E>,
}

impl<S: Service<R>, R> ResponseFuture<S, R> {
    #[inline]
    pub(super) fn new(
        first: S::Future,
        request: R,
        again: Arc<Again<S, S::Error>>,
        started: Instant,
    ) -> Self {
        let state = State::Calling { future: first };
        Self { state, request, again, started, before: None }
    }
}

/// When the next attempt may begin, or what to give up with.
fn after_failure<E, R>(
    error: E,
    before: &mut Option<Before<E>>,
    shared: &Shared<E>,
    request: &R,
    time: Time,
) -> Result<Instant, E>
where
    E: Classify + From<Exhausted<E>>,
    R: Described,
{
    let policy = &shared.policy;
    let may_resend = policy.may_resend(&error, request);
    // A full layer below is told as that, so that who makes many requests knows.
    let was_open = before.as_ref().is_some_and(|before| before.ambiguous);
    let stands_alone = before.is_none() || error.is_refusal() && !was_open;
    if stands_alone && !may_resend || before.is_none() && policy.attempts == 1 {
        return Err(error);
    }
    let before = before.get_or_insert_with(|| Before::new(&policy.growth));
    before.ambiguous |= error.worst_class() == ErrorClass::Ambiguous;
    let next = if may_resend && error.recovery() == Recovery::Reconnect {
        shared.count_unconnected(before.unconnected == 0);
        before.unconnected = before.unconnected.saturating_add(1);
        Ok(before.reconnect.next(&RECONNECT))
    } else {
        before.attempts = before.attempts.saturating_add(1);
        match before.attempts {
            _ if !may_resend => Err(StopReason::LastError),
            attempts if attempts >= policy.attempts => Err(StopReason::Attempts),
            _ => Ok(before.waits.next(&policy.growth)),
        }
    };
    let next = next.map(|wait| Instant::now() + wait);
    match next.and_then(|next| time.stopped_at(next).map_or(Ok(next), Err)) {
        Ok(next) => {
            before.last = Some(error);
            Ok(next)
        }
        Err(reason) => Err(before.give_up(reason, error, None, (shared, time))),
    }
}

/// When an attempt that begins now has to end at the latest.
fn latest(request: &impl Described, time: Time) -> Option<Instant> {
    time.end().into_iter().chain(request.latest_after(Instant::now())).min()
}

impl<E> Before<E> {
    fn new(growth: &Growth) -> Self {
        Self {
            attempts: 0,
            unconnected: 0,
            ambiguous: false,
            waits: Waits::new(growth),
            reconnect: Waits::new(&RECONNECT),
            last: None,
        }
    }

    fn take_last(&mut self) -> Option<(&mut Self, E)> {
        let last = self.last.take()?;
        Some((self, last))
    }
}

impl<E: Classify + From<Exhausted<E>>> Before<E> {
    fn give_up(
        &self,
        reason: StopReason,
        last: E,
        not_ready: Option<E>,
        (shared, time): (&Shared<E>, Time),
    ) -> E {
        shared.count_exhausted();
        let worst = if self.ambiguous { ErrorClass::Ambiguous } else { last.worst_class() };
        let Self { attempts, unconnected, .. } = *self;
        let elapsed = time.elapsed();
        Exhausted { attempts, unconnected, elapsed, reason, worst, last, not_ready }.into()
    }
}

impl<S, R> Future for ResponseFuture<S, R>
where
    S: Service<R, Error: Classify + From<Exhausted<S::Error>>> + Clone,
    R: Described + Clone,
{
    type Output = Result<S::Response, S::Error>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let error = match self.as_mut().project().state.project() {
                StateProj::Calling { future } => match future.poll(cx) {
                    Poll::Ready(Err(error)) => Some(error),
                    other => return other,
                },
                StateProj::Sleeping { .. } | StateProj::Readying { .. } => None,
            };
            ready!(self.as_mut().poll_again(error, cx))?;
        }
    }
}

impl<S, R> ResponseFuture<S, R>
where
    S: Service<R, Error: Classify + From<Exhausted<S::Error>>> + Clone,
    R: Described + Clone,
{
    /// Ready when another attempt was begun. Apart from the common way, which goes through each layer
    /// for each poll.
    fn poll_again(
        self: Pin<&mut Self>,
        mut error: Option<S::Error>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), S::Error>> {
        let mut this = self.project();
        let max_elapsed = this.again.shared.policy.max_elapsed;
        let time = Time::of(this.request, *this.started, max_elapsed);
        loop {
            if let Some(error) = error.take() {
                if !has_runtime() {
                    // Nobody can wait for another attempt.
                    return Poll::Ready(Err(error));
                }
                let next =
                    after_failure(error, this.before, &this.again.shared, this.request, time)?;
                this.state.set(State::Sleeping { sleep: Box::pin(sleep_until(next)) });
            }
            match this.state.as_mut().project() {
                StateProj::Calling { .. } => return Poll::Ready(Ok(())),
                StateProj::Sleeping { sleep } => {
                    ready!(sleep.as_mut().poll(cx));
                    let until = latest(this.request, time);
                    let readying = Readying::new(this.again.service(), until);
                    let service = Some(Box::new(readying));
                    this.state.set(State::Readying { service });
                }
                StateProj::Readying { service } => {
                    let Some(waiting) = service else { return Poll::Pending };
                    let outcome = ready!(waiting.poll::<R>(cx));
                    // Not kept beyond this: it may hold what others wait for.
                    let waited = service.take();
                    let failed = this.before.as_mut().and_then(Before::take_last);
                    let (Some(mut waited), Some((before, last))) = (waited, failed) else {
                        return Poll::Pending;
                    };
                    let shared = &this.again.shared;
                    // The wait may have ended late.
                    let over = time.stopped_at(Instant::now());
                    let (reason, not_ready) = match outcome {
                        Ok(()) if over.is_none() => {
                            // Looks for a connection are one attempt, all together.
                            if last.recovery() != Recovery::Reconnect || before.unconnected == 1 {
                                shared.count_resend(last.class());
                            }
                            let future = waited.call(this.request.clone());
                            this.state.set(State::Calling { future });
                            continue;
                        }
                        Err(NotReady::Failed(error)) => (StopReason::NotReady, Some(error)),
                        Ok(()) | Err(NotReady::Late) => {
                            (over.unwrap_or(StopReason::NotReady), None)
                        }
                    };
                    let with = (&**shared, time);
                    return Poll::Ready(Err(before.give_up(reason, last, not_ready, with)));
                }
            }
        }
    }
}

impl<S: Service<R>, R> fmt::Debug for ResponseFuture<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed = self.before.as_ref().map_or(0, |before| before.attempts);
        f.debug_struct("ResponseFuture").field("failed", &failed).finish_non_exhaustive()
    }
}
