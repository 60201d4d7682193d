//! Readiness of what is below a layer: used at once, given back, and waited for until a deadline.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use cqlstack_core::testing::{Answer, ScriptedSession};
use cqlstack_core::{
    Batch, Client, CqlService, Error, ErrorClass, ErrorKind, Request, Response, Statement, Waited,
};
use cqlstack_middleware::cache::NotPrepared;
use cqlstack_middleware::limit::{RefusalReason, Refused};
use cqlstack_middleware::retry::{Exhausted, Jitter, StopReason};
use cqlstack_middleware::{ConcurrencyLimitLayer, RetryLayer, StatementCacheLayer};
use futures::FutureExt;
use futures::future::join_all;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};
use tower::limit::GlobalConcurrencyLimitLayer;
use tower::load_shed::LoadShed;
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt};

const TICK: Duration = Duration::from_millis(10);
const HOUR: Duration = Duration::from_secs(3_600);

fn statement(name: &'static str) -> Statement {
    Statement::new(format!("UPDATE t SET {name} = 1 WHERE k = ?")).named(name)
}

fn slow() -> ScriptedSession {
    let answer = Answer::done().after(TICK);
    ScriptedSession::new().otherwise(answer.clone()).otherwise_prepare(answer)
}

/// `tower`'s limit, and its permits.
fn permits(most: usize) -> (GlobalConcurrencyLimitLayer, Arc<Semaphore>) {
    let semaphore = Arc::new(Semaphore::new(most));
    (GlobalConcurrencyLimitLayer::with_semaphore(Arc::clone(&semaphore)), semaphore)
}

fn cache() -> StatementCacheLayer {
    StatementCacheLayer::default()
}

fn batch() -> Request {
    Request::from(Batch::same_partition().add(statement("a"), (1,)).add(statement("b"), (1,)))
}

async fn are_all_answered(calls: impl IntoIterator<Item = Request>, db: &Client<impl CqlService>) {
    let calls = join_all(calls.into_iter().map(|request| db.request(request)));
    let answers = timeout(HOUR, calls).await.expect("requests wait for each other");
    for answer in answers {
        answer.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_beside_a_backlog_of_first_uses_of_its_statements_is_done() {
    for most in [1, 4, 10] {
        let (limit, permits) = permits(most);
        let db = Client::new(ServiceBuilder::new().layer(cache()).layer(limit).service(slow()));
        let backlog = (0..60).map(|k| Request::new(statement("b"), (k,)));
        are_all_answered([batch()].into_iter().chain(backlog), &db).await;
        assert_eq!(permits.available_permits(), most);
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_over_a_cache_over_another_limit_lets_first_uses_through() {
    for (upper, lower) in [(1, 1), (2, 1), (1, 2)] {
        let (limit, permits) = permits(lower);
        let stack = ServiceBuilder::new()
            .layer(ConcurrencyLimitLayer::new(upper).unwrap())
            .layer(cache())
            .layer(limit);
        let db = Client::new(stack.service(slow()));
        let names = ["a", "b", "c", "d"];
        let requests = (0..40).map(|k| Request::new(statement(names[k % 4]), (1,)));
        are_all_answered(requests.chain([batch()]), &db).await;
        assert_eq!(permits.available_permits(), lower);
    }
}

/// A thread that sends nothing more keeps nothing from the others.
#[test]
fn a_prepare_that_the_cache_answers_leaves_no_permit_with_the_client() {
    let (limit, permits) = permits(1);
    let db = Client::new(ServiceBuilder::new().layer(cache()).layer(limit).service(slow()));
    let on_a_thread = || {
        let db = db.clone();
        let prepare = async move {
            let twice = [Request::prepare(statement("a")), Request::prepare(statement("a"))];
            for request in twice {
                timeout(HOUR, db.request(request)).await.expect("another thread has it").unwrap();
            }
        };
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        std::thread::spawn(move || runtime.unwrap().block_on(prepare))
    };
    for _ in 0..3 {
        on_a_thread().join().unwrap();
        assert_eq!(permits.available_permits(), 1);
    }
}

/// `tower`'s load shed answers in the place of what is below, whose instance still queues for a permit.
#[tokio::test(start_paused = true)]
async fn a_client_keeps_no_instance_that_waits_for_a_permit() {
    let (limit, permits) = permits(1);
    let shed = LoadShed::new(limit.layer(slow()));
    let db = Client::new(shed.map_err(|error: BoxError| {
        Error::other(ErrorClass::Overload, std::io::Error::other(error))
    }));
    let held = Arc::clone(&permits).acquire_owned().await.unwrap();
    assert_eq!(db.request(batch()).await.unwrap_err().class(), ErrorClass::Overload);
    drop(held);
    assert_eq!(permits.available_permits(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_a_limit_refuses_leaves_no_permit_below() {
    let (limit, permits) = permits(2);
    let rejecting = ConcurrencyLimitLayer::new(1).unwrap().reject();
    let mut service = ServiceBuilder::new().layer(rejecting).layer(limit).service(slow());
    let mut first = Box::pin(service.ready().await.unwrap().call(batch()));
    assert!(first.as_mut().now_or_never().is_none());
    let second = service.ready().await.unwrap().call(batch());
    assert_eq!(permits.available_permits(), 1, "a future that is not polled keeps a permit");
    assert_eq!(second.await.unwrap_err().class(), ErrorClass::Overload);
    assert_eq!(permits.available_permits(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_the_wait_for_what_is_below() {
    let (limit, permits) = permits(1);
    let held = Arc::clone(&permits).acquire_owned().await.unwrap();
    let request = || batch().with_deadline(Instant::now() + TICK);
    let started = Instant::now();

    let bare = Client::new(limit.layer(slow()));
    let error = timeout(HOUR, bare.request(request())).await.unwrap().unwrap_err();
    let waited = ErrorKind::DeadlinePassed(Waited::ForLayers(TICK));
    assert_eq!((error.kind(), error.class()), (&waited, ErrorClass::NotExecuted));
    assert_eq!(started.elapsed(), TICK);
    drop(held);
    bare.request(batch()).await.unwrap();
}

/// Ready for each clone's first call, and then never again.
struct ReadyOnce {
    session: ScriptedSession,
    is_first: bool,
}

impl Clone for ReadyOnce {
    fn clone(&self) -> Self {
        Self { session: self.session.clone(), is_first: false }
    }
}

impl Service<Request> for ReadyOnce {
    type Response = Response;
    type Error = Error;
    type Future = <ScriptedSession as Service<Request>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.is_first { self.session.poll_ready(cx) } else { Poll::Pending }
    }

    fn call(&mut self, request: Request) -> Self::Future {
        self.session.call(request)
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_the_wait_of_a_request_that_has_its_permit() {
    let below = ReadyOnce { session: slow(), is_first: true };
    let layer = ConcurrencyLimitLayer::new(1).unwrap();
    let mut service = layer.layer(below);
    let first = service.ready().await.unwrap().call(batch());
    let started = Instant::now();
    let hurried = batch().with_deadline(started + TICK * 3);
    let (first, second) = tokio::join!(first, async {
        timeout(HOUR, service.call(hurried)).await.expect("its deadline passed")
    });
    first.unwrap();
    let error = second.unwrap_err();
    assert_eq!(error.downcast_ref::<Refused>().unwrap().reason, RefusalReason::NotReady(TICK * 2));
    assert_eq!((error.class(), started.elapsed()), (ErrorClass::NotExecuted, TICK * 3));
    assert_eq!(layer.handle().stats().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_a_first_use_of_a_cache_over_what_is_not_ready() {
    let layer = cache();
    let mut service = layer.layer(ReadyOnce { session: slow(), is_first: true });
    let started = Instant::now();
    let hurried = Request::new(statement("a"), (1,)).with_deadline(started + TICK);
    let first_use = service.ready().await.unwrap().call(hurried);
    let error = timeout(HOUR, first_use).await.expect("its deadline passed").unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&NotPrepared::Deadline(TICK)));
    assert_eq!(started.elapsed(), TICK);
    let stats = layer.handle().stats();
    assert_eq!((stats.misses, stats.prepares), (1, 0));
}

/// `pin!` and `select!` keep futures that are done until the end of their block.
#[tokio::test(start_paused = true)]
async fn a_request_that_is_given_up_keeps_no_permit_though_its_future_is_kept() {
    let (limit, permits) = permits(1);
    let failure = Answer::error(ErrorKind::Overloaded).after(TICK);
    let session = ScriptedSession::new().otherwise(failure.clone()).otherwise_prepare(failure);
    let retry = RetryLayer::builder().min_delay(TICK).jitter(Jitter::None).build().unwrap();
    let stacks = ServiceBuilder::new().layer(retry).layer(cache()).layer(limit);
    let db = Client::new(stacks.service(session));
    let deadline = Instant::now() + TICK * 5;
    let mut given_up = Box::pin(db.request(batch().with_deadline(deadline)));
    assert!(timeout(TICK * 3 / 2, &mut given_up).await.is_err());
    // Taken while it sleeps before its next attempt.
    let held = Arc::clone(&permits).acquire_owned().await.unwrap();
    let error = timeout(HOUR, &mut given_up).await.unwrap().unwrap_err();
    assert_eq!(error.downcast_ref::<Exhausted>().unwrap().reason, StopReason::Deadline);
    drop(held);
    assert_eq!(permits.available_permits(), 1, "the future that is done keeps a permit");
    assert!(given_up.now_or_never().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_request_that_found_a_limit_full_takes_what_is_free_when_it_is_polled() {
    let layer = ConcurrencyLimitLayer::new(1).unwrap().reject();
    let mut service = layer.layer(slow());
    let first = service.ready().await.unwrap().call(batch());
    let second = service.ready().await.unwrap().call(batch());
    first.await.unwrap();
    second.await.unwrap();
    assert_eq!(layer.handle().stats().refused, 0);
}

#[tokio::test(start_paused = true)]
async fn a_cache_of_n_holds_any_n_statements() {
    for capacity in [1, 10, 100, 1_000, 10_000] {
        for used in [capacity, capacity - 1, capacity * 9 / 10] {
            let session = ScriptedSession::new().otherwise(Answer::done());
            let layer = StatementCacheLayer::new(capacity).unwrap();
            let db = Client::new(layer.layer(session.clone()));
            let statements: Vec<_> =
                (0..used).map(|n| Statement::new(format!("SELECT c{n} FROM t"))).collect();
            for _ in 0..3 {
                for statement in &statements {
                    db.request(statement).await.unwrap();
                }
            }
            assert_eq!(session.prepares(), used, "{used} in turn, in a cache of {capacity}");
            assert_eq!(layer.handle().stats().evictions, 0);
        }
    }
}

/// As after a migration, or when a program goes on to other work.
#[tokio::test(start_paused = true)]
async fn a_cache_that_is_full_of_other_statements_comes_to_hold_those_in_use() {
    for capacity in [1, 10, 100, 1_000] {
        for used in [capacity, capacity - 1, capacity * 9 / 10, capacity * 6 / 10] {
            for old_uses in [1, 3] {
                let session = ScriptedSession::new().otherwise(Answer::done());
                let db =
                    Client::new(StatementCacheLayer::new(capacity).unwrap().layer(session.clone()));
                let texts = |kind: &str, count| -> Vec<_> {
                    (0..count).map(|n| Statement::new(format!("SELECT {kind}{n} FROM t"))).collect()
                };
                let (old, new) = (texts("old", capacity), texts("new", used));
                for statement in std::iter::repeat_n(&old, old_uses).flatten() {
                    db.request(statement).await.unwrap();
                }
                let mut prepares = Vec::new();
                for _ in 0..10 {
                    let before = session.prepares();
                    for statement in &new {
                        db.request(statement).await.unwrap();
                    }
                    prepares.push(session.prepares() - before);
                }
                // Twice to be known, and twice more where the old ones were used often.
                let settled = prepares.iter().skip(4).all(|&prepares| prepares == 0);
                assert!(settled, "{used} in turn, in a cache of {capacity}: {prepares:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_scan_leaves_a_hot_set_that_fills_the_cache() {
    for capacity in [10, 100, 1_000, 10_000] {
        let session = ScriptedSession::new().otherwise(Answer::done());
        let db = Client::new(StatementCacheLayer::new(capacity).unwrap().layer(session.clone()));
        let hot: Vec<_> =
            (1..capacity).map(|n| Statement::new(format!("SELECT h{n} FROM t"))).collect();
        for _ in 0..3 {
            for statement in &hot {
                db.request(statement).await.unwrap();
            }
        }
        for n in 0..10_000 {
            db.request(Statement::new(format!("SELECT o{n} FROM t"))).await.unwrap();
        }
        let before = session.prepares();
        for statement in &hot {
            db.request(statement).await.unwrap();
        }
        let lost = session.prepares() - before;
        println!("{lost} of {} were lost in a cache of {capacity}", hot.len());
        assert!(lost * 20 <= hot.len());
    }
}

/// Until then they slept below a limit that was free: a permit waits for nobody who is gone.
#[tokio::test(start_paused = true)]
async fn requests_that_wait_give_way_to_each_other_below() {
    let (limit, permits) = permits(1);
    let upper = ConcurrencyLimitLayer::new(3).unwrap();
    let db = Client::new(upper.layer(limit.layer(slow())));
    let mut all: Vec<_> = (0..30).map(|_| tokio::spawn(db.request(batch()))).collect();
    sleep(TICK / 2).await;
    all.drain(..10).for_each(|call| call.abort());
    for call in all {
        timeout(HOUR, call).await.expect("it waits for ever").unwrap().unwrap();
    }
    assert_eq!((permits.available_permits(), upper.handle().stats().in_flight), (1, 0));
}
