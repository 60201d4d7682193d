//! Which nodes have the replicas of a token, found on the driver's ring.
//!
//! To ask the driver for them is one thousand instructions, 7 % of a read, most of which look up the
//! names of keyspace and datacentre in three maps. What these names lead to are two small numbers, which
//! are remembered here; the ring is then walked as `NetworkTopologyStrategy` does, one datacentre's
//! share, up to the replica that is wanted.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::BuildHasher;
use std::ptr;
use std::sync::Arc;

use foldhash::fast::FixedState;
use scylla::cluster::metadata::Strategy;
use scylla::cluster::{ClusterState, Node};
use scylla::routing::{Shard, Token};

use crate::session::topology::remembered::Remembered;

/// How many keyspaces are remembered, about.
const PLACES: usize = 256;
/// More replicas than this in one datacentre are left to the driver.
const MOST: usize = 8;

/// How a keyspace is replicated in one datacentre.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Replication {
    /// Replicas of a token there; 0 if that is not for us to find.
    replicas: u8,
    /// How many of them may be in a rack that has one already.
    repeats: u8,
}

/// The replications that were asked for last.
pub(in crate::session) struct Replications(Remembered);

impl Default for Replications {
    fn default() -> Self {
        Self(Remembered::new(PLACES))
    }
}

impl Replications {
    /// Any of a token's replicas in this datacentre, with equal chances, and the token's shard there;
    /// the state is that of this generation of the schema. None if the keyspace has no replica there, or
    /// is replicated in another way.
    pub(in crate::session) fn random_replica<'a>(
        &self,
        cluster: &'a ClusterState,
        generation: u64,
        keyspace: &str,
        datacenter: &str,
        token: Token,
    ) -> Option<(&'a Arc<Node>, Shard)> {
        let replication = self.of(cluster, generation, keyspace, datacenter);
        if replication.replicas == 0 {
            return None;
        }
        let locator = cluster.replica_locator();
        let ring = locator.ring().ring_range(token);
        let nth = fastrand::usize(..usize::from(replication.replicas));
        let node = if let [_only] = locator.datacenter_names() {
            nth_replica(ring, nth, replication.repeats)?
        } else {
            let near = |node: &&Arc<Node>| node.datacenter.as_deref() == Some(datacenter);
            nth_replica(ring.filter(near), nth, replication.repeats)?
        };
        Some((node, node.sharder().map_or(0, |sharder| sharder.shard_of(token))))
    }

    fn of(
        &self,
        cluster: &ClusterState,
        generation: u64,
        keyspace: &str,
        datacenter: &str,
    ) -> Replication {
        // The address besides, for who saw a state together with the generation of the next.
        let state = ptr::from_ref(cluster).addr();
        let hash = FixedState::with_seed(generation).hash_one((state, keyspace, datacenter));
        let [replicas, repeats] = self.0.of(hash, || {
            let found = Replication::of(cluster, keyspace, datacenter).unwrap_or_default();
            [found.replicas, found.repeats]
        });
        Replication { replicas, repeats }
    }
}

impl Replication {
    fn of(cluster: &ClusterState, keyspace: &str, datacenter: &str) -> Option<Self> {
        let keyspace = cluster.get_keyspace(keyspace)?;
        let Strategy::NetworkTopologyStrategy { datacenter_repfactors } = &keyspace.strategy else {
            return None;
        };
        if keyspace.tablet_based {
            return None;
        }
        let factor = *datacenter_repfactors.get(datacenter)?;
        let nodes = cluster.replica_locator().unique_nodes_in_datacenter_ring(datacenter)?;
        let racks: BTreeSet<_> = nodes.iter().map(|node| node.rack.as_deref()).collect();
        Self::in_datacenter(factor, nodes.len(), racks.len())
    }

    fn in_datacenter(factor: usize, nodes: usize, racks: usize) -> Option<Self> {
        let replicas = u8::try_from(factor.min(nodes)).ok()?;
        let repeats = factor.saturating_sub(racks).min(MOST);
        (usize::from(replicas) <= MOST)
            .then(|| Self { replicas, repeats: u8::try_from(repeats).unwrap_or(0) })
    }
}

/// What is on a ring.
trait Located: Copy {
    fn is(self, other: Self) -> bool;
    fn is_in_rack_of(self, other: Self) -> bool;
}

impl Located for &Arc<Node> {
    fn is(self, other: Self) -> bool {
        Arc::ptr_eq(self, other)
    }

    fn is_in_rack_of(self, other: Self) -> bool {
        self.rack == other.rack
    }
}

/// Goes along a datacentre's ring: a node has the next replica if its rack has none yet, or while
/// repeats are left.
fn nth_replica<N: Located>(
    ring: impl Iterator<Item = N>,
    nth: usize,
    mut repeats: u8,
) -> Option<N> {
    let mut before = [None; MOST];
    let mut found = 0;
    for node in ring {
        let mut earlier = before[..found].iter().flatten();
        if earlier.clone().any(|other| node.is(*other)) {
            continue;
        }
        if earlier.any(|other| node.is_in_rack_of(*other)) {
            if repeats == 0 {
                continue;
            }
            repeats -= 1;
        }
        if found == nth {
            return Some(node);
        }
        *before.get_mut(found)? = Some(node);
        found += 1;
    }
    None
}

impl fmt::Debug for Replications {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replications").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::iter::successors;

    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    struct Place {
        node: usize,
        rack: usize,
    }

    impl Located for Place {
        fn is(self, other: Self) -> bool {
            self.node == other.node
        }

        fn is_in_rack_of(self, other: Self) -> bool {
            self.rack == other.rack
        }
    }

    /// As Cassandra's own `NetworkTopologyStrategy` describes it: racks first, and then the nodes that
    /// were passed by.
    fn replicas(ring: &[Place], factor: usize) -> BTreeSet<Place> {
        let nodes: BTreeSet<_> = ring.iter().copied().collect();
        let racks: BTreeSet<_> = ring.iter().map(|place| place.rack).collect();
        let wanted = factor.min(nodes.len());
        let mut repeats = factor.saturating_sub(racks.len());
        let mut chosen = BTreeSet::new();
        for place in ring {
            if chosen.len() == wanted {
                break;
            }
            if chosen.contains(place) {
                continue;
            }
            if !chosen.iter().any(|other: &Place| other.rack == place.rack) {
                chosen.insert(*place);
            } else if repeats > 0 {
                repeats -= 1;
                chosen.insert(*place);
            }
        }
        assert_eq!(chosen.len(), wanted);
        chosen
    }

    #[test]
    fn its_replicas_are_those_of_the_strategy() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..2_000 {
            let racks = random.usize(1..=4);
            let places: Vec<_> = (0..random.usize(1..=9))
                .map(|node| Place { node, rack: random.usize(..racks) })
                .collect();
            let mut ring: Vec<_> = places.iter().flat_map(|place| [*place; 4]).collect();
            random.shuffle(&mut ring);
            let nodes = places.len();
            let racks: BTreeSet<_> = places.iter().map(|place| place.rack).collect();
            for factor in 1..=MOST {
                let replication = Replication::in_datacenter(factor, nodes, racks.len()).unwrap();
                let found: Vec<_> = (0..replication.replicas.into())
                    .map(|nth| nth_replica(ring.iter().copied(), nth, replication.repeats).unwrap())
                    .collect();
                assert_eq!(found.len(), factor.min(nodes));
                assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), replicas(&ring, factor));
            }
        }
    }

    #[test]
    fn what_has_too_many_replicas_or_none_is_left_to_the_driver() {
        assert_eq!(Replication::in_datacenter(MOST + 1, 100, 3), None);
        assert_eq!(Replication::in_datacenter(0, 100, 3).unwrap().replicas, 0);
        assert!(Replication::in_datacenter(usize::MAX, 3, 1).is_some());
    }

    #[test]
    fn a_ring_that_ends_too_early_has_no_such_replica() {
        let ring = successors(Some(Place { node: 0, rack: 0 }), |place| Some(*place)).take(9);
        assert_eq!(nth_replica(ring, 1, 7), None);
    }
}
