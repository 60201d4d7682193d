//! The way of a request through a session: to the driver, and back.

pub(in crate::session) mod answer;
pub(in crate::session) mod batch;
pub(in crate::session) mod call;
pub(in crate::session) mod error;
pub(in crate::session) mod execute;
pub(in crate::session) mod keyspace;
pub(in crate::session) mod place;
pub(in crate::session) mod prepare;
mod reusable;
pub(in crate::session) mod runner;
pub(in crate::session) mod stamping;
pub(in crate::session) mod text;
pub(in crate::session) mod time;
pub(in crate::session) mod use_keyspace;
pub(in crate::session) mod values;
