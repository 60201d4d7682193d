//! A timer for the end of a request's time, which is used again.
//!
//! To register a timer and to remove it takes some hundred instructions and a lock that all threads share, and
//! hardly any request runs out of time. So a thread keeps the timers of requests that were answered, as they are
//! registered, for the next ones: one that expires too early is set anew. To see that a timer is of the runtime that
//! runs counts a reference to the runtime up and down, which has no plainer way.

use std::pin::Pin;

use tokio::runtime::Id;
use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::idle::{self, Idle};
use crate::timer::runtime;

thread_local! {
    static IDLE: Idle<Registered> = const { Idle::new() };
}

struct Registered {
    sleep: Pin<Box<Sleep>>,
    // Whose clock it is. A thread can run one runtime after the other.
    runtime: Id,
}

pub(super) struct DeadlineTimer {
    timer: Option<Registered>,
    deadline: Instant,
}

impl DeadlineTimer {
    /// None outside of a runtime, where nobody could wait for it.
    #[inline]
    pub(super) fn at(deadline: Instant) -> Option<Self> {
        let runtime = runtime()?;
        let timer = match idle::take(&IDLE) {
            Some(mut idle) if idle.runtime == runtime => {
                if idle.sleep.deadline() > deadline {
                    idle.sleep.as_mut().reset(deadline);
                }
                idle
            }
            idle => {
                // All of the other runtime, which would live on with its sockets.
                if idle.is_some() {
                    idle::clear(&IDLE);
                }
                Registered { sleep: Box::pin(sleep_until(deadline)), runtime }
            }
        };
        Some(Self { timer: Some(timer), deadline })
    }

    /// Until the deadline, also where the request itself has used up the task's budget.
    pub(super) async fn expired(&mut self) {
        let Some(Registered { sleep, .. }) = &mut self.timer else { return };
        loop {
            unconstrained(sleep.as_mut()).await;
            if sleep.deadline() >= self.deadline {
                return;
            }
            // That of an earlier request.
            sleep.as_mut().reset(self.deadline);
        }
    }
}

impl Drop for DeadlineTimer {
    fn drop(&mut self) {
        if let Some(timer) = self.timer.take() {
            idle::keep(&IDLE, timer);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::FutureExt;
    use tokio::runtime::Builder;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    async fn expire(time: Duration) {
        let started = Instant::now();
        DeadlineTimer::at(started + time).unwrap().expired().await;
        assert_eq!(started.elapsed(), time);
    }

    /// A request that is answered before the timer expires.
    fn answered(time: Duration) {
        let mut deadline_timer = DeadlineTimer::at(Instant::now() + time).unwrap();
        assert!(deadline_timer.expired().now_or_never().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn it_expires_at_the_end_of_the_current_request_s_time() {
        for time in [3, 1, 2, 2] {
            expire(time * SECOND).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_set_for_an_earlier_request_ends_no_later_one() {
        answered(SECOND);
        expire(5 * SECOND).await;
        answered(9 * SECOND);
        expire(SECOND).await;
    }

    #[test]
    fn another_runtime_on_the_same_thread_has_a_clock_of_its_own() {
        for _ in 0..2 {
            let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
            runtime.unwrap().block_on(async {
                answered(9 * SECOND);
                expire(2 * SECOND).await;
                answered(SECOND);
            });
        }
    }

    #[test]
    fn without_a_runtime_there_is_none() {
        assert!(DeadlineTimer::at(Instant::now()).is_none());
    }

    #[test]
    fn nothing_of_a_runtime_that_has_ended_is_kept() {
        for _ in 0..2 {
            Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
                let first = DeadlineTimer::at(Instant::now() + SECOND);
                assert!(idle::take(&IDLE).is_none());
                drop([first, DeadlineTimer::at(Instant::now() + SECOND)]);
            });
        }
    }
}
