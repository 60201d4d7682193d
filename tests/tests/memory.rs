//! Memory stays bounded, whatever the names are and whoever does not scrape. A process of its own,
//! since what others do in it would be measured as well.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::cast_precision_loss, reason = "stats of tests are far below 2^52")]

#[path = "metrics/exporter.rs"]
mod exporter;
#[path = "metrics/support.rs"]
mod support;

use std::fs;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use cqlstack_core::{Error, Request, Response, Statement, StaticStatement};
use cqlstack_metrics::MetricsLayer;
use futures::FutureExt;
use tower::{Layer, Service, service_fn};

use cqlstack_tests::scrape::Scrape;
use support::{count, exporter, scrape};

/// One at a time, since all tests of a process share its memory.
static ALONE: Mutex<()> = Mutex::new(());

const MIB: u64 = 1024 * 1024;

/// What the process has resident, in bytes.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix("kB").unwrap().trim().parse::<u64>().unwrap() * 1024
}

#[test]
fn a_hundred_thousand_texts_are_257_names_at_most() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let layer = MetricsLayer::new();
    exporter().report(layer.handle());
    let session =
        service_fn(async |request: Request| Ok::<_, Error>(Response::done(request.statement())));
    let mut service = layer.layer(session);
    let before = resident();
    for n in 0..100_000 {
        let statement = Statement::new(format!("SELECT v FROM t{n} WHERE k = 1"));
        service.call(Request::from(&statement)).now_or_never().unwrap().unwrap();
    }
    let text = exporter().render();
    let grown = resident().saturating_sub(before);
    let scrape = Scrape::parse(&text).unwrap();
    let of_these = |name: &str| name.starts_with("SELECT t") || name == "other";
    let names = scrape
        .samples("cassandra_queries_total", &[])
        .filter(|sample| of_these(sample.labels.get("statement").unwrap()));
    let names = names.count();
    println!("100,000 texts: {names} names, {:.1} MB", grown as f64 / 1e6);
    assert!(names <= 257);
    assert!(grown < 10 * MIB, "{grown}");
    let snapshot = layer.handle().snapshot();
    assert_eq!(snapshot.statement("other").unwrap().query_count, 100_000 - 256);
}

#[test]
fn records_that_nobody_scrapes_take_no_memory_and_none_is_lost() {
    static STATEMENT: StaticStatement = StaticStatement::new("SELECT v FROM t").named("unscraped");
    const EVERY: Duration = Duration::from_millis(1);
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let records: u64 = if cfg!(feature = "heavy") { 30_000_000 } else { 3_000_000 };
    let layer = MetricsLayer::new();
    exporter().report(layer.handle());
    let mut service = layer.layer(service_fn(async |_: Request| Ok::<_, Error>(())));
    let request = Request::from(&Statement::from_static(&STATEMENT));
    service.call(request.clone()).now_or_never().unwrap().unwrap();

    let before = resident();
    let mut peak = before;
    let (started, mut made) = (Instant::now(), 1);
    for tick in 1.. {
        for _ in 0..500.min(records - made) {
            service.call(request.clone()).now_or_never().unwrap().unwrap();
            made += 1;
        }
        if tick % 100 == 0 {
            peak = peak.max(resident());
        }
        if made == records {
            break;
        }
        // The pace of the load, not a wait for something to happen.
        std::thread::sleep((started + EVERY * tick).saturating_duration_since(Instant::now()));
    }
    let took = started.elapsed();
    let grown = peak.max(resident()).saturating_sub(before);
    println!("{records} records in {took:.1?}, not scraped: {:.1} MB", grown as f64 / 1e6);
    assert_eq!(count(&scrape(), "unscraped"), records);
    assert!(grown < 10 * MIB, "{grown}");
}
