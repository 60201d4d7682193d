//! Behaviour on a real Cassandra, one module a subject.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod bad_input;
mod building;
mod failover;
mod fixture;
mod frozen;
mod login;
mod paging;
#[cfg(feature = "provisioning")]
mod provisioning;
mod requests;
mod rows;
mod stack;
mod statements;
mod support;
mod time;
mod timestamps;
