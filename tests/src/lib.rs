//! What the tests, the examples and the benchmarks run against: throwaway Cassandra clusters
//! ([`cluster`]).

pub mod cluster;

/// Compiles the README's blocks.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
