//! The driver's future, in memory that is used again.
//!
//! It has some 4 KB. To allocate, move and free as much for each request was two fifths of all that
//! the session added to the driver. A runner is allocated once: a future that executes a request,
//! hands the answer over, and pauses until it is given the next. An idle one holds no request and no
//! session, so that all sessions share those that a thread has.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::poll_fn;
use std::mem;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::thread::LocalKey;

use tokio::time::Instant;

use crate::error::Error;
use crate::request::Request;
use crate::response::Response;
use crate::session::execution::deadline_timer::DeadlineTimer;
use crate::session::execution::execute::execute;
use crate::session::lifecycle::Entry;

/// How many idle ones a thread keeps: about a megabyte.
const IDLE: usize = 256;

struct Work {
    session: Entry,
    request: Request,
    called: Instant,
}

type Answer = Result<Response, Error>;

thread_local! {
    static IDLE_RUNNERS: RefCell<Vec<Runner>> = const { RefCell::new(Vec::new()) };
    // What is handed over, for as long as a poll of the runner takes: its owner puts the work down
    // before, and takes the answer up after. A lock would do, for two atomics each time.
    static WORK: RefCell<Option<Work>> = const { RefCell::new(None) };
    static ANSWER: RefCell<Option<Answer>> = const { RefCell::new(None) };
}

/// Executes one bound request at a time. Dropped before the answer, it goes with the request.
pub(in crate::session) struct Runner {
    running: Pin<Box<dyn Future<Output = Infallible> + Send>>,
}

impl Runner {
    /// None when the thread is at its end: it has no place any more to hand work over.
    #[inline]
    pub(in crate::session) fn idle() -> Option<Self> {
        WORK.try_with(|_| ()).ok()?;
        let idle = IDLE_RUNNERS.try_with(|idle| idle.try_borrow_mut().ok()?.pop());
        Some(idle.ok().flatten().unwrap_or_else(Self::new))
    }

    #[inline]
    pub(in crate::session) fn start(&mut self, session: Entry, request: Request, called: Instant) {
        put(&WORK, &mut Some(Work { session, request, called }));
        // It takes the work up, and does nothing yet.
        let Poll::Pending = self.step(&mut Context::from_waker(Waker::noop()));
    }

    fn new() -> Self {
        Self { running: Box::pin(run()) }
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Poll<Infallible> {
        self.running.as_mut().poll(cx)
    }

    #[inline]
    pub(in crate::session) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Answer> {
        let Poll::Pending = self.step(cx);
        take(&ANSWER).map_or(Poll::Pending, Poll::Ready)
    }

    /// To be called when there was an answer.
    pub(in crate::session) fn rest(self) {
        let _ = IDLE_RUNNERS.try_with(|idle| {
            if let Ok(mut idle) = idle.try_borrow_mut()
                && idle.len() < IDLE
            {
                idle.push(self);
            }
        });
    }
}

async fn run() -> Infallible {
    let mut deadline_timer = pin!(DeadlineTimer::default());
    loop {
        let Some(work) = take(&WORK) else {
            pause().await;
            continue;
        };
        pause().await;
        let Work { session, request, called } = &work;
        let mut answer = Some(execute(session, request, *called, deadline_timer.as_mut()).await);
        drop(work);
        while put(&ANSWER, &mut answer).is_none() {
            // For a poll by another thread.
            pause().await;
        }
        pause().await;
    }
}

/// Until it is polled once more.
async fn pause() {
    let mut again = false;
    poll_fn(|_| if mem::replace(&mut again, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

/// Fails when the thread is at its end. Not a cell, which copies what it holds once more.
#[inline]
fn put<T>(place: &'static LocalKey<RefCell<Option<T>>>, item: &mut Option<T>) -> Option<()> {
    let set = |place: &RefCell<Option<T>>| {
        *place.try_borrow_mut().ok()? = item.take();
        Some(())
    };
    place.try_with(set).ok().flatten()
}

#[inline]
fn take<T>(place: &'static LocalKey<RefCell<Option<T>>>) -> Option<T> {
    place.try_with(|place| place.try_borrow_mut().ok()?.take()).ok().flatten()
}
