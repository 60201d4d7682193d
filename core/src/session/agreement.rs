//! Waiting until the nodes agree on a schema that the session changed.
//!
//! The driver would wait too: for as long as a node is silent, and it does not tell who disagrees.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use scylla::cluster::Node;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::Inner;
use super::nodes::address;
use super::tables::{FOR_VERSION, version};
use crate::error::{ErrorKind, SchemaVersions};

/// How long a node that is silent is waited for while all others agree. What a frozen one knows it will not
/// tell; it learns of the change when it is back.
const SILENCE: Duration = Duration::from_secs(1);

/// The time to the next look, and twice as long, and so on.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// Waits until all nodes have the schema of this one, which has executed the change. Ends by then, at the latest.
pub(super) async fn reach(
    session: &Inner,
    changed: Option<Uuid>,
    by: Instant,
) -> Result<(), ErrorKind> {
    let began = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let nodes = connected(session);
        if let [node] = &*nodes
            && changed == Some(node.host_id)
        {
            // It agrees with itself.
            return Ok(());
        }
        let told = ask(session, nodes, by).await;
        // Who is asked has time to answer.
        let left = by.saturating_duration_since(Instant::now()).saturating_sub(FOR_VERSION);
        let is_over = left.is_zero();
        if told.agrees(changed) && (told.is_complete() || is_over || began.elapsed() >= SILENCE) {
            return Ok(());
        }
        if is_over {
            return Err(told.into_error(began.elapsed()));
        }
        sleep(pause.min(left)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn connected(session: &Inner) -> Vec<Arc<Node>> {
    let cluster = session.driver.get_cluster_state();
    cluster.get_nodes_info().iter().filter(|node| node.is_connected()).cloned().collect()
}

/// What each node told; none if it did not.
struct Told(Vec<(Arc<Node>, Option<Uuid>)>);

async fn ask(session: &Inner, nodes: Vec<Arc<Node>>, by: Instant) -> Told {
    let within = FOR_VERSION.min(by.saturating_duration_since(Instant::now()));
    let asked = nodes.into_iter().map(async |node| {
        let told = version(session, &node, within).await.ok();
        (node, told)
    });
    Told(join_all(asked).await)
}

impl Told {
    /// Whether this node told its version, and nobody another one.
    fn agrees(&self, changed: Option<Uuid>) -> bool {
        let of_changed = self.0.iter().find(|(node, _)| Some(node.host_id) == changed);
        let Some((_, Some(version))) = of_changed else { return false };
        self.0.iter().all(|(_, told)| told.is_none_or(|told| told == *version))
    }

    fn is_complete(&self) -> bool {
        self.0.iter().all(|(_, told)| told.is_some())
    }

    fn into_error(self, after: Duration) -> ErrorKind {
        let told: Vec<_> = self.0.into_iter().map(|(node, told)| (address(&node), told)).collect();
        let versions = Box::new(SchemaVersions { after, told });
        if versions.disagree() {
            ErrorKind::SchemaDisagreement(versions)
        } else {
            ErrorKind::SchemaUnconfirmed(versions)
        }
    }
}
