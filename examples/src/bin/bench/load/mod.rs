//! Load on one side for a while, and what came of it.
//!
//! **Closed loop**: so many workers, each sends its next request when it has its answer. It measures
//! what a side can do; a stall stops the workers too, so that its latencies are those of a lucky
//! moment. **Open loop**: requests are due at times that nothing can shift. The response time counts
//! from when a request was due, the service time from when it was sent: the difference is what its
//! user waits for the ones before it ("coordinated omission" is to leave that out; the cure is Gil
//! Tene's, of wrk2).

mod arrivals;
mod outcome;

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout};

use arrivals::Arrivals;
pub(crate) use outcome::{Outcome, Recorded, Times};

use crate::process;
use crate::side::{Failed, Side};
use crate::sockets::{Watch, Which};

/// How long what is due or in flight at the end may take. What is left then is undone.
const GRACE: Duration = Duration::from_millis(500);

/// How requests come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// How many are in flight at most.
    pub(crate) in_flight: usize,
    pub(crate) time: Duration,
    /// Arrivals a second; none is a closed loop.
    pub(crate) rate: Option<f64>,
    /// An answer counts as good within this time of when the request was due.
    pub(crate) slo: Duration,
}

/// One run, as its workers see it.
pub(crate) struct Load {
    ends: Instant,
    slo: Duration,
    arrivals: Option<Arc<Arrivals>>,
    /// Each worker has its share, so that hardly any two meet at a lock.
    shares: Vec<Mutex<Recorded>>,
    workers: AtomicU64,
}

/// Loads a side as planned, on this runtime. `which` connections are looked at,
/// which costs some processor time.
pub(crate) async fn run(side: &Side, plan: Plan, which: Option<&Which>) -> Outcome {
    process::forget_peak_memory();
    let connections = which.cloned().map(Watch::begin);
    let shares = (0..SHARES).map(|_| Mutex::default()).collect();
    let (before, cpu) = (Instant::now(), process::cpu_time());
    let load = Arc::new(Load {
        ends: before + plan.time,
        slo: plan.slo,
        arrivals: plan.rate.map(|rate| Arc::new(Arrivals::at(rate, before))),
        shares,
        workers: AtomicU64::new(0),
    });
    let mut workers = JoinSet::new();
    for _ in 0..plan.in_flight {
        workers.spawn(side.worker(Arc::clone(&load)));
    }
    let ends = load.ends;
    let releasing = load
        .arrivals
        .clone()
        .map(|arrivals| std::thread::spawn(move || arrivals.release_until(ends, GRACE)));
    let lag = tokio::spawn(lag_until(ends));
    let all = async { while workers.join_next().await.is_some() {} };
    let _ = timeout(plan.time + GRACE, all).await;
    // What is still there drops its requests, which are recorded as undone.
    workers.shutdown().await;
    let (took, cpu) = (before.elapsed(), process::cpu_time().saturating_sub(cpu));
    if let Some(releasing) = releasing {
        let _ = releasing.join();
    }
    let mut recorded = Recorded::default();
    for share in &load.shares {
        recorded.add(&lock(share));
    }
    let offered = if let Some(arrivals) = &load.arrivals {
        for due in arrivals.never_taken() {
            recorded.undone(due.elapsed());
        }
        arrivals.released()
    } else {
        recorded.service = recorded.response.clone();
        recorded.count()
    };
    Outcome {
        recorded,
        offered,
        took,
        cpu,
        peak_memory: Some(process::peak_memory()),
        threads: Some(process::threads()),
        lag: lag.await.unwrap_or_default(),
        broken: connections.map_or(0, Watch::end),
    }
}

/// How late a ticker of 10 ms is: what anything else on this runtime waits.
async fn lag_until(ends: Instant) -> Times {
    let mut lag = Times::default();
    let mut next = tokio::time::Instant::now() + TICK;
    while next.into_std() < ends {
        sleep_until(next).await;
        let now = tokio::time::Instant::now();
        lag.record(now - next);
        next = now + TICK;
    }
    lag
}

const TICK: Duration = Duration::from_millis(10);

/// Few enough that their histograms are no load themselves.
const SHARES: usize = 16;

impl Load {
    /// Sends requests until the run is over.
    pub(crate) async fn work<F, R>(&self, request: F)
    where
        F: Fn(u64) -> R,
        R: Future<Output = Result<(), Failed>>,
    {
        let worker = self.workers.fetch_add(1, Ordering::Relaxed);
        let share = &self.shares[usize::try_from(worker).unwrap_or(0) % self.shares.len()];
        let mut random = fastrand::Rng::with_seed(worker);
        while let Some(due) = self.next().await {
            let mut sent = Sent { due, begun: Instant::now(), share, over: false };
            let outcome = request(random.u64(..)).await;
            sent.over = true;
            let now = Instant::now();
            let service = self.arrivals.as_ref().map(|_| now - sent.begun);
            lock(share).answered(outcome, now - sent.due, service, self.slo);
        }
    }

    /// When the next request is due; none when the run is over.
    async fn next(&self) -> Option<Instant> {
        match &self.arrivals {
            Some(arrivals) => arrivals.next().await,
            None => Some(Instant::now()).filter(|now| *now < self.ends),
        }
    }
}

/// A request under way. Dropped before its answer, it is undone.
struct Sent<'l> {
    due: Instant,
    begun: Instant,
    share: &'l Mutex<Recorded>,
    over: bool,
}

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        if !self.over {
            lock(self.share).undone(self.due.elapsed());
        }
    }
}

fn lock(share: &Mutex<Recorded>) -> MutexGuard<'_, Recorded> {
    share.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
