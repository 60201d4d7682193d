use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use cqlstack_core::layer::Classify;
use cqlstack_core::{Client, Error, ErrorClass, Request, Response, Statement, StatementKind};
use futures::FutureExt;
use futures::future::{BoxFuture, maybe_done};
use tokio::time::{Instant, sleep, timeout};
use tower::{ServiceBuilder, ServiceExt};
use tower_layer::Layer;
use tower_service::Service;

use super::*;

mod script;
#[cfg(feature = "limit")]
mod with_a_limit;

use script::Failure::{Of, Refused};
use script::{Failure, Script};

const TICK: Duration = Duration::from_millis(10);

fn read() -> Request {
    Request::from(&Statement::new("SELECT v FROM t WHERE k = 1"))
}

fn write(idempotent: bool) -> Request {
    Request::from(&Statement::new("INSERT INTO t (k) VALUES (1)").idempotent(idempotent))
}

fn of_kind(kind: StatementKind) -> Request {
    Request::from(&Statement::new("INSERT INTO t (k) VALUES (1)").idempotent(true).with_kind(kind))
}

fn guide() -> RetryLayer<Failure> {
    let builder = RetryBuilder::default().min_delay(Duration::from_secs(1));
    builder.max_delay(Duration::from_secs(10)).jitter(Jitter::None).build().unwrap()
}

async fn run<L>(layer: L, script: &Script, request: Request) -> Result<Response, Failure>
where
    L: Layer<Script>,
    L::Service: Service<Request, Response = Response, Error = Failure>,
{
    layer.layer(script.clone()).oneshot(request).await
}

fn overloaded(times: usize) -> Vec<Failure> {
    vec![Of(ErrorClass::Overload); times]
}

#[tokio::test(start_paused = true)]
async fn the_guide_s_preset_waits_exactly_one_second_and_then_two() {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&calls);
    let service = tower::service_fn(move |request: Request| {
        noted.lock().unwrap().push(Instant::now());
        let failed = noted.lock().unwrap().len() < 3;
        async move {
            if failed {
                let aborted = std::io::Error::other("connection lost");
                return Err(Error::other(ErrorClass::Ambiguous, aborted));
            }
            Ok(Response::done(request.statement()))
        }
    });
    let db = Client::new(RetryLayer::guide().layer(service));
    db.request(write(true)).await.unwrap();
    let calls = calls.lock().unwrap();
    assert_eq!(calls.len(), 3);
    assert_eq!(calls[1] - calls[0], Duration::from_secs(1));
    assert_eq!(calls[2] - calls[1], Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn the_default_waits_for_some_milliseconds() {
    let script = Script::new(overloaded(2));
    run(RetryLayer::default(), &script, read()).await.unwrap();
    let [first, second] = script.waits().try_into().unwrap();
    // Tokio's clock counts whole milliseconds.
    assert!(first <= Duration::from_millis(26) && second <= Duration::from_millis(51));
}

#[tokio::test(start_paused = true)]
async fn the_class_and_the_statement_decide() {
    use ErrorClass::{Ambiguous, NotExecuted, Overload, Permanent};
    let certain = [Of(NotExecuted), Of(Overload)];
    let requests = [read(), write(false), write(true)]
        .into_iter()
        .chain([StatementKind::Counter, StatementKind::Conditional].map(of_kind));
    for (request, ambiguous_too) in requests.zip([true, false, true, false, false]) {
        for failure in certain.clone() {
            let script = Script::new([failure]);
            run(guide(), &script, request.clone()).await.unwrap();
            assert_eq!(script.count(), 2, "{request:?}");
        }
        let script = Script::new([Of(Ambiguous)]);
        let outcome = run(guide(), &script, request.clone()).await;
        assert_eq!(outcome.is_ok(), ambiguous_too, "{request:?}");
        assert_eq!(script.count(), 1 + usize::from(ambiguous_too), "{request:?}");
        for failure in [Of(Permanent), Refused] {
            let script = Script::new([failure.clone()]);
            let error = run(guide(), &script, request.clone()).await.unwrap_err();
            // Nothing was retried: it is as it came.
            assert_eq!(error.class(), failure.class());
            assert_eq!(script.count(), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_predicate_chooses_among_what_is_safe() {
    let everything = || RetryBuilder::default().retry_if(|_: &Failure| true).build().unwrap();
    let script = Script::new([Refused]);
    run(everything(), &script, read()).await.unwrap();
    let script = Script::new([Of(ErrorClass::Ambiguous)]);
    assert!(run(everything(), &script, write(false)).await.is_err());
    assert_eq!(script.count(), 1);
    let nothing = RetryBuilder::default().retry_if(|_: &Failure| false).build().unwrap();
    let script = Script::new(overloaded(1));
    assert!(run(nothing, &script, read()).await.is_err());
    assert_eq!(script.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_exhausted_says_how_often_and_why() {
    let script = Script::new(overloaded(9));
    let error = run(guide(), &script, read()).await.unwrap_err();
    let exhausted = error.exhausted();
    assert_eq!((exhausted.attempts, exhausted.reason), (3, StopReason::Attempts));
    assert_eq!((error.class(), exhausted.worst), (ErrorClass::Exhausted, ErrorClass::Overload));
    assert_eq!(script.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn ambiguous_once_is_ambiguous_for_good() {
    use ErrorClass::{Ambiguous, NotExecuted, Permanent};
    for (failures, reason, attempts) in [
        (vec![Ambiguous, NotExecuted, NotExecuted], StopReason::Attempts, 3),
        (vec![NotExecuted, Ambiguous, NotExecuted], StopReason::Attempts, 3),
        (vec![Ambiguous, Permanent], StopReason::LastError, 2),
    ] {
        let script = Script::new(failures.into_iter().map(Of));
        let error = run(guide(), &script, write(true)).await.unwrap_err();
        let exhausted = error.exhausted();
        assert_eq!(exhausted.worst, Ambiguous);
        assert_eq!((exhausted.reason, exhausted.attempts), (reason, attempts));
    }
    let script = Script::new([Of(NotExecuted), Of(Permanent)]);
    let error = run(guide(), &script, write(true)).await.unwrap_err();
    assert_eq!(error.exhausted().worst, Permanent);
}

#[tokio::test(start_paused = true)]
async fn an_outer_retry_does_not_multiply_attempts_nor_forget_what_was_ambiguous() {
    use ErrorClass::{Ambiguous, NotExecuted};
    let script = Script::new([Ambiguous, NotExecuted, NotExecuted, NotExecuted].map(Of));
    let both = ServiceBuilder::new().layer(guide()).layer(guide());
    let error = both.service(script.clone()).oneshot(write(true)).await.unwrap_err();
    assert_eq!(error.worst_class(), Ambiguous);
    assert_eq!(error.exhausted().attempts, 3);
    assert_eq!(script.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn every_attempt_carries_the_same_timestamp() {
    let script = Script::new(overloaded(2));
    run(guide(), &script, write(true)).await.unwrap();
    let calls = script.calls.lock().unwrap();
    let first = calls[0].timestamp;
    assert!(first.is_some() && calls.iter().all(|call| call.timestamp == first));
}

#[tokio::test(start_paused = true)]
async fn no_wait_crosses_the_request_s_deadline() {
    let script = Script::new(overloaded(9));
    let started = Instant::now();
    let request = read().with_deadline(started + Duration::from_millis(1_500));
    let error = run(guide(), &script, request).await.unwrap_err();
    assert_eq!((error.exhausted().reason, error.exhausted().attempts), (StopReason::Deadline, 2));
    assert_eq!(started.elapsed(), Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn the_time_for_all_attempts_counts_from_the_call() {
    let mut script = Script::new(overloaded(9));
    script.each_takes = Duration::from_secs(2);
    let builder = RetryBuilder::default().min_delay(Duration::from_secs(1)).jitter(Jitter::None);
    let builder = builder.max_delay(Duration::from_secs(10)).max_elapsed(Duration::from_secs(4));
    let error = run(builder.build().unwrap(), &script, read()).await.unwrap_err();
    // 2 s, a wait of 1 s, 2 s; the wait of 2 s that would follow ends after 7 s.
    assert_eq!((error.exhausted().reason, error.exhausted().attempts), (StopReason::Time, 2));
    let for_ever = RetryBuilder::default().max_elapsed(Duration::MAX).build().unwrap();
    assert!(run(for_ever, &Script::new(overloaded(2)), read()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn two_hundred_attempts_with_multiplier_ten_end() {
    let builder = RetryBuilder::default().attempts(200).multiplier(10.0).jitter(Jitter::None);
    let builder = builder.max_elapsed(Duration::from_secs(24 * 60 * 60));
    let layer = builder.min_delay(TICK).max_delay(Duration::from_secs(60)).build().unwrap();
    let script = Script::new(overloaded(199));
    run(layer, &script, read()).await.unwrap();
    let waits = script.waits();
    assert!(waits.is_sorted() && waits[198] == Duration::from_secs(60));
}

#[tokio::test(start_paused = true)]
async fn one_attempt_leaves_errors_as_they_are() {
    let once = RetryBuilder::default().attempts(1).build().unwrap();
    let script = Script::new(overloaded(1));
    let error = run(once, &script, read()).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Overload);
    assert_eq!(script.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn dropped_while_it_sleeps_nothing_more_is_sent() {
    let script = Script::new(overloaded(1));
    let call = run(guide(), &script, read());
    assert!(timeout(Duration::from_millis(500), call).await.is_err());
    sleep(Duration::from_secs(60)).await;
    assert_eq!(script.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn dropped_after_any_number_of_polls_nothing_is_left() {
    for polls in 0..12 {
        let mut script = Script::new(overloaded(2));
        script.each_takes = TICK;
        let mut call = Box::pin(maybe_done(guide().layer(script.clone()).oneshot(read())));
        for _ in 0..polls {
            let _ = call.as_mut().now_or_never();
            sleep(Duration::from_millis(500)).await;
        }
        drop(call);
        // Nothing but this test holds the script any more.
        assert_eq!(Arc::strong_count(&script.calls), 1, "after {polls} polls");
    }
}

/// Ready once, then as is said, for ever; what it is called with fails.
#[derive(Clone)]
struct Breaks {
    asked: Arc<Mutex<u32>>,
    then: Poll<ErrorClass>,
    answer: ErrorClass,
}

impl Breaks {
    fn new(then: Poll<ErrorClass>, answer: ErrorClass) -> Self {
        Self { asked: Arc::default(), then, answer }
    }
}

impl Service<Request> for Breaks {
    type Response = Response;
    type Error = Failure;
    type Future = std::future::Ready<Result<Response, Failure>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        let mut asked = self.asked.lock().unwrap();
        *asked += 1;
        if *asked == 1 { Poll::Ready(Ok(())) } else { self.then.map(|class| Err(Of(class))) }
    }

    fn call(&mut self, _: Request) -> Self::Future {
        std::future::ready(Err(Of(self.answer)))
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_not_ready_ends_the_attempts_and_is_none() {
    let not_ready = Poll::Ready(ErrorClass::NotExecuted);
    for answer in [ErrorClass::Ambiguous, ErrorClass::Overload] {
        let layer = guide();
        let breaks = Breaks::new(not_ready, answer);
        let error = layer.layer(breaks.clone()).oneshot(write(true)).await.unwrap_err();
        let exhausted = error.exhausted();
        assert_eq!((exhausted.attempts, exhausted.reason), (1, StopReason::NotReady));
        assert_eq!((exhausted.worst, exhausted.last.class()), (answer, answer));
        assert_eq!(exhausted.not_ready.as_ref().unwrap().class(), ErrorClass::NotExecuted);
        assert_eq!(*breaks.asked.lock().unwrap(), 2);
        let stats = layer.handle().stats();
        assert_eq!((stats.resent(), stats.exhausted), (0, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_not_ready_at_first_is_reported_as_it_is() {
    let breaks = Breaks::new(Poll::Ready(ErrorClass::NotExecuted), ErrorClass::Ambiguous);
    *breaks.asked.lock().unwrap() = 1;
    let layer = guide();
    let error = layer.layer(breaks).oneshot(read()).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::NotExecuted);
    assert_eq!(layer.handle().stats().exhausted, 0);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_stays_unready_is_waited_for_until_the_time_is_over() {
    let breaks = Breaks::new(Poll::Pending, ErrorClass::Overload);
    let time = Duration::from_secs(5);
    let builder = RetryBuilder::default().min_delay(TICK).jitter(Jitter::None).max_elapsed(time);
    let within = builder.build().unwrap().layer(breaks.clone());
    let now = Instant::now();
    // The second begins when the first has ended.
    let (deadline, deadline_is_later) = (now + time * 3, now + time * 3);
    for (request, reason, after) in [
        (read(), StopReason::Time, time),
        (read().with_deadline(deadline_is_later), StopReason::Deadline, time * 2),
        (read().with_deadline(deadline + time / 2), StopReason::Deadline, time / 2),
    ] {
        *breaks.asked.lock().unwrap() = 0;
        let started = Instant::now();
        let error = within.clone().oneshot(request).await.unwrap_err();
        let exhausted = error.exhausted();
        assert_eq!((exhausted.attempts, exhausted.reason), (1, reason));
        assert!(exhausted.not_ready.is_none());
        assert_eq!(started.elapsed(), after);
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_below_passes_and_later_requests_work() {
    let calls = Arc::new(Mutex::new(0));
    let below = Arc::clone(&calls);
    let service = guide().layer(tower::service_fn(move |request: Request| {
        let call = std::mem::replace(&mut *below.lock().unwrap(), 1);
        async move {
            assert!(call > 0, "the service below panics");
            Ok::<_, Failure>(Response::done(request.statement()))
        }
    }));
    let panicking = tokio::spawn(service.clone().oneshot(read())).await;
    assert!(panicking.unwrap_err().is_panic());
    service.oneshot(read()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_service_below_that_never_answers_is_ended_by_dropping() {
    let service = guide()
        .layer(tower::service_fn(|_: Request| std::future::pending::<Result<Response, Failure>>()));
    assert!(timeout(Duration::from_secs(9), service.oneshot(read())).await.is_err());
}

/// Whoever makes many requests has to know that a row was not sent.
#[tokio::test(start_paused = true)]
async fn a_layer_that_is_full_for_a_later_attempt_is_told_as_that_unless_an_earlier_one_is_open() {
    let write = Statement::new("INSERT INTO t (k) VALUES (1)");
    for (first, is_refusal) in [
        (ErrorClass::NotExecuted, true),
        (ErrorClass::Overload, true),
        (ErrorClass::Ambiguous, false),
    ] {
        let script = Script::new([Of(first), Refused]);
        let error = run(guide(), &script, Request::from(&write)).await.unwrap_err();
        assert_eq!((error.is_refusal(), script.count()), (is_refusal, 2), "{error:?}");
        if !is_refusal {
            let exhausted = error.exhausted();
            assert_eq!(exhausted.reason, StopReason::LastError);
            assert_eq!(exhausted.worst, ErrorClass::Ambiguous);
        }
    }
}

#[test]
fn the_error_of_a_stack_of_ours_tells_it_in_words() {
    let rename = Statement::new("UPDATE app.users SET name = ? WHERE id = ?").idempotent(true);
    let last = Error::other(ErrorClass::NotExecuted, std::io::Error::other("connection lost"));
    let exhausted = Exhausted {
        attempts: 3,
        unconnected: 0,
        elapsed: Duration::from_millis(75),
        reason: StopReason::Attempts,
        worst: ErrorClass::Ambiguous,
        last: last.about(&rename),
        not_ready: None,
    };
    let error = Error::from(exhausted.clone());
    assert_eq!(
        error.to_string(),
        "UPDATE app.users: gave up after 3 attempts in 75.0ms, as many as are allowed; the last: connection lost; it \
         may have been applied; read it back, or send it again: twice is as good as once"
    );
    assert_eq!(error.class(), ErrorClass::Exhausted);
    assert_eq!(error.worst_class(), ErrorClass::Ambiguous);
    assert_eq!(error.downcast_ref::<Exhausted>().unwrap().attempts, 3);
    let closed = Error::other(ErrorClass::Permanent, std::io::Error::other("it is closed"));
    let (reason, not_ready) = (StopReason::NotReady, Some(closed));
    let not_ready = Error::from(Exhausted { attempts: 1, reason, not_ready, ..exhausted });
    assert!(not_ready.to_string().starts_with(
        "UPDATE app.users: gave up after 1 attempt in 75.0ms, since the service below did not become ready: it \
         is closed; the last: connection lost; it may have been applied"
    ));
}

#[test]
fn settings_that_cannot_be_are_refused_by_name() {
    let setting = |builder: RetryBuilder| builder.build().unwrap_err().setting;
    let second = Duration::from_secs(1);
    assert_eq!(setting(RetryLayer::builder().attempts(0)), "attempts");
    assert_eq!(setting(RetryLayer::builder().min_delay(second * 2)), "min_delay");
    assert_eq!(setting(RetryLayer::builder().max_delay(Duration::MAX)), "max_delay");
    assert_eq!(setting(RetryLayer::builder().max_elapsed(Duration::ZERO)), "max_elapsed");
    for multiplier in [0.5, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(setting(RetryLayer::builder().multiplier(multiplier)), "multiplier");
    }
    assert!(RetryLayer::builder().min_delay(second * 2).max_delay(second * 2).build().is_ok());
}
