//! What is answered in time, by how much is asked for: an open loop at shares of the capacity.

use std::time::Duration;

use cqlstack_middleware::AdaptiveLimitLayer;
use cqlstack_middleware::adaptive::AdaptiveHandle;
use tokio::runtime::Runtime;
use tokio::time::sleep;

use super::Scenario;
use super::paced::{self, Sides};
use crate::Failure;
use crate::bench::{Bench, progress};
use crate::connect::{adaptive_stack, full_stack};
use crate::load::{self, Plan};
use crate::rounds::median;
use crate::side::Side;
use crate::sides::{Raw, SELECT, unbound_side};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "rate",
    about: "goodput and latency at shares of the capacity, in an open loop: the driver, the full stack",
    run,
    probe: None,
    without: &[],
};

/// In flight while the capacity is measured.
const CLOSED: usize = 100;
const ROUNDS: u64 = 3;

fn run(bench: &mut Bench) -> Result<(), Failure> {
    let runtime = bench.runtime()?;
    let connect = bench.connect(&runtime)?;
    let sockets = connect.sockets.clone();
    let [driver, stack] = runtime.block_on(async {
        let raw = Raw::new(&connect).await?;
        let session = connect.session().await?;
        let stack = if bench.arguments.adaptive {
            let limit = AdaptiveLimitLayer::new();
            runtime.spawn(tell_each_second(limit.handle()));
            unbound_side("full stack, adaptive", adaptive_stack(session, limit), &SELECT)
        } else {
            unbound_side("full stack", full_stack(session, CLOSED)?, &SELECT)
        };
        Ok::<_, Failure>([raw.side("driver"), stack])
    })?;
    let arguments = &bench.arguments;
    let time = arguments.seconds.unwrap_or(Duration::from_secs(10));
    let in_flight = arguments.in_flight.unwrap_or(10_000);
    let mut plan = Plan { in_flight, time, rate: None, slo: arguments.slo };
    let capacity = if let Some(capacity) = arguments.capacity {
        capacity
    } else {
        let time = time.min(Duration::from_secs(10));
        capacity(&runtime, &driver, Plan { in_flight: CLOSED, time, ..plan })?
    };
    println!("capacity: {capacity:.0} reads a second");
    let sides = Sides { driver, stack, sockets, connections: connect.connections() };
    for share in arguments.shares.clone() {
        plan.rate = Some(capacity * share);
        paced::run(bench, &runtime, SCENARIO.name, &format!("{share} x capacity"), &sides, plan)?;
    }
    Ok(())
}

/// While there is load.
async fn tell_each_second(limit: AdaptiveHandle) {
    let mut refused = 0;
    loop {
        sleep(Duration::from_secs(1)).await;
        let reads = limit.stats()[0];
        let more = reads.refused - refused;
        refused = reads.refused;
        if reads.in_flight > 0 || more > 0 {
            let millis =
                |time: Option<Duration>| time.map_or(f64::NAN, |it| it.as_secs_f64() * 1e3);
            let (baseline, latency) = (millis(reads.baseline), millis(reads.latency));
            println!(
                "limit {}, latency {latency:.1} ms, baseline {baseline:.1} ms, refused {more}",
                reads.limit
            );
        }
    }
}

/// What the driver does in a closed loop: the median of three rounds, after one that warms up.
fn capacity(runtime: &Runtime, driver: &Side, plan: Plan) -> Result<f64, Failure> {
    let bar = progress("capacity", ROUNDS + 1)?;
    let mut found = Vec::new();
    for round in 0..=ROUNDS {
        let outcome = runtime.block_on(load::run(driver, plan, None));
        found.extend((round > 0).then(|| outcome.rate()));
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(median(found))
}
