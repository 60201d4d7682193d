//! The nodes of a cluster: how they are connected to, how they are, and which of them a request goes to.

pub(in crate::session) mod ask;
pub(in crate::session) mod clocks;
pub(in crate::session) mod connect;
pub(in crate::session) mod health;
pub(in crate::session) mod load_balancing;
pub(in crate::session) mod node_attempts;
pub(in crate::session) mod nodes;
pub(in crate::session) mod presence;
pub(in crate::session) mod probe;
pub(in crate::session) mod readiness;
mod remembered;
pub(in crate::session) mod replicas;
pub(in crate::session) mod setup_fault;
pub(in crate::session) mod warm_up;
