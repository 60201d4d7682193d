//! The driver and the full stack in turns, under the same load, with a freeze if one was asked for.

use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::sleep;

use crate::bench::{Bench, progress};
use crate::load::{self, Outcome, Plan};
use crate::rounds::Rounds;
use crate::side::Side;
use crate::sockets::Which;
use crate::table::table;
use crate::{Failure, figures};

pub(super) struct Sides {
    pub(super) driver: Side,
    pub(super) stack: Side,
    /// Their connections.
    pub(super) sockets: Which,
    /// That each side has for requests.
    pub(super) connections: u64,
}

/// For each side, before it is measured: a server compiles what is asked for often.
const WARM_UP: Duration = Duration::from_secs(2);

/// Runs both, tells what came of it, and checks the bounds that were asked for.
pub(super) fn run(
    bench: &mut Bench,
    runtime: &Runtime,
    scenario: &str,
    load: &str,
    sides: &Sides,
    plan: Plan,
) -> Result<(), Failure> {
    let rounds = bench.arguments.rounds.unwrap_or(1);
    let both = [&sides.driver, &sides.stack];
    let bar = progress(load, u64::from(rounds) * 2)?;
    let warm_up = Plan {
        in_flight: plan.in_flight.min(100),
        time: plan.time.min(WARM_UP),
        rate: None,
        slo: plan.slo,
    };
    for side in both {
        runtime.block_on(load::run(side, warm_up, None));
    }
    let mut outcomes = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        for (side, outcomes) in both.iter().zip(&mut outcomes) {
            outcomes.push(runtime.block_on(one(bench, side, plan, &sides.sockets))?);
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    let mut table = table(&[
        load,
        "offered/s",
        "answered/s",
        "goodput/s",
        "p50 ms",
        "p99",
        "p99.9",
        "service p50",
        "p99",
        "errors",
        "their p99",
        "undone",
        "lag p99",
        "broken connections",
        "requests a connection",
    ]);
    let all = outcomes.map(Rounds);
    for (side, rounds) in both.iter().zip(&all) {
        if let Some(together) = rounds.together() {
            table.add_row(row(side.name, &together, sides.connections));
        }
        figures::write(bench, scenario, load, side.name, rounds, &all[0])?;
    }
    if let Some(stack) = all[1].together() {
        bench.check(sides.stack.name, &stack);
    }
    println!("\n{table}");
    let Plan { in_flight, time, rate, slo } = plan;
    match rate {
        Some(rate) => println!(
            "{rate:.0} requests a second for {time:.1?}, at most {in_flight} in flight. Times are of \
             all requests, from when each was due:\nof failed ones until the error, of undone ones \
             the age at the end. Service times are from the send. Good is within {slo:.0?}."
        ),
        None => println!("{in_flight} in flight for {time:.1?}, each after the answer to the last"),
    }
    Ok(())
}

/// One run, with the freeze in it.
async fn one(bench: &Bench, side: &Side, plan: Plan, which: &Which) -> Result<Outcome, Failure> {
    let freeze = async {
        let Some((at, length)) = bench.arguments.freeze else { return Ok(()) };
        sleep(at).await;
        bench.freeze().await?;
        sleep(length).await;
        bench.resume().await
    };
    let (outcome, frozen) = tokio::join!(load::run(side, plan, Some(which)), freeze);
    frozen?;
    Ok(outcome)
}

fn row(side: &str, outcome: &Outcome, connections: u64) -> Vec<String> {
    let recorded = &outcome.recorded;
    let millis = |millis: f64| format!("{millis:.1}");
    vec![
        side.to_owned(),
        format!("{:.0}", outcome.offered_rate()),
        format!("{:.0}", outcome.rate()),
        format!("{:.0}", outcome.good_rate()),
        millis(recorded.response.millis(50.0)),
        millis(recorded.response.millis(99.0)),
        millis(recorded.response.millis(99.9)),
        millis(recorded.service.millis(50.0)),
        millis(recorded.service.millis(99.0)),
        figures::errors(outcome),
        millis(recorded.failed.millis(99.0)),
        recorded.undone.to_string(),
        millis(outcome.lag.millis(99.0)),
        outcome.broken.to_string(),
        (outcome.offered / connections.max(1)).to_string(),
    ]
}
