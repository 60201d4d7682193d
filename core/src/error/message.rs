//! The words of errors.

use std::fmt;

use super::Error;
use super::kind::{ErrorKind, Replicas, Waited, WriteType};
use crate::one_line::OneLine;

/// An error's bare facts, those of a layer included.
pub(super) struct What<'e>(pub(super) &'e Error);

impl fmt::Display for What<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.kind(), self.0.cause()) {
            (ErrorKind::Layer, Some(layer)) => write!(f, "{layer}"),
            (kind, _) => write!(f, "{kind}"),
        }
    }
}

/// The bare facts, without statement, class and advice.
impl fmt::Display for ErrorKind {
    #[expect(clippy::too_many_lines, reason = "a few words for each kind")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidConfig(invalid) => write!(f, "invalid configuration: {invalid}"),
            Self::Unreachable { contact_points, unresolved, learned, after } => {
                let points = contact_points.join(", ");
                write!(f, "no session with the contact points {points} after {after:.1?}")?;
                if !learned.is_empty() {
                    let learned: Vec<_> = learned.iter().map(ToString::to_string).collect();
                    let learned = learned.join(", ");
                    write!(f, ": they told of nodes at {learned}, none of which can be reached")?;
                }
                unresolved.iter().try_for_each(|name| write!(f, "; {name}"))
            }
            Self::UnencryptedPassword { node } => {
                write!(f, "the password would be sent to node {node} as it is")
            }
            Self::UnknownCluster { contact_points } => {
                write!(f, "no node told of the cluster, of {}", contact_points.join(", "))
            }
            Self::UnknownDatacenter { name: Some(name), known } => write!(
                f,
                "there is no datacentre `{name}` in this cluster, there is: {}",
                known.join(", ")
            ),
            Self::UnknownDatacenter { name: None, known } => {
                write!(f, "the cluster has several datacentres: {}", known.join(", "))
            }
            Self::UnknownKeyspace { name } => write!(f, "there is no keyspace `{name}`"),
            Self::Tls(fault) => write!(f, "no encrypted connection: {fault}"),
            Self::UnknownAuthenticator { name } => {
                let name = OneLine(name);
                write!(f, "a node asks for `{name}`, an authenticator to which no password is given")
            }
            Self::NoCredentials => f.write_str("the provider of credentials failed"),
            Self::DeadlinePassed(waited) => {
                write!(f, "its time was over before it was sent{waited}")
            }
            Self::InvalidRequest(why) | Self::Rows(why) => f.write_str(why),
            Self::Batch(fault) => write!(f, "{fault}"),
            Self::PageToken => f.write_str(
                "the page token is not one of this statement with these values, or it was altered",
            ),
            Self::Values(why) => write!(f, "the values do not fit: {why}"),
            Self::Closed => f.write_str("the session is shut down"),
            Self::AbortedByShutdown => f.write_str("the session was shut down before the answer came"),
            Self::TooFewReplicas(readiness) => write!(f, "{readiness}"),
            Self::NoConnection => f.write_str("no node has a usable connection"),
            Self::NoStreamId => f.write_str("all stream ids of the connection are in use"),
            Self::PrepareTimeout { after } => {
                write!(f, "it could not be prepared on all nodes within {after:.1?}")
            }
            Self::PrepareFailed => f.write_str("no node prepared it"),
            Self::PrepareUnreadable => {
                f.write_str("the answer to its preparation could not be understood")
            }
            Self::PreparedIdsDiffer => f.write_str("nodes prepared it under different ids"),
            Self::KeyspaceUnsettled => f.write_str(
                "it is not certain which keyspace is in use: a `USE` is under way, or did not succeed",
            ),
            Self::KeyspaceChanged => f.write_str("the keyspace in use changed meanwhile"),
            Self::OtherResult => f.write_str(
                "the place is in another result: another keyspace is in use, or the table was made anew",
            ),
            Self::Syntax => f.write_str("the server found a syntax error"),
            Self::Invalid => f.write_str("the statement is not valid for this schema"),
            Self::Protocol => f.write_str("driver and server do not understand each other"),
            Self::Unauthorized => f.write_str("the role lacks a permission"),
            Self::Authentication => f.write_str("the credentials were refused or are missing"),
            Self::ServerConfiguration => f.write_str("the server's configuration forbids it"),
            Self::AlreadyExists { keyspace, table } if table.is_empty() => {
                write!(f, "keyspace {keyspace} exists already")
            }
            Self::AlreadyExists { keyspace, table } => {
                write!(f, "table {keyspace}.{table} exists already")
            }
            Self::FunctionFailure { keyspace, function } => {
                write!(f, "the user-defined function {keyspace}.{function} failed")
            }
            Self::Bootstrapping => f.write_str("the coordinator is still joining the ring"),
            Self::Unprepared => {
                f.write_str("the server forgot the statement again right after preparing it")
            }
            Self::StatementsForgotten { texts } => write!(
                f,
                "the server forgot statements of the batch as fast as they were prepared anew (different texts: \
                 {texts})"
            ),
            Self::Unavailable { consistency, required, alive } => {
                write!(f, "{alive} of the {required} replicas that {consistency} needs are alive")
            }
            Self::Overloaded => f.write_str("the coordinator is overloaded"),
            Self::ServerError => f.write_str("the server had an internal error"),
            Self::TruncateError => f.write_str("a replica failed to truncate"),
            Self::ReadTimeout(r) => write!(
                f,
                "{} of the {} replicas that {} needs answered the coordinator in time",
                r.received, r.required, r.consistency
            ),
            Self::ReadFailure(r) => {
                write!(f, "{} replicas failed to read at {}{}", r.failures, r.consistency, Because(r))
            }
            Self::WriteTimeout(r, phase) => write!(
                f,
                "{} of the {} replicas that {} needs acknowledged the {phase} write in time",
                r.received, r.required, r.consistency
            ),
            Self::WriteFailure(r, phase) => {
                let (failures, level) = (r.failures, r.consistency);
                write!(f, "{failures} replicas failed the {phase} write at {level}{}", Because(r))
            }
            Self::RateLimited { .. } => f.write_str("the partition's rate limit is reached"),
            Self::SchemaDisagreement(versions) | Self::SchemaUnconfirmed(versions) => {
                write!(f, "{versions}")
            }
            Self::UnknownCode(code) => write!(f, "the server answered with error code {code:#06x}"),
            Self::ConnectionBroken => f.write_str("the connection broke before the answer came"),
            Self::Timeout { after } => write!(f, "no answer within {after:.1?}"),
            Self::UnreadableAnswer => f.write_str("the answer could not be understood"),
            Self::UnreadableType(unreadable) => write!(f, "{unreadable}"),
            Self::Layer => f.write_str("a layer refused it"),
        }
    }
}

/// Why a replica failed, and which one, if that was told.
struct Because<'r>(&'r Replicas);

impl fmt::Display for Because<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.reason, self.0.node) {
            (None, _) => Ok(()),
            (Some(reason), Some(node)) => write!(f, ", of {node}: {reason}"),
            (Some(reason), None) => write!(f, ", of one: {reason}"),
        }
    }
}

/// What follows "before it was sent".
impl fmt::Display for Waited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BeforeTheSession => Ok(()),
            Self::ForLayers(waited) => {
                write!(f, ", after {waited:.1?} of waiting for the layers to be ready")
            }
            Self::ForValues(waited) => {
                write!(
                    f,
                    ", after {waited:.1?} of waiting for its caller to give the values: poll the call"
                )
            }
            Self::ForClocks(waited) => write!(
                f,
                ", after {waited:.1?} of waiting for the clocks of all nodes, since servers begin to stamp the \
                 writes of its table"
            ),
        }
    }
}

impl fmt::Display for WriteType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Simple => "plain",
            Self::Batch => "batch",
            Self::UnloggedBatch => "unlogged batch",
            Self::Counter => "counter",
            Self::BatchLog => "batch log",
            Self::Cas => "Paxos",
            Self::View => "view",
            Self::Cdc => "change data",
            Self::Other => "unknown",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chosen_name_stays_on_one_short_line() {
        let name = format!("a\nb\u{1b}[31m{}", "x".repeat(100));
        let shown = OneLine(&name).to_string();
        assert!(shown.starts_with("a b [31mxxx") && shown.ends_with("x..."), "{shown}");
        assert_eq!(shown.chars().count(), 83);
    }
}
