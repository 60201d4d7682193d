//! The adaptive limit before a simulated server, on the paused clock.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::cast_precision_loss, reason = "limits are small")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cqlstack_core::{Error, Request, Response, StaticStatement};
use cqlstack_middleware::adaptive::AdaptiveHandle;
use cqlstack_middleware::{AdaptiveLimitLayer, ConcurrencyLimitLayer};
use cqlstack_tests::simulated::{Late, ServiceTime, SimulatedServer};
use futures::future::join;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tower::util::{BoxCloneSyncService, MapRequestLayer};
use tower::{Layer, Service, ServiceExt};

static READ: StaticStatement = StaticStatement::new("SELECT v FROM ks.t WHERE k = ?");

static SCAN: StaticStatement = StaticStatement::new("SELECT v FROM ks.t");

type Limited = BoxCloneSyncService<Request, Response, Error>;

/// Sends so many reads a second, whatever becomes of them, and counts the answers.
async fn load<S>(service: S, per_second: u32, time: Duration) -> u64
where
    S: Service<Request, Future: Send> + Clone + Send + 'static,
{
    load_of(service, &READ, per_second, time).await
}

async fn load_of<S>(
    service: S,
    statement: &'static StaticStatement,
    per_second: u32,
    time: Duration,
) -> u64
where
    S: Service<Request, Future: Send> + Clone + Send + 'static,
{
    let answered = Arc::new(AtomicU64::new(0));
    let (mut due, ends) = (0.0, Instant::now() + time);
    let mut ticks = interval(Duration::from_millis(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    while Instant::now() < ends {
        ticks.tick().await;
        due += f64::from(per_second) / 1_000.0;
        while due >= 1.0 {
            due -= 1.0;
            let (service, answered) = (service.clone(), Arc::clone(&answered));
            tokio::spawn(async move {
                if service.oneshot(Request::new(statement, ())).await.is_ok() {
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    }
    answered.load(Ordering::Relaxed)
}

/// What a server with all workers busy does in a second.
fn capacity(workers: u32, mean: Duration) -> u32 {
    (Duration::from_secs(1).as_nanos() * u128::from(workers) / mean.as_nanos()).try_into().unwrap()
}

/// The smallest limit with a goodput of 0.98 of the highest, of those that are tried: a geometric row about the workers.
async fn best_limit(workers: u32, time: ServiceTime, mean: Duration) -> f64 {
    let mut found = Vec::new();
    for percent in [60_u32, 70, 80, 85, 90, 95, 100, 110, 130, 160, 200] {
        let limit = (workers * percent / 100).max(1);
        let server = SimulatedServer::new(workers as usize, time, Late::Worked, mean * 20);
        let layer = ConcurrencyLimitLayer::new(limit as usize).unwrap().reject();
        let service = layer.layer(server);
        load(service.clone(), capacity(workers, mean) * 3, mean * 10).await;
        // In which a goodput is known to a per cent or two.
        let span = Duration::from_secs(5_000) / capacity(workers, mean);
        let goodput = load(service, capacity(workers, mean) * 3, span).await;
        found.push((limit, goodput));
    }
    let highest = found.iter().map(|(_, goodput)| *goodput).max().unwrap();
    let (limit, _) = found.into_iter().find(|(_, goodput)| goodput * 100 >= highest * 98).unwrap();
    f64::from(limit)
}

/// The limit of reads.
fn limit_of(handle: &AdaptiveHandle) -> f64 {
    handle.stats()[0].limit as f64
}

async fn finds(workers: u32, mean: Duration, within: Duration) {
    fastrand::seed(7);
    for time in [ServiceTime::Constant(mean), ServiceTime::Exponential(mean)] {
        let best = best_limit(workers, time, mean).await;
        let server = SimulatedServer::new(workers as usize, time, Late::Worked, mean * 20);
        let layer = AdaptiveLimitLayer::builder().limits(1, 10_000).build().unwrap().reject();
        let (handle, service) = (layer.handle(), layer.layer(server));
        load(service.clone(), capacity(workers, mean) * 3, within).await;
        let ratio = limit_of(&handle) / best;
        println!("{workers} workers, {time:?}: the best is {best}, found {ratio:.2} of it");
        assert!((0.7..=1.6).contains(&ratio), "{workers} workers, {time:?}: {ratio:.2}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_eight_workers_is_found_within_ten_seconds() {
    finds(8, Duration::from_millis(10), Duration::from_secs(10)).await;
    finds(8, Duration::from_millis(50), Duration::from_secs(10)).await;
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_64_workers_is_found_within_ten_seconds() {
    finds(64, Duration::from_millis(20), Duration::from_secs(10)).await;
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_400_workers_is_found_within_ten_seconds() {
    finds(400, Duration::from_millis(50), Duration::from_secs(10)).await;
}

/// An aim, and heavy.
#[cfg(feature = "heavy")]
#[tokio::test(start_paused = true)]
async fn the_limit_of_2000_workers_is_found_within_thirty_seconds() {
    finds(2_000, Duration::from_millis(100), Duration::from_secs(30)).await;
}

/// The times of requests that were admitted and answered.
#[derive(Clone, Default)]
struct Times(Arc<Mutex<Vec<Duration>>>);

impl Times {
    /// Puts itself below a limit.
    fn of<S>(
        &self,
        service: S,
    ) -> impl Service<Request, Response = Response, Error = Error, Future: Send> + Clone + Send + 'static
    where
        S: Service<Request, Response = Response, Error = Error, Future: Send>
            + Clone
            + Send
            + 'static,
    {
        let times = self.clone();
        tower::service_fn(move |request: Request| {
            let (times, call) = (times.clone(), service.clone().oneshot(request));
            async move {
                let sent = Instant::now();
                let answer = call.await;
                times.0.lock().unwrap().push(sent.elapsed());
                answer
            }
        })
    }

    /// Of those since it was asked last.
    fn p99(&self) -> Duration {
        let mut times = std::mem::take(&mut *self.0.lock().unwrap());
        times.sort();
        times[times.len() * 99 / 100]
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_slows_down_and_recovers_is_followed() {
    fastrand::seed(7);
    let (workers, mean, second) = (16, Duration::from_millis(20), Duration::from_secs(1));
    for time in [ServiceTime::Constant(mean), ServiceTime::Exponential(mean)] {
        let server = SimulatedServer::new(workers as usize, time, Late::Worked, mean * 100);
        let layer = AdaptiveLimitLayer::builder().limits(1, 10_000).build().unwrap().reject();
        let (handle, times) = (layer.handle(), Times::default());
        let service = layer.layer(times.of(server.clone()));
        let offered = capacity(workers, mean) * 3;
        load(service.clone(), offered, second * 15).await;
        let before = limit_of(&handle);

        server.set_slowness(500);
        load(service.clone(), offered, second * 20).await;
        times.p99();
        let answered = load(service.clone(), offered, second * 5).await;
        let p99 = times.p99();
        // Unloaded, the p99 of a constant time is that time, and of an exponential one 4.6 times its mean.
        let unloaded = match time {
            ServiceTime::Constant(_) => mean * 5,
            ServiceTime::Exponential(_) => mean.mul_f64(5.0 * 100_f64.ln()),
        };
        println!("{time:?}, slowed: {answered} answered, p99 {p99:?}, unloaded {unloaded:?}");
        assert!(p99 <= unloaded * 2, "{time:?}: {p99:?}");

        server.set_slowness(100);
        load(service.clone(), offered, second * 30).await;
        let ratio = limit_of(&handle) / before;
        println!("{time:?}, restored: {ratio:.2} of the limit before");
        assert!(ratio >= 0.8, "{time:?}: {ratio:.2}");
    }
}

#[tokio::test(start_paused = true)]
async fn overload_costs_nothing_more_in_the_last_minute_than_in_the_second() {
    fastrand::seed(7);
    let (workers, mean, minute) = (8, Duration::from_millis(40), Duration::from_secs(60));
    let others = if cfg!(feature = "heavy") { &[Late::Discarded][..] } else { &[] };
    for late in [Late::Worked].iter().chain(others).copied() {
        let time = ServiceTime::Exponential(mean);
        let server = SimulatedServer::new(workers as usize, time, late, mean * 20);
        let layer = AdaptiveLimitLayer::builder().limits(1, 10_000).build().unwrap().reject();
        let service = layer.layer(server.clone());
        let mut minutes = Vec::new();
        // Ten for the note on it.
        for _ in 0..if cfg!(feature = "heavy") { 10 } else { 4 } {
            minutes.push(load(service.clone(), capacity(workers, mean) * 3, minute).await);
        }
        println!("{late:?}: {minutes:?}");
        let last = minutes.last().unwrap();
        assert!(last * 100 >= minutes[1] * 97, "{late:?}: {minutes:?}");
        assert!(server.in_flight() < 100);
    }
}

/// Reads beside scans of a hundred times their time, which take a fifth of the server.
#[tokio::test(start_paused = true)]
async fn reads_beside_scans_keep_what_they_have_with_the_best_fixed_limits() {
    fastrand::seed(7);
    let (workers, mean, span) = (16, Duration::from_millis(10), Duration::from_secs(15));
    let scans = capacity(workers, mean) / 100 / 5;
    let server = || {
        let time = ServiceTime::Exponential(mean);
        SimulatedServer::new(workers as usize, time, Late::Worked, mean * 200).with_scans(100)
    };
    let both = |service: Limited| async move {
        let offered = capacity(workers, mean) * 3;
        let (read, _) =
            join(load(service.clone(), offered, span), load_of(service, &SCAN, scans, span)).await;
        read
    };
    // By hand: a fixed limit of reads, and one of scans.
    let mut best = 0;
    for limit in [12, 14, 16, 20] {
        let reads = ConcurrencyLimitLayer::new(limit).unwrap().reject();
        let few = ConcurrencyLimitLayer::new(7).unwrap().reject();
        let server = server();
        let (reads, few) = (reads.layer(server.clone()), few.layer(server));
        let by_kind = tower::service_fn(move |request: Request| {
            let (reads, few) = (reads.clone(), few.clone());
            async move {
                if request.statement().is_scan() {
                    few.oneshot(request).await
                } else {
                    reads.oneshot(request).await
                }
            }
        });
        best = best.max(both(BoxCloneSyncService::new(by_kind)).await);
    }
    let layer = AdaptiveLimitLayer::builder().limits(1, 10_000).build().unwrap().reject();
    let handle = layer.handle();
    let found = both(BoxCloneSyncService::new(layer.layer(server()))).await;
    let limits: Vec<_> = handle.stats().iter().map(|class| class.limit).collect();
    println!("reads answered: {found}, by hand {best}; limits {limits:?}");
    assert!(found * 10 >= best * 9, "{found} of {best}");
    // A fifth of the workers, and each scan that is asked for.
    assert!(limits[1] >= 3, "{limits:?}");
}

/// Requests wait for their permits, and have a deadline: after an outage those in front have next to nothing left.
#[tokio::test(start_paused = true)]
async fn after_an_outage_the_limit_is_found_again_with_requests_that_wait_and_without() {
    fastrand::seed(7);
    let (workers, mean, second) = (16, Duration::from_millis(20), Duration::from_secs(1));
    let time = ServiceTime::Exponential(mean);
    for waits in [false, true] {
        let server = SimulatedServer::new(workers as usize, time, Late::Discarded, second);
        let layer = AdaptiveLimitLayer::builder().limits(1, 10_000).build().unwrap();
        let layer = if waits { layer.wait_bounded(1_000, second).unwrap() } else { layer.reject() };
        let handle = layer.handle();
        let deadline = MapRequestLayer::new(move |request: Request| {
            request.with_deadline(Instant::now() + second)
        });
        let service = deadline.layer(layer.layer(server.clone()));
        let offered = capacity(workers, mean) * 3;
        load(service.clone(), offered, second * 10).await;
        let before = load(service.clone(), offered, second * 20).await;

        // Each request takes longer than its client waits.
        server.set_slowness(10_000);
        load(service.clone(), offered, second * 20).await;
        assert!(limit_of(&handle) <= 20.0, "{}", limit_of(&handle));
        server.set_slowness(100);
        // What the server has worked on meanwhile is over.
        load(service.clone(), offered, second * 30).await;
        let after = load(service.clone(), offered, second * 20).await;
        println!("waits: {waits}: {before} answered before, {after} after");
        assert!(after * 100 >= before * 95, "waits: {waits}: {after} of {before}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_minimum_is_no_place_to_stay_at() {
    fastrand::seed(7);
    let (workers, mean) = (64, Duration::from_millis(20));
    let server = SimulatedServer::new(64, ServiceTime::Constant(mean), Late::Worked, mean * 20);
    let builder = AdaptiveLimitLayer::builder().limits(10, 1_000).initial(10);
    let layer = builder.build().unwrap().reject();
    let (handle, service) = (layer.handle(), layer.layer(server));
    load(service, capacity(workers, mean) * 3, Duration::from_secs(10)).await;
    assert!(limit_of(&handle) >= 60.0, "{}", limit_of(&handle));
}

/// Both want more than there is.
#[tokio::test(start_paused = true)]
async fn under_the_maximum_no_class_is_left_with_less_than_its_share() {
    fastrand::seed(7);
    let (mean, second) = (Duration::from_millis(10), Duration::from_secs(1));
    let server = SimulatedServer::new(400, ServiceTime::Constant(mean), Late::Worked, second * 5);
    let server = server.with_scans(20);
    let builder = AdaptiveLimitLayer::builder().limits(1, 100).initial(10);
    let builder = builder.classes(&["read", "scan"], |it| usize::from(it.is_scan())).unwrap();
    let layer = builder.build().unwrap().reject();
    let (handle, service) = (layer.handle(), layer.layer(server));
    let scans = load_of(service.clone(), &SCAN, 2_000, second * 30);
    join(load(service.clone(), 20_000, second * 30), scans).await;
    let limits: Vec<_> = handle.stats().iter().map(|class| class.limit).collect();
    println!("limits {limits:?}");
    assert!(
        limits.iter().sum::<usize>() <= 100 && limits.iter().all(|limit| *limit >= 30),
        "{limits:?}"
    );
}

/// Each has more of the server with a larger limit, and both together nothing.
#[tokio::test(start_paused = true)]
async fn two_classes_that_ask_for_more_than_there_is_do_not_outbid_each_other() {
    static WRITE: StaticStatement = StaticStatement::new("UPDATE ks.t SET v = 1 WHERE k = ?");

    fastrand::seed(7);
    let (workers, mean, second) = (8, Duration::from_millis(20), Duration::from_secs(1));
    let server = SimulatedServer::new(8, ServiceTime::Exponential(mean), Late::Worked, second * 9);
    let layer = AdaptiveLimitLayer::builder().limits(1, 4_000).build().unwrap().reject();
    let (handle, service) = (layer.handle(), layer.layer(server));
    let offered = capacity(workers, mean) * 2;
    let writes = load_of(service.clone(), &WRITE, offered, second * 240);
    join(load(service, offered, second * 240), writes).await;
    let limits: Vec<_> = handle.stats().iter().map(|class| class.limit).collect();
    println!("limits {limits:?}");
    // Twenty of each were five times as many as there are workers.
    assert!(limits[0] + limits[2] <= 300, "{limits:?}");
}

/// Every second 200 at once; between them a twentieth of what the server can do.
#[tokio::test(start_paused = true)]
async fn bursts_have_the_limit_grow_to_their_size() {
    fastrand::seed(7);
    let (mean, second) = (Duration::from_millis(10), Duration::from_secs(1));
    let server = SimulatedServer::new(400, ServiceTime::Constant(mean), Late::Worked, second);
    let layer = AdaptiveLimitLayer::new().reject();
    let (handle, service) = (layer.handle(), layer.layer(server));
    for _ in 0..90 {
        for _ in 0..200 {
            tokio::spawn(service.clone().oneshot(Request::new(&READ, ())));
        }
        load(service.clone(), 2_000, second).await;
    }
    let refused = handle.stats()[0].refused;
    println!("limit {}, refused {refused}", limit_of(&handle));
    assert!(limit_of(&handle) >= 150.0, "{}", limit_of(&handle));
}
