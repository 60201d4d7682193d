//! What went wrong, without the server's words.

use std::net::SocketAddr;
use std::time::Duration;

use scylla::frame::types::Consistency;

use super::readiness::Readiness;
use super::reason::FailureReason;
use super::schema_versions::SchemaVersions;
use super::tls::TlsFault;
use super::unreadable::UnreadableType;
use crate::batch::BatchFault;
use crate::invalid_config::InvalidConfig;

/// What went wrong. No variant holds a bound value or text from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    // Building a session.
    /// A setting that cannot be.
    InvalidConfig(InvalidConfig),
    /// No session within the time: no contact point can be reached, or none of the nodes that it told of.
    Unreachable {
        /// Where it was tried.
        contact_points: Vec<String>,
        /// Of these, the names without an address, each with what the resolver says.
        unresolved: Vec<String>,
        /// The nodes that a contact point told of, at the addresses at which they were tried. None if no contact
        /// point was reached.
        learned: Vec<SocketAddr>,
        /// How long it was tried.
        after: Duration,
    },
    /// A node answered, and none could tell which nodes and datacentres there are, so that those of the local
    /// datacentre are not known.
    UnknownCluster {
        /// Where it was tried.
        contact_points: Vec<String>,
    },
    /// No node is in the local datacentre.
    UnknownDatacenter {
        /// The name that was given.
        name: Option<String>,
        /// The datacentres that there are.
        known: Vec<String>,
    },
    /// The password would cross the network as it is.
    UnencryptedPassword {
        /// To this node, of which another one told.
        node: SocketAddr,
    },
    /// No encrypted connection came to be.
    Tls(TlsFault),
    /// A node asks for an authenticator to which no password is given.
    UnknownAuthenticator {
        /// What the node calls it.
        name: String,
    },
    /// The provider of credentials failed.
    NoCredentials,
    /// The session's keyspace does not exist.
    UnknownKeyspace {
        /// The name that was given.
        name: String,
    },

    // Before the send.
    /// The request's deadline passed, or the time of its attempt was over, before it was sent.
    DeadlinePassed(Waited),
    /// The request cannot be right; the text says why and what to do.
    InvalidRequest(String),
    /// The batch is a mistake, or the server would refuse it.
    Batch(BatchFault),
    /// The page token is not one of this statement with these values, or was altered.
    PageToken,
    /// The values do not fit the statement: their number, or the type of one.
    Values(String),
    /// The session is shut down.
    Closed,
    /// No node has a usable connection.
    NoConnection,
    /// No range of the keyspace has enough replicas up for the level.
    TooFewReplicas(Box<Readiness>),
    /// All stream ids of the connection are in use.
    NoStreamId,
    /// The statement could not be prepared in time on all nodes.
    PrepareTimeout {
        /// How long it was tried.
        after: Duration,
    },
    /// No node prepared the statement, for reasons that are not the statement's.
    PrepareFailed,
    /// A node's answer to the preparation could not be understood.
    PrepareUnreadable,
    /// Nodes know the statement that they prepared by different ids, so that the driver cannot execute it.
    PreparedIdsDiffer,
    /// The statement names no keyspace, and it is not certain which one the connections have in use: a `USE` is
    /// under way, or the last one did not succeed. Of a `USE`: another one, or a statement that names no
    /// keyspace, was under way all the time.
    KeyspaceUnsettled,
    /// The statement names no keyspace, and another one is in use than when a part of it was prepared, or than
    /// when an earlier attempt was sent, which may have been applied there.
    KeyspaceChanged,
    /// The place in a result is not one of this statement's: another keyspace is in use, or the table was made
    /// anew, since that page was read.
    OtherResult,

    // Answered by the server.
    /// The text is not CQL as this server understands it.
    Syntax,
    /// The text is CQL, but not valid for this schema.
    Invalid,
    /// Driver and server do not understand each other.
    Protocol,
    /// The role lacks a permission.
    Unauthorized,
    /// The credentials were refused, or are missing.
    Authentication,
    /// The server's configuration does not allow it.
    ServerConfiguration,
    /// The keyspace or table exists already.
    AlreadyExists {
        /// The keyspace.
        keyspace: String,
        /// The table, empty if it is about the keyspace.
        table: String,
    },
    /// A user-defined function failed.
    FunctionFailure {
        /// The keyspace of the function.
        keyspace: String,
        /// The name of the function.
        function: String,
    },
    /// The coordinator is still joining the ring.
    Bootstrapping,
    /// The server forgot the statement again right after it was prepared anew.
    Unprepared,
    /// The server forgot statements of a batch while others of it were prepared anew: they do not fit its
    /// cache all together, and it never executed the batch.
    StatementsForgotten {
        /// How many different texts the batch has.
        texts: usize,
    },
    /// Too few replicas are alive for the consistency level.
    Unavailable {
        /// The consistency level asked for.
        consistency: Consistency,
        /// Replicas needed.
        required: i32,
        /// Replicas known to be alive.
        alive: i32,
    },
    /// The coordinator said that it is overloaded.
    Overloaded,
    /// An internal error of the server.
    ServerError,
    /// TRUNCATE failed on some replica.
    TruncateError,
    /// Replicas did not answer the coordinator in time.
    ReadTimeout(Replicas),
    /// A replica failed to read.
    ReadFailure(Replicas),
    /// Replicas did not acknowledge the write in time.
    WriteTimeout(Replicas, WriteType),
    /// A replica failed to write.
    WriteFailure(Replicas, WriteType),
    /// The server's rate limit for a partition (ScyllaDB).
    RateLimited {
        /// Refused before any replica saw it.
        by_coordinator: bool,
    },
    /// The schema was changed, and the nodes did not agree on it in time
    /// ([`schema_agreement_timeout`](crate::SessionBuilder::schema_agreement_timeout)): these have different
    /// versions.
    SchemaDisagreement(Box<SchemaVersions>),
    /// The schema was changed, and not enough nodes told their version of it in time to know whether they agree.
    SchemaUnconfirmed(Box<SchemaVersions>),
    /// An error code that this version does not know.
    UnknownCode(i32),

    // Lost on the way.
    /// The connection broke before the answer came.
    ConnectionBroken,
    /// The session was shut down before the answer came.
    AbortedByShutdown,
    /// No answer within the time of the attempt or by the request's deadline.
    Timeout {
        /// How long the attempt was given.
        after: Duration,
    },
    /// The answer could not be understood.
    UnreadableAnswer,
    /// A column has a type that the driver cannot read.
    UnreadableType(Box<UnreadableType>),

    // About an answer that came.
    /// The rows are not what was asked for: their type, their number, or that there is another page.
    Rows(String),

    // From a layer.
    /// A layer's own error: [`Error::downcast_ref`](crate::Error::downcast_ref) has it.
    Layer,
}

/// What a request waited for until its time was over, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Waited {
    /// For nothing that the session knows of: the deadline had passed when the session was called.
    BeforeTheSession,
    /// For the layers to be ready.
    ForLayers(Duration),
    /// For the caller to give the values that it lends: it was not polled meanwhile.
    ForValues(Duration),
    /// For the clocks of all nodes to pass the timestamps of earlier writes, when servers began to stamp the
    /// writes of a table ([`Timestamps::ByTable`](crate::Timestamps::ByTable)).
    ForClocks(Duration),
}

/// How many replicas answered, of how many needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replicas {
    /// The consistency level asked for.
    pub consistency: Consistency,
    /// Answers received.
    pub received: i32,
    /// Answers needed.
    pub required: i32,
    /// Replicas that reported a failure.
    pub failures: i32,
    /// Why one of them failed, if the server told a reason that is known.
    pub reason: Option<FailureReason>,
    /// Which replica that is, by the address at which nodes speak with each other.
    pub node: Option<SocketAddr>,
}

impl Replicas {
    /// Answers received and needed at this level, and failures that replicas reported.
    #[must_use]
    pub fn new(consistency: Consistency, received: i32, required: i32, failures: i32) -> Self {
        let (reason, node) = (None, None);
        Self { consistency, received, required, failures, reason, node }
    }

    /// With why a replica failed, and which one it is.
    #[must_use]
    pub fn because(self, reason: FailureReason, node: Option<SocketAddr>) -> Self {
        Self { reason: Some(reason), node, ..self }
    }
}

/// Which phase of a write timed out or failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WriteType {
    /// A plain write.
    Simple,
    /// A LOGGED batch whose batch log is written: the server will apply it.
    Batch,
    /// An UNLOGGED batch.
    UnloggedBatch,
    /// A counter.
    Counter,
    /// Writing the batch log of a LOGGED batch.
    BatchLog,
    /// The Paxos phase of a conditional statement.
    Cas,
    /// A materialised view.
    View,
    /// Change data capture.
    Cdc,
    /// One that this version does not know.
    Other,
}

#[cfg(feature = "testing")]
impl WriteType {
    /// All of them.
    pub(crate) const ALL: [Self; 9] = [
        Self::Simple,
        Self::Batch,
        Self::UnloggedBatch,
        Self::Counter,
        Self::BatchLog,
        Self::Cas,
        Self::View,
        Self::Cdc,
        Self::Other,
    ];
}

impl ErrorKind {
    /// Whether the server has said that the statement was executed.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self, Self::SchemaDisagreement(_) | Self::SchemaUnconfirmed(_))
    }
}
