//! Starts a throwaway cluster and keeps it until end-of-file on standard input (Ctrl-D).
//!
//! `cargo run -p cqlstack-tests --bin throwaway -- 3` starts three nodes. Standard output has one
//! line for each node, with its address and process id; steps go to standard error.

use std::io::{self, Read, Write};
use std::process::ExitCode;

use cqlstack_tests::cluster::{Cluster, ClusterError};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Ok(nodes) = std::env::args().nth(1).map_or(Ok(1), |nodes| nodes.parse()) else {
        eprintln!("usage: throwaway [NODES]");
        return ExitCode::from(2);
    };
    match keep(nodes).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("throwaway: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn keep(nodes: usize) -> Result<(), ClusterError> {
    let builder = Cluster::builder().nodes(nodes).on_progress(|step| eprintln!("{step}"));
    let cluster = builder.start().await?;
    let written = wait_for_the_end(&cluster);
    written.map_err(|source| ClusterError::Io { what: "using standard streams".into(), source })
}

fn wait_for_the_end(cluster: &Cluster) -> io::Result<()> {
    let mut output = io::stdout().lock();
    for node in cluster.nodes() {
        let pid = node.pid().map_or_else(|| "-".into(), |pid| pid.to_string());
        writeln!(output, "{} {pid}", node.address())?;
    }
    output.flush()?;
    io::copy(&mut io::stdin().lock().by_ref(), &mut io::sink()).map(drop)
}
