//! The end of a request's time, for one request after the other.
//!
//! To register a timer and to remove it again takes some hundred instructions and a lock that all threads
//! share, and hardly any request runs out of time. This one stays set when its request is over, and
//! serves the next one: if it expires too early it is set anew. It expires every quarter of a second, so that
//! what waits notices that it is aborted; to set it anew so often is nothing beside what a thread serves in
//! that time.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tokio::runtime::Id;
use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::session::wait::LOOK;
use crate::timer::runtime;

pin_project! {
    #[derive(Default)]
    pub(in crate::session) struct DeadlineTimer {
        #[pin]
        sleep: Option<Sleep>,
        // Whose clock it is. A thread can run one runtime after the other.
        runtime: Option<Id>,
    }
}

impl DeadlineTimer {
    /// To be called once for each request, before it is polled: it expires first at this moment.
    pub(in crate::session) fn begin(self: Pin<&mut Self>, first: Instant) {
        let mut this = self.project();
        let runtime = runtime();
        match this.sleep.as_mut().as_pin_mut() {
            Some(sleep) if *this.runtime == runtime => {
                if sleep.deadline() > first {
                    sleep.reset(first);
                }
            }
            _ => {
                this.sleep.set(Some(sleep_until(first)));
                *this.runtime = runtime;
            }
        }
    }

    /// Ready when the time is over, or when `end` says so, which is asked every now and then.
    pub(in crate::session) fn poll(
        self: Pin<&mut Self>,
        until: Instant,
        end: impl Fn() -> bool,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let Some(mut sleep) = self.project().sleep.as_pin_mut() else { return Poll::Pending };
        loop {
            // Also where the request itself has used up the task's budget.
            ready!(Pin::new(&mut unconstrained(sleep.as_mut())).poll(cx));
            if sleep.deadline() >= until || end() {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(until.min(Instant::now() + LOOK));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::time::Duration;

    use futures::FutureExt;
    use tokio::runtime::Builder;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    async fn expire(mut deadline_timer: Pin<&mut DeadlineTimer>, time: Duration) {
        let started = Instant::now();
        deadline_timer.as_mut().begin(started + time);
        poll_fn(|cx| deadline_timer.as_mut().poll(started + time, || false, cx)).await;
        assert_eq!(started.elapsed(), time);
    }

    /// A request that is answered before the timer expires.
    fn answered(mut deadline_timer: Pin<&mut DeadlineTimer>, time: Duration) {
        let until = Instant::now() + time;
        deadline_timer.as_mut().begin(until);
        assert!(
            poll_fn(|cx| deadline_timer.as_mut().poll(until, || false, cx))
                .now_or_never()
                .is_none()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn it_expires_at_the_end_of_the_current_request_s_time() {
        let mut deadline_timer = pin!(DeadlineTimer::default());
        for time in [3, 1, 2, 2] {
            expire(deadline_timer.as_mut(), time * SECOND).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_set_for_an_earlier_request_ends_no_later_one() {
        let mut deadline_timer = pin!(DeadlineTimer::default());
        answered(deadline_timer.as_mut(), SECOND);
        expire(deadline_timer.as_mut(), 5 * SECOND).await;
        answered(deadline_timer.as_mut(), 9 * SECOND);
        expire(deadline_timer.as_mut(), SECOND).await;
    }

    #[test]
    fn another_runtime_on_the_same_thread_has_a_clock_of_its_own() {
        let mut deadline_timer = pin!(DeadlineTimer::default());
        for _ in 0..2 {
            let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
            runtime.unwrap().block_on(async {
                answered(deadline_timer.as_mut(), 9 * SECOND);
                expire(deadline_timer.as_mut(), 2 * SECOND).await;
                answered(deadline_timer.as_mut(), SECOND);
            });
        }
    }
}
