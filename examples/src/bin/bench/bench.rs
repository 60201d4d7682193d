//! What all scenarios share: the cluster, the figures, the progress bar.

use std::time::Duration;

use cqlstack_tests::cluster::Cluster;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::runtime::{Builder, Runtime};

use crate::arguments::Arguments;
use crate::report::{Figure, Report};
use crate::scenarios::Scenario;
use crate::{Failure, header, sides};

pub(crate) struct Bench {
    pub(crate) arguments: Arguments,
    report: Report,
    cluster: Option<Cluster>,
}

impl Bench {
    pub(crate) fn new(arguments: Arguments) -> Result<Self, Failure> {
        let report = Report::to(arguments.json.as_deref())?;
        Ok(Self { arguments, report, cluster: None })
    }

    pub(crate) fn begin(&mut self, scenario: &Scenario) -> Result<(), Failure> {
        let header = header::of(scenario, &self.arguments);
        println!("{header}");
        self.report.write(&header)
    }

    /// A runtime as a service has one: a worker for each core.
    pub(crate) fn runtime() -> Result<Runtime, Failure> {
        Ok(Builder::new_multi_thread().enable_all().build()?)
    }

    /// The cluster that `CASSANDRA_NODES` names, or one node of our own, with the table in it.
    pub(crate) fn nodes(&mut self, runtime: &Runtime) -> Result<Vec<String>, Failure> {
        if let Some(cluster) = &self.cluster {
            return Ok(cluster.contact_points());
        }
        let spinner = ProgressBar::new_spinner().with_message("starting Cassandra");
        spinner.enable_steady_tick(Duration::from_millis(100));
        let cluster = runtime.block_on(Cluster::builder().start_or_use_existing())?;
        let nodes = cluster.contact_points();
        self.cluster = Some(cluster);
        runtime.block_on(sides::create_table(&nodes))?;
        spinner.finish_and_clear();
        Ok(nodes)
    }

    pub(crate) fn figure(&mut self, figure: &Figure<'_>) -> Result<(), Failure> {
        self.report.write(figure)
    }
}

/// For work that has so many steps.
pub(crate) fn progress(doing: &str, steps: u64) -> Result<ProgressBar, Failure> {
    let style = ProgressStyle::with_template("{msg} [{bar:40}] {pos}/{len} {eta}")?;
    let bar = ProgressBar::new(steps).with_style(style.progress_chars("=> "));
    bar.set_message(doing.to_owned());
    bar.enable_steady_tick(Duration::from_millis(200));
    Ok(bar)
}
