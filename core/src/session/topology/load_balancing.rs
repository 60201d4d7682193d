//! Which node coordinates a request: the choice of the driver's default policy, made faster.
//!
//! The default policy takes one eighth of the instructions of a read where no datacentre is preferred,
//! since it goes through the replicas of all datacentres, of which there is mostly one. What is common is
//! chosen [here](crate::session::topology::replicas); all else, and whom to ask next, is left to it.

use std::sync::Arc;
use std::time::Duration;

use scylla::cluster::{ClusterState, NodeRef};
use scylla::errors::RequestAttemptError;
use scylla::policies::load_balancing::{
    DefaultPolicy, FallbackPlan, LoadBalancingPolicy, RoutingInfo,
};
use scylla::routing::{NodeLocationPreference, Shard};

use crate::sent;
use crate::session::schema::generation::Clock;
use crate::session::topology::node_attempts::NodeAttempts;
use crate::session::topology::replicas::Replications;

/// Counts, besides, what it is told of, and notes when the cluster state is another one.
#[derive(Debug)]
pub(in crate::session) struct LoadBalancing {
    inner: DefaultPolicy,
    attempts: Arc<NodeAttempts>,
    clock: Arc<Clock>,
    /// None if the default policy is to choose.
    replications: Option<Replications>,
}

impl LoadBalancing {
    pub(in crate::session) fn new(replica_cache: bool) -> Self {
        Self {
            inner: DefaultPolicy::default(),
            attempts: Arc::default(),
            clock: Arc::default(),
            replications: replica_cache.then(Replications::default),
        }
    }

    pub(in crate::session) fn attempts(&self) -> Arc<NodeAttempts> {
        Arc::clone(&self.attempts)
    }

    pub(in crate::session) fn clock(&self) -> Arc<Clock> {
        Arc::clone(&self.clock)
    }

    /// Any of the replicas in the near datacentre, with equal chances. Nothing where the order matters
    /// (Paxos), where a tablet has a leader, where a datacentre must be found first, and where the replica
    /// is known to be down: the default policy then gives those that are up equal chances.
    fn random_replica<'a>(
        &self,
        request: &RoutingInfo,
        cluster: &'a ClusterState,
        generation: u64,
    ) -> Option<(NodeRef<'a>, Option<Shard>)> {
        let replications = self.replications.as_ref()?;
        let (token, table) = (request.token?, request.table?);
        if request.should_route_as_lwt() {
            return None;
        }
        let near = near(request, cluster)?;
        let keyspace = table.ks_name();
        let (node, shard) =
            replications.random_replica(cluster, generation, keyspace, near, token)?;
        node.is_connected().then_some((node, Some(shard)))
    }
}

impl LoadBalancingPolicy for LoadBalancing {
    fn pick<'a>(
        &'a self,
        request: &'a RoutingInfo,
        cluster: &'a ClusterState,
    ) -> Option<(NodeRef<'a>, Option<Shard>)> {
        self.clock
            .see(cluster)
            .and_then(|generation| self.random_replica(request, cluster, generation))
            .or_else(|| self.inner.pick(request, cluster))
    }

    fn fallback<'a>(
        &'a self,
        request: &'a RoutingInfo,
        cluster: &'a ClusterState,
    ) -> FallbackPlan<'a> {
        self.inner.fallback(request, cluster)
    }

    fn on_request_success(&self, request: &RoutingInfo, latency: Duration, node: NodeRef<'_>) {
        self.inner.on_request_success(request, latency, node);
        self.attempts.count(node, latency, false);
    }

    fn on_request_failure(
        &self,
        request: &RoutingInfo,
        latency: Duration,
        node: NodeRef<'_>,
        error: &RequestAttemptError,
    ) {
        self.inner.on_request_failure(request, latency, node, error);
        sent::failed(error);
        self.attempts.count(node, latency, true);
    }

    fn name(&self) -> String {
        self.inner.name()
    }
}

/// The replicas of the token that are up, in the order of the ring, those of the near datacentre first; what comes
/// after them, and what has no token, is left to the other policy.
#[derive(Debug)]
pub(in crate::session) struct FirstReplica(pub(in crate::session) Arc<LoadBalancing>);

/// Those that are up, in the order of the ring; nothing where there is no token.
fn replicas<'a>(
    request: &'a RoutingInfo<'_>,
    cluster: &'a ClusterState,
) -> impl Iterator<Item = (NodeRef<'a>, Shard)> + use<'a> {
    let of_token = || {
        let (token, table) = (request.token?, request.table?);
        let strategy = &cluster.get_keyspace(table.ks_name())?.strategy;
        let near = near(request, cluster);
        let replicas = cluster.replica_locator().replicas_for_token(token, strategy, near, table);
        Some(replicas.into_replicas_ordered())
    };
    of_token().into_iter().flatten().filter(|(node, _)| node.is_connected())
}

impl LoadBalancingPolicy for FirstReplica {
    fn pick<'a>(
        &'a self,
        request: &'a RoutingInfo,
        cluster: &'a ClusterState,
    ) -> Option<(NodeRef<'a>, Option<Shard>)> {
        self.0.clock.see(cluster);
        match replicas(request, cluster).next() {
            Some((node, shard)) => Some((node, Some(shard))),
            None => self.0.pick(request, cluster),
        }
    }

    fn fallback<'a>(
        &'a self,
        request: &'a RoutingInfo,
        cluster: &'a ClusterState,
    ) -> FallbackPlan<'a> {
        let first = replicas(request, cluster);
        let first: Vec<_> = first.map(|(node, shard)| (node, Some(shard))).collect();
        let is_replica: Vec<_> = first.iter().map(|(node, _)| node.host_id).collect();
        let others = self.0.fallback(request, cluster);
        let others = others.filter(move |(node, _)| !is_replica.contains(&node.host_id));
        Box::new(first.into_iter().chain(others))
    }

    fn on_request_success(&self, request: &RoutingInfo, latency: Duration, node: NodeRef<'_>) {
        self.0.on_request_success(request, latency, node);
    }

    fn on_request_failure(
        &self,
        request: &RoutingInfo,
        latency: Duration,
        node: NodeRef<'_>,
        error: &RequestAttemptError,
    ) {
        self.0.on_request_failure(request, latency, node, error);
    }

    fn name(&self) -> String {
        "FirstReplica".to_owned()
    }
}

/// The datacentre that is near, or the only one there is.
fn near<'a>(request: &'a RoutingInfo, cluster: &'a ClusterState) -> Option<&'a str> {
    match (request.node_location_preference, cluster.replica_locator().datacenter_names()) {
        (NodeLocationPreference::Any, [only]) => Some(only),
        (NodeLocationPreference::Datacenter(near), _) => Some(near),
        _ => None,
    }
}
