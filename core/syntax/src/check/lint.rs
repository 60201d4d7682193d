//! Names of findings that a program may allow.

use std::fmt;

/// A finding that a server may accept. A program allows it by its name where it is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lint {
    /// A `SELECT` without a partition key reads the whole table, from all nodes.
    Scan,
    /// `ALLOW FILTERING` over several partitions reads rows to throw them away.
    Filtering,
    /// `IN` on the partition key of a `SELECT` makes one node ask all others, and wait for the slowest.
    PartitionIn,
    /// The server prepares it, and refuses to execute it: several values of `IN` beside `IF`, a column deleted in a
    /// range of rows, a view that is truncated, `USE` of a keyspace that is not there.
    RefusedWhenExecuted,
    /// A change of the schema does not fit the schema file, which may show the time after it.
    SchemaChange,
    /// A marker in a literal of a list, set or map, which `ScyllaDB` takes and Cassandra does not.
    MarkerInLiteral,
    /// `?` and `:name` in one statement: the order of the values depends on both.
    MixedMarkers,
    /// A name in capitals without quotes means another column than the one that is spelled so.
    Case,
    /// A table without its keyspace, of which the schema does not tell which one is meant.
    NoKeyspace,
    /// A function that this version does not know; a newer server may.
    UnknownFunction,
    /// An option of a table or keyspace that this version does not know; a newer server may.
    UnknownOption,
}

impl Lint {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Scan,
        Self::Filtering,
        Self::PartitionIn,
        Self::RefusedWhenExecuted,
        Self::SchemaChange,
        Self::MarkerInLiteral,
        Self::MixedMarkers,
        Self::Case,
        Self::NoKeyspace,
        Self::UnknownFunction,
        Self::UnknownOption,
    ];

    /// Its name in `allow(…)`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scan => "scan",
            Self::Filtering => "filtering",
            Self::PartitionIn => "partition_in",
            Self::RefusedWhenExecuted => "refused_when_executed",
            Self::SchemaChange => "schema_change",
            Self::MarkerInLiteral => "marker_in_literal",
            Self::MixedMarkers => "mixed_markers",
            Self::Case => "case",
            Self::NoKeyspace => "no_keyspace",
            Self::UnknownFunction => "unknown_function",
            Self::UnknownOption => "unknown_option",
        }
    }

    /// The lint of this name.
    ///
    /// ```
    /// use cqlstack_syntax::check::Lint;
    ///
    /// assert_eq!(Lint::named("scan"), Some(Lint::Scan));
    /// assert_eq!(Lint::named("skan"), None);
    /// ```
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|lint| lint.name() == name)
    }
}

/// Its name.
impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
