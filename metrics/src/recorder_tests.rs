//! The recorder under load, and its buckets.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::scope;
use std::time::Duration;

use cqlstack_core::ErrorClass;

use crate::recorder::{Outcome, SeriesRecorder};

#[test]
fn what_is_read_under_load_is_of_the_same_requests() {
    const EACH: u64 = 200_000;
    let recorder = SeriesRecorder::new();
    let running = AtomicBool::new(true);
    scope(|threads| {
        let writers: Vec<_> = (0..3)
            .map(|_| {
                threads.spawn(|| {
                    for n in 0..EACH {
                        let outcome = match n % 4 {
                            0 => Outcome::Failed(ErrorClass::Overload),
                            1 => Outcome::Cancelled,
                            _ => Outcome::Answered,
                        };
                        recorder.record(Duration::from_micros(100), outcome);
                    }
                })
            })
            .collect();
        let reader = threads.spawn(|| {
            let (mut readings, mut before) = (0, 0);
            while running.load(Ordering::Relaxed) {
                let totals = recorder.totals();
                let each = Duration::from_micros(100);
                assert_eq!(totals.time, each * u32::try_from(totals.count()).unwrap());
                assert_eq!(totals.latencies.count().iter().sum::<u64>(), totals.count());
                assert!(totals.count() >= before);
                before = totals.count();
                readings += 1;
            }
            readings
        });
        for writer in writers {
            writer.join().unwrap();
        }
        running.store(false, Ordering::Relaxed);
        assert!(reader.join().unwrap() > 0);
    });
    let totals = recorder.totals();
    assert_eq!(totals.count(), 3 * EACH);
    assert_eq!(totals.cancelled, 3 * EACH / 4);
    assert_eq!(totals.failed[ErrorClass::Overload.index()], 3 * EACH / 4);
    assert_eq!(totals.failed.iter().sum::<u64>(), 3 * EACH / 4);
}

#[test]
fn a_time_is_in_the_first_bucket_that_is_not_shorter() {
    let recorder = SeriesRecorder::new();
    for nanos in [0, 50_000, 50_001, 100_000, 10_000_000_000, 10_000_000_001] {
        recorder.record(Duration::from_nanos(nanos), Outcome::Answered);
    }
    let buckets = recorder.totals().buckets;
    assert_eq!((buckets[0], buckets[1], buckets[16], buckets[17]), (2, 2, 1, 1));
}

#[test]
fn no_time_is_too_long() {
    let recorder = SeriesRecorder::new();
    for took in [Duration::ZERO, Duration::from_secs(3_600), Duration::MAX] {
        recorder.record(took, Outcome::Answered);
    }
    assert_eq!(recorder.totals().count(), 3);
}

#[test]
fn recording_allocates_nothing() {
    let recorder = SeriesRecorder::new();
    let allocated = allocation_counter::measure(|| {
        recorder.record(Duration::from_millis(1), Outcome::Failed(ErrorClass::Ambiguous));
    });
    assert_eq!(allocated.count_total, 0);
}
