//! What can go wrong with a cluster, and what to do about it.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// What to do where something is missing.
const INSTALL: &str = "install both with
  Debian, Ubuntu: sudo apt-get install -y openjdk-17-jdk-headless maven
  Fedora:         sudo dnf install -y java-17-openjdk-headless maven
  macOS:          brew install openjdk@17 maven
and name another JDK's folder in JAVA_HOME if java 17 is not the one on PATH;
or have a running cluster used instead, by CASSANDRA_NODES=host:port,...";

/// Why a cluster or a node did not do what was asked.
///
/// `Display` says what to do next. Where a node has a log, the text ends with its last lines.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// The builder, or an environment variable, asks for something that cannot be.
    #[error("{0}")]
    InvalidConfig(String),

    /// There is no Java 17 to run Cassandra with.
    #[error("no JDK 17 to run Cassandra with{found}: {INSTALL}")]
    MissingJava {
        /// What was found instead.
        found: String,
    },

    /// Cassandra is not in the cache, and there is no Maven to fetch it.
    #[error("no Maven (mvn) on PATH to fetch Cassandra with: {INSTALL}")]
    MissingMaven,

    /// Maven ran and did not fetch Cassandra.
    #[error(
        "Maven did not fetch Cassandra ({status}): run it by hand to see why, `mvn -f {pom:?} \
         dependency:copy-dependencies`; its last lines:\n{output}"
    )]
    Maven {
        /// The pom that was used. It is kept.
        pom: PathBuf,
        /// How Maven ended.
        status: ExitStatus,
        /// The last lines that Maven wrote.
        output: String,
    },

    /// A file, a folder or a process could not be had.
    #[error("{what}: {source}")]
    Io {
        /// What was attempted, with the path.
        what: String,
        /// Why it failed.
        source: io::Error,
    },

    /// Something else listens where a node would.
    #[error(
        "node {node} cannot start, {address} is in use: end the process that listens there (find it \
         with `ss -ltnp`)"
    )]
    AddressInUse {
        /// The node, from 0.
        node: usize,
        /// The address and port that are taken.
        address: SocketAddr,
    },

    /// No loopback prefix is free.
    #[error("all {tried} prefixes of 127.100.0.0/16 are taken: end clusters that you do not need")]
    NoFreePrefix {
        /// How many were tried.
        tried: usize,
    },

    /// A node's process ended by itself.
    #[error("node {node} ended ({status}) while {step}; the end of its log:\n{log}")]
    NodeEnded {
        /// The node, from 0.
        node: usize,
        /// How its process ended.
        status: ExitStatus,
        /// What the fixture was waiting for.
        step: &'static str,
        /// The last lines of its log.
        log: String,
    },

    /// A node did not do in time what was asked.
    #[error(
        "node {node} was not done {step} after {waited:?}: is the machine busy, or short of memory? \
         The end of its log:\n{log}"
    )]
    NodeTimeout {
        /// The node, from 0.
        node: usize,
        /// What the fixture was waiting for.
        step: &'static str,
        /// How long it waited.
        waited: Duration,
        /// The last lines of its log.
        log: String,
    },

    /// Something that is no node's took too long.
    #[error("{step} took more than {waited:?}")]
    Timeout {
        /// What the fixture was waiting for, and what to look at.
        step: String,
        /// How long it waited.
        waited: Duration,
    },

    /// The node does not run, so it cannot be frozen or resumed.
    #[error("node {node} does not run: start it first")]
    NotRunning {
        /// The node, from 0.
        node: usize,
    },

    /// The cluster has fewer nodes.
    #[error("there is no node {node}: the cluster has {nodes}, numbered from 0")]
    NoSuchNode {
        /// The node that was asked for.
        node: usize,
        /// How many there are.
        nodes: usize,
    },

    /// The cluster was named by `CASSANDRA_NODES`; the fixture does not rule its processes.
    #[error(
        "cannot {action} a node of the cluster that CASSANDRA_NODES names: unset it to have a \
         cluster started that tests may break"
    )]
    NotOurs {
        /// What was asked.
        action: &'static str,
    },

    /// No session with the cluster could be had. The driver's reason is the source.
    #[error(
        "no session with {contact_points}: is it up, does it want a password, does a firewall refuse?"
    )]
    Connect {
        /// Where it was tried.
        contact_points: String,
        /// The driver's reason.
        source: Box<scylla::errors::NewSessionError>,
    },

    /// A shared cluster could not be started, by this caller or an earlier one.
    #[error(transparent)]
    Shared(&'static ClusterError),

    /// The cluster refused a statement of the fixture or of [`run`](super::Cluster::run). The
    /// driver's reason, which may quote the server, is the source.
    #[error("the cluster did not run a statement: see the source of this error for its reason")]
    Statement(#[source] Box<scylla::errors::ExecutionError>),
}

impl ClusterError {
    /// Adds to an I/O error what was attempted.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

/// The last lines of a text, so that an error stays readable.
pub(super) fn last_lines(text: &str) -> String {
    const LINES: usize = 20;
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_long_log_is_kept() {
        let log: Vec<String> = (0..100).map(|line| line.to_string()).collect();
        let end = last_lines(&log.join("\n"));
        assert!(end.starts_with("80\n") && end.ends_with("\n99"), "{end}");
        assert_eq!(last_lines("one\ntwo"), "one\ntwo");
        assert_eq!(last_lines(""), "");
    }
}
