//! cdrs-tokio, as a peer of `bench peers`: README.md has the protocol.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, BufRead};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cdrs_tokio::cluster::session::{Session, SessionBuilder, TcpSessionBuilder};
use cdrs_tokio::cluster::{NodeTcpConfigBuilder, TcpConnectionManager};
use cdrs_tokio::consistency::Consistency;
use cdrs_tokio::load_balancing::RoundRobinLoadBalancingStrategy;
use cdrs_tokio::query::PreparedQuery;
use cdrs_tokio::query_values;
use cdrs_tokio::statement::StatementParamsBuilder;
use cdrs_tokio::transport::TransportTcp;
use cdrs_tokio::types::IntoRustByIndex;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};

type Balancing = RoundRobinLoadBalancingStrategy<TransportTcp, TcpConnectionManager>;
type Failure = Box<dyn Error + Send + Sync>;

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Asked {
    Prepare { node: String, text: String, rows: i32, threads: usize },
    Run { micros: u64, in_flight: usize },
}

#[derive(Serialize, Default)]
struct Outcome {
    answered: u64,
    micros: u64,
    cpu_micros: u64,
    errors: BTreeMap<String, u64>,
    #[serde(skip)]
    histogram: BTreeMap<u64, u64>,
}

struct Peer {
    runtime: Runtime,
    session: Session<TransportTcp, TcpConnectionManager, Balancing>,
    prepared: PreparedQuery,
    rows: i32,
}

fn main() -> Result<(), Failure> {
    let mut peer = None;
    for line in io::stdin().lock().lines() {
        let answer = match serde_json::from_str(&line?)? {
            Asked::Prepare { node, text, rows, threads } => {
                peer = Some(Arc::new(Peer::new(node, &text, rows, threads)?));
                serde_json::json!({ "ready": format!("cdrs-tokio {}", driver()) })
            }
            Asked::Run { micros, in_flight } => {
                let peer = peer.clone().ok_or("nothing is prepared")?;
                let outcome = run(&peer, Duration::from_micros(micros), in_flight)?;
                let histogram: Vec<_> = outcome.histogram.iter().collect();
                let mut answer = serde_json::to_value(&outcome)?;
                answer["histogram"] = serde_json::json!(histogram);
                answer
            }
        };
        println!("{answer}");
    }
    Ok(())
}

/// The version that this program was built with: the driver does not tell.
fn driver() -> &'static str {
    let package = include_str!("../Cargo.lock").split_once("name = \"cdrs-tokio\"\nversion = \"");
    package.and_then(|(_, rest)| rest.split('"').next()).unwrap_or("unknown")
}

impl Peer {
    fn new(node: String, text: &str, rows: i32, threads: usize) -> Result<Self, Failure> {
        let mut builder = Builder::new_multi_thread();
        if threads > 0 {
            builder.worker_threads(threads);
        }
        let runtime = builder.enable_all().build()?;
        let (session, prepared) = runtime.block_on(async {
            let config =
                NodeTcpConfigBuilder::new().with_contact_point(node.into()).build().await?;
            let balancing = RoundRobinLoadBalancingStrategy::new();
            let session = TcpSessionBuilder::new(balancing, config).build().await?;
            let prepared = session.prepare(text).await?;
            Ok::<_, Failure>((session, prepared))
        })?;
        Ok(Self { runtime, session, prepared, rows })
    }

    async fn read(&self, id: i32) -> Result<(), &'static str> {
        let params = StatementParamsBuilder::new()
            .with_consistency(Consistency::LocalQuorum)
            .with_values(query_values!(id))
            .with_page_size(5_000)
            .build();
        let answer = self.session.exec_with_params(&self.prepared, &params).await;
        let body = answer.map_err(|_| "failed")?.response_body().map_err(|_| "no body")?;
        let rows = body.into_rows().ok_or("no rows")?;
        let name: Option<String> =
            rows.first().ok_or("no row")?.get_by_index(0).map_err(|_| "no name")?;
        if name.is_some_and(|name| name.starts_with("User")) { Ok(()) } else { Err("wrong answer") }
    }
}

/// A closed loop: who has an answer sends the next request.
fn run(peer: &Arc<Peer>, time: Duration, in_flight: usize) -> Result<Outcome, Failure> {
    let (began, cpu) = (Instant::now(), cpu_time());
    let ends = began + time;
    let shares: Arc<Shares> = Arc::default();
    let worker = |number: usize| work(Arc::clone(peer), Arc::clone(&shares), number, ends);
    let workers: Vec<_> =
        (0..in_flight).map(|number| peer.runtime.spawn(worker(number))).collect();
    for worker in workers {
        peer.runtime.block_on(worker)?;
    }
    let mut together = Outcome::default();
    for share in &shares.0 {
        let own = lock(share);
        together.answered += own.answered;
        for (kind, count) in &own.errors {
            *together.errors.entry(kind.clone()).or_default() += count;
        }
        for (micros, count) in &own.histogram {
            *together.histogram.entry(*micros).or_default() += count;
        }
    }
    together.micros = u64::try_from(began.elapsed().as_micros())?;
    together.cpu_micros = u64::try_from((cpu_time() - cpu).as_micros())?;
    Ok(together)
}

/// Few enough that recording is no load itself.
#[derive(Default)]
struct Shares([Mutex<Outcome>; 16]);

fn lock(share: &Mutex<Outcome>) -> MutexGuard<'_, Outcome> {
    share.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn work(peer: Arc<Peer>, shares: Arc<Shares>, number: usize, ends: Instant) {
    let share = &shares.0[number % shares.0.len()];
    loop {
        let sent = Instant::now();
        if sent >= ends {
            return;
        }
        let answer = peer.read(fastrand::i32(0..peer.rows)).await;
        let micros = u64::try_from(sent.elapsed().as_micros()).unwrap_or(u64::MAX);
        let mut own = lock(share);
        match answer {
            Ok(()) => own.answered += 1,
            Err(kind) => *own.errors.entry(kind.to_owned()).or_default() += 1,
        }
        *own.histogram.entry(rounded(micros)).or_default() += 1;
    }
}

/// To seven bits.
fn rounded(micros: u64) -> u64 {
    let shift = 57_u32.saturating_sub(micros.leading_zeros());
    micros >> shift << shift
}

/// User and system time of all threads.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}
