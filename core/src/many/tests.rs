use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::*;
use crate::error::{ErrorClass, ErrorKind};
use crate::refusal::PATIENCE;
use crate::response::Response;

/// One permit a request, as a limit has; the work takes some time. Fails for a few.
#[derive(Clone)]
struct Limited {
    permits: Arc<Semaphore>,
    calls: Arc<AtomicUsize>,
    fails: fn(usize) -> bool,
}

impl Limited {
    fn to(permits: usize) -> Self {
        let permits = Arc::new(Semaphore::new(permits));
        Self { permits, calls: Arc::default(), fails: |_| false }
    }
}

impl tower_service::Service<Request> for Limited {
    type Response = Response;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response, Error>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let _permit = this.permits.acquire().await.unwrap();
            let call = this.calls.fetch_add(1, Ordering::Relaxed);
            // Later ones are faster, so that they overtake.
            sleep(Duration::from_millis(20 - (call as u64 % 20))).await;
            if (this.fails)(call) {
                return Err(Error::new(ErrorKind::Overloaded, ErrorClass::Overload));
            }
            Ok(Response::done(request.statement()))
        })
    }
}

fn insert() -> Statement {
    Statement::new("INSERT INTO t (k) VALUES (?)")
}

#[tokio::test(start_paused = true)]
async fn all_rows_are_sent_and_answers_come_with_their_index() {
    let db = Client::new(Limited::to(10));
    let mut seen: Vec<usize> = Vec::new();
    let mut many = db.many(insert(), (0..100).map(|k| (k,))).in_flight(7).unwrap();
    while let Some((index, answer)) = many.next().await {
        assert!(many.under_way.len() <= 7);
        answer.unwrap();
        seen.push(index);
    }
    assert_ne!(seen, (0..100).collect::<Vec<_>>());
    seen.sort_unstable();
    assert_eq!(seen, (0..100).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn ordered_means_in_the_order_of_the_rows() {
    let db = Client::new(Limited::to(10));
    let many = db.many(insert(), (0..100).map(|k| (k,))).in_flight(7).unwrap().ordered();
    let seen: Vec<usize> = many.map(|(index, _)| index).collect().await;
    assert_eq!(seen, (0..100).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn rows_may_come_from_a_stream_that_pauses() {
    let db = Client::new(Limited::to(10));
    let rows = stream::iter(0..20).then(async |k| {
        sleep(Duration::from_secs(1)).await;
        Ok::<_, Infallible>((k,))
    });
    assert_eq!(db.many_of(insert(), Box::pin(rows)).run().await.unwrap(), 20);
    assert_eq!(db.many(insert(), Vec::<(i32,)>::new()).run().await.unwrap(), 0);
}

/// A permit that is held by what nobody polls would stop it for ever.
#[tokio::test(start_paused = true)]
async fn a_request_for_each_answer_does_not_wait_for_a_permit_of_its_own() {
    for ordered in [false, true] {
        let db = Client::new(Limited::to(1));
        let mut many = db.many(insert(), (0..20).map(|k| (k,))).in_flight(5).unwrap();
        if ordered {
            many = many.ordered();
        }
        let all = async {
            while let Some((_, answer)) = many.next().await {
                answer.unwrap();
                db.execute(insert(), (1,)).await.unwrap();
            }
        };
        timeout(Duration::from_secs(60), all).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn after_the_first_error_nothing_is_sent_and_all_is_accounted_for() {
    let service = Limited { fails: |call| call == 30, ..Limited::to(10) };
    let calls = Arc::clone(&service.calls);
    let db = Client::new(service);
    let many = db.many(insert(), (0..1_000).map(|k| (k,))).in_flight(10).unwrap();
    let error = many.run().await.unwrap_err();
    assert_eq!(error.error.class(), ErrorClass::Overload);
    assert_eq!(error.failed, 1);
    assert_eq!(error.succeeded + error.failed, calls.load(Ordering::Relaxed));
    assert!(error.succeeded < 60);
    assert!(error.to_string().starts_with(&format!("row {} (from 0)", error.index)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn all_failures_are_told_if_all_rows_are_asked_for() {
    let service = Limited { fails: |call| call % 10 == 3, ..Limited::to(10) };
    let db = Client::new(service);
    let report = db.many(insert(), (0..100).map(|k| (k,))).run_all().await;
    assert_eq!((report.succeeded, report.failed.len()), (90, 10));
}

#[tokio::test(start_paused = true)]
async fn it_can_be_spawned() {
    let db = Client::new(Limited::to(10));
    let many = db.many(insert(), (0..20).map(|k| (k,)));
    assert_eq!(tokio::spawn(many.run()).await.unwrap().unwrap(), 20);
    let many = db.many_of(insert(), stream::iter(0..20).map(|k| Ok::<_, Error>((k,)))).ordered();
    assert_eq!(tokio::spawn(many.count()).await.unwrap(), 20);
}

#[tokio::test(start_paused = true)]
async fn dropping_it_gives_all_up() {
    let service = Limited::to(10);
    let db = Client::new(service.clone());
    for taken in 0..50 {
        let mut many = db.many(insert(), (0..100).map(|k| (k,))).in_flight(8).unwrap();
        for _ in 0..taken {
            many.next().await;
        }
        drop(many);
        let many = db.many(insert(), (0..100).map(|k| (k,))).in_flight(8).unwrap();
        let _ = timeout(Duration::from_millis(taken), many.run()).await;
        tokio::task::yield_now().await;
        assert_eq!(service.permits.available_permits(), 10);
    }
}

#[tokio::test]
#[should_panic(expected = "the service panics")]
async fn a_panic_below_is_a_panic_here() {
    let db = Client::new(Limited { fails: |_| panic!("the service panics"), ..Limited::to(1) });
    let _ = db.many(insert(), [(1,)]).run().await;
}

#[test]
fn none_in_flight_is_refused() {
    let db = Client::new(Limited::to(1));
    let error = db.many(insert(), [(1,)]).in_flight(0).unwrap_err();
    assert_eq!(error.to_string(), "`in_flight` has to be at least 1");
}

/// A limit with some places to wait: it refuses what has none.
#[derive(Clone)]
struct Refusing {
    permits: Arc<Semaphore>,
    places: Arc<Semaphore>,
    refused: Arc<AtomicUsize>,
    done: Arc<AtomicUsize>,
}

impl Refusing {
    fn to(permits: usize, places: usize) -> Self {
        let (permits, places) = (Semaphore::new(permits), Semaphore::new(permits + places));
        let (permits, places) = (Arc::new(permits), Arc::new(places));
        Self { permits, places, refused: Arc::default(), done: Arc::default() }
    }

    fn counts(&self) -> (usize, usize) {
        (self.done.load(Ordering::Relaxed), self.refused.load(Ordering::Relaxed))
    }
}

impl tower_service::Service<Request> for Refusing {
    type Response = Response;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response, Error>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let Ok(_place) = this.places.try_acquire() else {
                this.refused.fetch_add(1, Ordering::Relaxed);
                return Err(Error::other(ErrorClass::Overload, std::fmt::Error));
            };
            let _permit = this.permits.acquire().await.unwrap();
            sleep(Duration::from_millis(5)).await;
            this.done.fetch_add(1, Ordering::Relaxed);
            Ok(Response::done(request.statement()))
        })
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_sent_again_and_fewer_are_in_flight() {
    for (permits, places) in [(1, 0), (20, 50), (100, 0), (7, 3)] {
        let service = Refusing::to(permits, places);
        let db = Client::new(service.clone());
        let rows = || (0..3_000).map(|k| (k,));
        assert_eq!(db.many(insert(), rows()).run().await.unwrap(), 3_000, "{permits} {places}");
        let (done, refused) = service.counts();
        assert_eq!(done, 3_000);
        // Those of the first hundred that found no place, and then one now and then.
        assert!(refused <= 100 + 3_000 / 10, "{permits} {places}: {refused}");

        let report = db.many(insert(), rows()).run_all().await;
        assert!(report.is_complete && report.failed.is_empty());
        for ordered in [false, true] {
            let mut many = db.many(insert(), rows());
            if ordered {
                many = many.ordered();
            }
            let seen: Vec<_> = many.map(|(index, answer)| (index, answer.is_ok())).collect().await;
            assert!(seen.iter().all(|(_, is_ok)| *is_ok), "{permits} {places}");
            assert!(!ordered || seen.is_sorted());
            assert_eq!(seen.len(), 3_000);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn it_waits_while_others_have_all_of_the_room() {
    let service = Refusing::to(1, 0);
    let held = Arc::clone(&service.places).try_acquire_owned().unwrap();
    let db = Client::new(service.clone());
    let streams = db.many(insert(), (0..3).map(|k| (k,)));
    let waits =
        tokio::spawn(
            async move { streams.map(|(_, answer)| answer.is_ok()).collect::<Vec<_>>().await },
        );
    let runs = tokio::spawn(db.many(insert(), (0..3).map(|k| (k,))).run());
    sleep(Duration::from_secs(10)).await;
    // Not a busy loop.
    let (_, refused) = service.counts();
    assert!((20..400).contains(&refused), "{refused}");
    drop(held);
    assert_eq!(waits.await.unwrap(), [true; 3]);
    assert_eq!(runs.await.unwrap().unwrap(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_it_whatever_it_waits_for() {
    const SECOND: Duration = Duration::from_secs(1);
    let full = Refusing::to(1, 0);
    let _held = Arc::clone(&full.places).try_acquire_owned().unwrap();
    let db = Client::new(full);
    let late = || Instant::now() + SECOND;

    let error = db.many(insert(), (0..9).map(|k| (k,))).with_deadline(late()).run().await;
    let error = error.unwrap_err();
    assert_eq!(error.error.class(), ErrorClass::Overload);
    assert_eq!((error.succeeded, error.failed), (0, 9));
    let report = db.many(insert(), (0..).map(|k| (k,))).with_deadline(late()).run_all().await;
    assert_eq!((report.is_complete, report.succeeded, report.failed.len()), (false, 0, 100));
    let ended: Vec<_> =
        db.many(insert(), (0..).map(|k| (k,))).with_deadline(late()).collect().await;
    assert_eq!(ended.len(), 100);

    // Rows that do not come.
    let db = Client::new(Limited::to(10));
    let pending = || stream::iter([Ok::<_, Infallible>((1,))]).chain(stream::pending());
    let began = Instant::now();
    let error = db.many_of(insert(), pending()).with_deadline(late()).run().await.unwrap_err();
    assert!(matches!(error.error.kind(), ErrorKind::DeadlinePassed(_)), "{error}");
    assert_eq!((error.index, error.succeeded, error.failed), (1, 1, 0));
    let report = db.many_of(insert(), pending()).with_deadline(late()).run_all().await;
    assert_eq!((report.is_complete, report.succeeded), (false, 1));
    assert_eq!(began.elapsed(), SECOND * 2);

    // All was sent in time.
    let rows = (0..10).map(|k| (k,));
    let many = db.many(insert(), rows).in_flight(10).unwrap();
    assert_eq!(many.with_deadline(late()).run().await.unwrap(), 10);
    let last_in_time = Instant::now() + Duration::from_millis(1);
    let report = db.many(insert(), (0..5).map(|k| (k,))).in_flight(5).unwrap();
    assert!(report.with_deadline(last_in_time).run_all().await.is_complete);
}

/// Answers at once, and not any more after the request's deadline.
#[derive(Clone)]
struct AtOnce;

impl tower_service::Service<Request> for AtOnce {
    type Response = Response;
    type Error = Error;
    type Future = std::future::Ready<Result<Response, Error>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        std::future::ready(match request.deadline() {
            Some(deadline) if deadline <= Instant::now() => {
                let late = ErrorKind::DeadlinePassed(Waited::BeforeTheSession);
                Err(request.error(late, None))
            }
            _ => Ok(Response::done(request.statement())),
        })
    }
}

/// Real time, and a timer that nobody gives a turn.
#[tokio::test]
async fn a_deadline_ends_rows_that_never_end_and_are_answered_at_once() {
    let db = Client::new(AtOnce);
    let until = || Instant::now() + Duration::from_millis(20);
    let endless = || db.many(insert(), (0..).map(|k| (k,))).with_deadline(until());
    let report = endless().run_all().await;
    assert!(!report.is_complete && report.succeeded > 0);
    endless().run().await.unwrap_err();
    assert!(endless().count().await > 0);
}

#[tokio::test(start_paused = true)]
async fn without_a_deadline_refusals_are_endured_for_half_a_minute() {
    let full = Refusing::to(1, 0);
    let _held = Arc::clone(&full.places).try_acquire_owned().unwrap();
    let db = Client::new(full);
    let began = Instant::now();
    let error = db.many(insert(), (0..).map(|k| (k,))).run().await.unwrap_err();
    assert_eq!(error.error.class(), ErrorClass::Overload);
    let took = began.elapsed();
    assert!(took >= PATIENCE && took < PATIENCE * 2, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn what_fails_for_good_is_not_sent_again() {
    let service = Limited { fails: |call| call == 0, ..Limited::to(10) };
    let calls = Arc::clone(&service.calls);
    // An overloaded server has had the request: it is no refusal.
    let report = Client::new(service).many(insert(), (0..10).map(|k| (k,))).run_all().await;
    assert_eq!((report.succeeded, report.failed.len()), (9, 1));
    assert_eq!(calls.load(Ordering::Relaxed), 10);
}

/// One that waits for room goes on with the next runtime.
#[test]
fn a_pause_goes_on_when_its_runtime_has_ended() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let full = Refusing::to(1, 0);
    let held = Arc::clone(&full.places).try_acquire_owned().unwrap();
    let first = runtime();
    let mut many = Client::new(full).many(insert(), (0..3).map(|k| (k,)));
    // Until all are refused, and it waits for none.
    first.block_on(async {
        while !timeout(Duration::from_millis(1), many.next())
            .await
            .is_err_and(|_| many.under_way.is_empty())
        {}
    });
    drop((first, held));
    let all = runtime().block_on(async {
        timeout(Duration::from_secs(9), many.map(|(_, answer)| answer.is_ok()).collect::<Vec<_>>())
            .await
            .unwrap()
    });
    assert_eq!(all, [true; 3]);
}

#[test]
fn rows_whose_runtime_has_ended_are_told_as_lost() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    for (ordered, has_deadline) in [(false, false), (true, false), (false, true)] {
        let first = runtime();
        let db = Client::new(Limited::to(0));
        let mut many = db.many(insert(), (0..3).map(|k| (k,)));
        if ordered {
            many = many.ordered();
        }
        if has_deadline {
            many = many.with_deadline(Instant::now() + Duration::from_secs(60));
        }
        first.block_on(async {
            assert!(timeout(Duration::from_millis(1), many.next()).await.is_err());
        });
        drop(first);
        let lost: Vec<_> = runtime().block_on(async {
            timeout(Duration::from_secs(9), many.collect::<Vec<_>>()).await.unwrap()
        });
        let mut rows: Vec<_> = lost.iter().map(|(index, _)| *index).collect();
        rows.sort_unstable();
        assert_eq!(rows, [0, 1, 2]);
        for (_, answer) in lost {
            let error = answer.unwrap_err();
            assert_eq!(error.class(), ErrorClass::Ambiguous);
            assert_eq!(*error.kind(), ErrorKind::ConnectionBroken);
        }
    }
}
