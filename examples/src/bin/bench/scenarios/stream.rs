//! A million rows on one thread: memory, time, and whether others on the thread get their turn.

use std::process::Command;
use std::time::{Duration, Instant};

use cqlstack_core::{Client, CqlService, Request, Statement, StaticStatement};
use futures::TryStreamExt;
use hdrhistogram::Histogram;
use scylla::client::session::Session as Driver;
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval};

use super::Scenario;
use crate::Failure;
use crate::bench::Bench;
use crate::connect::{Connect, full_stack};
use crate::process;
use crate::report::Figure;
use crate::table::table;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "stream",
    about: "1,000,000 rows on one thread, `rows` beside the driver's pager: time, memory, a ticker",
    run,
    probe: Some(probe),
    without: &[],
};

const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS bench.readings (p int, c int, v text, PRIMARY KEY (p, c))";
static INSERT: StaticStatement =
    StaticStatement::new("INSERT INTO bench.readings (p, c, v) VALUES (?, ?, ?)");
const SELECT: &str = "SELECT p, c, v FROM bench.readings";
const ROWS: i32 = 1_000_000;
const IN_PARTITION: i32 = 1_000;
const TICK: Duration = Duration::from_millis(10);
const IDLE: Duration = Duration::from_secs(10);
/// Megabytes that memory may grow by.
const MOST_MEMORY: f64 = 30.0;
/// Milliseconds that ticks may be late, at p99.9.
const MOST_LATE: f64 = 50.0;

const SIDES: [&str; 3] = ["idle", "rows", "driver's pager"];

/// What was seen of one side, in a process of its own: what one leaves to the allocator, another would
/// have for nothing.
#[derive(Serialize, Deserialize)]
struct Seen {
    rows: u64,
    seconds: f64,
    /// Resident, at the most, beyond what there was before.
    grown_megabytes: f64,
    /// How late ticks were, in milliseconds.
    late_p50: f64,
    late_p999: f64,
    late_most: f64,
}

fn run(bench: &mut Bench) -> Result<(), Failure> {
    let runtime = bench.runtime()?;
    let connect = bench.connect(&runtime)?;
    let written = runtime.block_on(fill(&connect))?;
    println!("{written} rows are there");
    let columns =
        ["one thread", "rows", "s", "memory grew, MB", "ticks late p50, ms", "p99.9", "most"];
    let mut table = table(&columns);
    for side in SIDES {
        let seen = in_a_process(side, &connect)?;
        table.add_row([
            side.to_owned(),
            seen.rows.to_string(),
            format!("{:.2}", seen.seconds),
            format!("{:.1}", seen.grown_megabytes),
            format!("{:.2}", seen.late_p50),
            format!("{:.2}", seen.late_p999),
            format!("{:.2}", seen.late_most),
        ]);
        for (metric, unit, ours) in [
            ("time", "s", seen.seconds),
            ("memory growth", "MB", seen.grown_megabytes),
            ("ticks late p99.9", "ms", seen.late_p999),
        ] {
            bench.figure(&Figure::alone(SCENARIO.name, metric, unit, side, ours))?;
        }
        if side != SIDES[0] && seen.rows != u64::from(ROWS.unsigned_abs()) {
            bench.miss(format!("{side}: {} rows", seen.rows));
        }
        if side == SIDES[1] && seen.grown_megabytes > MOST_MEMORY {
            bench.miss(format!("memory grew by {:.1} MB", seen.grown_megabytes));
        }
        if side == SIDES[1] && seen.late_p999 > MOST_LATE {
            bench.miss(format!("p99.9 of the ticks is {:.1} ms late", seen.late_p999));
        }
    }
    println!("\n{table}");
    Ok(())
}

fn in_a_process(side: &str, connect: &Connect) -> Result<Seen, Failure> {
    let output = Command::new(std::env::current_exe()?)
        .args([SCENARIO.name, "--probe", side])
        .env("CASSANDRA_NODES", connect.nodes.join(","))
        .output()?;
    if !output.status.success() {
        return Err(format!("{side}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn probe(side: &str, _count: u32) -> Result<(), Failure> {
    let nodes = std::env::var("CASSANDRA_NODES")?;
    let nodes: Vec<String> = nodes.split(',').map(str::to_owned).collect();
    let connect = Connect { nodes, ..Connect::default() };
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let seen = match side {
        "idle" => seen(&runtime, async {
            tokio::time::sleep(IDLE).await;
            Ok(0)
        }),
        "rows" => {
            let db = runtime.block_on(async { full_stack(connect.session().await?, 1_000) })?;
            seen(&runtime, by_stream(&db))
        }
        _ => {
            let driver = runtime.block_on(connect.driver())?;
            seen(&runtime, by_pager(&driver))
        }
    };
    println!("{}", serde_json::to_string(&seen?)?);
    Ok(())
}

async fn by_pager(driver: &Driver) -> Result<u64, Failure> {
    let prepared = driver.prepare(SELECT).await?;
    let rows = driver.execute_iter(prepared, ()).await?.rows_stream::<(i32, i32, String)>()?;
    Ok(rows.try_fold(0, async |count, _| Ok(count + 1)).await?)
}

/// A million rows, unless they are there.
async fn fill(connect: &Connect) -> Result<usize, Failure> {
    let db = full_stack(connect.session().await?, 1_000)?;
    db.request(Statement::new(TABLE)).await?;
    let rows = (0..ROWS).map(|row| {
        (row / IN_PARTITION, row % IN_PARTITION, format!("reading number {row:07} of a sensor"))
    });
    Ok(db.many(&INSERT, rows).in_flight(300)?.run().await?)
}

async fn by_stream(db: &Client<impl CqlService>) -> Result<u64, Failure> {
    let all = Statement::new(SELECT);
    let mut rows = db.rows::<(i32, i32, String)>(Request::from(&all));
    let mut count = 0;
    while rows.next_row().await?.is_some() {
        count += 1;
    }
    Ok(count)
}

/// Runs it beside a ticker on the same thread.
fn seen(
    runtime: &Runtime,
    work: impl Future<Output = Result<u64, Failure>>,
) -> Result<Seen, Failure> {
    process::forget_peak_memory();
    let before = process::peak_memory();
    runtime.block_on(async {
        let (stop, stopped) = oneshot::channel();
        let ticker = tokio::spawn(tick(stopped));
        let began = Instant::now();
        let rows = work.await?;
        let seconds = began.elapsed().as_secs_f64();
        drop(stop);
        let grown = process::peak_memory().saturating_sub(before);
        let late = ticker.await??;
        let late = |at| Duration::from_micros(late.value_at_quantile(at)).as_secs_f64() * 1e3;
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
        let grown_megabytes = grown as f64 / 1e6;
        let (late_p50, late_p999, late_most) = (late(0.5), late(0.999), late(1.0));
        Ok(Seen { rows, seconds, grown_megabytes, late_p50, late_p999, late_most })
    })
}

async fn tick(mut stopped: oneshot::Receiver<()>) -> Result<Histogram<u64>, Failure> {
    let mut late = Histogram::new(3)?;
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    let mut last = Instant::now();
    loop {
        tokio::select! {
            _ = &mut stopped => return Ok(late),
            _ = ticks.tick() => {
                let now = Instant::now();
                let micros = (now - last).saturating_sub(TICK).as_micros();
                late.record(u64::try_from(micros)?)?;
                last = now;
            }
        }
    }
}
