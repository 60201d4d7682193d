//! What requests of all threads share without a lock, under `loom`, in each order in which threads can run: what is
//! remembered is of the name that was asked for, and no count is lost.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../../src/session/topology/remembered.rs"]
mod remembered;
#[expect(unreachable_pub, reason = "it is core's")]
#[path = "../../src/striped.rs"]
mod striped;
mod sync;
mod thread_number;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use loom::model;
use loom::sync::atomic::AtomicU64;
use loom::thread;

use remembered::Remembered;
use striped::Striped;

#[test]
fn each_name_finds_what_is_its_own_where_all_have_one_place() {
    model(|| {
        let remembered = Arc::new(Remembered::new(1));
        let names = [(1_u64 << 40, [1, 2]), (2 << 40, [0, 0])];
        let threads = names.map(|(hash, own)| {
            let remembered = Arc::clone(&remembered);
            thread::spawn(move || {
                for _ in 0..2 {
                    assert_eq!(remembered.of(hash, || own), own);
                }
            })
        });
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

#[test]
fn what_is_remembered_is_not_found_again() {
    model(|| {
        let remembered = Remembered::new(4);
        assert_eq!(remembered.of(5 << 16, || [7, 8]), [7, 8]);
        assert_eq!(remembered.of(5 << 16, || panic!("it is known")), [7, 8]);
        // As an empty place looks.
        assert_eq!(remembered.of(0, || [7, 8]), [7, 8]);
    });
}

#[test]
fn no_count_is_lost_and_no_sum_goes_back() {
    model(|| {
        let counts = Arc::new(Striped::<AtomicU64>::default());
        let sum = |counts: &Striped<AtomicU64>| {
            counts.iter().map(|count| count.load(Ordering::Relaxed)).sum::<u64>()
        };
        // The first and the last share a stripe.
        let threads = [0, 8].map(|number| {
            let counts = Arc::clone(&counts);
            thread::spawn(move || {
                thread_number::set(number);
                for _ in 0..2 {
                    counts.here().fetch_add(1, Ordering::Relaxed);
                }
            })
        });
        thread_number::set(1);
        counts.here().fetch_add(1, Ordering::Relaxed);
        let early = sum(&counts);
        assert!((1..=5).contains(&early) && sum(&counts) >= early);
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(sum(&counts), 5);
    });
}
