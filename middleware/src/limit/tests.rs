use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use cqlstack_core::testing::{Answer, ScriptedSession};
use cqlstack_core::{Client, Error, ErrorClass, ErrorKind, Request, Response};
use futures::FutureExt;
use futures::future::{MaybeDone, join_all, maybe_done};
use tokio::time::{Instant, sleep, timeout};
use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok, task};
use tower::ServiceExt;
use tower_layer::Layer;
use tower_service::Service;
use tower_test::mock;

use super::probe::{Behaviour, Probe, probe, request};
use super::*;

const TICK: Duration = Duration::from_millis(10);

fn limit(most: usize) -> ConcurrencyLimitLayer {
    ConcurrencyLimitLayer::new(most).unwrap()
}

fn refused(outcome: Result<Response, Error>) -> Refused {
    let error = outcome.unwrap_err();
    println!("{error}");
    error.downcast_ref::<Refused>().unwrap().clone()
}

/// Calls the service, which is ready. Nothing is polled yet.
fn call(service: &ConcurrencyLimit<Probe>, number: i64) -> ResponseFuture<Probe, Request> {
    let mut service = service.clone();
    poll_fn(|cx| service.poll_ready(cx)).now_or_never().unwrap().unwrap();
    service.call(request(number))
}

fn spawn(
    service: &ConcurrencyLimit<Probe>,
    number: i64,
) -> task::Spawn<ResponseFuture<Probe, Request>> {
    task::spawn(call(service, number))
}

/// Nothing is in flight and nothing waits, above as below.
fn assert_idle(handle: &LimitHandle, below: usize) {
    let stats = handle.stats();
    assert_eq!((stats.in_flight, stats.waiting, below), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_at_once_run_a_hundred_at_a_time() {
    let (service, seen) = probe(Behaviour::After(TICK));
    let layer = ConcurrencyLimitLayer::default();
    let db = Client::new(layer.layer(service));
    let started = Instant::now();
    let all = join_all((0..10_000).map(|number| db.request(request(number)))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!((seen.calls().len(), seen.peak()), (10_000, 100));
    assert_eq!(started.elapsed(), TICK * 100);
    assert_idle(&layer.handle(), seen.in_flight());
    // 100 waited for each of 10 ms, 20 ms, ... 990 ms.
    assert_eq!(layer.handle().stats().waited, TICK * (1..100).sum::<u32>() * 100);
}

#[tokio::test(start_paused = true)]
async fn who_is_polled_first_is_served_first_whatever_the_order_of_the_calls() {
    let (service, seen) = probe(Behaviour::After(TICK));
    let service = limit(1).layer(service);
    let mut running = spawn(&service, -1);
    let mut waiting: Vec<_> = (0..50).map(|number| spawn(&service, number)).collect();
    assert_pending!(running.poll());
    for waiting in waiting.iter_mut().rev() {
        assert_pending!(waiting.poll());
    }
    join_all([running].into_iter().chain(waiting)).await;
    assert_eq!(seen.calls(), (-1..50).rev().cycle().skip(50).take(51).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_ready_handle_that_is_not_called_holds_nothing() {
    let (service, _) = probe(Behaviour::AtOnce);
    let limited = limit(1).layer(service);
    let mut idle = limited.clone();
    poll_fn(|cx| idle.poll_ready(cx)).await.unwrap();
    let db = Client::new(limited);
    timeout(TICK, db.request(request(1))).await.expect("starved").unwrap();
}

#[tokio::test(start_paused = true)]
async fn reject_refuses_at_once_and_sends_nothing() {
    let (service, seen) = probe(Behaviour::After(TICK));
    let layer = limit(1).reject();
    let db = Client::new(layer.layer(service));
    let started = Instant::now();
    let (first, (second, when)) = tokio::join!(
        db.request(request(1)),
        db.request(request(2)).map(|outcome| (outcome, started.elapsed())),
    );
    first.unwrap();
    assert_eq!(second.as_ref().unwrap_err().class(), ErrorClass::Overload);
    let refused = refused(second);
    assert_eq!((refused.reason, refused.limit, refused.waiting), (RefusalReason::Full, 1, 0));
    assert_eq!((when, seen.calls()), (Duration::ZERO, vec![1]));
    assert_eq!(layer.handle().stats().refused, 1);
}

#[tokio::test(start_paused = true)]
async fn a_bounded_queue_refuses_what_finds_it_full_and_what_waits_too_long() {
    let (service, seen) = probe(Behaviour::After(TICK * 10));
    let layer = limit(1).wait_bounded(2, TICK * 15).unwrap();
    let db = Client::new(layer.layer(service));
    let started = Instant::now();
    let outcomes = join_all((0..4).map(|number| {
        db.request(request(number)).map(|outcome| (outcome, started.elapsed().as_millis()))
    }));
    let [first, second, third, fourth] = outcomes.await.try_into().unwrap();
    assert!(first.0.is_ok() && second.0.is_ok());
    assert_eq!([first.1, second.1, third.1, fourth.1], [100, 200, 150, 0]);
    assert_eq!(refused(third.0).reason, RefusalReason::Waited(TICK * 15));
    let full = refused(fourth.0);
    assert_eq!((full.reason, full.waiting), (RefusalReason::Full, 2));
    assert_eq!(seen.calls(), [0, 1]);
    assert_eq!(layer.handle().stats().refused, 2);
    assert_idle(&layer.handle(), seen.in_flight());
}

#[tokio::test(start_paused = true)]
async fn no_request_waits_beyond_its_own_deadline() {
    let (service, seen) = probe(Behaviour::After(TICK * 10));
    for layer in [limit(1), limit(1).wait_bounded(9, TICK * 9).unwrap()] {
        let db = Client::new(layer.layer(service.clone()));
        let deadline = Instant::now() + TICK;
        let hurried = request(2).with_deadline(deadline);
        let (first, second) =
            tokio::join!(db.request(request(1)), db.request(hurried).map(|o| (o, Instant::now())));
        first.unwrap();
        assert_eq!(second.1, deadline);
        assert_eq!(second.0.as_ref().unwrap_err().class(), ErrorClass::NotExecuted);
        assert_eq!(refused(second.0).reason, RefusalReason::Deadline(TICK));
        assert_idle(&layer.handle(), seen.in_flight());
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_waiter_frees_its_place() {
    let (service, _) = probe(Behaviour::Never);
    let layer = limit(1).wait_bounded(1, TICK).unwrap();
    let service = layer.layer(service);
    let mut running = spawn(&service, 1);
    assert_pending!(running.poll());
    let mut waiting = spawn(&service, 2);
    assert_pending!(waiting.poll());
    assert_ready_err!(spawn(&service, 3).poll());
    drop(waiting);
    assert_pending!(spawn(&service, 4).poll());
    assert_eq!(layer.handle().stats().in_flight, 1);
}

#[tokio::test(start_paused = true)]
async fn a_permit_that_was_handed_to_a_waiter_which_is_dropped_goes_to_the_next() {
    let (service, seen) = probe(Behaviour::After(TICK));
    let service = limit(1).layer(service);
    let [mut first, mut second, mut third] = [1, 2, 3].map(|number| spawn(&service, number));
    assert_pending!(first.poll());
    assert_pending!(second.poll());
    assert_pending!(third.poll());
    // The second is woken, and dropped before it is polled.
    drop(first);
    assert!(second.is_woken());
    drop(second);
    timeout(TICK * 2, third).await.expect("stranded").unwrap();
    assert_eq!(seen.calls(), [1, 3]);
}

/// Of three requests under a limit of 1, each is dropped after k polls while the others go on.
#[tokio::test(start_paused = true)]
async fn dropped_after_any_number_of_polls_nothing_is_left() {
    type Call = Pin<Box<MaybeDone<ResponseFuture<Probe, Request>>>>;
    for layer in [limit(1), limit(1).wait_bounded(5, TICK * 100).unwrap(), limit(1).reject()] {
        for victim in 0..3 {
            for polls in 0..20 {
                let (service, seen) = probe(Behaviour::AfterPolls(4));
                let service = layer.layer(service);
                let mut calls: Vec<Option<Call>> = (0..3)
                    .map(|number| call(&service, number))
                    .map(|call| Some(Box::pin(maybe_done(call))))
                    .collect();
                for turn in 0..40 {
                    if turn == polls {
                        calls[victim] = None;
                    }
                    for call in calls.iter_mut().flatten() {
                        let _ = call.as_mut().now_or_never();
                    }
                    assert!(seen.in_flight() <= 1);
                }
                // What is left is done, and kept.
                assert!(
                    calls.iter_mut().flatten().all(|call| call.as_mut().take_output().is_some())
                );
                assert_idle(&layer.handle(), seen.in_flight());
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_below_returns_the_permit() {
    for behaviour in [Behaviour::PanicInCall, Behaviour::PanicInPoll] {
        for behind_another in [false, true] {
            let (service, seen) = probe(Behaviour::After(TICK));
            let layer = limit(1);
            let db = Client::new(layer.layer(service));
            let first = db.clone();
            let running = tokio::spawn(async move {
                if behind_another {
                    first.request(request(1)).await.unwrap();
                }
            });
            tokio::task::yield_now().await;
            seen.behave(behaviour);
            let panicking = db.clone();
            let panicking = tokio::spawn(async move { panicking.request(request(2)).await });
            assert!(panicking.await.unwrap_err().is_panic());
            running.await.unwrap();
            assert_idle(&layer.handle(), seen.in_flight());
            seen.behave(Behaviour::AtOnce);
            db.request(request(3)).await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn raising_the_limit_lets_waiting_requests_through_at_once() {
    let (service, seen) = probe(Behaviour::After(TICK));
    let layer = limit(1);
    let db = Client::new(layer.layer(service));
    let all = join_all((0..5).map(|number| db.request(request(number))));
    let all = tokio::spawn(timeout(TICK * 3, all.map(|all| all.iter().all(Result::is_ok))));
    sleep(TICK / 2).await;
    assert_eq!(seen.in_flight(), 1);
    layer.handle().set_limit(4).unwrap();
    sleep(TICK / 10).await;
    assert_eq!(seen.in_flight(), 4);
    assert_eq!(all.await.unwrap(), Ok(true));
}

#[tokio::test(start_paused = true)]
async fn lowering_the_limit_lets_those_in_flight_finish() {
    let (service, seen) = probe(Behaviour::After(TICK));
    let layer = limit(8);
    let handle = layer.handle();
    let db = Client::new(layer.layer(service));
    let all = join_all((0..80).map(|number| db.request(request(number))));
    let all = tokio::spawn(all.map(|all| all.iter().all(Result::is_ok)));
    sleep(TICK / 2).await;
    handle.set_limit(2).unwrap();
    assert_eq!((handle.stats().limit, handle.stats().in_flight), (2, 8));
    sleep(TICK).await;
    assert_eq!((seen.in_flight(), handle.stats().in_flight), (2, 2));
    assert!(all.await.unwrap());
    assert_idle(&handle, seen.in_flight());
}

#[tokio::test(start_paused = true)]
async fn whatever_happens_the_largest_limit_is_kept_and_nothing_is_left() {
    let (service, seen) = probe(Behaviour::After(TICK));
    let layer = limit(4);
    let handle = layer.handle();
    let db = Client::new(layer.layer(service));
    // Xorshift: the same turns in every run.
    let mut random = 0x9e37_79b9_u32;
    let mut next = |below: u32| {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        random % below
    };
    let mut tasks = Vec::new();
    for number in 0..2_000 {
        match next(12) {
            0 => seen.behave(Behaviour::PanicInCall),
            1 => seen.behave(Behaviour::PanicInPoll),
            2 => seen.behave(Behaviour::Never),
            3..6 => seen.behave(Behaviour::After(TICK)),
            6 => handle.set_limit(1 + next(16) as usize).unwrap(),
            _ => sleep(TICK / (1 + next(20))).await,
        }
        let (db, patience) = (db.clone(), TICK * next(8));
        tasks.push(tokio::spawn(
            async move { timeout(patience, db.request(request(number))).await },
        ));
        assert!(seen.in_flight() <= 16 && handle.stats().in_flight <= 16);
    }
    for task in tasks {
        let _ = task.await;
    }
    assert!(seen.peak() <= 16);
    assert_idle(&handle, seen.in_flight());
    seen.behave(Behaviour::After(TICK));
    handle.set_limit(3).unwrap();
    let started = Instant::now();
    join_all((0..9).map(|number| db.request(request(number)))).await;
    assert_eq!(started.elapsed(), TICK * 3);
}

#[tokio::test(start_paused = true)]
async fn clones_and_services_of_one_layer_share_the_limit() {
    let layer = limit(1).reject();
    let (service, _) = probe(Behaviour::Never);
    let (one, other) = (layer.layer(service.clone()), layer.clone().layer(service));
    let mut running = spawn(&one, 1);
    assert_pending!(running.poll());
    assert_ready_err!(spawn(&other, 2).poll());
}

#[tokio::test(start_paused = true)]
async fn errors_of_the_service_below_pass() {
    let (mut service, mut handle) = mock::spawn_layer::<Request, (), _>(limit(1));
    handle.allow(1);
    assert_ready_ok!(service.poll_ready());
    let mut answer = task::spawn(service.call(request(1)));
    assert_pending!(answer.poll());
    let (_, send) = handle.next_request().await.unwrap();
    send.send_error("no such table");
    assert_eq!(assert_ready_err!(answer.poll()).to_string(), "no such table");
    handle.send_error("no more");
    let Poll::Ready(Err(error)) = service.poll_ready() else { panic!("it is not ready") };
    assert_eq!(error.to_string(), "no more");
}

#[tokio::test(start_paused = true)]
async fn a_service_below_that_is_not_ready_is_waited_for_without_a_permit() {
    let layer = limit(1);
    let (mut service, mut handle) = mock::spawn_layer::<Request, (), _>(layer.clone());
    handle.allow(0);
    assert_pending!(service.poll_ready());
    assert_eq!(layer.handle().stats().in_flight, 0);
    let oneshot = service.into_inner().oneshot(request(1));
    assert_pending!(task::spawn(oneshot).poll());
    assert_eq!(layer.handle().stats().in_flight, 0);
}

#[test]
fn limits_that_cannot_be_are_refused_by_name() {
    for wrong in [0, usize::MAX] {
        assert_eq!(ConcurrencyLimitLayer::new(wrong).unwrap_err().setting, "limit");
        let handle = limit(3).handle();
        assert_eq!(handle.set_limit(wrong).unwrap_err().setting, "limit");
        assert_eq!(handle.stats().limit, 3);
    }
    let bounded = |queue, longest| limit(1).wait_bounded(queue, longest).unwrap_err().setting;
    assert_eq!(bounded(0, TICK), "queue");
    assert_eq!(bounded(1, Duration::ZERO), "longest_wait");
    assert!(limit(1).wait_bounded(usize::MAX, Duration::MAX).is_ok());
}

#[tokio::test(start_paused = true)]
async fn waiting_for_ever_is_possible() {
    let layer = limit(1).wait_bounded(1, Duration::MAX).unwrap();
    let (service, _) = probe(Behaviour::After(TICK));
    let db = Client::new(layer.layer(service));
    let (first, second) = tokio::join!(db.request(request(1)), db.request(request(2)));
    assert!(first.is_ok() && second.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_a_permit_is_part_of_the_attempt() {
    let (service, seen) = probe(Behaviour::After(TICK * 10));
    let layer = limit(1);
    let db = Client::new(layer.layer(service));
    let hurried = request(2).with_attempt_timeout(TICK);
    let (first, second) =
        tokio::join!(db.request(request(1)), db.request(hurried).map(|o| (o, Instant::now())));
    first.unwrap();
    let (outcome, at) = second;
    let error = outcome.as_ref().unwrap_err();
    assert_eq!(error.class(), ErrorClass::Overload);
    assert!(error.to_string().contains("after 10.0ms of waiting for a permit"), "{error}");
    assert_eq!(refused(outcome).reason, RefusalReason::Attempt(TICK));
    assert_eq!(at.elapsed(), TICK * 9);
    assert_idle(&layer.handle(), seen.in_flight());

    // What is left of the time is what the session has.
    let session = ScriptedSession::new().otherwise(Answer::done().after(TICK * 10));
    let db = Client::new(limit(1).layer(session.clone()));
    let began = Instant::now();
    let patient = request(2).with_attempt_timeout(TICK * 15);
    let both = tokio::join!(db.request(request(1)), db.request(patient));
    assert!(both.0.is_ok());
    assert_eq!(*both.1.unwrap_err().kind(), ErrorKind::Timeout { after: TICK * 5 });
    let deadlines: Vec<_> = session.sent().iter().map(|sent| sent.request.deadline()).collect();
    assert_eq!(deadlines, [None, Some(began + TICK * 15)]);
}
