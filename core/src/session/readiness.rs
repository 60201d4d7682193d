//! Whether requests at a consistency level can be done, range by range.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use scylla::cluster::metadata::Strategy;
use scylla::cluster::{ClusterState, Node};
use scylla::frame::response::result::TableSpec;
use scylla::frame::types::Consistency;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::execute::add;
use super::{Inner, nodes};
use crate::error::{Error, ErrorKind};
use crate::invalid_config::InvalidConfig;

/// How many of the ranges of a keyspace have enough replicas up for a consistency level: what
/// [`Session::check_ready_at`](crate::Session::check_ready_at) found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Readiness {
    /// The keyspace in use.
    pub keyspace: String,
    /// The level that was asked for.
    pub consistency: Consistency,
    /// Ranges with enough replicas up.
    pub ready: usize,
    /// All ranges of the ring.
    pub ranges: usize,
    /// The nodes that did not answer in time.
    pub down: Vec<SocketAddr>,
}

impl Readiness {
    /// For what a test puts in place of a session.
    #[must_use]
    pub fn new(keyspace: impl Into<String>, consistency: Consistency) -> Self {
        Self { keyspace: keyspace.into(), consistency, ready: 0, ranges: 0, down: Vec::new() }
    }

    /// The share of the ranges with enough replicas up, from 0 to 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "no ring has 2^52 ranges")]
    pub fn share(&self) -> f64 {
        if self.ranges == 0 { 0.0 } else { self.ready as f64 / self.ranges as f64 }
    }
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { keyspace, consistency, ready, ranges, down } = self;
        let percent = self.share() * 100.0;
        write!(
            f,
            "{ready} of {ranges} ranges ({percent:.0} %) of keyspace `{keyspace}` have enough replicas up for \
             {consistency}"
        )?;
        for (index, node) in down.iter().enumerate() {
            write!(f, "{}{node}", if index == 0 { "; no answer from " } else { ", " })?;
        }
        Ok(())
    }
}

/// How long other nodes are waited for once a range is ready.
const GRACE: Duration = Duration::from_millis(100);

pub(super) async fn ready_at(
    session: &Inner,
    consistency: Consistency,
    within: Duration,
) -> Result<Readiness, Error> {
    let Some(keyspace) = session.driver.get_keyspace() else {
        let why = "is not set, and readiness at a level is that of its ranges: set it, or ask `check_ready`";
        return Err(InvalidConfig::new("keyspace", why).into());
    };
    let cluster = session.driver.get_cluster_state();
    let ranges = Ranges::of(session, &cluster, &keyspace).await?;
    let mut until = add(Instant::now(), within);
    let asked = cluster.get_nodes_info().iter().map(async |node| {
        let answered = nodes::ask(session, node, within).await.is_ok();
        (node.host_id, answered)
    });
    let mut answers: FuturesUnordered<_> = asked.collect();
    let mut up = BTreeSet::new();
    while let Ok(Some((node, answered))) = timeout_at(until, answers.next()).await {
        if answered && up.insert(node) && ranges.ready(consistency, &up).next().is_some() {
            until = until.min(Instant::now() + GRACE);
        }
    }
    let down = cluster.get_nodes_info().iter().filter(|node| !up.contains(&node.host_id));
    let readiness = Readiness {
        keyspace: keyspace.to_string(),
        consistency,
        ready: ranges.ready(consistency, &up).sum(),
        ranges: ranges.replicas.values().sum(),
        down: down.map(|node| session.translation.address(node)).collect(),
    };
    if readiness.ready > 0 {
        return Ok(readiness);
    }
    Err(Error::setup(ErrorKind::TooFewReplicas(Box::new(readiness))))
}

/// A replica: the node and its datacentre.
type Replica = (Uuid, Option<String>);

/// The ranges of a keyspace: which replicas they have, and how many have the same.
struct Ranges {
    replicas: BTreeMap<Vec<Replica>, usize>,
    factors: Factors,
    local: Option<String>,
}

/// How many replicas there are to be.
enum Factors {
    Everywhere(usize),
    /// By datacentre.
    Each(BTreeMap<String, usize>),
}

/// Ranges that are looked at before other tasks have their turn.
const AT_ONCE: usize = 256;

impl Ranges {
    async fn of(session: &Inner, cluster: &ClusterState, name: &str) -> Result<Self, Error> {
        let unknown = || ErrorKind::UnknownKeyspace { name: name.to_owned() };
        let keyspace = cluster.get_keyspace(name).ok_or_else(|| Error::setup(unknown()))?;
        let factors = match &keyspace.strategy {
            Strategy::SimpleStrategy { replication_factor } => {
                Factors::Everywhere(*replication_factor)
            }
            Strategy::NetworkTopologyStrategy { datacenter_repfactors } => {
                let factors = datacenter_repfactors.iter();
                Factors::Each(factors.map(|(name, factor)| (name.clone(), *factor)).collect())
            }
            // One node answers for itself, and what the driver does not know is taken for that.
            _ => Factors::Everywhere(1),
        };
        let locator = cluster.replica_locator();
        let local = session.config.local_datacenter.clone();
        let local = local.or_else(|| locator.datacenter_names().first().cloned());
        let table = TableSpec::borrowed(name, "");
        let mut replicas = BTreeMap::new();
        for (index, (token, _)) in locator.ring().iter().enumerate() {
            let of_range = locator.replicas_for_token(*token, &keyspace.strategy, None, &table);
            let of_range = of_range
                .into_iter()
                .map(|(node, _): (&Arc<Node>, _)| (node.host_id, node.datacenter.clone()));
            *replicas.entry(of_range.collect()).or_default() += 1;
            if index % AT_ONCE == AT_ONCE - 1 {
                yield_now().await;
            }
        }
        Ok(Self { replicas, factors, local })
    }

    /// How many ranges have the same replicas, of those that are ready.
    fn ready(&self, level: Consistency, up: &BTreeSet<Uuid>) -> impl Iterator<Item = usize> {
        let is_ready = move |replicas: &[Replica]| self.is_ready(level, replicas, up);
        self.replicas.iter().filter(move |(replicas, _)| is_ready(replicas)).map(|(_, same)| *same)
    }

    fn is_ready(&self, level: Consistency, replicas: &[Replica], up: &BTreeSet<Uuid>) -> bool {
        let alive = |datacenter: Option<&str>| {
            let here = replicas
                .iter()
                .filter(|(_, of)| datacenter.is_none_or(|name| of.as_deref() == Some(name)));
            here.filter(|(node, _)| up.contains(node)).count()
        };
        let all = match &self.factors {
            Factors::Everywhere(factor) => *factor,
            Factors::Each(factors) => factors.values().sum(),
        };
        let quorum = |factor: usize| factor / 2 + 1;
        let local = self.local.as_deref();
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

    /// Ranges whose replicas are the nodes with these numbers; from 10 on they are in the second datacentre.
    fn ranges(factors: Factors, replicas: &[&[u128]]) -> Ranges {
        let datacenter = |number| if number < 10 { "dc1" } else { "dc2" };
        let mut counted = BTreeMap::new();
        for of_range in replicas {
            let of_range = of_range.iter().map(|it| (node(*it), Some(datacenter(*it).to_owned())));
            *counted.entry(of_range.collect()).or_default() += 1;
        }
        Ranges { replicas: counted, factors, local: Some("dc1".to_owned()) }
    }

    fn ready(ranges: &Ranges, level: Consistency, up: &[u128]) -> usize {
        ranges.ready(level, &up.iter().copied().map(node).collect()).sum()
    }

    fn each(factors: &[(&str, usize)]) -> Factors {
        Factors::Each(factors.iter().map(|(name, factor)| ((*name).to_owned(), *factor)).collect())
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
    fn local_levels_count_the_local_datacentre_and_others_all_of_them() {
        let both = ranges(each(&[("dc1", 3), ("dc2", 3)]), &[&[1, 2, 3, 11, 12, 13]]);
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
        let elsewhere = ranges(each(&[("dc2", 3)]), &[&[11, 12, 13]]);
        assert_eq!(ready(&elsewhere, Consistency::LocalQuorum, &[11, 12, 13]), 0);
        assert_eq!(ready(&elsewhere, Consistency::EachQuorum, &[11, 12]), 1);
    }

    #[test]
    fn the_share_is_said_and_the_nodes_are_named() {
        let mut readiness = Readiness::new("app", Consistency::Quorum);
        assert_eq!(readiness.share().to_bits(), 0);
        (readiness.ready, readiness.ranges) = (6, 24);
        readiness.down = vec![SocketAddr::from(([127, 0, 0, 1], 1)); 2];
        assert_eq!(
            readiness.to_string(),
            "6 of 24 ranges (25 %) of keyspace `app` have enough replicas up for Quorum; no answer from \
             127.0.0.1:1, 127.0.0.1:1"
        );
    }
}
