//! What all scenarios share: the cluster, the figures, the progress bar.

use std::time::Duration;

use cqlstack_examples::{Failure, start_cassandra};
use cqlstack_tests::cluster::{Cluster, Node};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tokio::runtime::{Builder, Runtime};

use crate::arguments::Arguments;
use crate::connect::Connect;
use crate::load::Outcome;
use crate::report::{Figure, Report};
use crate::scenarios::Scenario;
use crate::sockets::Which;
use crate::{header, sides};

pub(crate) struct Bench {
    pub(crate) arguments: Arguments,
    report: Report,
    cluster: Option<Cluster>,
    missed: Vec<String>,
}

impl Bench {
    pub(crate) fn new(arguments: Arguments) -> Result<Self, Failure> {
        let report = Report::to(arguments.json.as_deref())?;
        Ok(Self { arguments, report, cluster: None, missed: Vec::new() })
    }

    pub(crate) fn begin(&mut self, scenario: &Scenario) -> Result<(), Failure> {
        let header = header::of(scenario, &self.arguments);
        println!("{header}");
        self.report.write(&header)
    }

    /// A runtime as a service has one: a worker for each core, unless `--threads` says something else.
    pub(crate) fn runtime(&self) -> Result<Runtime, Failure> {
        Ok(self.arguments.threads.runtime()?)
    }

    /// How to reach the cluster that `CASSANDRA_NODES` names, or one node of our own, with the table
    /// in it.
    pub(crate) fn connect(&mut self, runtime: &Runtime) -> Result<Connect, Failure> {
        let Arguments { timeout, connections, consistency, .. } = self.arguments;
        let connect = |cluster: &Cluster| {
            let nodes = cluster.contact_points();
            let sockets = Which::new_ones_to(&nodes);
            Connect { nodes, timeout, connections, consistency, sockets }
        };
        if let Some(cluster) = &self.cluster {
            return Ok(connect(cluster));
        }
        let cluster = runtime.block_on(start_cassandra())?;
        // On a runtime of its own, with which its connections end: none breaks later.
        let own = Builder::new_current_thread().enable_all().build()?;
        let cassandra = own.block_on(sides::create_table(&connect(&cluster)))?;
        drop(own);
        println!("Cassandra {cassandra}");
        self.report.write(&Server { cassandra })?;
        let connect = connect(&cluster);
        self.cluster = Some(cluster);
        Ok(connect)
    }

    /// Freezes all nodes of a throwaway cluster.
    pub(crate) async fn freeze(&self) -> Result<(), Failure> {
        for node in self.nodes() {
            node.freeze().await?;
        }
        Ok(())
    }

    /// Lets them go on.
    pub(crate) async fn resume(&self) -> Result<(), Failure> {
        for node in self.nodes() {
            node.resume().await?;
        }
        Ok(())
    }

    fn nodes(&self) -> &[Node] {
        self.cluster.as_ref().map_or(&[], Cluster::nodes)
    }

    /// Notes which of the bounds that were asked for this one misses.
    pub(crate) fn check(&mut self, side: &str, outcome: &Outcome) {
        let Arguments { max_p99, max_errors, .. } = self.arguments;
        let p99 = outcome.recorded.response.percentile(99.0);
        if let Some(most) = max_p99.filter(|most| p99 > *most) {
            self.missed.push(format!("{side}: p99 {p99:.1?} is above {most:.1?}"));
        }
        let errors = outcome.error_part();
        if let Some(most) = max_errors.filter(|most| errors > *most) {
            let all = "of all requests failed or were not done, which is above";
            self.missed.push(format!("{side}: {errors:.4} {all} {most}"));
        }
    }

    /// Notes that a bound was missed.
    pub(crate) fn miss(&mut self, why: String) {
        self.missed.push(why);
    }

    /// The bounds that were missed.
    pub(crate) fn missed(&self) -> &[String] {
        &self.missed
    }

    pub(crate) fn figure(&mut self, figure: &Figure<'_>) -> Result<(), Failure> {
        self.report.write(figure)
    }
}

#[derive(Serialize)]
struct Server {
    cassandra: String,
}

/// For work that has so many steps.
pub(crate) fn progress(doing: &str, steps: u64) -> Result<ProgressBar, Failure> {
    let style = ProgressStyle::with_template("{msg} [{bar:40}] {pos}/{len} {eta}")?;
    let bar = ProgressBar::new(steps).with_style(style.progress_chars("=> "));
    bar.set_message(doing.to_owned());
    bar.enable_steady_tick(Duration::from_millis(200));
    Ok(bar)
}
