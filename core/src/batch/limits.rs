//! How large a batch may be.

/// The sizes up to which a server takes batches, so that a larger one is refused before it is
/// sent.
///
/// A server counts what is written, not what is sent: cells and rows with 20 to 30 bytes of their own
/// besides their values; the partition key counts for nothing. A batch that is a single mutation, one
/// partition key in one keyspace, also over several tables, is not subject to `warn` and `refuse`.
///
/// ```
/// use cqlstack_core::{BatchLimits, Session};
///
/// // As in the servers' cassandra.yaml.
/// let limits = BatchLimits { refuse: 100 * 1024, ..BatchLimits::CASSANDRA };
/// let builder = Session::builder().batch_limits(limits);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct BatchLimits {
    /// Over several partitions: what is larger is warned of. `batch_size_warn_threshold`
    pub warn: usize,
    /// Over several partitions: what is larger is refused. `batch_size_fail_threshold`
    pub refuse: usize,
    /// Different texts: more may not fit the server's cache of prepared statements, which would then forget
    /// some of them for each that it prepares. A server's `prepared_statements_cache_size`, 10 MiB unless the
    /// heap is large, holds some thousands, and 1 MiB, the smallest, fewer than 300.
    pub texts: usize,
    /// What is written to one partition. `max_mutation_size`, which is half a commit log segment unless it
    /// is set.
    pub mutation: usize,
}

impl BatchLimits {
    /// The defaults of Cassandra, 5 KiB, 50 KiB and 16 MiB; and 100 texts.
    pub const CASSANDRA: Self =
        Self { warn: 5 * 1024, refuse: 50 * 1024, texts: 100, mutation: 16 * 1024 * 1024 };
    /// The defaults of ScyllaDB, 128 KiB, 1 MiB and 16 MiB; and 100 texts.
    pub const SCYLLADB: Self =
        Self { warn: 128 * 1024, refuse: 1024 * 1024, texts: 100, mutation: 16 * 1024 * 1024 };
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self::CASSANDRA
    }
}
