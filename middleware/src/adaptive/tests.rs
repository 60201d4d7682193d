use std::sync::Arc;
use std::time::Duration;

use cqlstack_core::testing::{Answer, ScriptedSession};
use cqlstack_core::{Client, Error, ErrorClass, ErrorKind, Request, Statement, StatementKind};
use futures::FutureExt;
use futures::future::join_all;
use tokio::time::{advance, sleep};
use tokio_test::{assert_pending, task};
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;

use super::*;
use crate::limit::Refused;
use crate::limit::probe::{Behaviour, probe, request};

const TICK: Duration = Duration::from_millis(10);

/// One class, with this limit.
fn layer(initial: usize) -> AdaptiveLimitLayer {
    let builder = AdaptiveLimitLayer::builder().limits(1, 1_000).initial(initial);
    builder.classes(&["all"], |_| 0).unwrap().build().unwrap()
}

/// Says this limit after each window, and keeps what it was told.
#[derive(Clone, Default)]
struct Says(Arc<std::sync::Mutex<(usize, Vec<Sample>)>>);

impl Says {
    fn limit(limit: usize) -> Self {
        Self(Arc::new(std::sync::Mutex::new((limit, Vec::new()))))
    }

    fn told(&self) -> Vec<Sample> {
        std::mem::take(&mut self.0.lock().unwrap().1)
    }
}

impl LimitAlgorithm for Says {
    fn update(&mut self, sample: &Sample) -> usize {
        let mut inner = self.0.lock().unwrap();
        inner.1.push(*sample);
        inner.0
    }
}

fn telling(says: &Says, initial: usize) -> AdaptiveLimitLayer {
    let says = says.clone();
    let builder = AdaptiveLimitLayer::builder().limits(1, 1_000).initial(initial);
    let builder = builder.classes(&["all"], |_| 0).unwrap();
    builder.algorithm(move || says.clone()).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_window_tells_what_was_answered_under_the_limit_in_force() {
    let (service, seen) = probe(Behaviour::After(TICK));
    let says = Says::limit(50);
    let layer = telling(&says, 20);
    let db = Client::new(layer.layer(service));
    // Twenty at a time: a hundred have ended after 50 ms.
    let all = join_all((0..110).map(|number| db.request(request(number)))).await;
    assert!(all.iter().all(Result::is_ok));
    let told = says.told();
    assert_eq!(told.len(), 1, "{told:?}");
    let Sample { limit, in_flight, span, latency, answered, overloaded } = told[0];
    assert_eq!((limit, in_flight, span, latency), (20, 20, TICK * 5, TICK));
    assert!((81..=100).contains(&answered) && overloaded == 0, "{answered}");
    assert_eq!((layer.handle().stats()[0].limit, seen.in_flight()), (50, 0));

    // The next window begins when what was sent under the last limit has ended.
    advance(TICK * 2).await;
    let all = join_all((0..300).map(|number| db.request(request(number)))).await;
    assert!(all.iter().all(Result::is_ok));
    let told = says.told();
    assert_eq!((told[0].limit, told[0].in_flight, seen.peak()), (50, 50, 50));
}

#[tokio::test(start_paused = true)]
async fn what_fails_for_load_is_a_sample_and_what_fails_otherwise_is_none() {
    let timeout = ErrorKind::Timeout { after: TICK };
    let cases = [
        (timeout, true),
        (ErrorKind::Overloaded, true),
        (ErrorKind::RateLimited { by_coordinator: true }, false),
        (ErrorKind::NoStreamId, false),
        (ErrorKind::Syntax, false),
        (ErrorKind::NoConnection, false),
        (ErrorKind::ServerError, false),
        (ErrorKind::Closed, false),
    ];
    for (kind, is_load) in cases {
        let says = Says::limit(20);
        let session = ScriptedSession::new().otherwise(Answer::error(kind.clone()).after(TICK));
        let db = Client::new(telling(&says, 20).layer(session));
        let all = join_all((0..200).map(|number| db.request(request(number)))).await;
        assert!(all.iter().all(Result::is_err));
        let overloaded: u32 = says.told().iter().map(|sample| sample.overloaded).sum();
        assert_eq!(overloaded >= 100, is_load, "{kind:?}: {overloaded}");
        assert!(is_load || says.told().is_empty(), "{kind:?}");
    }
    // What a layer below refuses was never sent, though its class is `Overload`.
    let says = Says::limit(20);
    let refuses = service_fn(|_: Request| async {
        sleep(TICK).await;
        Err::<cqlstack_core::Response, _>(Error::other(
            ErrorClass::Overload,
            std::io::Error::other("full"),
        ))
    });
    let db = Client::new(telling(&says, 20).layer(refuses));
    join_all((0..200).map(|number| db.request(request(number)))).await;
    assert_eq!(says.told(), []);
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_is_no_sample_and_gives_its_permit_back() {
    let (service, seen) = probe(Behaviour::Never);
    let says = Says::limit(20);
    let layer = telling(&says, 2);
    let service = layer.layer(service);
    for polls in 0..3 {
        let mut running: Vec<_> =
            (0..5).map(|number| task::spawn(service.clone().oneshot(request(number)))).collect();
        for request in &mut running {
            for _ in 0..polls {
                assert_pending!(request.poll());
            }
        }
        sleep(TICK).await;
        drop(running);
        let stats = layer.handle().stats()[0];
        assert_eq!((stats.in_flight, stats.waiting, seen.in_flight()), (0, 0, 0), "{polls}");
    }
    assert_eq!(says.told(), []);
}

#[tokio::test(start_paused = true)]
async fn a_panic_below_gives_the_permit_back() {
    for behaviour in [Behaviour::PanicInCall, Behaviour::PanicInPoll] {
        let (service, seen) = probe(behaviour);
        let layer = layer(1);
        let service = layer.layer(service);
        for number in 0..3 {
            let service = service.clone();
            let call = tokio::spawn(async move { service.oneshot(request(number)).await });
            assert!(call.await.unwrap_err().is_panic());
        }
        seen.behave(Behaviour::AtOnce);
        assert!(service.oneshot(request(4)).await.is_ok());
        assert_eq!(layer.handle().stats()[0].in_flight, 0);
    }
}

/// Panics once, and then has one more each window.
struct Panics(bool);

impl LimitAlgorithm for Panics {
    fn update(&mut self, sample: &Sample) -> usize {
        assert!(std::mem::replace(&mut self.0, true), "panics once");
        sample.limit + 1
    }
}

#[tokio::test(start_paused = true)]
async fn an_algorithm_that_panicked_goes_on_with_the_next_window() {
    let builder = AdaptiveLimitLayer::builder().algorithm(|| Panics(false));
    let layer = builder.classes(&["all"], |_| 0).unwrap().build().unwrap();
    let (service, seen) = probe(Behaviour::After(TICK));
    let service = layer.layer(service);
    let mut panics = 0;
    for number in 0..500 {
        let call = tokio::spawn(service.clone().oneshot(request(number)));
        panics += usize::from(call.await.is_err());
    }
    let stats = layer.handle().stats()[0];
    assert_eq!((panics, stats.in_flight, seen.in_flight()), (1, 0, 0));
    assert!(stats.limit > 21, "{stats:?}");
}

#[tokio::test(start_paused = true)]
async fn a_service_whose_readiness_fails_gives_the_permit_back() {
    let fails = tower_test::mock::spawn_with(
        |mock: tower_test::mock::Mock<Request, cqlstack_core::Response>| {
            tower::util::MapErr::new(mock, |error| Error::other(ErrorClass::NotExecuted, error))
        },
    );
    let (mut service, mut handle) = fails;
    handle.send_error(std::io::Error::other("not ready"));
    let layer = layer(1);
    let limited = layer.layer(service.get_mut().clone());
    assert!(limited.oneshot(request(1)).await.is_err());
    assert_eq!(layer.handle().stats()[0].in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn each_class_has_its_limit_and_its_figures() {
    let (service, _seen) = probe(Behaviour::Never);
    let layer = AdaptiveLimitLayer::builder().initial(1).build().unwrap().reject();
    let service = layer.layer(service);
    let texts = [
        ("read", "SELECT v FROM ks.t WHERE k = ?"),
        ("scan", "SELECT v FROM ks.t"),
        ("scan", "SELECT v FROM ks.t WHERE v = 1 ALLOW FILTERING"),
        ("scan", "SELECT v FROM ks.t WHERE token(k) > 5"),
        ("read", "SELECT v FROM ks.t WHERE k IN (1, 2)"),
        ("write", "INSERT INTO ks.t (k) VALUES (1)"),
        ("write", "BEGIN BATCH UPDATE ks.t SET v = 1 WHERE k = 1 APPLY BATCH"),
        ("conditional", "INSERT INTO ks.t (k) VALUES (1) IF NOT EXISTS"),
        ("other", "CREATE TABLE ks.u (k int PRIMARY KEY)"),
        ("other", "nonsense"),
    ];
    for (class, text) in texts {
        let place = DEFAULT_CLASSES.iter().position(|name| *name == class).unwrap();
        let mut running = task::spawn(service.clone().oneshot(Request::from(text)));
        assert_pending!(running.poll());
        let refused = service.clone().oneshot(Request::from(text)).await.unwrap_err();
        assert!(refused.downcast_ref::<Refused>().is_some(), "{text}");
        let stats = layer.handle().stats();
        let in_flight: Vec<_> = stats.iter().map(|stats| stats.in_flight).collect();
        assert_eq!((in_flight[place], in_flight.iter().sum::<usize>()), (1, 1), "{text}");
        assert_eq!(stats[place].class, class);
    }
    let refused: Vec<_> = layer.handle().stats().iter().map(|stats| stats.refused).collect();
    assert_eq!(refused, [2, 3, 2, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_function_that_makes_a_class_for_each_request_has_no_more_than_there_are() {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let count = move |_: &Statement| next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let builder = AdaptiveLimitLayer::builder().classes(&["a", "b", "c"], count).unwrap();
    let layer = builder.build().unwrap();
    let (service, _seen) = probe(Behaviour::AtOnce);
    let service = layer.layer(service);
    for number in 0..100 {
        service.clone().oneshot(request(number)).await.unwrap();
    }
    assert_eq!(layer.handle().stats().len(), 3);
}

#[test]
fn settings_that_cannot_be_are_refused_by_name() {
    let build = |minimum, maximum, initial| {
        let builder = AdaptiveLimitLayer::builder().limits(minimum, maximum).initial(initial);
        builder.build().unwrap_err().to_string()
    };
    for (error, parts) in [
        (build(0, 100, 10), "minimum is 0"),
        (build(10, 5, 10), "maximum has no room"),
        (build(10, 100, 5), "initial is below"),
        (build(1, 100, 21), "maximum has no room"),
        (build(1, usize::MAX, 20), "maximum is above"),
        (build(1, 1_000, usize::MAX), "maximum has no room"),
    ] {
        for part in parts.split(' ') {
            assert!(error.contains(part), "{error}: {parts}");
        }
    }
    let classes = |names: &[&'static str]| {
        AdaptiveLimitLayer::builder().classes(names, |_| 0).err().map(|error| error.to_string())
    };
    assert!(classes(&[]).is_some() && classes(&["a", "b", "a"]).unwrap().contains("`a` twice"));
    assert!(classes(&["a"; 17]).is_some() && classes(&["a", "b"]).is_none());
    assert!(AdaptiveLimitLayer::new().wait_bounded(0, TICK).is_err());
    assert!(AdaptiveLimitLayer::new().wait_bounded(1, Duration::ZERO).is_err());
    for longest in [f64::NAN, f64::INFINITY, 0.5, -1.0, 1_001.0] {
        assert!(HillClimb::default().with_longest_latency(longest).is_err(), "{longest}");
    }
    for decrease in [f64::NAN, 0.0, 0.4, 1.0, 2.0] {
        assert!(Aimd::new(TICK, decrease).is_err(), "{decrease}");
    }
    assert!(Aimd::new(Duration::ZERO, 0.9).is_err());
    let handle = layer(20).handle();
    for (class, limit) in [("none", 20), ("all", 0), ("all", 1_001)] {
        assert!(handle.set_limit(class, limit).is_err(), "{class}, {limit}");
    }
    assert_eq!(handle.stats()[0].limit, 20);
}

#[test]
fn all_limits_together_stay_below_the_maximum_and_idle_classes_give_theirs_away() {
    let builder = AdaptiveLimitLayer::builder().limits(2, 100).initial(20);
    let layer = builder.classes(&["a", "b", "c"], |_| 0).unwrap().build().unwrap();
    let handle = layer.handle();
    let limits = || handle.stats().iter().map(|stats| stats.limit).collect::<Vec<_>>();
    handle.set_limit("a", 50).unwrap();
    assert_eq!(limits(), [50, 20, 20]);
    handle.set_limit("b", 90).unwrap();
    assert_eq!(limits(), [4, 90, 4], "nobody uses the others");
    handle.set_limit("b", 100).unwrap();
    assert_eq!(limits(), [4, 92, 4]);
}

#[test]
fn eight_threads_that_set_limits_leave_all_permits() {
    let layer = layer(20).reject();
    let handle = layer.handle();
    std::thread::scope(|scope| {
        for thread in 0..8_usize {
            let handle = handle.clone();
            scope.spawn(move || {
                for round in 0..1_000 {
                    handle.set_limit("all", 1 + (thread * 31 + round * 7) % 900).unwrap();
                }
            });
        }
    });
    handle.set_limit("all", 3).unwrap();
    let (service, seen) = probe(Behaviour::Never);
    let service = layer.layer(service);
    let mut running: Vec<_> =
        (0..5).map(|number| task::spawn(service.clone().oneshot(request(number)))).collect();
    let pending =
        running.iter_mut().filter_map(|request| request.poll().is_pending().then_some(())).count();
    assert_eq!((pending, seen.in_flight(), handle.stats()[0].limit), (3, 3, 3));
}

fn sample(limit: usize, in_flight: usize, latency: Duration, overloaded: u32) -> Sample {
    let span = Duration::from_millis(100);
    Sample { limit, in_flight, span, latency, answered: 100, overloaded }
}

/// Of `semantics.md`.
#[test]
fn aimd_has_the_published_vectors() {
    let mut aimd = Aimd::new(Duration::from_secs(5), 0.9).unwrap();
    for (limit, in_flight, latency, overloaded, next) in [
        (20, 10, 1, 0, 21),
        (20, 9, 1, 0, 20),
        (30, 30, 1, 1, 27),
        (30, 1, 6, 0, 27),
        (1, 1, 6, 0, 0),
    ] {
        let sample = sample(limit, in_flight, Duration::from_secs(latency), overloaded);
        assert_eq!(aimd.update(&sample), next, "{sample:?}");
    }
}

/// Runs an algorithm as a layer does, over samples by a seed.
fn run(mut algorithm: impl LimitAlgorithm, seed: u64) -> Vec<usize> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut limit = 20;
    let mut next = || {
        let latency = match rng.u8(..10) {
            0 => Duration::ZERO,
            1 => Duration::MAX,
            _ => Duration::from_micros(rng.u64(1..5_000_000)),
        };
        let span = if rng.u8(..10) == 0 {
            Duration::MAX
        } else {
            Duration::from_millis(rng.u64(0..5_000))
        };
        let (answered, overloaded) = (rng.u32(..500), if rng.bool() { 0 } else { rng.u32(..) });
        if rng.u8(..50) == 0 {
            // Somebody sets it.
            limit = rng.usize(1..=900);
        }
        let in_flight = rng.usize(..=limit);
        let said =
            algorithm.update(&Sample { limit, in_flight, span, latency, answered, overloaded });
        assert!(algorithm.baseline().is_none_or(|baseline| baseline > Duration::ZERO));
        limit = said.clamp(1, 900);
        said
    };
    (0..2_000).map(|_| next()).collect()
}

#[test]
fn the_same_samples_give_the_same_limits_and_none_is_out_of_reason() {
    for seed in 0..200 {
        let limits = run(HillClimb::default(), seed);
        assert_eq!(limits, run(HillClimb::default(), seed));
        // Never more than a slow start beyond the bounds.
        assert!(limits.iter().all(|limit| (1..=1_350).contains(limit)), "{seed}");
        let aimd = Aimd::new(TICK, 0.9).unwrap();
        assert_eq!(run(aimd, seed), run(aimd, seed));
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_or_stands_still_leaves_the_limit_in_its_bounds() {
    let layer = AdaptiveLimitLayer::builder().limits(5, 50).initial(10);
    let layer = layer.classes(&["all"], |_| 0).unwrap().build().unwrap();
    let (service, seen) = probe(Behaviour::AtOnce);
    let db = Client::new(layer.layer(service));
    for jump in [0, 1, 100_000, 10_000_000_000] {
        for number in 0..500 {
            db.request(request(number)).now_or_never().unwrap().unwrap();
        }
        advance(Duration::from_millis(jump)).await;
        let stats = layer.handle().stats()[0];
        assert!((5..=50).contains(&stats.limit) && seen.in_flight() == 0, "{stats:?}");
    }
}

#[test]
fn a_statement_of_a_batch_is_a_write() {
    let batch = Statement::new("BEGIN UNLOGGED BATCH INSERT INTO t (k) VALUES (1) APPLY BATCH");
    assert!(!batch.is_scan() && batch.kind() != StatementKind::Read);
}
