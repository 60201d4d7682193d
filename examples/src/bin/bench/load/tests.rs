use std::future::pending;

use tokio::sync::Mutex as Gate;
use tokio::time::{sleep, sleep_until};

use super::*;

fn plan(in_flight: usize, millis: u64, rate: Option<f64>) -> Plan {
    let (time, slo) = (Duration::from_millis(millis), Duration::from_millis(50));
    Plan { in_flight, time, rate, slo }
}

async fn load(side: Side, plan: Plan) -> Outcome {
    timeout(plan.time + 2 * GRACE, run(&side, plan, None)).await.expect("it ends in time")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_loop_sends_the_next_request_after_the_answer() {
    let millisecond = Side::new("", async |_| {
        sleep(Duration::from_millis(1)).await;
        Ok(())
    });
    let outcome = load(millisecond, plan(2, 300, None)).await;
    let recorded = &outcome.recorded;
    assert!((50..=600).contains(&recorded.answered), "{}", recorded.answered);
    assert_eq!((outcome.offered, recorded.undone), (recorded.answered, 0));
    assert!(recorded.service.percentile(50.0) >= Duration::from_millis(1));
}

/// C71: what a stall does to those who came meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_due_in_a_stall_has_waited_since_then() {
    let stalled = |begin: Instant| {
        Side::new("", move |_| async move {
            let stall = Duration::from_millis(200)..Duration::from_millis(600);
            if stall.contains(&begin.elapsed()) {
                sleep_until((begin + stall.end).into()).await;
            }
            Ok(())
        })
    };
    let open = load(stalled(Instant::now()), plan(5, 1_000, Some(1_000.0))).await.recorded;
    assert!(open.response.percentile(75.0) >= Duration::from_millis(100));
    assert!(open.service.percentile(98.0) < Duration::from_millis(100));
    // A closed loop hardly notices: that is why there is an open one.
    let closed = load(stalled(Instant::now()), plan(5, 1_000, None)).await.recorded;
    assert!(closed.response.percentile(99.0) < Duration::from_millis(100));
}

/// C71: what is not done is told.
#[tokio::test(flavor = "multi_thread")]
async fn three_times_what_can_be_done_ends_in_time_and_counts_what_is_undone() {
    let all_in_turn = Arc::new(Gate::new(()));
    let thousand_a_second = Side::new("", move |_| {
        let turn = Arc::clone(&all_in_turn);
        async move {
            let _turn = turn.lock().await;
            sleep(Duration::from_millis(1)).await;
            Ok(())
        }
    });
    let begun = Instant::now();
    let outcome = load(thousand_a_second, plan(100, 1_500, Some(3_000.0))).await;
    assert!(begun.elapsed() < Duration::from_millis(2_500), "{:?}", begun.elapsed());
    let recorded = &outcome.recorded;
    // The interval is cut to nanoseconds.
    assert!((4_500..=4_501).contains(&outcome.offered), "{}", outcome.offered);
    assert_eq!(recorded.answered + recorded.undone, outcome.offered);
    assert!(recorded.undone > 1_500, "{}", recorded.undone);
    // They are in the percentiles, with the age that they had.
    assert_eq!(recorded.response.count(), outcome.offered);
    assert!(recorded.response.percentile(99.0) > Duration::from_millis(600));
    assert!(recorded.good < recorded.answered);
}

/// C73: errors are neither answers nor left out.
#[tokio::test(flavor = "multi_thread")]
async fn errors_are_counted_by_class_and_timed() {
    let moody = Side::new("", async |number| match number % 3 {
        0 => Ok(()),
        1 => Err("refused"),
        _ => {
            sleep(Duration::from_millis(20)).await;
            Err("timeout")
        }
    });
    let outcome = load(moody, plan(10, 300, Some(1_000.0))).await;
    let recorded = &outcome.recorded;
    assert_eq!(recorded.errors.keys().copied().collect::<Vec<_>>(), ["refused", "timeout"]);
    assert_eq!(recorded.failed.count(), recorded.failed_count());
    assert!(recorded.failed.percentile(99.0) >= Duration::from_millis(20));
    assert_eq!(recorded.answered + recorded.failed_count(), outcome.offered);
    assert!(outcome.good_rate() <= outcome.rate());
    assert!((0.5..0.8).contains(&outcome.error_part()), "{}", outcome.error_part());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_ends_is_dropped_and_undone() {
    let outcome = load(Side::new("", async |_| pending().await), plan(7, 100, None)).await;
    assert_eq!((outcome.offered, outcome.recorded.undone), (7, 7));
    assert!(outcome.recorded.response.percentile(1.0) >= GRACE);
}
