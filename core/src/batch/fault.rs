//! Why a batch is not sent.

use std::fmt;

use crate::one_line::OneLine;

/// A statement of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Member {
    /// Its place in the batch, from 0.
    pub index: usize,
    /// Its name.
    pub name: String,
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "statement {} ({})", self.index, OneLine(&self.name))
    }
}

/// Why a batch is not sent: as it is, it is a mistake, or the server would refuse it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BatchFault {
    /// There is no statement in it.
    Empty,
    /// It has more than 65,535 statements.
    TooMany {
        /// How many.
        statements: usize,
    },
    /// It has more different texts than [`BatchLimits::texts`](crate::BatchLimits::texts).
    TooManyTexts {
        /// How many.
        texts: usize,
        /// What is allowed.
        limit: usize,
    },
    /// One of its statements is no `INSERT`, `UPDATE` or `DELETE`.
    NotAWrite(Member),
    /// A counter is updated in a batch that is none of counters.
    Counter(Member),
    /// Something else than a counter is written in a batch of counters.
    NoCounter(Member),
    /// Two statements of an UNLOGGED batch write to different partitions.
    SeveralPartitions {
        /// A statement, and the columns of its partition key.
        one: (Member, Vec<String>),
        /// Another one.
        other: (Member, Vec<String>),
    },
    /// Which partition a statement of an UNLOGGED batch writes to is not known.
    UnknownPartition(Member, UnknownPartition),
    /// Over several partitions, it is larger than
    /// [`BatchLimits::refuse`](crate::BatchLimits::refuse).
    TooLarge {
        /// How many partitions there are.
        partitions: usize,
        /// What the server counts, at least.
        bytes: usize,
        /// What it allows.
        limit: usize,
    },
    /// What it writes to one partition is larger than
    /// [`BatchLimits::mutation`](crate::BatchLimits::mutation).
    MutationTooLarge {
        /// What the server counts, at least.
        bytes: usize,
        /// What it allows.
        limit: usize,
    },
}

impl fmt::Display for BatchFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the batch is empty: add a statement, or send nothing"),
            Self::TooMany { statements } => write!(
                f,
                "a batch can hold 65,535 statements, this one has {statements}: send them one by one, \
                 with `Client::many`"
            ),
            Self::TooManyTexts { texts, limit } => write!(
                f,
                "the batch has {texts} different texts, and {limit} are allowed, since a server may not be able to \
                 keep them all prepared: write statements that differ in values as one text with markers, and bind \
                 the values; or split it; or raise `batch_limits.texts`"
            ),
            Self::NotAWrite(member) => {
                write!(f, "{member} is no INSERT, UPDATE or DELETE: execute it by itself")
            }
            Self::Counter(member) => write!(
                f,
                "{member} updates a counter: put counters, and nothing else, into `Batch::counter()`"
            ),
            Self::NoCounter(member) => write!(
                f,
                "{member} updates no counter, in a batch of counters: execute it by itself, or put it \
                 into another batch"
            ),
            Self::SeveralPartitions { one, other } => write!(
                f,
                "{} by {} and {} by {} write to different partitions, and an UNLOGGED batch over several \
                 is not atomic, and has one node do the work of all: send them one by one, at the same \
                 time, or take `Batch::logged()` if all or none must be written",
                one.0,
                Key(&one.1),
                other.0,
                Key(&other.1)
            ),
            Self::UnknownPartition(member, why) => write!(
                f,
                "nobody but the server knows to which partition {member} writes: {why}; or set \
                 `BatchGuard::Warn`"
            ),
            Self::TooLarge { partitions, bytes, limit } => write!(
                f,
                "the batch writes {bytes} bytes to {partitions} partitions, and the server takes {limit}: \
                 split it, or send single writes; or raise `batch_limits` with the server's \
                 batch_size_fail_threshold"
            ),
            Self::MutationTooLarge { bytes, limit } => write!(
                f,
                "the batch writes {bytes} bytes to one partition, and the server takes {limit} at a time: \
                 split it; or raise `batch_limits` with the server's max_mutation_size"
            ),
        }
    }
}

/// `(id, day)`
struct Key<'a>(&'a [String]);

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({})", self.0.join(", "))
    }
}

/// Why nobody but the server knows which partition a statement writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnknownPartition {
    /// `IN`: it may write to several by itself.
    Several,
    /// The parser does not understand the text.
    Unread,
    /// A part of the key is neither bound nor a plain literal, or stands in a JSON text.
    Computed,
    /// The session does not know the table (yet).
    Table,
    /// A part of the key is null.
    Null,
}

impl fmt::Display for UnknownPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Several => "it may write to several, by its IN",
            Self::Unread => "its text is not understood",
            Self::Computed => {
                "a part of its key is computed, in JSON, or a literal of a rare type: bind it with `?`"
            }
            Self::Table => "this session does not know its table",
            Self::Null => "a part of its key is null",
        })
    }
}
