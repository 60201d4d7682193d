use std::collections::BTreeMap;

use super::super::class;
use super::super::tls::TlsFault;
use super::*;
use crate::testing::error_kinds;

const KINDS: [StatementKind; 8] = [
    StatementKind::Read,
    StatementKind::Write,
    StatementKind::MultiPartition,
    StatementKind::LoggedBatch,
    StatementKind::Counter,
    StatementKind::Conditional,
    StatementKind::Schema,
    StatementKind::Other,
];

/// What somebody can be told of: each kind of each work after one attempt, and after several of which an earlier
/// one may have been applied; and of no statement.
fn situations(kinds: &[ErrorKind]) -> Vec<Situation<'_>> {
    let mut all = Vec::new();
    for kind in kinds {
        for work in KINDS {
            let is_safe = !matches!(work, StatementKind::Counter | StatementKind::Conditional);
            for idempotent in if is_safe { &[false, true][..] } else { &[false][..] } {
                let work = Work { idempotent: *idempotent, ..Work::of(work) };
                let class = class::class(kind, work);
                let mut classes = vec![class, class.after_failover()];
                if work.kind == StatementKind::Read {
                    classes.pop();
                } else {
                    classes.push(ErrorClass::Ambiguous);
                }
                for class in classes {
                    let recovery = Recovery::of_kind(kind, class);
                    all.push(Situation { kind, class, recovery, work: Some(work) });
                }
            }
        }
        let class = class::class(kind, Work::of(StatementKind::Other));
        all.push(Situation { kind, class, recovery: Recovery::of_kind(kind, class), work: None });
        if matches!(kind, ErrorKind::Layer) {
            for class in ErrorClass::ALL.iter().copied() {
                for work in [None, Some(Work::of(StatementKind::Read))] {
                    all.push(Situation { kind, class, recovery: Recovery::of(class), work });
                }
            }
        }
    }
    all
}

/// The states in which each advice is right.
#[expect(clippy::too_many_lines, reason = "one for each advice")]
fn right(advice: &str, it: Situation<'_>) -> bool {
    use ErrorClass::{Ambiguous, NotExecuted, Overload, Permanent};

    let Situation { kind, class, recovery, work } = it;
    let of = |is: fn(&ErrorKind) -> bool| is(kind);
    let is_certain = class != Ambiguous;
    let is_aborted = of(|it| matches!(it, ErrorKind::AbortedByShutdown));
    let writes = work.is_some_and(|work| {
        use StatementKind::{LoggedBatch, MultiPartition, Write};
        matches!(work.kind, Write | MultiPartition | LoggedBatch)
    });
    let is = |kind| work.is_some_and(|work| work.kind == kind);
    let twice = work.is_some_and(|work| work.idempotent);
    let open = class == Ambiguous;
    let in_another = advice.starts_with("look for it in the keyspace");
    if open && !in_another && of(|it| matches!(it, ErrorKind::KeyspaceChanged)) {
        return false;
    }
    match advice {
        // Of what may have been applied.
        "settle it by a read at serial consistency" => {
            open && !is_aborted && is(StatementKind::Conditional)
        }
        "settle it by a read at serial consistency, through another session" => {
            open && is_aborted && is(StatementKind::Conditional)
        }
        "read the counter before you count again" => {
            open && !is_aborted && is(StatementKind::Counter)
        }
        "read the counter before you count again, through another session" => {
            open && is_aborted && is(StatementKind::Counter)
        }
        "look whether it was done" => {
            open && (is(StatementKind::Schema) || is(StatementKind::Other) || work.is_none())
        }
        "read it back, or send it again: twice is as good as once" => {
            open && writes && twice && recovery != Recovery::Final
        }
        "read it back, or send it again, through another session" => {
            open && writes && twice && is_aborted
        }
        "read it back before you write it again" => {
            open && writes && !is_aborted && (!twice || recovery == Recovery::Final)
        }
        "read it back through another session" => open && writes && !twice && is_aborted,
        "look for it in the keyspace that was in use before, and name the keyspace in the statement" => {
            open && of(|it| matches!(it, ErrorKind::KeyspaceChanged))
        }
        // Of what was not executed.
        "send it again later" => {
            (class == NotExecuted || open && is(StatementKind::Read)) && recovery != Recovery::Final
        }
        "send less, and wait before the next try" => class == Overload,
        "send it through another session" => {
            is_certain && of(|it| matches!(it, ErrorKind::Closed | ErrorKind::AbortedByShutdown))
        }
        "allow more time, or send less at once" => {
            is_certain
                && of(|it| {
                    let clocks = ErrorKind::DeadlinePassed(Waited::ForClocks(SECOND));
                    matches!(it, ErrorKind::DeadlinePassed(_)) && *it != clocks
                })
        }
        "allow more time, and synchronize the clocks of nodes and clients" => {
            is_certain && of(|it| matches!(it, ErrorKind::DeadlinePassed(Waited::ForClocks(_))))
        }
        "check that the nodes are up and reachable from here" => {
            is_certain && of(|it| matches!(it, ErrorKind::NoConnection))
        }
        "keep fewer than 30,000 requests per node in flight" => {
            is_certain && of(|it| matches!(it, ErrorKind::NoStreamId))
        }
        "bring replicas back, or ask for a lower consistency level" => {
            is_certain
                && of(|it| {
                    matches!(it, ErrorKind::Unavailable { .. } | ErrorKind::TooFewReplicas(_))
                })
        }
        "spread the load over more partitions" => {
            is_certain && of(|it| matches!(it, ErrorKind::RateLimited { .. }))
        }
        "name the keyspace in the statement" => {
            is_certain && of(|it| matches!(it, ErrorKind::KeyspaceChanged))
        }
        "check that the driver knows this version of the server" => {
            is_certain
                && of(|it| matches!(it, ErrorKind::UnreadableAnswer | ErrorKind::PrepareUnreadable))
        }
        "check for nodes of different versions, and name the keyspace in the statement" => {
            is_certain && of(|it| matches!(it, ErrorKind::PreparedIdsDiffer))
        }
        // Of what is done, or will be.
        "the server will apply it: do nothing" => {
            of(|it| matches!(it, ErrorKind::WriteTimeout(_, WriteType::Batch)))
        }
        // Of mistakes.
        "name the other columns, read this one by `toJson(column)`, and write it as a literal" => {
            class == Permanent && of(|it| matches!(it, ErrorKind::UnreadableType(_)))
        }
        "begin at the first page" => {
            of(|it| matches!(it, ErrorKind::PageToken | ErrorKind::OtherResult))
        }
        "correct the statement: `server_message()` has the server's words" => {
            of(|it| matches!(it, ErrorKind::Syntax | ErrorKind::Invalid))
        }
        "bind what the statement's markers ask for" => of(|it| matches!(it, ErrorKind::Values(_))),
        "set `local_datacenter` to the one that is near" => {
            of(|it| matches!(it, ErrorKind::UnknownDatacenter { .. }))
        }
        "see to what `credentials_from` was given" => {
            of(|it| matches!(it, ErrorKind::NoCredentials))
        }
        "GRANT the permission to the role" => of(|it| matches!(it, ErrorKind::Unauthorized)),
        "set `user` and check name and password" => {
            of(|it| matches!(it, ErrorKind::Authentication))
        }
        "change cassandra.yaml: `server_message()` names the setting" => {
            of(|it| matches!(it, ErrorKind::ServerConfiguration))
        }
        "use IF NOT EXISTS, or another name" => {
            of(|it| matches!(it, ErrorKind::AlreadyExists { .. }))
        }
        _ => right_by_its_begin(advice, kind, is_certain),
    }
}

/// The longer ones.
fn right_by_its_begin(advice: &str, kind: &ErrorKind, is_certain: bool) -> bool {
    let of_tls = |fault: TlsFault| fault.advice() == advice;
    let of_reason = |reason: FailureReason| reason.advice() == Some(advice);
    match kind {
        ErrorKind::Tls(fault) => of_tls(*fault),
        ErrorKind::ReadFailure(replicas) => is_certain && replicas.reason.is_some_and(of_reason),
        ErrorKind::Unreachable { learned, .. } if !learned.is_empty() => {
            advice.starts_with("set `address_translation`")
        }
        ErrorKind::Unreachable { unresolved, .. } if !unresolved.is_empty() => {
            advice.starts_with("check the names")
        }
        ErrorKind::Unreachable { .. } => {
            advice.starts_with("check that the nodes are up and answer")
        }
        ErrorKind::UnencryptedPassword { .. } => advice.starts_with("set `tls`; or"),
        ErrorKind::UnknownCluster { .. } => advice.starts_with("check that `system.local`"),
        ErrorKind::UnknownAuthenticator { .. } => {
            advice.starts_with("check that it is your cluster")
        }
        ErrorKind::UnknownKeyspace { .. } => advice.starts_with("create it, or correct `keyspace`"),
        ErrorKind::PrepareTimeout { .. } => {
            is_certain && advice.starts_with("check for a frozen node, or allow more time")
        }
        ErrorKind::StatementsForgotten { texts: 1 } => {
            is_certain && advice.starts_with("look for who fills the server's cache")
        }
        ErrorKind::StatementsForgotten { .. } => {
            is_certain && advice.starts_with("write statements that differ in values as one text")
        }
        ErrorKind::KeyspaceUnsettled => is_certain && advice.starts_with("`USE` a keyspace again"),
        ErrorKind::SchemaDisagreement(_) => advice.starts_with("look at `nodetool"),
        ErrorKind::SchemaUnconfirmed(_) => advice.starts_with("check for nodes that are down"),
        _ => false,
    }
}

const SECOND: std::time::Duration = std::time::Duration::from_secs(1);

/// All texts of this module, which is where they are.
fn texts() -> Vec<String> {
    let mut texts: Vec<_> = TlsFault::ALL.map(|fault| fault.advice().to_owned()).into();
    texts.extend(FailureReason::NAMES.iter().filter_map(|(_, it)| it.advice()).map(str::to_owned));
    let (source, _) = include_str!("../advice.rs").split_once("#[cfg(test)]").unwrap();
    let literals = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    let source: String = literals.collect::<Vec<_>>().join("\n");
    let mut parts = source.split('"');
    while let (Some(_), Some(text)) = (parts.next(), parts.next()) {
        let lines = text.split("\\\n").map(str::trim_start);
        texts.push(lines.collect());
    }
    texts
}

#[test]
fn each_advice_is_given_where_it_is_right_and_nowhere_else() {
    let kinds = error_kinds();
    let mut given = BTreeMap::new();
    for situation in situations(&kinds) {
        if let Some(advice) = advice(situation) {
            assert!(right(advice, situation), "{advice}: {situation:?}");
            *given.entry(advice).or_insert(0) += 1;
        }
    }
    for text in texts() {
        assert!(given.contains_key(&*text), "nobody is told to {text}");
    }
    assert!(given.len() >= 40, "{given:#?}");
}
