use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::*;
use crate::error::{ErrorClass, ErrorKind};

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
async fn in_order_means_in_the_order_of_the_rows() {
    let db = Client::new(Limited::to(10));
    let many = db.many(insert(), (0..100).map(|k| (k,))).in_flight(7).unwrap().in_order();
    let seen: Vec<usize> = many.map(|(index, _)| index).collect().await;
    assert_eq!(seen, (0..100).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn rows_may_come_from_a_stream_that_pauses() {
    let db = Client::new(Limited::to(10));
    let rows = stream::iter(0..20).then(async |k| {
        sleep(Duration::from_secs(1)).await;
        (k,)
    });
    assert_eq!(db.many_of(insert(), Box::pin(rows)).run().await.unwrap(), 20);
    assert_eq!(db.many(insert(), Vec::<(i32,)>::new()).run().await.unwrap(), 0);
}

/// A permit that is held by what nobody polls would stop it for ever.
#[tokio::test(start_paused = true)]
async fn a_request_for_each_answer_does_not_wait_for_a_permit_of_its_own() {
    for in_order in [false, true] {
        let db = Client::new(Limited::to(1));
        let mut many = db.many(insert(), (0..20).map(|k| (k,))).in_flight(5).unwrap();
        if in_order {
            many = many.in_order();
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
    let many = db.many_of(insert(), stream::iter(0..20).map(|k| (k,))).in_order();
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
