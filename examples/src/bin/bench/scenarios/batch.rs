//! What batches are good for, and what they are not; and what a look at a batch costs.

use std::time::Instant;

use cqlstack_core::{Batch, BatchGuard, Client, CqlService, Statement, StaticStatement};
use futures::stream::{self, StreamExt, TryStreamExt};
use scylla::client::session::Session as Driver;
use scylla::statement::batch::{Batch as DriverBatch, BatchType};
use scylla::statement::prepared::PreparedStatement;
use tokio::runtime::{Builder, Runtime};

use super::Scenario;
use crate::Failure;
use crate::bench::{Bench, progress};
use crate::connect::{Connect, full_stack};
use crate::report::Figure;
use crate::rounds::{median, ratio};
use crate::table::table;
use crate::valgrind::{Counts, Probe};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "batch",
    about: "1,000 inserts as batches of 32 beside single writes; instructions of a statement in a batch",
    run,
    probe: Some(probe),
    without: &[],
};

const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS bench.events (id int, n int, v text, PRIMARY KEY (id, n))";
const TEXT: &str = "INSERT INTO bench.events (id, n, v) VALUES (?, ?, ?)";
static INSERT: StaticStatement = StaticStatement::new(TEXT);

const ROWS: i32 = 1_000;
const IN_A_BATCH: u16 = 32;
const IN_FLIGHT: usize = 100;
/// Batches over which instructions are counted.
const COUNTED: u32 = 500;

type Row = (i32, i32, String);

/// Where the rows go, and how.
#[derive(Debug, Clone, Copy)]
enum Way {
    Single,
    Batches(BatchGuard),
    /// The driver's own.
    DriverBatches,
}

/// The first of each load is what the others are compared with.
const SIDES: [(&str, &str, Way); 5] = [
    ("many partitions", "single writes", Way::Single),
    ("many partitions", "unlogged batches", Way::Batches(BatchGuard::Warn)),
    ("one partition", "single writes", Way::Single),
    ("one partition", "unlogged batches", Way::Batches(BatchGuard::Refuse)),
    ("one partition", "driver's batches", Way::DriverBatches),
];

fn rows(load: &str) -> impl Iterator<Item = Row> + Send + use<> {
    let several = load == SIDES[0].0;
    (0..ROWS).map(move |n| (if several { n } else { -1 }, n, format!("Event{n}")))
}

fn run(bench: &mut Bench) -> Result<(), Failure> {
    let runtime = bench.runtime()?;
    let connect = bench.connect(&runtime)?;
    let (db, driver) = runtime.block_on(async {
        let db = full_stack(connect.session().await?, 100_000)?;
        db.request(Statement::new(TABLE)).await?;
        Ok::<_, Failure>((db, Prepared::new(&connect).await?))
    })?;
    let rounds = bench.arguments.rounds.unwrap_or(10);
    let bar = progress("batch", u64::from(rounds + 1) * SIDES.len() as u64)?;
    let mut rates: [Vec<f64>; SIDES.len()] = Default::default();
    let mut order: Vec<usize> = (0..SIDES.len()).collect();
    for round in 0..=rounds {
        fastrand::shuffle(&mut order);
        for &side in &order {
            let (load, _, way) = SIDES[side];
            let began = Instant::now();
            match way {
                Way::Single => runtime.block_on(single(&db, load))?,
                Way::Batches(guard) => runtime.block_on(batches(&db, load, guard))?,
                Way::DriverBatches => runtime.block_on(driver.batches(load))?,
            }
            // The first one warms up.
            if round > 0 {
                rates[side].push(f64::from(ROWS) / began.elapsed().as_secs_f64());
            }
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    tell(bench, &rates)?;
    count(bench, &connect)
}

fn tell(bench: &mut Bench, rates: &[Vec<f64>; SIDES.len()]) -> Result<(), Failure> {
    let mut table = table(&["1,000 inserts", "to", "1/s", "ratio", "lowest", "highest"]);
    for ((load, side, _), of_side) in SIDES.iter().zip(rates) {
        let first = SIDES.iter().position(|(of, _, _)| of == load).unwrap_or(0);
        let (ratio, spread) = ratio(of_side, &rates[first]);
        let rate = median(of_side.clone());
        table.add_row([
            (*side).to_owned(),
            (*load).to_owned(),
            format!("{rate:.0}"),
            format!("{ratio:.2}"),
            format!("{:.2}", spread[0]),
            format!("{:.2}", spread[1]),
        ]);
        bench.figure(&Figure {
            scenario: SCENARIO.name,
            metric: "inserts",
            unit: "1/s",
            side,
            load: Some(load),
            ours: rate,
            baseline: Some(median(rates[first].clone())),
            ratio: Some(ratio),
            spread: Some(spread),
        })?;
    }
    println!("\n{table}");
    Ok(())
}

async fn single(db: &Client<impl CqlService>, load: &str) -> Result<(), Failure> {
    Ok(db.many(&INSERT, rows(load)).in_flight(IN_FLIGHT)?.run().await.map(drop)?)
}

fn batch(rows: Vec<Row>, guard: BatchGuard) -> Batch<'static> {
    let mut batch = Batch::same_partition().with_guard(guard);
    for row in rows {
        batch.push(&INSERT, row);
    }
    batch
}

async fn batches(
    db: &Client<impl CqlService>,
    load: &str,
    guard: BatchGuard,
) -> Result<(), Failure> {
    let answers = stream::iter(rows(load))
        .chunks(IN_A_BATCH.into())
        .map(|rows| db.request(batch(rows, guard)))
        .buffer_unordered(IN_FLIGHT);
    Ok(answers.try_for_each(async |_| Ok(())).await?)
}

struct Prepared {
    driver: Driver,
    insert: PreparedStatement,
}

impl Prepared {
    async fn new(connect: &Connect) -> Result<Self, Failure> {
        let driver = connect.driver().await?;
        let insert = driver.prepare(TEXT).await?;
        Ok(Self { driver, insert })
    }

    async fn batch(&self, rows: Vec<Row>) -> Result<(), Failure> {
        let mut batch = DriverBatch::new(BatchType::Unlogged);
        for _ in &rows {
            batch.append_statement(self.insert.clone());
        }
        self.driver.batch(&batch, rows).await?;
        Ok(())
    }

    async fn batches(&self, load: &str) -> Result<(), Failure> {
        let answers = stream::iter(rows(load))
            .chunks(IN_A_BATCH.into())
            .map(|rows| self.batch(rows))
            .buffer_unordered(IN_FLIGHT);
        answers.try_for_each(async |()| Ok(())).await
    }
}

/// What a statement costs the client in a batch of 32: ours, all layers and the look at its partition
/// included, beside the driver's.
fn count(bench: &mut Bench, connect: &Connect) -> Result<(), Failure> {
    let sides = ["driver", "full stack"];
    let bar = progress("instructions", sides.len() as u64)?;
    let mut found = Vec::new();
    for side in sides {
        let probe = Probe { scenario: SCENARIO.name, side, nodes: &connect.nodes };
        let counts = probe.needed_per_request(COUNTED, 1)?;
        found.push(counts);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let mut table = table(&["a statement of 32", "instructions", "ratio", "allocations", "bytes"]);
    for (side, counts) in sides.into_iter().zip(&found) {
        let of_one = |of: f64| of / f64::from(IN_A_BATCH);
        let ratio = counts.instructions / found[0].instructions;
        table.add_row([
            side.to_owned(),
            format!("{:.0}", of_one(counts.instructions)),
            format!("{ratio:.2}"),
            format!("{:.1}", of_one(counts.allocations)),
            format!("{:.0}", of_one(counts.bytes)),
        ]);
        for (metric, unit, of) in Counts::METRICS {
            let (ours, baseline) = (of_one(of(*counts)), of_one(of(found[0])));
            let load = Some("a statement in a batch of 32");
            let figure = Figure::alone(SCENARIO.name, metric, unit, side, ours).beside(baseline);
            bench.figure(&Figure { load, ..figure })?;
        }
    }
    println!("\n{table}");
    Ok(())
}

fn probe(side: &str, batches: u32) -> Result<(), Failure> {
    let nodes = std::env::var("CASSANDRA_NODES")?;
    let nodes: Vec<String> = nodes.split(',').map(str::to_owned).collect();
    let connect = Connect { nodes, ..Connect::default() };
    let runtime: Runtime = Builder::new_current_thread().enable_all().build()?;
    let some =
        || (0..i32::from(IN_A_BATCH)).map(|n| (7, n, format!("Event{n}"))).collect::<Vec<_>>();
    runtime.block_on(async {
        if side == "driver" {
            let driver = Prepared::new(&connect).await?;
            for _ in 0..batches {
                driver.batch(some()).await?;
            }
            return Ok(());
        }
        let db = full_stack(connect.session().await?, 100_000)?;
        for _ in 0..batches {
            db.request(batch(some(), BatchGuard::Refuse)).await?;
        }
        Ok(())
    })
}
