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

/// How many clusters of three nodes there are at most: tests that break nodes wait for most of their time.
const THREES: usize = 2;

pub(super) async fn one() -> Result<&'static Cluster, ClusterError> {
    static ONE: OnceCell<Outcome> = OnceCell::const_new();
    let outcome = ONE.get_or_init(|| ClusterBuilder::new().start_or_use_existing()).await;
    outcome.as_ref().map_err(ClusterError::Shared)
}

pub(super) async fn three() -> Result<SharedThree, ClusterError> {
    static CLUSTERS: [OnceCell<Outcome>; THREES] = [const { OnceCell::const_new() }; THREES];
    static FREE: [Mutex<()>; THREES] = [const { Mutex::const_new(()) }; THREES];
    static TURNS: Semaphore = Semaphore::const_new(THREES);
    let waited = timeout(PATIENCE, TURNS.acquire()).await;
    let permit = waited.ok().and_then(Result::ok).ok_or_else(|| ClusterError::Timeout {
        step: "waiting for a test that has three nodes".into(),
        waited: PATIENCE,
    })?;
    // The first that is free, so that there is one only where no more are needed at once.
    let free = FREE.iter().zip(&CLUSTERS).find_map(|(free, it)| Some((free.try_lock().ok()?, it)));
    let Some((turn, cluster)) = free else {
        let what = "there is a permit for three nodes, and none are free".to_owned();
        return Err(ClusterError::InvalidConfig(what));
    };
    let was_there = cluster.initialized();
    let outcome = cluster.get_or_init(|| ClusterBuilder::new().nodes(3).start()).await;
    let cluster = outcome.as_ref().map_err(ClusterError::Shared)?;
    let shared = SharedThree { cluster, _turn: turn, _permit: permit };
    if was_there {
        cluster.heal().await?;
    }
    Ok(shared)
}

/// Three nodes that belong to one test at a time; see [`Cluster::shared_three`].
///
/// On drop, frozen nodes go on at once. Nodes that were ended start again when the next test asks for
/// them.
#[derive(Debug)]
pub struct SharedThree {
    cluster: &'static Cluster,
    // In this order: who has a permit finds a cluster free.
    _turn: MutexGuard<'static, ()>,
    _permit: SemaphorePermit<'static>,
}

impl Deref for SharedThree {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        self.cluster
    }
}

impl Drop for SharedThree {
    fn drop(&mut self) {
        self.cluster.thaw();
    }
}
