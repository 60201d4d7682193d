use std::sync::{Arc, mpsc};
use std::time::Duration;

use futures::FutureExt;
use futures::executor::block_on;

use super::layer::MOST;
use super::permits::{Permit, Permits};

fn take(permits: &Arc<Permits>, count: usize) -> Vec<Permit> {
    (0..count).map(|_| permits.try_take().unwrap()).collect()
}

#[test]
fn a_lower_limit_takes_effect_as_permits_return() {
    let permits = Arc::new(Permits::new(3));
    let mut out = take(&permits, 3);
    permits.set_limit(1);
    assert_eq!((permits.limit(), permits.in_flight()), (1, 3));
    out.pop();
    out.pop();
    assert!(permits.try_take().is_none());
    out.pop();
    assert_eq!(permits.in_flight(), 0);
    let one = permits.try_take().unwrap();
    assert!(permits.try_take().is_none());
    drop(one);
    assert!(permits.try_take().is_some());
}

#[test]
fn a_higher_limit_forgives_the_debt_first() {
    let permits = Arc::new(Permits::new(4));
    let out = take(&permits, 4);
    permits.set_limit(1);
    permits.set_limit(5);
    let fifth = permits.try_take().unwrap();
    assert!(permits.try_take().is_none());
    drop((out, fifth));
    assert_eq!(permits.in_flight(), 0);
    assert_eq!(take(&permits, 5).len(), 5);
    assert!(permits.try_take().is_some());
}

#[test]
fn free_permits_disappear_at_once() {
    let permits = Arc::new(Permits::new(10));
    let held = take(&permits, 1);
    permits.set_limit(2);
    let second = permits.try_take().unwrap();
    assert!(permits.try_take().is_none());
    drop((held, second));
    assert_eq!(permits.in_flight(), 0);
}

#[test]
fn the_largest_limit_can_be_set_and_left() {
    let permits = Arc::new(Permits::new(1));
    let held = take(&permits, 1);
    permits.set_limit(MOST);
    permits.set_limit(1);
    permits.set_limit(MOST);
    drop(held);
    assert_eq!(permits.in_flight(), 0);
}

#[test]
fn what_came_back_before_a_place_was_taken_is_found() {
    let permits = Arc::new(Permits::new(1));
    let only = permits.try_take().unwrap();
    assert!(permits.try_take().is_none());
    drop(only);
    let _place = permits.try_queue(1).unwrap();
    assert!(Arc::clone(&permits).take().now_or_never().is_some());
}

#[test]
fn what_one_who_gives_up_was_given_is_free_for_all() {
    let permits = Arc::new(Permits::new(2));
    let both = take(&permits, 2);
    let place = permits.try_queue(1).unwrap();
    let mut turn = Box::pin(Arc::clone(&permits).take());
    assert!(turn.as_mut().now_or_never().is_none());
    drop(both);
    // One is for the one who waits, whether it is polled or not.
    let second = permits.try_take().unwrap();
    assert!(permits.try_take().is_none());
    drop((turn, place));
    let first = permits.try_take().unwrap();
    assert!(permits.try_take().is_none());
    drop((first, second));
    assert_eq!(permits.in_flight(), 0);
}

#[test]
fn a_lower_limit_changes_no_place_in_the_queue() {
    let permits = Arc::new(Permits::new(2));
    let mut out = take(&permits, 2);
    let mut first = Box::pin(Arc::clone(&permits).take());
    let mut second = Box::pin(Arc::clone(&permits).take());
    assert!(first.as_mut().now_or_never().is_none());
    assert!(second.as_mut().now_or_never().is_none());
    // It is the first one's, which does not know yet when the limit is lowered.
    out.pop();
    permits.set_limit(1);
    let first = first.as_mut().now_or_never().expect("it has lost its place");
    // One comes back and pays, the next is the second one's.
    out.pop();
    assert!(second.as_mut().now_or_never().is_none());
    drop(first);
    let second = second.as_mut().now_or_never().expect("it has lost its place");
    assert!(permits.try_take().is_none());
    drop(second);
    assert_eq!((permits.limit(), permits.in_flight()), (1, 0));
}

#[test]
fn no_permit_is_lost_between_one_who_gives_and_one_who_begins_to_wait() {
    const ROUNDS: usize = 20_000;
    let permits = Arc::new(Permits::new(1));
    let (start, starts) = mpsc::sync_channel(0);
    let (done, each_done) = mpsc::channel();
    let waiter = Arc::clone(&permits);
    std::thread::spawn(move || {
        while starts.recv().is_ok() {
            let place = waiter.try_queue(1).unwrap();
            let permit = block_on(Arc::clone(&waiter).take());
            drop((permit, place));
            done.send(()).unwrap();
        }
    });
    for round in 0..ROUNDS {
        let permit = permits.try_take().unwrap();
        start.send(()).unwrap();
        // So that it is given back while the other one is at each point of its way.
        (0..round % 200).for_each(|_| std::hint::spin_loop());
        drop(permit);
        each_done.recv_timeout(Duration::from_secs(60)).expect("nobody wakes who waits");
    }
    assert_eq!((permits.in_flight(), permits.waiting()), (0, 0));
}

#[test]
fn threads_that_take_give_and_change_leave_nothing_behind() {
    let permits = Arc::new(Permits::new(8));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..20_000 {
                    drop(permits.try_take());
                }
            });
        }
        scope.spawn(|| {
            for turn in 0..20_000 {
                permits.set_limit(1 + turn % 16);
                assert!(permits.in_flight() <= 16 + 2);
            }
        });
    });
    // A debt that a race has left is paid by the next that comes back.
    drop(permits.try_take());
    permits.set_limit(3);
    drop(permits.try_take());
    assert_eq!(permits.in_flight(), 0);
    assert_eq!(take(&permits, 3).len(), 3);
}
