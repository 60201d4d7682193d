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
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use super::Inner;
use super::execute::execute;
use crate::error::Error;
use crate::request::Request;
use crate::response::Response;

/// How many idle ones a thread keeps: about a megabyte.
const IDLE: usize = 256;

thread_local! {
    static IDLE_RUNNERS: RefCell<Vec<Runner>> = const { RefCell::new(Vec::new()) };
}

/// Executes one bound request at a time. Dropped before the answer, it goes with the request.
pub(super) struct Runner {
    running: Pin<Box<dyn Future<Output = Infallible> + Send>>,
    desk: Arc<Desk>,
}

/// Where a request is laid down and its answer picked up. Its owner and the future take turns: nobody
/// ever waits for the other.
#[derive(Default)]
struct Desk {
    work: Mutex<Work>,
    answer: Mutex<Option<Result<Response, Error>>>,
}

/// Two options, since both together are too large to be copied in place.
#[derive(Default)]
struct Work {
    session: Option<Arc<Inner>>,
    request: Option<Request>,
}

impl Runner {
    #[inline]
    pub(super) fn start(session: Arc<Inner>, request: Request) -> Self {
        let idle = IDLE_RUNNERS.try_with(|idle| idle.try_borrow_mut().ok()?.pop());
        let runner = idle.ok().flatten().unwrap_or_else(Self::new);
        if let Ok(mut work) = runner.desk.work.try_lock() {
            work.session = Some(session);
            work.request = Some(request);
        }
        runner
    }

    fn new() -> Self {
        let desk = Arc::<Desk>::default();
        let running = Box::pin(run(Arc::clone(&desk)));
        Self { running, desk }
    }

    #[inline]
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Response, Error>> {
        let Poll::Pending = self.running.as_mut().poll(cx);
        let answer = self.desk.answer.try_lock().ok().and_then(|mut answer| answer.take());
        answer.map_or(Poll::Pending, Poll::Ready)
    }

    /// To be called when there was an answer.
    pub(super) fn rest(self) {
        let _ = IDLE_RUNNERS.try_with(|idle| {
            if let Ok(mut idle) = idle.try_borrow_mut()
                && idle.len() < IDLE
            {
                idle.push(self);
            }
        });
    }
}

async fn run(desk: Arc<Desk>) -> Infallible {
    loop {
        let work = desk.work.try_lock().ok();
        let (session, request) =
            work.map_or((None, None), |mut work| (work.session.take(), work.request.take()));
        if let (Some(session), Some(request)) = (session, request) {
            let answer = execute(&session, &request).await;
            drop((session, request));
            if let Ok(mut desk) = desk.answer.try_lock() {
                *desk = Some(answer);
            }
        }
        pause().await;
    }
}

/// Until it is polled once more.
async fn pause() {
    let mut again = false;
    poll_fn(|_| if mem::replace(&mut again, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}
