//! The limit's permits under `loom`: in each order in which threads can run, no permit is lost, none is
//! taken beyond the limit, and whoever waits is woken. What is in the model is the debt, over a semaphore
//! that is plainer than `tokio`'s, which has models of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "the stats are not in the model")]
#[path = "../../src/limit/permits.rs"]
mod permits;
mod sync;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loom::future::block_on;
use loom::model::Builder;
use loom::thread::{self, JoinHandle};

use permits::{Permit, Permits};

/// All orders with so many switches to another thread that need not be.
fn model(f: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(f);
}

fn all_out<const N: usize>() -> (Arc<Permits>, [Permit; N]) {
    let permits = Arc::new(Permits::new(N));
    let out = std::array::from_fn(|_| permits.try_take().unwrap());
    (permits, out)
}

fn poll(turn: &mut Pin<Box<impl Future<Output = Permit>>>) -> Poll<Permit> {
    turn.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// In a thread of its own; given back at once.
fn wait_for_one(permits: &Arc<Permits>) -> JoinHandle<()> {
    let permits = Arc::clone(permits);
    thread::spawn(move || drop(block_on(permits.take())))
}

/// So many permits are free, and no more.
fn assert_free(permits: &Arc<Permits>, count: usize) {
    assert_eq!((permits.limit(), permits.in_flight()), (count, 0));
    let all: Vec<_> = (0..count).map(|_| permits.try_take().expect("a permit is lost")).collect();
    assert!(permits.try_take().is_none(), "there are too many");
    drop(all);
}

#[test]
fn a_permit_that_comes_back_while_the_limit_is_lowered_is_not_taken_beyond_it() {
    model(|| {
        let (permits, [first, second]) = all_out();
        let gives = thread::spawn(move || drop(first));
        permits.set_limit(1);
        assert!(permits.try_take().is_none(), "the second is out, and the limit is 1");
        gives.join().unwrap();
        assert!(permits.try_take().is_none());
        drop(second);
        assert_free(&permits, 1);
    });
}

#[test]
fn who_waits_while_the_limit_is_lowered_has_the_last_permit() {
    model(|| {
        let (permits, [first, second]) = all_out();
        let waits = wait_for_one(&permits);
        permits.set_limit(1);
        drop(first);
        drop(second);
        waits.join().unwrap();
        assert_free(&permits, 1);
    });
}

#[test]
fn who_waits_while_the_limit_is_raised_is_woken() {
    model(|| {
        let (permits, [only]) = all_out();
        let waits = wait_for_one(&permits);
        permits.set_limit(2);
        waits.join().unwrap();
        drop(only);
        assert_free(&permits, 2);
    });
}

#[test]
fn what_one_who_gives_up_was_given_is_not_lost() {
    model(|| {
        let (permits, [only]) = all_out();
        let waiter = Arc::clone(&permits);
        let gives_up = thread::spawn(move || {
            let mut turn = Box::pin(waiter.take());
            drop(poll(&mut turn));
        });
        drop(only);
        gives_up.join().unwrap();
        assert_free(&permits, 1);
    });
}

#[test]
fn two_who_change_the_limit_beside_one_who_gives_back_lose_nothing() {
    model(|| {
        let (permits, [first, second]) = all_out();
        let other = Arc::clone(&permits);
        let changes = thread::spawn(move || {
            other.set_limit(1);
            drop(first);
        });
        permits.set_limit(3);
        drop(second);
        changes.join().unwrap();
        assert_free(&permits, permits.limit());
    });
}
