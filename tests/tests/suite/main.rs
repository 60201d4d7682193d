//! Behaviour on a real Cassandra, one module a subject.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod addresses;
mod agreement;
mod atomic;
mod bad_input;
mod batch_frames;
mod batch_sizes;
mod batches;
mod blind;
mod building;
mod cache;
mod canary;
mod checked;
mod classifier;
mod compiled;
mod conditional;
mod coordinator;
mod definitions;
mod driver;
mod dumped;
#[path = "../metrics/exporter.rs"]
mod exporter;
mod failover;
mod faults;
mod finals;
mod first_replica;
mod fixture;
mod forged;
mod frozen;
mod health;
mod keyspaces;
mod limit;
mod login;
mod many;
mod nodes;
mod outside;
mod page_tokens;
mod paging;
mod places;
mod precedence;
mod promises;
#[cfg(feature = "heavy")]
mod provisioning;
mod races;
mod reconnect;
#[cfg(feature = "heavy")]
mod recovery;
mod requests;
mod retry;
mod rows;
mod schema;
mod scripts;
mod service;
mod settings;
mod shutdown;
mod stack;
mod stale;
mod statements;
mod streams;
mod support;
mod switches;
mod time;
mod timestamps;
mod tls;
mod totals;
mod warm_up;
