//! What the tests, the examples and the benchmarks run against: throwaway Cassandra clusters
//! ([`cluster`]).

pub mod cluster;
