//! A server that is simulated on tokio's clock, to try limits on: paused, a minute of it takes a second.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use cqlstack_core::{Error, ErrorClass, Request, Response};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, sleep, timeout};
use tower_service::Service;

/// How long a worker works on a request.
#[derive(Debug, Clone, Copy)]
pub enum ServiceTime {
    /// Always as long.
    Constant(Duration),
    /// Exponentially distributed, with this mean.
    Exponential(Duration),
}

/// What becomes of a request that waited longer than its client does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Late {
    /// It is worked on, for nobody.
    Worked,
    /// It is thrown away.
    Discarded,
}

/// So many workers, and a queue before them in which whoever came first is first. Its clones are the same server.
///
/// A client waits as long as its timeout, and then has an error that says so; the server does not notice.
#[derive(Debug, Clone)]
pub struct SimulatedServer(Arc<Shared>);

struct Shared {
    workers: Semaphore,
    time: ServiceTime,
    late: Late,
    timeout: Duration,
    /// In percent.
    slowness: AtomicU32,
    /// How many times as long a scan takes.
    scans: u32,
    in_flight: AtomicUsize,
}

/// The client has waited for this long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct NoAnswer(Duration);

impl SimulatedServer {
    /// A server whose clients wait for this long.
    ///
    /// # Panics
    ///
    /// Without workers.
    #[must_use]
    pub fn new(workers: usize, time: ServiceTime, late: Late, timeout: Duration) -> Self {
        assert!(workers > 0, "a server without workers answers nothing");
        Self(Arc::new(Shared {
            workers: Semaphore::new(workers),
            time,
            late,
            timeout,
            slowness: AtomicU32::new(100),
            scans: 1,
            in_flight: AtomicUsize::new(0),
        }))
    }

    /// The same, idle, where a scan takes so many times as long as any other request.
    #[must_use]
    pub fn with_scans(self, times: u32) -> Self {
        let Shared { workers, time, late, timeout, .. } = &*self.0;
        let mut server = Self::new(workers.available_permits(), *time, *late, *timeout);
        if let Some(shared) = Arc::get_mut(&mut server.0) {
            shared.scans = times;
        }
        server
    }

    /// From now on requests take so many percent of their time.
    pub fn set_slowness(&self, percent: u32) {
        self.0.slowness.store(percent, Ordering::Relaxed);
    }

    /// Requests that it has and that have not ended, waiting ones included.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.0.in_flight.load(Ordering::Relaxed)
    }
}

impl Shared {
    fn service_time(&self, request: &Request) -> Duration {
        let time = match self.time {
            ServiceTime::Constant(time) => time,
            ServiceTime::Exponential(mean) => mean.mul_f64(-(1.0 - fastrand::f64()).ln()),
        };
        let times = if request.statement().is_scan() { self.scans } else { 1 };
        time * times * self.slowness.load(Ordering::Relaxed) / 100
    }

    async fn work(&self, time: Duration, came: Instant) -> bool {
        let Ok(_worker) = self.workers.acquire().await else { return false };
        if self.late == Late::Discarded && came.elapsed() > self.timeout {
            return false;
        }
        sleep(time).await;
        true
    }
}

impl Service<Request> for SimulatedServer {
    type Response = Response;
    type Error = Error;
    type Future = Answer;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Answer {
        let (answer, answered) = oneshot::channel();
        let (server, time, came) = (self.clone(), self.0.service_time(&request), Instant::now());
        server.0.in_flight.fetch_add(1, Ordering::Relaxed);
        let longest = self.0.timeout;
        // A task of its own: the server works also for clients that are gone.
        tokio::spawn(async move {
            if server.0.work(time, came).await {
                // The client may be gone.
                let _ = answer.send(());
            }
            server.0.in_flight.fetch_sub(1, Ordering::Relaxed);
        });
        Box::pin(async move {
            // What was thrown away is not answered.
            if let Ok(Ok(())) = timeout(longest, answered).await {
                return Ok(Response::done(request.statement()));
            }
            let error = Error::other(ErrorClass::NotExecuted, NoAnswer(longest));
            Err(error.out_of_time().about(request.statement()))
        })
    }
}

/// The answer of a [`SimulatedServer`] to come.
pub type Answer = std::pin::Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>;

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no answer within {:?}", self.0)
    }
}

impl std::error::Error for NoAnswer {}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("time", &self.time).finish_non_exhaustive()
    }
}
