//! Waiting until the nodes agree on a schema that the session changed.
//!
//! The driver would wait too: for as long as a node is silent, and it does not tell who disagrees.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use scylla::cluster::Node;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::error::{ErrorKind, SchemaVersions};
use crate::session::config::translation::own_address;
use crate::session::inner::Inner;
use crate::session::schema::tables::{FOR_VERSION, version};
use crate::session::topology::ask::connected;

/// How long a node that has told nothing is waited for while all others agree. What a frozen one knows it will
/// not tell; it learns of the change when it is back.
const SILENCE: Duration = Duration::from_secs(1);

/// The time to the next look, and twice as long, and so on.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// The version that each node told last, by the node's id.
#[derive(Default)]
pub(in crate::session) struct Told(HashMap<Uuid, Uuid>);

/// What the nodes have before a change. Nothing is asked where there is one node only, which agrees with itself.
pub(in crate::session) async fn before(session: &Inner, by: Instant) -> Told {
    let mut told = Told::default();
    let nodes = connected(&session.driver);
    if nodes.len() > 1 {
        told.ask(session, &nodes, by).await;
    }
    told
}

/// Waits until all nodes have the schema of the node that has executed a change, until then at the latest.
pub(in crate::session) async fn reach(
    session: &Inner,
    before: &Told,
    changed: Option<Uuid>,
    by: Instant,
) -> Result<(), ErrorKind> {
    let began = Instant::now();
    let mut pause = FIRST_PAUSE;
    let mut told = Told::default();
    loop {
        let nodes = connected(&session.driver);
        if let [node] = &*nodes
            && changed == Some(node.host_id)
        {
            return Ok(());
        }
        told.ask(session, &nodes, by).await;
        let version = changed.and_then(|node| told.of(node));
        if version.is_some() && version == changed.and_then(|node| before.of(node)) {
            // The table was there already, for example.
            return Ok(());
        }
        let of_nodes = || nodes.iter().map(|node| told.of(node.host_id));
        let is_complete = of_nodes().all(|told| told.is_some());
        let agree = version.is_some() && of_nodes().flatten().all(|told| Some(told) == version);
        let is_over = Instant::now() >= by;
        if agree && (is_complete || is_over || began.elapsed() >= SILENCE) {
            return Ok(());
        }
        if is_over {
            return Err(told.into_error(&nodes, began.elapsed()));
        }
        sleep(pause.min(by.saturating_duration_since(Instant::now()))).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

impl Told {
    async fn ask(&mut self, session: &Inner, nodes: &[Arc<Node>], by: Instant) {
        let within = FOR_VERSION.min(by.saturating_duration_since(Instant::now()));
        let asked = nodes.iter().map(async |node| {
            let told = version(session, node, within).await.ok()?;
            Some((node.host_id, told))
        });
        self.0.extend(join_all(asked).await.into_iter().flatten());
    }

    fn of(&self, node: Uuid) -> Option<Uuid> {
        self.0.get(&node).copied()
    }

    fn into_error(self, nodes: &[Arc<Node>], after: Duration) -> ErrorKind {
        let told = nodes.iter().map(|node| (own_address(node), self.of(node.host_id))).collect();
        let versions = Box::new(SchemaVersions { after, told });
        if versions.disagree() {
            ErrorKind::SchemaDisagreement(versions)
        } else {
            ErrorKind::SchemaUnconfirmed(versions)
        }
    }
}
