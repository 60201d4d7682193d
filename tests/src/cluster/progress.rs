//! Steps of a start, for a progress line.

use std::fmt;
use std::sync::Arc;

/// A step that a starting cluster has reached. `Display` is a short line for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// Maven fetches Cassandra (66 MB); only the first time on a machine.
    Fetching {
        /// Files that have come so far, of some 500.
        files: usize,
    },
    /// The processes of this many nodes start.
    Starting {
        /// How many nodes the cluster has.
        nodes: usize,
    },
    /// A node accepts connections.
    Listening {
        /// The node, from 0.
        node: usize,
    },
    /// Every node listens; the fixture waits until each answers and sees the others.
    Settling,
    /// The cluster can be used.
    Ready,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fetching { files: 0 } => {
                f.write_str("fetching Cassandra by Maven into the cache, only this once")
            }
            Self::Fetching { files } => write!(f, "fetching Cassandra by Maven, {files} files"),
            Self::Starting { nodes: 1 } => f.write_str("starting Cassandra"),
            Self::Starting { nodes } => write!(f, "starting {nodes} nodes of Cassandra"),
            Self::Listening { node } => write!(f, "node {node} listens"),
            Self::Settling => f.write_str("waiting until every node answers"),
            Self::Ready => f.write_str("Cassandra is ready"),
        }
    }
}

/// Whom to tell.
#[derive(Clone, Default)]
pub(super) struct Listener(Option<Arc<dyn Fn(Progress) + Send + Sync>>);

impl Listener {
    pub(super) fn new(listener: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(listener)))
    }

    pub(super) fn tell(&self, step: Progress) {
        tracing::info!(target: "cqlstack_tests::cluster", "{step}");
        if let Some(listener) = &self.0 {
            listener(step);
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Listener(set)" } else { "Listener(none)" })
    }
}
