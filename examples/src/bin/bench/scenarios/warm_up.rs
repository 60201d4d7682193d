//! The first requests of a new session, after a warm-up and without one.

use std::time::Instant;

use cqlstack_core::{Client, StaticStatement};
use cqlstack_middleware::StatementCacheLayer;
use tower::Layer;

use super::Scenario;
use crate::Failure;
use crate::bench::{Bench, progress};
use crate::connect::Connect;
use crate::report::Figure;
use crate::rounds::median;
use crate::table::table;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "warm-up",
    about: "the first request of a new session, and the next 30: after `warm_up(10)` and without it",
    run,
    probe: None,
    without: &[],
};

static SELECT: StaticStatement = StaticStatement::new("SELECT name FROM bench.users WHERE id = ?");
/// Requests after the first: enough to meet each node.
const NEXT: i32 = 30;
const SIDES: [&str; 2] = ["cold", "warm"];

fn run(bench: &mut Bench) -> Result<(), Failure> {
    let rounds = bench.arguments.rounds.unwrap_or(20);
    let runtime = bench.runtime()?;
    let connect = bench.connect(&runtime)?;
    let bar = progress("warm-up", u64::from(rounds) * 2)?;
    let mut firsts: [Vec<f64>; 2] = Default::default();
    let mut nexts: [Vec<f64>; 2] = Default::default();
    for round in 0..rounds {
        for side in [round % 2, 1 - round % 2] {
            let side = usize::try_from(side)?;
            let (first, slowest) = runtime.block_on(requests(&connect, side == 1))?;
            firsts[side].push(first);
            nexts[side].push(slowest);
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    let mut table = table(&["a new session", "first request, ms", "slowest of the next 30, ms"]);
    for (side, name) in SIDES.iter().enumerate() {
        let (first, next) = (median(firsts[side].clone()), median(nexts[side].clone()));
        table.add_row([(*name).to_owned(), format!("{first:.2}"), format!("{next:.2}")]);
        let baselines = [median(firsts[0].clone()), median(nexts[0].clone())];
        let metrics = ["first request", "slowest of the next 30"];
        for ((metric, ours), baseline) in metrics.into_iter().zip([first, next]).zip(baselines) {
            let figure = Figure::alone(SCENARIO.name, metric, "ms", name, ours);
            bench.figure(&figure.beside(baseline))?;
        }
    }
    println!("\n{table}");
    Ok(())
}

/// Milliseconds of the first request, and of the slowest one after it.
async fn requests(connect: &Connect, warm: bool) -> Result<(f64, f64), Failure> {
    let session = connect.session().await?;
    if warm {
        let report = session.warm_up(10).await;
        if !report.is_complete() {
            println!("{report}");
        }
    }
    let db = Client::new(StatementCacheLayer::default().layer(session));
    let mut times = Vec::new();
    for id in 0..=NEXT {
        let began = Instant::now();
        db.execute(&SELECT, (id,)).await?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let slowest = times.iter().skip(1).copied().fold(0.0, f64::max);
    Ok((times[0], slowest))
}
