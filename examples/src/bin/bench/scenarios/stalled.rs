//! Requests that wait for a frozen node: what they cost meanwhile, and how a shutdown ends them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cqlstack_core::{Request, Session};
use cqlstack_tests::polls::counted;
use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session_builder::SessionBuilder;
use scylla::response::PagingState;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tower::{Service, ServiceExt};

use super::Scenario;
use crate::Failure;
use crate::bench::Bench;
use crate::process::cpu_time;
use crate::report::Figure;
use crate::sides::{SELECT, TEXT};
use crate::table::table;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "stalled",
    about: "30,000 requests on a frozen node: polls and CPU while they wait, and a shutdown with them in flight",
    run,
    probe: None,
    without: &[],
};

/// Longer than all of it takes.
const PATIENCE: Duration = Duration::from_secs(120);
/// Until each request has been polled, and waits.
const SETTLED: Duration = Duration::from_secs(5);
/// How long the shutdown lets requests end by themselves.
const GRACE: Duration = Duration::from_secs(2);

/// Requests that wait, and how often they were polled in all.
struct Waiting {
    tasks: JoinSet<bool>,
    polls: Arc<AtomicU64>,
}

impl Waiting {
    /// Each request, as a task of its own, tells whether it was answered.
    fn begin<F>(in_flight: usize, mut request: impl FnMut() -> F) -> Self
    where
        F: Future<Output = bool> + Send + 'static,
    {
        let polls = Arc::new(AtomicU64::new(0));
        let mut tasks = JoinSet::new();
        for _ in 0..in_flight {
            tasks.spawn(counted(Arc::clone(&polls), request()));
        }
        Self { tasks, polls }
    }

    /// Polls a second, and milliseconds of CPU a second.
    async fn measure(&self, time: Duration) -> (f64, f64) {
        sleep(SETTLED).await;
        let (polls, cpu, began) = (self.polls.load(Ordering::Relaxed), cpu_time(), Instant::now());
        sleep(time).await;
        let seconds = began.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let polls = (self.polls.load(Ordering::Relaxed) - polls) as f64;
        (polls / seconds, cpu_time().saturating_sub(cpu).as_secs_f64() * 1e3 / seconds)
    }

    /// How many were answered.
    async fn answered(mut self) -> Result<usize, Failure> {
        let mut answered = 0;
        while let Some(outcome) = timeout(PATIENCE, self.tasks.join_next()).await? {
            answered += usize::from(outcome?);
        }
        Ok(answered)
    }
}

fn run(bench: &mut Bench) -> Result<(), Failure> {
    let in_flight = bench.arguments.in_flight.unwrap_or(30_000);
    let time = bench.arguments.seconds.unwrap_or(Duration::from_secs(10));
    let runtime = bench.runtime()?;
    let nodes = bench.connect(&runtime)?.nodes;
    let driver = runtime.block_on(by_driver(bench, &nodes, in_flight, time))?;
    let (session, ended) = runtime.block_on(by_session(bench, &nodes, in_flight, time))?;
    let fresh = runtime.block_on(shut_down_at_once(bench, &nodes, in_flight))?;
    let mut table = table(&["side", "polls/s", "CPU, ms/s"]);
    for (side, (polls, cpu)) in [("driver", driver), ("session", session)] {
        table.add_row([side.to_owned(), format!("{polls:.0}"), format!("{cpu:.1}")]);
        for (metric, unit, ours) in [("polls", "1/s", polls), ("CPU", "ms/s", cpu)] {
            bench.figure(&Figure::alone(SCENARIO.name, metric, unit, side, ours))?;
        }
    }
    for (metric, took) in [("shutdown", ended), ("shutdown at once", fresh)] {
        let millis = took.as_secs_f64() * 1e3;
        bench.figure(&Figure::alone(SCENARIO.name, metric, "ms", "session", millis))?;
    }
    println!("\n{table}");
    println!(
        "with {in_flight} in flight, a shutdown in {GRACE:?} took {ended:.2?}, and one at once, of requests that \
         have just begun, {fresh:.2?}"
    );
    Ok(())
}

async fn by_driver(
    bench: &Bench,
    nodes: &[String],
    in_flight: usize,
    time: Duration,
) -> Result<(f64, f64), Failure> {
    let profile = ExecutionProfile::builder().request_timeout(Some(PATIENCE)).build().into_handle();
    let builder =
        SessionBuilder::new().known_nodes(nodes).default_execution_profile_handle(profile);
    let builder = builder.keepalive_interval(PATIENCE).keepalive_timeout(PATIENCE);
    let driver = Arc::new(builder.build().await?);
    let bound = Arc::new(driver.prepare(TEXT).await?.bind(&(1,))?);
    bench.freeze().await?;
    let waiting = Waiting::begin(in_flight, || {
        let (driver, bound) = (Arc::clone(&driver), Arc::clone(&bound));
        async move { driver.execute_bound_single_page(&bound, PagingState::start()).await.is_ok() }
    });
    let measured = waiting.measure(time).await;
    bench.resume().await?;
    let answered = waiting.answered().await?;
    println!("driver: {answered} of {in_flight} were answered when the node went on");
    Ok(measured)
}

async fn by_session(
    bench: &Bench,
    nodes: &[String],
    in_flight: usize,
    time: Duration,
) -> Result<((f64, f64), Duration), Failure> {
    let (session, waiting) = on_a_frozen_node(bench, nodes, in_flight).await?;
    let measured = waiting.measure(time).await;
    Ok((measured, shut_down(bench, &session, waiting, GRACE).await?))
}

async fn shut_down_at_once(
    bench: &Bench,
    nodes: &[String],
    in_flight: usize,
) -> Result<Duration, Failure> {
    let (session, waiting) = on_a_frozen_node(bench, nodes, in_flight).await?;
    let begun = async {
        while waiting.polls.load(Ordering::Relaxed) < in_flight as u64 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(PATIENCE, begun).await?;
    shut_down(bench, &session, waiting, Duration::ZERO).await
}

/// Freezes the node, and sends it requests.
async fn on_a_frozen_node(
    bench: &Bench,
    nodes: &[String],
    in_flight: usize,
) -> Result<(Session, Waiting), Failure> {
    let builder = Session::builder().contact_points(nodes).attempt_timeout(PATIENCE);
    let session = builder.keepalive(PATIENCE, PATIENCE).build().await?;
    let bound = Request::new(&SELECT, (1,)).bind(&session.prepare(&SELECT).await?)?;
    bench.freeze().await?;
    let waiting = Waiting::begin(in_flight, || {
        let (mut session, request) = (session.clone(), bound.clone());
        async move {
            let Ok(ready) = session.ready().await else { return false };
            ready.call(request).await.is_ok()
        }
    });
    Ok((session, waiting))
}

/// How long a shutdown takes that aborts all of them.
async fn shut_down(
    bench: &Bench,
    session: &Session,
    waiting: Waiting,
    grace: Duration,
) -> Result<Duration, Failure> {
    let (in_flight, began) = (waiting.tasks.len(), Instant::now());
    let shutdown = session.shutdown(grace).await;
    let ended = began.elapsed();
    println!("session: {shutdown:?}");
    let answered = waiting.answered().await;
    bench.resume().await?;
    let answered = answered?;
    if shutdown.aborted != in_flight || answered != 0 || !shutdown.complete {
        return Err(format!("{answered} were answered: {shutdown:?}").into());
    }
    Ok(ended)
}
