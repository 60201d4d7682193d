//! A line in the log when a node goes down, and when it comes up.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Weak;
use std::time::Duration;
use std::{fmt, mem};

use scylla::cluster::NodeAddr;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::session::inner::Inner;

/// How often the driver's connections are looked at, which asks no node.
const EVERY: Duration = Duration::from_millis(500);

/// The nodes as they were seen last.
pub(in crate::session) struct Presence(HashMap<Uuid, Seen>);

#[derive(Debug, Clone, Copy)]
struct Seen {
    address: SocketAddr,
    is_up: bool,
    since: Instant,
}

impl Presence {
    /// When the session is built: names the nodes that it could not reach.
    pub(in crate::session) fn new(session: &Inner) -> Self {
        let mut presence = Self(HashMap::new());
        presence.look(session);
        presence
    }

    pub(in crate::session) async fn keep(mut self, session: Weak<Inner>) {
        loop {
            sleep(EVERY).await;
            let Some(session) = session.upgrade() else { return };
            self.look(&session);
        }
    }

    fn look(&mut self, session: &Inner) {
        let cluster = session.driver.get_cluster_state();
        let mut gone = mem::take(&mut self.0);
        for node in cluster.get_nodes_info() {
            // A contact point, until a node told which one that is.
            if matches!(node.address, NodeAddr::Untranslatable(_)) {
                continue;
            }
            let address = session.translation.address(node);
            let before = gone.remove(&node.host_id);
            let now = Seen::after(before, address, node.is_connected());
            self.0.insert(node.host_id, now);
            match now.change_since(before) {
                None => {}
                Some(change @ (Change::Up(_) | Change::Moved)) => {
                    tracing::info!("node {address} {change}");
                }
                Some(change) => {
                    let refusal = session.translation.refusal(node);
                    let why = refusal.map(|refusal| format!(": {refusal}")).unwrap_or_default();
                    tracing::warn!("node {address} {change}{why}");
                }
            }
        }
        for Seen { address, .. } in gone.values() {
            tracing::info!("node {address} has left the cluster");
        }
    }
}

/// What is worth a line.
#[derive(Debug, PartialEq, Eq)]
enum Change {
    /// After it was down for so long.
    Up(Duration),
    /// After it was up for so long.
    Down(Duration),
    Unreachable,
    Moved,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Up(down) => write!(f, "is up, after it was down for {down:.1?}"),
            Self::Down(up) => write!(f, "is down, after it was up for {up:.1?}"),
            Self::Unreachable => f.write_str("cannot be reached"),
            Self::Moved => f.write_str("is at this address now"),
        }
    }
}

impl Seen {
    fn after(before: Option<Self>, address: SocketAddr, is_up: bool) -> Self {
        let same = before.filter(|before| before.is_up == is_up);
        Self { address, is_up, since: same.map_or_else(Instant::now, |same| same.since) }
    }

    fn change_since(&self, before: Option<Self>) -> Option<Change> {
        let Some(before) = before else { return (!self.is_up).then_some(Change::Unreachable) };
        let lasted = self.since.saturating_duration_since(before.since);
        match (before.is_up, self.is_up) {
            (false, true) => Some(Change::Up(lasted)),
            (true, false) => Some(Change::Down(lasted)),
            _ if before.address == self.address => None,
            (true, true) => Some(Change::Moved),
            (false, false) => Some(Change::Unreachable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// What is said of a node that is up or down at a port, second after second.
    async fn told(seen: &[(bool, u16)]) -> Vec<Option<Change>> {
        let mut before = None;
        let mut told = Vec::new();
        for (is_up, port) in seen {
            let now = Seen::after(before, SocketAddr::from(([127, 0, 0, 1], *port)), *is_up);
            told.push(now.change_since(before));
            before = Some(now);
            sleep(SECOND).await;
        }
        told
    }

    #[tokio::test(start_paused = true)]
    async fn each_change_is_told_once_with_how_long_it_had_been_otherwise() {
        let (up, down) = ((true, 1), (false, 1));
        let seen = [up, up, up, down, down, up, up];
        let fell = Some(Change::Down(SECOND * 3));
        let rose = Some(Change::Up(SECOND * 2));
        assert_eq!(told(&seen).await, [None, None, None, fell, None, rose, None]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_is_told_anew_where_it_has_moved_to() {
        assert_eq!(told(&[(true, 1), (true, 2)]).await, [None, Some(Change::Moved)]);
        let unreachable = || Some(Change::Unreachable);
        let seen = [(false, 1), (false, 1), (false, 2), (false, 2), (true, 2)];
        let expected = [unreachable(), None, unreachable(), None, Some(Change::Up(SECOND * 4))];
        assert_eq!(told(&seen).await, expected);
    }
}
