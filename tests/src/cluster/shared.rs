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

pub(super) async fn three() -> Result<SharedThree, ClusterError> {
    static THREE: OnceCell<Outcome> = OnceCell::const_new();
    static TURN: Mutex<()> = Mutex::const_new(());
    let turn = timeout(PATIENCE, TURN.lock()).await.map_err(|_| ClusterError::Timeout {
        step: "waiting for the test that has the three nodes".into(),
        waited: PATIENCE,
    })?;
    let was_there = THREE.initialized();
    let outcome = THREE.get_or_init(|| ClusterBuilder::new().nodes(3).start()).await;
    let cluster = outcome.as_ref().map_err(ClusterError::Shared)?;
    let shared = SharedThree { cluster, _turn: turn };
    if was_there {
        cluster.heal().await?;
    }
    Ok(shared)
}

/// Three nodes that belong to one test at a time; see [`Cluster::shared_three`].
///
/// On drop, frozen nodes go on at once. Nodes that were ended start again when the next test asks for
/// the three.
#[derive(Debug)]
pub struct SharedThree {
    cluster: &'static Cluster,
    _turn: MutexGuard<'static, ()>,
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
