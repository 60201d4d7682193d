//! What reading a text costs.

mod growth;

use std::hint::black_box;
use std::time::Instant;

use cqlstack_core::{Statement, StaticStatement};
use cqlstack_syntax::{fingerprint, parse, tokens};
use cqlstack_tests::corpus;

use super::Scenario;
use crate::Failure;
use crate::bench::{Bench, progress};
use crate::report::Figure;
use crate::rounds::median;
use crate::table::table;
use crate::valgrind::{Counts, Probe};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "syntax",
    about: "reading CQL: MB/s over collected statements, a typical SELECT, how costs grow with a text",
    run,
    probe: Some(probe),
    without: &[],
};

const TYPICAL: &str = "SELECT id, name, email FROM app.users WHERE id = ? AND day >= ? LIMIT 100";
static STATIC: StaticStatement = StaticStatement::new(TYPICAL);
/// Times that a text is read for a count.
const READS: u32 = 10_000;

/// What is done with a text.
type Work = fn(&str);

const OVER_ALL: [(&str, Work); 4] = [
    ("tokens", |text| drop(black_box(tokens(text)))),
    ("parse", |text| drop(black_box(parse(text)))),
    ("parse and classify", classify),
    ("fingerprint", |text| drop(black_box(fingerprint(text)))),
];

const OVER_ONE: [(&str, Work); 5] = [
    ("tokens", |text| drop(black_box(tokens(text)))),
    ("parse", |text| drop(black_box(parse(text)))),
    ("parse and classify", classify),
    ("Statement::new and its kind", |text| {
        black_box(Statement::new(black_box(text).to_owned()).kind());
    }),
    ("Statement::from_static and its kind", |_| {
        black_box(Statement::from_static(black_box(&STATIC)).kind());
    }),
];

fn classify(text: &str) {
    if let Ok(statement) = parse(text) {
        black_box((statement.kind(), statement.is_idempotent(), statement.label()));
    }
}

fn run(bench: &mut Bench) -> Result<(), Failure> {
    over_all(bench)?;
    over_one(bench)?;
    growth::run(bench)
}

/// Megabytes a second over the collected statements.
fn over_all(bench: &mut Bench) -> Result<(), Failure> {
    let texts = corpus::statements()?;
    let bytes: usize = texts.iter().map(String::len).sum();
    let rounds = bench.arguments.rounds.unwrap_or(20);
    let mut table = table(&["over all collected statements", "MB/s", "ns a statement"]);
    for (name, work) in OVER_ALL {
        let mut times = Vec::new();
        for _ in 0..rounds {
            let began = Instant::now();
            for text in &texts {
                work(text);
            }
            times.push(began.elapsed().as_secs_f64());
        }
        let time = median(times);
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
        let (rate, each) = (bytes as f64 / time / 1e6, time / texts.len() as f64 * 1e9);
        table.add_row([name.to_owned(), format!("{rate:.0}"), format!("{each:.0}")]);
        bench.figure(&figure("speed over all", "MB/s", name, rate))?;
    }
    println!("\n{} statements, {bytes} bytes\n{table}", texts.len());
    Ok(())
}

fn over_one(bench: &mut Bench) -> Result<(), Failure> {
    let bar = progress("a typical SELECT", OVER_ONE.len() as u64)?;
    let mut table = table(&["a typical SELECT", "ns", "instructions", "allocations", "bytes"]);
    for (name, work) in OVER_ONE {
        let mut times = Vec::new();
        for _ in 0..bench.arguments.rounds.unwrap_or(20) {
            let began = Instant::now();
            for _ in 0..READS {
                work(TYPICAL);
            }
            times.push(began.elapsed().as_secs_f64() / f64::from(READS) * 1e9);
        }
        let time = median(times);
        bench.figure(&figure("time", "ns", name, time))?;
        let probe = Probe { scenario: SCENARIO.name, side: name, nodes: &[] };
        let counts = probe.needed_per_request(READS, 1)?;
        for (metric, unit, of) in Counts::METRICS {
            bench.figure(&figure(metric, unit, name, of(counts)))?;
        }
        table.add_row([
            name.to_owned(),
            format!("{time:.0}"),
            format!("{:.0}", counts.instructions),
            format!("{:.1}", counts.allocations),
            format!("{:.0}", counts.bytes),
        ]);
        bar.inc(1);
    }
    bar.finish_and_clear();
    println!("\n{TYPICAL}\n{table}");
    Ok(())
}

fn figure<'f>(metric: &'f str, unit: &'f str, side: &'f str, ours: f64) -> Figure<'f> {
    Figure::alone(SCENARIO.name, metric, unit, side, ours)
}

/// Runs under valgrind: one of the above so many times, or one text of such a size.
fn probe(name: &str, count: u32) -> Result<(), Failure> {
    if let Some((_, work)) = OVER_ONE.iter().find(|(known, _)| *known == name) {
        for _ in 0..count {
            work(TYPICAL);
        }
        return Ok(());
    }
    growth::probe(name, count)
}
