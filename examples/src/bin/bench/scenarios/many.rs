//! Many inserts: `Client::many` beside the driver's futures in a buffer.

use std::time::Instant;

use cqlstack_core::{Client, CqlService, StaticStatement};
use cqlstack_middleware::StatementCacheLayer;
use futures::stream::{self, StreamExt, TryStreamExt};
use scylla::client::session::Session as Driver;
use scylla::statement::prepared::PreparedStatement;
use tokio::runtime::Runtime;
use tower::Layer;

use super::Scenario;
use crate::Failure;
use crate::bench::{Bench, progress};
use crate::connect::full_stack;
use crate::report::Figure;
use crate::rounds::{median, ratio};
use crate::table::table;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "many",
    about: "10,000 inserts, 100 in flight: `many` beside `buffer_unordered` over the driver",
    run,
    probe: None,
    without: &[],
};

const TEXT: &str = "INSERT INTO bench.users (id, name) VALUES (?, ?)";
static INSERT: StaticStatement = StaticStatement::new(TEXT);
const ROWS: i32 = 10_000;
const IN_FLIGHT: usize = 100;
const SIDES: [&str; 4] = ["driver", "driver again", "session and cache", "full stack"];

fn rows() -> impl Iterator<Item = (i32, String)> + Send {
    (0..ROWS).map(|id| (id, format!("User{id}")))
}

fn run(bench: &mut Bench) -> Result<(), Failure> {
    let rounds = bench.arguments.rounds.unwrap_or(10);
    let runtime = bench.runtime()?;
    let connect = bench.connect(&runtime)?;
    let drivers = runtime.block_on(async {
        let one = (connect.driver().await?, connect.driver().await?);
        Ok::<_, Failure>((prepared(one.0).await?, prepared(one.1).await?))
    })?;
    let (cached, full) = runtime.block_on(async {
        let cached = StatementCacheLayer::default().layer(connect.session().await?);
        Ok::<_, Failure>((Client::new(cached), full_stack(connect.session().await?, 100_000)?))
    })?;
    let bar = progress("many", u64::from(rounds + 1) * SIDES.len() as u64)?;
    let mut rates: [Vec<f64>; SIDES.len()] = Default::default();
    let mut order: Vec<usize> = (0..SIDES.len()).collect();
    for round in 0..=rounds {
        fastrand::shuffle(&mut order);
        for &side in &order {
            let rate = match side {
                0 => by_driver(&runtime, &drivers.0)?,
                1 => by_driver(&runtime, &drivers.1)?,
                2 => by_many(&runtime, &cached)?,
                _ => by_many(&runtime, &full)?,
            };
            // The first one warms up.
            if round > 0 {
                rates[side].push(rate);
            }
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    let mut table = table(&["10,000 inserts", "1/s", "ratio", "lowest", "highest"]);
    for (side, of_side) in SIDES.iter().zip(&rates) {
        let (ratio, spread) = ratio(of_side, &rates[0]);
        let [low, high] = spread;
        let rate = median(of_side.clone());
        table.add_row([
            (*side).to_owned(),
            format!("{rate:.0}"),
            format!("{ratio:.3}"),
            format!("{low:.3}"),
            format!("{high:.3}"),
        ]);
        bench.figure(&Figure {
            scenario: SCENARIO.name,
            metric: "inserts",
            unit: "1/s",
            side,
            load: Some("100 in flight"),
            ours: rate,
            baseline: Some(median(rates[0].clone())),
            ratio: Some(ratio),
            spread: Some(spread),
        })?;
    }
    println!("\n{table}");
    Ok(())
}

async fn prepared(driver: Driver) -> Result<(Driver, PreparedStatement), Failure> {
    let prepared = driver.prepare(TEXT).await?;
    Ok((driver, prepared))
}

/// As the driver's documentation shows it.
fn by_driver(runtime: &Runtime, side: &(Driver, PreparedStatement)) -> Result<f64, Failure> {
    let (driver, prepared) = side;
    let began = Instant::now();
    let inserts = stream::iter(rows()).map(|row| driver.execute_unpaged(prepared, row));
    runtime.block_on(inserts.buffer_unordered(IN_FLIGHT).try_for_each(async |_| Ok(())))?;
    Ok(f64::from(ROWS) / began.elapsed().as_secs_f64())
}

fn by_many(runtime: &Runtime, db: &Client<impl CqlService>) -> Result<f64, Failure> {
    let began = Instant::now();
    runtime.block_on(db.many(&INSERT, rows()).in_flight(IN_FLIGHT)?.run())?;
    Ok(f64::from(ROWS) / began.elapsed().as_secs_f64())
}
