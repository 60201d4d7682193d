//! Attempts by node: how many ended, how many of them failed, and how long they took.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use scylla::cluster::Node;
use uuid::Uuid;

use crate::striped::Striped;
use crate::time_sum::TimeSum;

/// Attempts by node, without a lock. A node's counters are made with its first attempt, or when it is asked for its
/// connections, and stay when it leaves: it may come back, and a count that grows only is what is wanted of it.
#[derive(Debug)]
pub(in crate::session) struct NodeAttempts {
    /// Open addressing, by the id.
    places: Box<[OnceLock<Box<Owned>>]>,
}

/// As many nodes as no cluster has; what comes after them, in the life of a session, is not counted.
const PLACES: usize = 1_024;

/// A node's counters, with its id.
type Owned = (u128, OfNode);

#[derive(Debug)]
pub(super) struct OfNode {
    counts: Striped<Counts>,
    connections: AtomicU64,
}

#[derive(Debug, Default)]
struct Counts {
    ended: AtomicU64,
    failed: AtomicU64,
    time: TimeSum,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) ended: u64,
    pub(super) failed: u64,
    pub(super) time: Duration,
}

/// In place of a number of connections.
const UNKNOWN: u64 = u64::MAX;

impl Default for OfNode {
    fn default() -> Self {
        Self { counts: Striped::default(), connections: AtomicU64::new(UNKNOWN) }
    }
}

impl Default for NodeAttempts {
    fn default() -> Self {
        Self { places: (0..PLACES).map(|_| OnceLock::new()).collect() }
    }
}

impl NodeAttempts {
    pub(in crate::session) fn count(&self, node: &Node, took: Duration, failed: bool) {
        if let Some(of_node) = self.of(node.host_id) {
            of_node.count(took, failed);
        }
    }

    /// Those of this node, made where there are none yet.
    pub(super) fn of(&self, host_id: Uuid) -> Option<&OfNode> {
        let id = host_id.as_u128();
        self.places(host_id).find_map(|place| {
            let (owner, of_node) = &**place.get_or_init(|| Box::new((id, OfNode::default())));
            (*owner == id).then_some(of_node)
        })
    }

    /// Those of this node, if it was met.
    pub(super) fn known(&self, host_id: Uuid) -> Option<&OfNode> {
        let met = self.places(host_id).map_while(OnceLock::get);
        met.map(|owned| &**owned)
            .find_map(|(owner, of_node)| (*owner == host_id.as_u128()).then_some(of_node))
    }

    /// Where it may be, in the order in which to look.
    fn places(&self, host_id: Uuid) -> impl Iterator<Item = &OnceLock<Box<Owned>>> {
        let (high, low) = host_id.as_u64_pair();
        let first = usize::try_from((high ^ low) % PLACES as u64).unwrap_or(0);
        self.places[first..].iter().chain(&self.places[..first])
    }
}

impl OfNode {
    fn count(&self, took: Duration, failed: bool) {
        let counts = self.counts.here();
        counts.ended.fetch_add(1, Ordering::Relaxed);
        if failed {
            counts.failed.fetch_add(1, Ordering::Relaxed);
        }
        counts.time.add(took);
    }

    /// None where nobody told.
    pub(super) fn connections(&self) -> Option<u64> {
        Some(self.connections.load(Ordering::Relaxed)).filter(|known| *known != UNKNOWN)
    }

    pub(super) fn set_connections(&self, counted: Option<u64>) {
        self.connections.store(counted.unwrap_or(UNKNOWN), Ordering::Relaxed);
    }

    pub(super) fn sums(&self) -> Sums {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        self.counts.iter().fold(Sums::default(), |sum, counts| Sums {
            ended: sum.ended + load(&counts.ended),
            failed: sum.failed + load(&counts.failed),
            time: sum.time.saturating_add(counts.time.total()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_node_has_statistics_of_its_own_until_there_is_no_place() {
        let attempts = NodeAttempts::default();
        // Each second one would like the place of the one before.
        let ids: Vec<_> =
            (0..PLACES as u128).map(|id| Uuid::from_u128(id / 2 + ((id % 2) << 100))).collect();
        for id in &ids {
            attempts.of(*id).unwrap().count(Duration::from_nanos(7), true);
        }
        for id in &ids {
            let counted = Sums { ended: 1, failed: 1, time: Duration::from_nanos(7) };
            assert_eq!(attempts.of(*id).unwrap().sums(), counted);
            assert_eq!(attempts.known(*id).unwrap().sums(), counted);
        }
        assert!(attempts.of(Uuid::max()).is_none());
    }

    #[test]
    fn a_session_has_counters_of_the_nodes_that_it_met_only() {
        let mut attempts = None;
        let session = allocation_counter::measure(|| attempts = Some(NodeAttempts::default()));
        assert!(session.bytes_max < 20_000, "{session:?}");
        let attempts = attempts.unwrap();
        let count = || attempts.of(Uuid::nil()).unwrap().count(Duration::ZERO, false);
        let first = allocation_counter::measure(count);
        assert_eq!(first.count_total, 1);
        assert!(attempts.known(Uuid::nil()).is_some());
        let unknown =
            allocation_counter::measure(|| assert!(attempts.known(Uuid::max()).is_none()));
        assert_eq!(unknown.count_total, 0);
        assert!(first.bytes_total < 2_000, "{first:?}");
        assert_eq!(allocation_counter::measure(count).count_total, 0);
    }
}
