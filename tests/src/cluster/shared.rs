//! Clusters that all tests of a process share.
//!
//! Statics are not dropped: the nodes end by the lifeline, with the process.

use std::ops::Deref;
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard, OnceCell};
use tokio::time::timeout;

use super::error::ClusterError;
use super::{Cluster, ClusterBuilder};

/// A failure is kept like a success, so that each test tells it at once instead of trying again.
type Outcome = Result<Cluster, ClusterError>;

/// A test may wait for as many others as there are.
const PATIENCE: Duration = Duration::from_secs(20 * 60);

pub(super) async fn one() -> Result<&'static Cluster, ClusterError> {
    static ONE: OnceCell<Outcome> = OnceCell::const_new();
    let outcome = ONE.get_or_init(|| ClusterBuilder::new().start_or_use_existing()).await;
    outcome.as_ref().map_err(ClusterError::Shared)
}

pub(super) async fn one_to_break() -> Result<Lent, ClusterError> {
    static ONE: Lender = Lender::new(1);
    ONE.lend().await
}

pub(super) async fn three() -> Result<Lent, ClusterError> {
    static THREE: Lender = Lender::new(3);
    THREE.lend().await
}

/// A cluster of so many nodes, for one test at a time.
struct Lender {
    nodes: usize,
    cluster: OnceCell<Outcome>,
    turn: Mutex<()>,
}

impl Lender {
    const fn new(nodes: usize) -> Self {
        Self { nodes, cluster: OnceCell::const_new(), turn: Mutex::const_new(()) }
    }

    async fn lend(&'static self) -> Result<Lent, ClusterError> {
        let waited = timeout(PATIENCE, self.turn.lock()).await;
        let turn = waited.map_err(|_| ClusterError::Timeout {
            step: "waiting for the test that has the nodes".into(),
            waited: PATIENCE,
        })?;
        let was_there = self.cluster.initialized();
        let views = "materialized_views_enabled";
        let start = || ClusterBuilder::new().nodes(self.nodes).yaml(views, "true").start();
        let outcome = self.cluster.get_or_init(start).await;
        let cluster = outcome.as_ref().map_err(ClusterError::Shared)?;
        let lent = Lent { cluster, _turn: turn };
        if was_there {
            cluster.heal().await?;
        }
        Ok(lent)
    }
}

/// A cluster that belongs to one test at a time; see [`Cluster::shared_three`] and
/// [`Cluster::shared_one_to_break`].
///
/// On drop, frozen nodes go on at once. Nodes that were ended start again when the next test asks for
/// them.
#[derive(Debug)]
pub struct Lent {
    cluster: &'static Cluster,
    _turn: MutexGuard<'static, ()>,
}

impl Deref for Lent {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        self.cluster
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.cluster.thaw();
    }
}
