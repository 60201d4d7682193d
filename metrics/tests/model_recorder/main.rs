//! The recorder's two halves under `loom`: in each order with at most two switches to another thread that need not
//! be, a reading is of requests that were recorded as a whole, and none is lost or read twice. The histogram and the
//! sum of times are stand-ins (`sync.rs`).
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod catalog;
#[path = "../../src/recorder.rs"]
mod recorder;
mod sync;

use std::sync::Arc;
use std::time::Duration;

use cqlstack_core::ErrorClass;
use loom::model::Builder;
use loom::thread;

use recorder::{Outcome, SeriesRecorder, Totals};

const EACH: Duration = Duration::from_micros(100);

/// All orders with so many switches to another thread that need not be.
fn model(f: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(f);
}

fn assert_whole(totals: &Totals) {
    let count = totals.count();
    assert_eq!(totals.time, EACH * u32::try_from(count).unwrap());
    assert_eq!(totals.latencies.count().iter().sum::<u64>(), count);
    assert!(totals.cancelled + totals.failed.iter().sum::<u64>() <= count);
}

#[test]
fn a_reading_while_others_record_is_of_whole_requests() {
    model(|| {
        let recorder = Arc::new(SeriesRecorder::new());
        let outcomes = [Outcome::Cancelled, Outcome::Failed(ErrorClass::Overload)];
        let writers = outcomes.map(|outcome| {
            let recorder = Arc::clone(&recorder);
            thread::spawn(move || recorder.record(EACH, outcome))
        });
        let first = recorder.totals();
        assert_whole(&first);
        let second = recorder.totals();
        assert_whole(&second);
        assert!(second.count() >= first.count());
        for writer in writers {
            writer.join().unwrap();
        }
        let all = recorder.totals();
        assert_whole(&all);
        let failed = all.failed[ErrorClass::Overload.index()];
        assert_eq!((all.count(), all.cancelled, failed), (2, 1, 1));
    });
}

#[test]
fn two_readers_and_a_writer_lose_nothing() {
    model(|| {
        let recorder = Arc::new(SeriesRecorder::new());
        let reader = Arc::clone(&recorder);
        let reader = thread::spawn(move || assert_whole(&reader.totals()));
        let writer = Arc::clone(&recorder);
        let writer = thread::spawn(move || writer.record(EACH, Outcome::Answered));
        assert_whole(&recorder.totals());
        reader.join().unwrap();
        writer.join().unwrap();
        assert_eq!(recorder.totals().count(), 1);
    });
}
