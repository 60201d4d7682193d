//! Sessions with the same settings on both sides.

use std::num::NonZeroUsize;
use std::time::Duration;

use cqlstack_core::{Client, Consistency, CqlService, Session};
use cqlstack_metrics::MetricsLayer;
use cqlstack_middleware::{
    AdaptiveLimitLayer, ConcurrencyLimitLayer, RetryLayer, StatementCacheLayer,
};
use scylla::client::PoolSize;
use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session::Session as Driver;
use scylla::client::session_builder::SessionBuilder;
use tower::ServiceBuilder;

use crate::Failure;
use crate::sockets::Which;

/// What is not set is each side's own default.
#[derive(Debug, Clone, Default)]
pub(crate) struct Connect {
    pub(crate) nodes: Vec<String>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) connections: Option<NonZeroUsize>,
    pub(crate) consistency: Option<Consistency>,
    /// The connections of the sessions that are made.
    pub(crate) sockets: Which,
}

impl Connect {
    pub(crate) async fn session(&self) -> Result<Session, Failure> {
        let mut builder = Session::builder().contact_points(self.nodes.clone());
        if let Some(timeout) = self.timeout {
            builder = builder.attempt_timeout(timeout);
        }
        if let Some(connections) = self.connections {
            builder = builder.connections_per_node(connections);
        }
        if let Some(consistency) = self.consistency {
            builder = builder.consistency(consistency);
        }
        Ok(builder.build().await?)
    }

    pub(crate) async fn driver(&self) -> Result<Driver, Failure> {
        let mut builder = SessionBuilder::new().known_nodes(&self.nodes);
        if let Some(connections) = self.connections {
            builder = builder.pool_size(PoolSize::PerHost(connections));
        }
        let mut profile = ExecutionProfile::builder();
        if let Some(timeout) = self.timeout {
            profile = profile.request_timeout(Some(timeout));
        }
        if let Some(consistency) = self.consistency {
            profile = profile.consistency(consistency);
        }
        let profile = profile.build().into_handle();
        Ok(builder.default_execution_profile_handle(profile).build().await?)
    }

    /// How many each session has for requests.
    pub(crate) fn connections(&self) -> u64 {
        let of_node = self.connections.map_or(1, NonZeroUsize::get);
        (self.nodes.len() * of_node) as u64
    }
}

/// The same with a limit that finds itself, and refuses what is beyond it.
pub(crate) fn adaptive_stack(
    session: impl CqlService + Sync,
    limit: AdaptiveLimitLayer,
) -> Client<impl CqlService + Sync> {
    let stack = ServiceBuilder::new()
        .layer(MetricsLayer::new())
        .layer(RetryLayer::default())
        .layer(limit.reject())
        .layer(StatementCacheLayer::default());
    Client::new(session).layer(stack)
}

/// The stack of the README.
pub(crate) fn full_stack(
    session: impl CqlService + Sync,
    permits: usize,
) -> Result<Client<impl CqlService + Sync>, Failure> {
    let stack = ServiceBuilder::new()
        .layer(MetricsLayer::new())
        .layer(RetryLayer::default())
        .layer(ConcurrencyLimitLayer::new(permits)?)
        .layer(StatementCacheLayer::default());
    Ok(Client::new(session).layer(stack))
}
