//! What the tests, the examples and the benchmarks run against: throwaway Cassandra clusters
//! ([`cluster`]); and how they read what Prometheus would ([`scrape`]).

pub mod cluster;
pub mod scrape;

/// Compiles the README's blocks.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
