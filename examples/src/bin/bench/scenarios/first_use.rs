//! A new session, and the first use of a statement and of a table, where the schema has some tables.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use cqlstack_core::{Session, Statement};

use super::Scenario;
use crate::Failure;
use crate::bench::{Bench, progress};
use crate::connect::{Connect, full_stack};
use crate::process::memory;
use crate::report::Figure;
use crate::rounds::{median, ratio};
use crate::table::table;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "first-use",
    about: "with 200 tables: to build a session, the first use of a table, and of a statement on it",
    run,
    probe: None,
    without: &[],
};

const TABLES: usize = 200;
/// Those that are used in a round: the server forgets what is prepared beyond some thousands.
const USED: usize = 30;
/// Sessions that are held at the same time, to tell the memory of one.
const HELD: u32 = 50;
/// Sessions that are built in a round.
const BUILT: usize = 10;
const METRICS: [(&str, &str); 3] =
    [("build", "ms"), ("first use of a table", "ms"), ("of a statement", "ms")];

/// A figure of each metric.
type Round = [f64; METRICS.len()];

fn run(bench: &mut Bench) -> Result<(), Failure> {
    let rounds = bench.arguments.rounds.unwrap_or(5);
    let runtime = bench.runtime()?;
    let connect = bench.connect(&runtime)?;
    runtime.block_on(create_tables(&connect))?;
    // Before anything else has left free memory behind.
    let (before, held) = (memory(), runtime.block_on(hold(&connect))?);
    let of_one = memory_since(before);
    drop(held);
    let bar = progress("first-use", u64::from(rounds + 1) * 2)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        let own = runtime.block_on(our_round(&connect))?;
        bar.inc(1);
        let drivers = runtime.block_on(driver_round(&connect))?;
        bar.inc(1);
        // The first one warms up.
        if round > 0 {
            ours.push(own);
            theirs.push(drivers);
        }
    }
    bar.finish_and_clear();
    let mut table = table(&["200 tables", "", "cqlstack", "driver", "ratio", "lowest", "highest"]);
    for (index, (metric, unit)) in METRICS.into_iter().enumerate() {
        let of = |rounds: &[Round]| rounds.iter().map(|round| round[index]).collect::<Vec<_>>();
        let (own, baseline) = (of(&ours), of(&theirs));
        let (ratio, spread) = ratio(&own, &baseline);
        let (own, baseline) = (median(own), median(baseline));
        table.add_row([
            metric.to_owned(),
            unit.to_owned(),
            format!("{own:.2}"),
            format!("{baseline:.2}"),
            format!("{ratio:.2}"),
            format!("{:.2}", spread[0]),
            format!("{:.2}", spread[1]),
        ]);
        let figure = Figure::alone(SCENARIO.name, metric, unit, "full stack", own);
        let (ratio, spread) = (Some(ratio), Some(spread));
        bench.figure(&Figure { baseline: Some(baseline), ratio, spread, ..figure })?;
    }
    bench.figure(&Figure::alone(SCENARIO.name, "memory", "kB", "session", of_one))?;
    println!("\n{table}\nmemory of a session: {of_one:.0} kB");
    Ok(())
}

async fn hold(connect: &Connect) -> Result<Vec<Session>, Failure> {
    let mut held = Vec::new();
    for _ in 0..HELD {
        held.push(connect.session().await?);
    }
    Ok(held)
}

async fn create_tables(connect: &Connect) -> Result<(), Failure> {
    let driver = connect.driver().await?;
    for table in 0..TABLES {
        let columns = "k int, c text, v text, n bigint, t timestamp, PRIMARY KEY (k, c)";
        let text = format!("CREATE TABLE IF NOT EXISTS bench.first_{table} ({columns})");
        driver.query_unpaged(text, ()).await?;
    }
    Ok(())
}

/// A text that no server has prepared.
fn new_text(table: usize) -> Result<String, Failure> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    Ok(format!("SELECT v AS v{now} FROM bench.first_{table} WHERE k = ?"))
}

/// Builds sessions, makes of the last one what is used, and uses tables and statements for the first time.
async fn round<S, U>(
    build: impl AsyncFn() -> Result<S, Failure>,
    of_session: impl FnOnce(S) -> Result<U, Failure>,
    first_use: impl AsyncFn(&U, String) -> Result<(), Failure>,
) -> Result<Round, Failure> {
    let (mut builds, mut held) = (Vec::new(), Vec::new());
    for _ in 0..BUILT {
        let began = Instant::now();
        held.push(build().await?);
        builds.push(millis_since(began));
    }
    let Some(session) = held.pop() else { return Err("no session was built".into()) };
    let db = of_session(session)?;
    let mut times = [Vec::new(), Vec::new()];
    for table in 0..USED {
        for of_table_or_statement in &mut times {
            let text = new_text(table)?;
            let began = Instant::now();
            first_use(&db, text).await?;
            of_table_or_statement.push(millis_since(began));
        }
    }
    let [tables, statements] = times.map(median);
    Ok([median(builds), tables, statements])
}

fn millis_since(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1e3
}

async fn our_round(connect: &Connect) -> Result<Round, Failure> {
    let build = async || connect.session().await;
    round(
        build,
        |session| full_stack(session, 100),
        async |db, text| {
            db.execute(Statement::new(text), (1,)).await?;
            Ok(())
        },
    )
    .await
}

async fn driver_round(connect: &Connect) -> Result<Round, Failure> {
    let build = async || connect.driver().await;
    round(build, Ok, async |driver, text| {
        let prepared = driver.prepare(text).await?;
        driver.execute_unpaged(&prepared, (1,)).await?;
        Ok(())
    })
    .await
}

/// What one of the sessions that are held takes, in kB.
#[expect(clippy::cast_precision_loss, reason = "it is rounded anyway")]
fn memory_since(before: u64) -> f64 {
    memory().saturating_sub(before) as f64 / 1024.0 / f64::from(HELD)
}
