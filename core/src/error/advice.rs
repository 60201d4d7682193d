//! What to do next.

use super::class::{ErrorClass, Work};
use super::kind::{ErrorKind, Waited, WriteType};
use super::reason::FailureReason;
use super::recovery::Recovery;
use crate::statement::StatementKind;

/// What is known of an error that may be advised on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Situation<'e> {
    /// What went wrong; where a layer made several attempts, in the last one.
    pub(super) kind: &'e ErrorKind,
    /// The worst of all attempts.
    pub(super) class: ErrorClass,
    pub(super) recovery: Recovery,
    /// What was to be done, if it is about a statement.
    pub(super) work: Option<Work>,
}

/// What to do next, if there is anything to say.
pub(super) fn advice(situation: Situation<'_>) -> Option<&'static str> {
    if let Some(advice) = of_what_is_done(situation.kind) {
        return Some(advice);
    }
    if situation.class == ErrorClass::Ambiguous {
        return Some(of_ambiguous(situation));
    }
    of_kind(situation.kind, situation.class).or_else(|| of_class(situation))
}

/// Where the server has said what becomes of it.
fn of_what_is_done(kind: &ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::SchemaDisagreement(_) => {
            "look at `nodetool describecluster`, and go on when the nodes agree"
        }
        ErrorKind::SchemaUnconfirmed(_) => {
            "check for nodes that are down or frozen, and go on when they agree"
        }
        ErrorKind::WriteTimeout(_, WriteType::Batch) => "the server will apply it: do nothing",
        _ => return None,
    })
}

fn of_ambiguous(Situation { kind, recovery, work, .. }: Situation<'_>) -> &'static str {
    if matches!(kind, ErrorKind::KeyspaceChanged) {
        return "look for it in the keyspace that was in use before, and name the keyspace in the statement";
    }
    let is_aborted = matches!(kind, ErrorKind::AbortedByShutdown);
    let Some(work) = work else { return "look whether it was done" };
    match work.kind {
        // A layer said so, who does not know that it changes nothing.
        StatementKind::Read => "send it again later",
        StatementKind::Conditional if is_aborted => {
            "settle it by a read at serial consistency, through another session"
        }
        StatementKind::Conditional => "settle it by a read at serial consistency",
        StatementKind::Counter if is_aborted => {
            "read the counter before you count again, through another session"
        }
        StatementKind::Counter => "read the counter before you count again",
        StatementKind::Schema | StatementKind::Other => "look whether it was done",
        _ if is_aborted && work.idempotent => {
            "read it back, or send it again, through another session"
        }
        _ if is_aborted => "read it back through another session",
        _ if work.idempotent && recovery != Recovery::Final => {
            "read it back, or send it again: twice is as good as once"
        }
        _ => "read it back before you write it again",
    }
}

/// A server that does not keep so few texts has others to keep.
const FEW: usize = 20;

/// For what was certainly not executed, or fails again.
fn of_kind(kind: &ErrorKind, class: ErrorClass) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::Unreachable { learned, .. } if !learned.is_empty() => {
            "set `address_translation` if the nodes have other addresses from here, behind NAT or a forwarded \
             port; else check that they are up and answer"
        }
        ErrorKind::UnencryptedPassword { .. } => {
            "set `tls`; or `allow_unencrypted_password` if the network is trusted; or `address_translation` if \
             the node is reached through this machine"
        }
        ErrorKind::Unreachable { unresolved, .. } if !unresolved.is_empty() => {
            "check the names of the contact points, and that the nodes are up and answer"
        }
        ErrorKind::Unreachable { .. } => {
            "check that the nodes are up and answer, that addresses and ports are right, that no firewall is \
             between, and that they do not ask for TLS"
        }
        ErrorKind::UnknownCluster { .. } => {
            "check that `system.local` and `system.peers` can be read there"
        }
        ErrorKind::UnknownDatacenter { .. } => "set `local_datacenter` to the one that is near",
        ErrorKind::Tls(fault) => fault.advice(),
        ErrorKind::UnknownAuthenticator { .. } => {
            "check that it is your cluster; if it is, name it by `allow_authenticator`"
        }
        ErrorKind::NoCredentials => "see to what `credentials_from` was given",
        ErrorKind::UnknownKeyspace { .. } => {
            "create it, or correct `keyspace`: capital letters are taken as written"
        }
        ErrorKind::DeadlinePassed(Waited::ForClocks(_)) => {
            "allow more time, and synchronize the clocks of nodes and clients"
        }
        ErrorKind::DeadlinePassed(_) => "allow more time, or send less at once",
        ErrorKind::Closed | ErrorKind::AbortedByShutdown => "send it through another session",
        ErrorKind::NoConnection => "check that the nodes are up and reachable from here",
        ErrorKind::NoStreamId => "keep fewer than 30,000 requests per node in flight",
        ErrorKind::PrepareTimeout { .. } => {
            "check for a frozen node, or allow more time: by `prepare_timeout`, the time of the attempt, or the \
             deadline"
        }
        ErrorKind::PreparedIdsDiffer => {
            "check for nodes of different versions, and name the keyspace in the statement"
        }
        ErrorKind::StatementsForgotten { texts: 1..FEW } => {
            "look for who fills the server's cache of prepared statements, or changes the schema all the time"
        }
        ErrorKind::StatementsForgotten { .. } => {
            "write statements that differ in values as one text with markers, split the batch, or raise the \
             server's `prepared_statements_cache_size`"
        }
        ErrorKind::Unavailable { .. } | ErrorKind::TooFewReplicas(_) => {
            "bring replicas back, or ask for a lower consistency level"
        }
        ErrorKind::ReadFailure(replicas) => return replicas.reason.and_then(FailureReason::advice),
        ErrorKind::KeyspaceUnsettled => {
            "`USE` a keyspace again, or name it in the statement, which then never waits for one"
        }
        ErrorKind::KeyspaceChanged => "name the keyspace in the statement",
        ErrorKind::PageToken | ErrorKind::OtherResult => "begin at the first page",
        ErrorKind::Values(_) => "bind what the statement's markers ask for",
        ErrorKind::Syntax | ErrorKind::Invalid => {
            "correct the statement: `server_message()` has the server's words"
        }
        ErrorKind::Unauthorized => "GRANT the permission to the role",
        ErrorKind::Authentication => "set `user` and check name and password",
        ErrorKind::ServerConfiguration => {
            "change cassandra.yaml: `server_message()` names the setting"
        }
        ErrorKind::AlreadyExists { .. } => "use IF NOT EXISTS, or another name",
        ErrorKind::RateLimited { .. } => "spread the load over more partitions",
        ErrorKind::UnreadableType(_) if class == ErrorClass::Permanent => {
            "name the other columns, read this one by `toJson(column)`, and write it as a literal"
        }
        ErrorKind::UnreadableAnswer | ErrorKind::PrepareUnreadable => {
            "check that the driver knows this version of the server"
        }
        _ => return None,
    })
}

fn of_class(Situation { class, recovery, work, .. }: Situation<'_>) -> Option<&'static str> {
    match class {
        ErrorClass::Overload => Some("send less, and wait before the next try"),
        ErrorClass::NotExecuted if work.is_some() && recovery != Recovery::Final => {
            Some("send it again later")
        }
        _ => None,
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;
