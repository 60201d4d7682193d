use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use cqlstack_core::layer::Classify;
use cqlstack_core::testing::{Answer, ScriptedSession, Sent};
use cqlstack_core::{
    Client, Consistency, CqlService, Error, ErrorClass, ErrorKind, Request, Response, Statement,
};
use futures::FutureExt;
use futures::future::{join_all, maybe_done};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};
use tower_layer::Layer;
use tower_service::Service;

use super::*;

mod kept;

const TICK: Duration = Duration::from_millis(10);

fn select() -> Statement {
    Statement::new("SELECT v FROM t WHERE k = ?").named("select")
}

fn session() -> ScriptedSession {
    ScriptedSession::new().otherwise(Answer::done())
}

/// A stack over this session with a cache of so many statements.
fn cached(
    statements: usize,
    session: &ScriptedSession,
) -> (Client<StatementCache<ScriptedSession>>, CacheHandle) {
    let layer = StatementCacheLayer::new(statements).unwrap();
    (Client::new(layer.layer(session.clone())), layer.handle())
}

#[tokio::test(start_paused = true)]
async fn a_raw_request_is_bound_and_a_bound_one_passes() {
    let session = session();
    let (db, handle) = cached(10, &session);
    for k in 0..3 {
        db.execute(select(), (k,)).await.unwrap();
    }
    let answer = db.request(Request::prepare(select())).await.unwrap();
    let bound = Request::new(select(), (4,)).bind(answer.prepared().unwrap()).unwrap();
    db.request(bound).await.unwrap();
    assert_eq!((session.prepares(), session.executes()), (1, 4));
    let raw = session.sent().iter().filter(|sent| sent.request.unprepared().is_some()).count();
    assert_eq!(raw, 0);
    let stats = handle.stats();
    assert_eq!((stats.hits, stats.misses, stats.statements), (3, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_needs_no_preparing_passes_as_it_is() {
    let session = session();
    let (db, handle) = cached(10, &session);
    for text in ["CREATE TABLE t (k int PRIMARY KEY)", "TRUNCATE t", "USE ks"] {
        db.request(Statement::new(text)).await.unwrap();
    }
    assert_eq!((session.prepares(), session.executes()), (0, 3));
    assert_eq!(handle.stats().misses, 0);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_first_uses_at_once_prepare_once() {
    let session = session().otherwise_prepare(Answer::done().after(TICK));
    let (db, handle) = cached(10, &session);
    let all = join_all((0..1_000).map(|k| db.execute(select(), (k,)))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!((session.prepares(), session.executes()), (1, 1_000));
    assert_eq!(handle.stats().prepares, 1);
    assert_eq!(db.service().under_way(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_failed_prepare_is_everybody_s_and_is_not_kept() {
    let failure = Answer::error(ErrorKind::Syntax).after(TICK);
    let session = session().on_prepare("select", [failure.clone(), failure]);
    let (db, handle) = cached(10, &session);
    let all = join_all((0..1_000).map(|k| db.execute(select(), (k,)))).await;
    assert!(
        all.iter().all(|outcome| outcome.as_ref().unwrap_err().class() == ErrorClass::Permanent)
    );
    assert_eq!((session.prepares(), session.executes()), (1, 0));
    assert!(db.execute(select(), (1,)).await.is_err());
    assert_eq!((session.prepares(), handle.stats().statements), (2, 0));
    db.execute(select(), (1,)).await.unwrap();
    assert_eq!((session.prepares(), handle.stats().statements), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_leader_leaves_its_prepare_to_another() {
    let session = session().on_prepare("select", [Answer::never()]);
    let (db, _) = cached(10, &session);
    let mut leader = Box::pin(db.execute(select(), (0,)));
    assert!(leader.as_mut().now_or_never().is_none());
    let followers: Vec<_> = (1..100).map(|k| tokio::spawn(db.execute(select(), (k,)))).collect();
    sleep(TICK).await;
    assert_eq!(session.prepares(), 1);
    drop(leader);
    for follower in followers {
        timeout(TICK, follower).await.expect("stranded").unwrap().unwrap();
    }
    assert_eq!((session.prepares(), session.in_flight()), (2, 0));
    assert_eq!(db.service().under_way(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_panics_leaves_its_prepare_to_another() {
    let session = session();
    let panics_once = Arc::new(AtomicBool::new(true));
    let below = session.clone();
    let service = tower::service_fn(move |request: Request| {
        let (mut session, panics_once) = (below.clone(), Arc::clone(&panics_once));
        async move {
            sleep(TICK).await;
            assert!(!panics_once.swap(false, Ordering::Relaxed), "the service below panics");
            session.call(request).await
        }
    });
    let db = Client::new(StatementCacheLayer::default().layer(service));
    let leader = tokio::spawn(db.execute(select(), (0,)));
    yield_now().await;
    let followers: Vec<_> = (1..100).map(|k| tokio::spawn(db.execute(select(), (k,)))).collect();
    assert!(leader.await.unwrap_err().is_panic());
    for follower in followers {
        timeout(TICK * 3, follower).await.expect("stranded").unwrap().unwrap();
    }
    assert_eq!((session.prepares(), session.executes()), (1, 99));
    assert_eq!(db.service().under_way(), 0);
}

/// `select!` and `join!` leave one of their futures for a while, or for good, without dropping it.
#[tokio::test(start_paused = true)]
async fn a_leader_that_is_not_polled_any_more_is_replaced_by_one() {
    let session = session().otherwise_prepare(Answer::done().after(TICK));
    let (db, _) = cached(10, &session);
    let mut leader = Box::pin(db.execute(select(), (0,)));
    assert!(leader.as_mut().now_or_never().is_none());
    let started = Instant::now();
    for answer in join_all((1..100).map(|k| db.execute(select(), (k,)))).await {
        answer.unwrap();
    }
    assert_eq!((session.prepares(), session.executes()), (2, 99));
    assert_eq!(started.elapsed(), single_flight::PATIENCE + TICK);
    leader.await.unwrap();
    assert_eq!((session.prepares(), db.service().under_way()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_another_s_prepare_beyond_their_own_deadline() {
    let session = session().otherwise_prepare(Answer::never());
    let (db, _) = cached(10, &session);
    let leader = tokio::spawn(db.execute(select(), (0,)));
    tokio::task::yield_now().await;
    let started = Instant::now();
    let hurried = Request::new(select(), (1,)).with_deadline(started + TICK);
    let error = db.request(hurried).await.unwrap_err();
    println!("{error}");
    assert_eq!(started.elapsed(), TICK);
    assert_eq!(error.class(), ErrorClass::NotExecuted);
    assert_eq!(error.downcast_ref(), Some(&NotPrepared::Deadline(TICK)));
    leader.abort();
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_another_s_prepare_is_part_of_the_attempt() {
    let session = session().otherwise_prepare(Answer::never());
    let (db, _) = cached(10, &session);
    let leader = tokio::spawn(db.execute(select(), (0,)));
    tokio::task::yield_now().await;
    let hurried = Request::new(select(), (1,)).with_attempt_timeout(TICK);
    let error = db.request(hurried).await.unwrap_err();
    assert!(error.to_string().contains("after 10.0ms of waiting for its statement"), "{error}");
    assert_eq!(error.downcast_ref(), Some(&NotPrepared::Deadline(TICK)));
    leader.abort();
}

/// A service below that refuses the first request, and lets the others through after a while.
fn refusing_once(session: &ScriptedSession) -> impl CqlService + use<> {
    let (refuses, session) = (Arc::new(AtomicBool::new(true)), session.clone());
    tower::service_fn(move |request: Request| {
        let (mut session, refuses) = (session.clone(), refuses.swap(false, Ordering::Relaxed));
        async move {
            sleep(TICK).await;
            if refuses {
                let full = std::io::Error::other("the layer below is full");
                return Err(Error::other(ErrorClass::Overload, full));
            }
            session.call(request).await
        }
    })
}

#[tokio::test(start_paused = true)]
async fn what_a_layer_below_refuses_the_leader_is_not_refused_to_its_followers() {
    let session = session();
    let db = Client::new(StatementCacheLayer::default().layer(refusing_once(&session)));
    let all = join_all((0..100).map(|k| db.execute(select(), (k,)))).await;
    let refused = all.iter().filter(|answer| answer.is_err()).count();
    assert_eq!((refused, session.prepares(), session.executes()), (1, 1, 99));
}

/// What is wrong with the statement is so for all, however short the leader's time was.
#[tokio::test(start_paused = true)]
async fn a_hurried_leader_tells_all_what_is_wrong_with_the_statement() {
    let error = Answer::error(ErrorKind::Syntax).after(TICK / 2);
    let session = session().on_prepare("select", [error]);
    let (db, _) = cached(10, &session);
    let hurried = Request::new(select(), (1,)).with_deadline(Instant::now() + TICK);
    let (leader, follower) = tokio::join!(db.request(hurried), db.execute(select(), (2,)));
    assert_eq!(leader.unwrap_err().kind(), &ErrorKind::Syntax);
    assert_eq!(follower.unwrap_err().kind(), &ErrorKind::Syntax);
    assert_eq!(session.prepares(), 1);
}

/// As a service sends them: each has some time from its call on, and the leader so a bit less than the
/// others.
#[tokio::test(start_paused = true)]
async fn a_failure_that_has_nothing_to_do_with_time_is_everybody_s() {
    for failure in [ErrorKind::NoConnection, ErrorKind::Overloaded, ErrorKind::ServerError] {
        let failure = Answer::error(failure).after(TICK);
        let session = session().on_prepare("select", [failure]);
        let (db, _) = cached(10, &session);
        let all = (0..100).map(|k| {
            let deadline = Instant::now() + TICK * 10 + Duration::from_micros(k);
            db.request(Request::new(select(), (0,)).with_deadline(deadline))
        });
        assert!(join_all(all).await.iter().all(Result::is_err));
        assert_eq!(session.prepares(), 1);
    }
}

/// One after another each would wait for longer than the one before.
#[tokio::test(start_paused = true)]
async fn what_is_refused_to_three_leaders_in_a_row_is_refused_to_all() {
    let calls = Arc::new(AtomicUsize::new(0));
    let below = Arc::clone(&calls);
    let refusing = tower::service_fn(move |_: Request| {
        below.fetch_add(1, Ordering::Relaxed);
        async {
            sleep(TICK).await;
            let full = std::io::Error::other("the layer below is full");
            Err::<Response, _>(Error::other(ErrorClass::Overload, full))
        }
    });
    let db = Client::new(StatementCacheLayer::default().layer(refusing));
    let started = Instant::now();
    let all = join_all((0..100).map(|k| db.execute(select(), (k,)))).await;
    assert!(all.iter().all(|answer| answer.as_ref().is_err_and(Classify::is_refusal)));
    assert_eq!((calls.load(Ordering::Relaxed), started.elapsed()), (3, TICK * 3));
}

/// What the leader is told of its own time is no answer to one who has more of it.
#[tokio::test(start_paused = true)]
async fn a_follower_has_its_own_time() {
    // What gives up in time says so before the deadline.
    for after in [TICK / 2, TICK] {
        let error = Answer::error(ErrorKind::PrepareTimeout { after }).after(after);
        let session = session().on_prepare("select", [error]);
        let (db, _) = cached(10, &session);
        let hurried = Request::new(select(), (1,)).with_deadline(Instant::now() + TICK);
        let leader = tokio::spawn(db.request(hurried));
        tokio::task::yield_now().await;
        let patient = Request::new(select(), (2,)).with_deadline(Instant::now() + TICK * 10);
        let followers =
            [tokio::spawn(db.request(patient)), tokio::spawn(db.execute(select(), (3,)))];
        assert!(leader.await.unwrap().is_err());
        for follower in followers {
            follower.await.unwrap().unwrap();
        }
        assert_eq!(session.prepares(), 2);
    }
}

/// Whatever was prepared while something changed is prepared again, and never used.
#[tokio::test(start_paused = true)]
async fn what_is_out_of_date_as_soon_as_it_lands_is_used_by_nobody() {
    let session = session().otherwise_prepare(Answer::done().after(TICK));
    let (db, _) = cached(10, &session);
    let both = [tokio::spawn(db.execute(select(), (1,))), tokio::spawn(db.execute(select(), (2,)))];
    sleep(TICK / 2).await;
    session.change_schema();
    sleep(TICK).await;
    session.change_schema();
    for answer in both {
        answer.await.unwrap().unwrap();
    }
    let sent = session.sent();
    let last_prepare = sent.iter().rposition(Sent::is_prepare).unwrap();
    assert_eq!((session.executes(), last_prepare), (2, sent.len() - 3));
    assert!(session.prepares() >= 3);
}

#[tokio::test(start_paused = true)]
async fn what_changes_all_the_time_is_an_error_after_a_few_tries() {
    let session = session().otherwise_prepare(Answer::done().after(TICK));
    let (db, _) = cached(10, &session);
    let changing = session.clone();
    let changes = tokio::spawn(async move {
        loop {
            changing.change_schema();
            sleep(TICK / 3).await;
        }
    });
    let error = timeout(TICK * 100, db.execute(select(), (1,))).await.unwrap().unwrap_err();
    println!("{error}");
    assert_eq!(error.downcast_ref(), Some(&NotPrepared::Changing));
    assert_eq!((error.class(), session.executes()), (ErrorClass::NotExecuted, 0));
    changes.abort();
}

#[tokio::test(start_paused = true)]
async fn a_prepare_has_the_deadline_of_the_request_that_sends_it() {
    let session = session();
    let (db, _) = cached(10, &session);
    let deadline = Instant::now() + TICK;
    db.request(Request::new(select(), (1,)).with_deadline(deadline)).await.unwrap();
    assert!(session.sent()[0].is_prepare());
    assert_eq!(session.sent()[0].request.deadline(), Some(deadline));
}

#[tokio::test(start_paused = true)]
async fn nothing_of_the_first_caller_stays_with_the_entry() {
    let session = session();
    let (db, _) = cached(10, &session);
    let first = Request::new(select(), (1,))
        .with_consistency(Consistency::One)
        .with_page_size(5_000)
        .with_attempt_timeout(TICK);
    let second = Request::new(select().named("other").idempotent(false), (1,)).with_page_size(3);
    for (a, b) in [(first.clone(), second.clone()), (second, first)] {
        let _ = tokio::join!(db.request(a.clone()), db.request(b.clone()));
        let sent = session.sent();
        for (asked, got) in [a, b].iter().zip(&sent[sent.len() - 2..]) {
            let got = &got.request;
            assert_eq!(got.page_size(), asked.page_size());
            assert_eq!(got.consistency(), asked.consistency());
            assert_eq!(got.attempt_timeout(), asked.attempt_timeout());
            assert_eq!(got.statement().name(), asked.statement().name());
            assert_eq!(got.statement().is_idempotent(), asked.statement().is_idempotent());
        }
    }
    assert_eq!(session.prepares(), 1);
}

#[tokio::test(start_paused = true)]
async fn entries_go_by_hand() {
    let session = session();
    let (db, handle) = cached(10, &session);
    let other = Statement::new("SELECT w FROM t");
    for statement in [&select(), &other] {
        db.request(statement).await.unwrap();
    }
    handle.invalidate(&select().named("whatever"));
    assert_eq!(handle.stats().statements, 1);
    handle.clear();
    assert_eq!(handle.stats().statements, 0);
    db.request(&other).await.unwrap();
    assert_eq!(session.prepares(), 3);
}

#[tokio::test(start_paused = true)]
async fn services_of_one_layer_have_caches_of_their_own_and_one_handle() {
    let layer = StatementCacheLayer::default();
    let (one, other) = (session(), session());
    let (db_one, db_other) =
        (Client::new(layer.layer(one.clone())), Client::new(layer.layer(other.clone())));
    for db in [&db_one, &db_one.clone(), &db_other] {
        db.execute(select(), (1,)).await.unwrap();
    }
    assert_eq!((one.prepares(), other.prepares()), (1, 1));
    let stats = layer.handle().stats();
    assert_eq!((stats.statements, stats.hits, stats.misses), (2, 1, 2));
    drop(db_other);
    assert_eq!(layer.handle().stats().statements, 1);
}

#[tokio::test(start_paused = true)]
async fn dropped_after_any_number_of_polls_nothing_is_left() {
    for victim in 0..3 {
        for polls in 0..12 {
            let session = ScriptedSession::new()
                .otherwise(Answer::done().after(TICK))
                .otherwise_prepare(Answer::done().after(TICK));
            let (db, _) = cached(10, &session);
            let mut calls: Vec<_> =
                (0..3).map(|k| Some(Box::pin(maybe_done(db.execute(select(), (k,)))))).collect();
            for turn in 0..20 {
                if turn == polls {
                    calls[victim] = None;
                }
                for call in calls.iter_mut().flatten() {
                    let _ = call.as_mut().now_or_never();
                }
                sleep(TICK / 2).await;
            }
            assert!(calls.iter_mut().flatten().all(|call| call.as_mut().take_output().is_some()));
            assert_eq!((session.in_flight(), db.service().under_way()), (0, 0));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_answers_a_prepare_with_something_else_is_told_apart() {
    let wrong = tower::service_fn(|request: Request| async move {
        Ok::<_, cqlstack_core::Error>(cqlstack_core::Response::done(request.statement()))
    });
    let db = Client::new(StatementCacheLayer::default().layer(wrong));
    let error = db.execute(select(), (1,)).await.unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&NotPrepared::NoAnswer));
    assert_eq!(error.class(), ErrorClass::Permanent);
}

#[test]
fn a_hit_looks_up_without_an_allocation() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let session = session();
    let (db, _) = cached(10, &session);
    let select = select();
    runtime.block_on(db.execute(&select, (1,))).unwrap();
    let counted = allocation_counter::measure(|| {
        for _ in 0..1_000 {
            assert!(db.service().look_up(&select));
        }
    });
    assert_eq!(counted.count_total, 0);
}

#[test]
fn sizes_that_cannot_be_are_refused_by_name() {
    for wrong in [0, usize::MAX] {
        assert_eq!(StatementCacheLayer::new(wrong).unwrap_err().setting, "statements");
    }
}
