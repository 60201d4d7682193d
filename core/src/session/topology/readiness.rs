//! Whether requests at a consistency level can be done, range by range.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures::future::{join, join_all};
use scylla::cluster::metadata::Strategy;
use scylla::cluster::{ClusterState, Node};
use scylla::frame::response::result::TableSpec;
use scylla::frame::types::Consistency;
use tokio::task::yield_now;
use uuid::Uuid;

use crate::error::{Error, ErrorKind, Readiness};
use crate::invalid_config::InvalidConfig;
use crate::session::inner::Inner;
use crate::session::topology::probe::probe;

pub(in crate::session) async fn ready_at(
    session: &Inner,
    consistency: Consistency,
    within: Duration,
) -> Result<Readiness, Error> {
    let Some(keyspace) = session.keyspaces.name(&session.driver) else {
        let why = "is not set, and readiness at a level is that of its ranges: set it, or ask `check_ready`";
        return Err(InvalidConfig::new("keyspace", why).into());
    };
    let cluster = session.driver.get_cluster_state();
    let asked = cluster.get_nodes_info().iter().map(async |node| {
        let answered = probe(session, node, within).await.is_ok();
        answered.then_some(node.host_id)
    });
    let ranges = Ranges::of(session, &cluster, &keyspace);
    let (up, ranges) = join(join_all(asked), ranges).await;
    let (up, ranges) = (up.into_iter().flatten().collect(), ranges?);
    let down =
        cluster.get_nodes_info().iter().filter(|node| !BTreeSet::contains(&up, &node.host_id));
    let readiness = Readiness {
        keyspace: keyspace.to_string(),
        consistency,
        ready: ranges.ready(consistency, &up),
        ranges: ranges.replicas.values().sum(),
        down: down.map(|node| session.translation.address(node)).collect(),
    };
    if readiness.ready > 0 {
        return Ok(readiness);
    }
    Err(Error::setup(ErrorKind::TooFewReplicas(Box::new(readiness))))
}

/// A replica: the node and its datacenter.
type Replica<'c> = (Uuid, Option<&'c str>);

/// The ranges of a keyspace: which replicas they have, and how many have the same.
struct Ranges<'c> {
    replicas: BTreeMap<Vec<Replica<'c>>, usize>,
    factors: Factors<'c>,
    local: Option<&'c str>,
}

/// How many replicas there are to be.
enum Factors<'c> {
    Everywhere(usize),
    /// By datacenter.
    Each(&'c HashMap<String, usize>),
}

/// Ranges that are looked at before other tasks have their turn.
const AT_ONCE: usize = 256;

impl<'c> Ranges<'c> {
    async fn of(session: &'c Inner, cluster: &'c ClusterState, name: &str) -> Result<Self, Error> {
        let unknown = || ErrorKind::UnknownKeyspace { name: name.to_owned() };
        let keyspace = cluster.get_keyspace(name).ok_or_else(|| Error::setup(unknown()))?;
        let nodes = cluster.get_nodes_info();
        let is_everywhere = |name: &str| name.ends_with("EverywhereStrategy");
        let factors = match &keyspace.strategy {
            Strategy::SimpleStrategy { replication_factor } => {
                Factors::Everywhere(*replication_factor)
            }
            Strategy::NetworkTopologyStrategy { datacenter_repfactors } => {
                Factors::Each(datacenter_repfactors)
            }
            Strategy::LocalStrategy => Factors::Everywhere(1),
            Strategy::Other { name, .. } if is_everywhere(name) => Factors::Everywhere(nodes.len()),
            _ => {
                let why = "has a replication that the session does not know: ask `check_ready`";
                return Err(InvalidConfig::new("keyspace", why).into());
            }
        };
        let locator = cluster.replica_locator();
        let local = session.config.local_datacenter.as_deref();
        let local = local.or_else(|| locator.datacenter_names().first().map(String::as_str));
        let replica = |node: &'c Arc<Node>| (node.host_id, node.datacenter.as_deref());
        let mut replicas = BTreeMap::new();
        if keyspace.tablet_based || matches!(keyspace.strategy, Strategy::Other { .. }) {
            replicas.insert(nodes.iter().map(replica).collect(), 1);
            return Ok(Self { replicas, factors, local });
        }
        let table = TableSpec::borrowed(name, "");
        for (index, (token, _)) in locator.ring().iter().enumerate() {
            let of_range = locator.replicas_for_token(*token, &keyspace.strategy, None, &table);
            let of_range = of_range.into_iter().map(|(node, _)| replica(node)).collect();
            *replicas.entry(of_range).or_default() += 1;
            if index % AT_ONCE == AT_ONCE - 1 {
                yield_now().await;
            }
        }
        Ok(Self { replicas, factors, local })
    }

    fn ready(&self, level: Consistency, up: &BTreeSet<Uuid>) -> usize {
        let ready = self.replicas.iter().filter(|(it, _)| self.is_ready(level, it, up));
        ready.map(|(_, same)| *same).sum()
    }

    fn is_ready(&self, level: Consistency, replicas: &[Replica<'_>], up: &BTreeSet<Uuid>) -> bool {
        let alive = |datacenter: Option<&str>| {
            let here = replicas.iter().filter(|(_, of)| datacenter.is_none() || *of == datacenter);
            here.filter(|(node, _)| up.contains(node)).count()
        };
        let all = match &self.factors {
            Factors::Everywhere(factor) => *factor,
            Factors::Each(factors) => factors.values().sum(),
        };
        let quorum = |factor: usize| factor / 2 + 1;
        let local = self.local;
        match level {
            Consistency::Two => alive(None) >= 2,
            Consistency::Three => alive(None) >= 3,
            Consistency::Quorum | Consistency::Serial => alive(None) >= quorum(all),
            Consistency::All => alive(None) >= all.max(1),
            Consistency::LocalOne => alive(local) >= 1,
            Consistency::LocalQuorum | Consistency::LocalSerial => {
                let factor = match (&self.factors, local) {
                    (Factors::Each(factors), Some(name)) => factors.get(name).copied(),
                    _ => Some(all),
                };
                alive(local) >= quorum(factor.unwrap_or(0))
            }
            Consistency::EachQuorum => match &self.factors {
                Factors::Everywhere(factor) => alive(None) >= quorum(*factor),
                Factors::Each(factors) => factors
                    .iter()
                    .filter(|(_, factor)| **factor > 0)
                    .all(|(name, factor)| alive(Some(name)) >= quorum(*factor)),
            },
            Consistency::Any | Consistency::One => alive(None) >= 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    /// Ranges whose replicas are the nodes with these numbers; from 10 on they are in the second datacenter.
    fn ranges<'c>(factors: Factors<'c>, replicas: &[&[u128]]) -> Ranges<'c> {
        let datacenter = |number| if number < 10 { "dc1" } else { "dc2" };
        let mut counted = BTreeMap::new();
        for of_range in replicas {
            let of_range = of_range.iter().map(|it| (node(*it), Some(datacenter(*it))));
            *counted.entry(of_range.collect()).or_default() += 1;
        }
        Ranges { replicas: counted, factors, local: Some("dc1") }
    }

    fn ready(ranges: &Ranges<'_>, level: Consistency, up: &[u128]) -> usize {
        ranges.ready(level, &up.iter().copied().map(node).collect())
    }

    fn each(factors: &[(&str, usize)]) -> HashMap<String, usize> {
        factors.iter().map(|(name, factor)| ((*name).to_owned(), *factor)).collect()
    }

    #[test]
    fn each_range_needs_as_many_replicas_as_the_level_says() {
        let three = ranges(Factors::Everywhere(3), &[&[1, 2, 3], &[2, 3, 1], &[1, 2, 4]]);
        for (level, up, expected) in [
            (Consistency::One, &[1][..], 3),
            (Consistency::Any, &[4], 1),
            (Consistency::LocalOne, &[4], 1),
            (Consistency::Two, &[1, 4], 1),
            (Consistency::Three, &[1, 2, 3], 2),
            (Consistency::Quorum, &[1, 2], 3),
            (Consistency::Quorum, &[1, 3], 2),
            (Consistency::Quorum, &[1], 0),
            (Consistency::Serial, &[1, 4], 1),
            (Consistency::LocalQuorum, &[1, 3], 2),
            (Consistency::EachQuorum, &[1, 3], 2),
            (Consistency::All, &[1, 2, 3], 2),
            (Consistency::All, &[1, 2], 0),
        ] {
            assert_eq!(ready(&three, level, up), expected, "{level} with {up:?}");
        }
    }

    #[test]
    fn local_levels_count_the_local_datacenter_and_others_all_of_them() {
        let factors = each(&[("dc1", 3), ("dc2", 3)]);
        let both = ranges(Factors::Each(&factors), &[&[1, 2, 3, 11, 12, 13]]);
        for (level, up, expected) in [
            (Consistency::LocalOne, &[11, 12, 13][..], 0),
            (Consistency::LocalQuorum, &[1, 11, 12, 13], 0),
            (Consistency::LocalSerial, &[1, 2], 1),
            (Consistency::Quorum, &[1, 2, 3], 0),
            (Consistency::Quorum, &[1, 11, 12, 13], 1),
            (Consistency::EachQuorum, &[1, 11, 12, 13], 0),
            (Consistency::EachQuorum, &[1, 2, 11, 12], 1),
            (Consistency::One, &[13], 1),
        ] {
            assert_eq!(ready(&both, level, up), expected, "{level} with {up:?}");
        }
    }

    #[test]
    fn fewer_nodes_than_replicas_do_not_make_a_quorum_smaller() {
        let alone = ranges(Factors::Everywhere(3), &[&[1]]);
        assert_eq!(ready(&alone, Consistency::Quorum, &[1]), 0);
        assert_eq!(ready(&alone, Consistency::One, &[1]), 1);
        let factors = each(&[("dc2", 3)]);
        let elsewhere = ranges(Factors::Each(&factors), &[&[11, 12, 13]]);
        assert_eq!(ready(&elsewhere, Consistency::LocalQuorum, &[11, 12, 13]), 0);
        assert_eq!(ready(&elsewhere, Consistency::EachQuorum, &[11, 12]), 1);
    }
}
