//! What the programs have in common: a Cassandra to talk to, and how their schema comes into it.

use std::time::{Duration, Instant};

use cqlstack_tests::cluster::{Cluster, Progress};
use indicatif::{ProgressBar, ProgressStyle};

/// What a program ends with.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The cluster that `CASSANDRA_NODES` names, or one node of our own. Shows what goes on.
///
/// # Errors
///
/// What the fixture says: for example what to install.
pub async fn start_cassandra() -> Result<Cluster, Failure> {
    let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})")?;
    let spinner = ProgressBar::new_spinner().with_style(style);
    spinner.enable_steady_tick(Duration::from_millis(100));
    let shown = spinner.clone();
    let started = Instant::now();
    let cluster = Cluster::builder()
        .on_progress(move |step| tell(&shown, step))
        .start_or_use_existing()
        .await;
    spinner.finish_and_clear();
    let cluster = cluster?;
    let nodes = cluster.contact_points().join(", ");
    println!("Cassandra at {nodes} after {:.1?}", started.elapsed());
    Ok(cluster)
}

/// Without a terminal there is no spinner: a line for each step, and for each hundred files.
fn tell(spinner: &ProgressBar, step: Progress) {
    spinner.set_message(step.to_string());
    let skipped = matches!(step, Progress::Fetching { files } if files % 100 != 0);
    if spinner.is_hidden() && !skipped {
        eprintln!("{step}");
    }
}
