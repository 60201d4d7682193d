//! Who stamps a write, and which node coordinates it: plain writes beside conditional ones.
//!
//! A conditional statement has the time of its coordinator, to the millisecond, and Cassandra keeps the write with
//! the higher timestamp. On one node conditional and plain writes that it stamps are ordered; two nodes can give
//! the same time. So both go to the first replica of their token.

use std::sync::Arc;
use std::time::Duration;

use scylla::statement::batch::Batch as DriverBatch;
use scylla::statement::bound::BoundStatement;

use super::Inner;
use super::basis::Basis;
use super::tables::{Named, TableName};
use crate::error::OneLine;
use crate::prepared::{Prepared, resends};
use crate::request::Request;
use crate::statement::{Learned, Statement, StatementKind, Told, takes_timestamp};
use crate::timestamp::{self, Stamp, Timestamps};
use tokio::time::sleep;

/// What is truncated of the time of a conditional statement, and a bit.
const TRUNCATED: Duration = Duration::from_millis(2);

/// How long the first conditional statement of a table is held up.
const LONGEST: Duration = Duration::from_secs(1);

/// How a request is stamped and where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stamping {
    /// As it is made, to any replica.
    AsMade,
    /// To the first replica.
    InOrder,
    /// Besides, that stamps it.
    ByServer,
}

impl Stamping {
    /// All clones of a request that a server stamps are told of it.
    #[inline]
    pub(super) fn of(session: &Inner, request: &Request) -> Self {
        let by_server = match request.stamp() {
            Stamp::None => {
                let is_conditional = request.statement().kind() == StatementKind::Conditional;
                return if is_conditional { Self::InOrder } else { Self::AsMade };
            }
            Stamp::Given(_) => false,
            Stamp::Server => takes_timestamp(request.kind()),
            Stamp::Automatic { micros, choice } => {
                match choice.unwrap_or(session.config.timestamps) {
                    Timestamps::Client => false,
                    Timestamps::Server => true,
                    Timestamps::ByTable => is_of_conditional_table(request, micros),
                }
            }
        };
        if !by_server {
            return Self::AsMade;
        }
        if let Some(told) = request.told() {
            told.add(Learned { by_server: true, ..Learned::default() });
        }
        Self::ByServer
    }

    pub(super) fn apply(self, session: &Inner, request: &Request, bound: &mut BoundStatement) {
        bound.set_load_balancing_policy(Some(Arc::clone(&session.first_replica)));
        if self == Self::ByServer {
            let (idempotent, _) = resends(request.statement(), learned(request));
            bound.set_is_idempotent(idempotent);
            bound.set_timestamp(None);
        }
    }

    pub(super) fn apply_to_batch(self, session: &Inner, batch: &mut DriverBatch) {
        if self == Self::AsMade {
            return;
        }
        batch.set_load_balancing_policy(Some(Arc::clone(&session.first_replica)));
        if self == Self::ByServer {
            batch.set_timestamp(None);
        }
    }
}

/// Notes what was prepared for these tables.
pub(super) fn note(session: &Inner, statement: &Statement, tables: &[Named]) {
    let kind = statement.kind();
    for table in tables {
        if kind == StatementKind::Conditional {
            table.writes().has_conditional();
        } else if takes_timestamp(kind) {
            table.writes().has_plain();
        }
        if table.writes().meet() {
            tell(session, table);
        }
    }
}

/// Before the first conditional statement of a table: waits until no server has a time before that of the plain
/// writes which this process has stamped so far.
pub(super) async fn overtake(session: &Inner, statement: &Statement, tables: &[Named]) {
    if statement.kind() != StatementKind::Conditional
        || session.config.timestamps != Timestamps::ByTable
    {
        return;
    }
    for table in tables {
        table.writes().overtake(wait(session)).await;
    }
}

async fn wait(session: &Inner) {
    let stamped = timestamp::next();
    let behind = session.clocks.compare(session).await;
    let ahead = stamped.saturating_sub(timestamp::now()).max(0).unsigned_abs();
    sleep((TRUNCATED + behind + Duration::from_micros(ahead)).min(LONGEST)).await;
}

/// Once a table.
fn tell(session: &Inner, table: &Named) {
    let TableName { keyspace, table } = table.name();
    let (keyspace, table) = (OneLine(keyspace), OneLine(table));
    match session.config.timestamps {
        Timestamps::ByTable => tracing::warn!(
            "{keyspace}.{table} has conditional and plain writes: from now on servers stamp the plain ones of this \
             session, which are not sent again after an error that leaves it open; set \
             `Timestamps::Server` where other sessions write to it"
        ),
        Timestamps::Client => tracing::warn!(
            "{keyspace}.{table} has conditional writes beside plain ones with timestamps of this client: a \
             conditional write that was applied can be gone; set `Timestamps::Server` for the plain ones"
        ),
        Timestamps::Server => {}
    }
}

fn learned(request: &Request) -> Learned {
    request.told().map(Told::all).unwrap_or_default()
}

/// One that was made before the session knew of a conditional statement may have been sent as it was made.
#[inline]
fn is_of_conditional_table(request: &Request, micros: i64) -> bool {
    let bases = request.all_prepared().iter().filter_map(Prepared::basis);
    bases.flat_map(Basis::tables).any(|table| table.writes().are_conditional_since(micros))
}
