//! A question to one node.

use std::sync::Arc;

use futures::future::BoxFuture;
use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session::Session as Driver;
use scylla::cluster::Node;
use scylla::errors::ExecutionError;
use scylla::policies::load_balancing::{NodeIdentifier, SingleTargetLoadBalancingPolicy};
use scylla::response::query_result::QueryResult;
use scylla::statement::Statement as DriverStatement;

/// The nodes that have a connection which is not known to be broken.
pub(in crate::session) fn connected(driver: &Driver) -> Vec<Arc<Node>> {
    let cluster = driver.get_cluster_state();
    cluster.get_nodes_info().iter().filter(|node| node.is_connected()).cloned().collect()
}

/// The answer of this node to a text, whichever node load balancing would choose.
pub(in crate::session) fn query<'s>(
    driver: &'s Driver,
    node: &Arc<Node>,
    text: &str,
) -> BoxFuture<'s, Result<QueryResult, ExecutionError>> {
    let this = SingleTargetLoadBalancingPolicy::new(NodeIdentifier::Node(Arc::clone(node)), None);
    let profile = ExecutionProfile::builder().load_balancing_policy(this).build();
    let mut statement = DriverStatement::new(text);
    statement.set_execution_profile_handle(Some(profile.into_handle()));
    Box::pin(driver.query_unpaged(statement, ()))
}
