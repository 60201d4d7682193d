//! Clusters that all tests of a process share.
//!
//! Statics are not dropped: the nodes end by the lifeline, with the process.

use std::ops::Deref;
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard, OnceCell, Semaphore, SemaphorePermit};
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
    static ONES: Pool<1> = Pool::new(1);
    ONES.lend().await
}

pub(super) async fn three() -> Result<Lent, ClusterError> {
    // Tests that break nodes wait for most of their time: two do at once.
    static THREES: Pool<2> = Pool::new(3);
    THREES.lend().await
}

/// Clusters of so many nodes, each for one test at a time.
struct Pool<const CLUSTERS: usize> {
    nodes: usize,
    clusters: [OnceCell<Outcome>; CLUSTERS],
    free: [Mutex<()>; CLUSTERS],
    turns: Semaphore,
}

impl<const CLUSTERS: usize> Pool<CLUSTERS> {
    const fn new(nodes: usize) -> Self {
        Self {
            nodes,
            clusters: [const { OnceCell::const_new() }; CLUSTERS],
            free: [const { Mutex::const_new(()) }; CLUSTERS],
            turns: Semaphore::const_new(CLUSTERS),
        }
    }

    async fn lend(&'static self) -> Result<Lent, ClusterError> {
        let waited = timeout(PATIENCE, self.turns.acquire()).await;
        let busy = || ClusterError::Timeout {
            step: "waiting for a test that has the nodes".into(),
            waited: PATIENCE,
        };
        let permit = waited.ok().and_then(Result::ok).ok_or_else(busy)?;
        // The first that is free, so that there are no more than are needed at once.
        let mut all = self.free.iter().zip(&self.clusters);
        let free = all.find_map(|(free, cluster)| Some((free.try_lock().ok()?, cluster)));
        let (turn, cluster) = free.ok_or_else(busy)?;
        let was_there = cluster.initialized();
        let start = || ClusterBuilder::new().nodes(self.nodes).start();
        let cluster = cluster.get_or_init(start).await.as_ref().map_err(ClusterError::Shared)?;
        let lent = Lent { cluster, _turn: turn, _permit: permit };
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
    // In this order: who has a permit finds a cluster free.
    _turn: MutexGuard<'static, ()>,
    _permit: SemaphorePermit<'static>,
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
