//! Who stamps a write, and which node coordinates it: plain writes beside conditional ones.
//!
//! A conditional statement has the time of its coordinator, to the millisecond, and Cassandra keeps the write with
//! the higher timestamp. On one node conditional and plain writes that it stamps are ordered; two nodes can give
//! the same time. So both go to the first replica of their token.

use std::sync::Arc;
use std::time::Duration;

use scylla::statement::batch::Batch as DriverBatch;
use scylla::statement::bound::BoundStatement;
use tokio::time::{Instant, sleep};

use crate::error::{Error, ErrorKind, Waited};
use crate::one_line::OneLine;
use crate::prepared::{Prepared, resends};
use crate::request::Request;
use crate::session::execution::error::error_of;
use crate::session::inner::Inner;
use crate::session::schema::basis::Basis;
use crate::session::schema::tables::{Named, TableName};
use crate::statement::{SchemaFacts, Statement, StatementKind, takes_timestamp};
use crate::timestamp::{self, Stamp, Timestamps};

/// What is truncated of the time of a conditional statement, and a bit.
const TRUNCATED: Duration = Duration::from_millis(2);

/// How long the first conditional statement of a table is held up.
const LONGEST: Duration = Duration::from_secs(1);

/// How a request is stamped and where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::session) enum Stamping {
    /// As it is made, to any replica.
    AsMade,
    /// To the first replica.
    InOrder,
    /// Besides, that stamps it.
    ByServer,
}

impl Stamping {
    /// All clones of the request are told of it.
    #[inline]
    pub(in crate::session) fn of(session: &Inner, request: &Request) -> Self {
        let Stamp::Automatic { choice, .. } = request.stamp() else {
            return match (request.stamp(), request.statement().kind()) {
                (_, StatementKind::Conditional) => Self::InOrder,
                (Stamp::Server, kind) if takes_timestamp(kind) => Self::by_server(request),
                _ => Self::AsMade,
            };
        };
        match choice.unwrap_or(session.config.timestamps) {
            Timestamps::Client => Self::AsMade,
            Timestamps::Server => Self::by_server(request),
            Timestamps::ByTable => match request.told() {
                Some(told) if !told.keeps_stamp() => {
                    if tables(request).any(|table| table.writes().have_conditional()) {
                        return Self::by_server(request);
                    }
                    told.keep_stamp();
                    Self::AsMade
                }
                _ => Self::AsMade,
            },
        }
    }

    /// Whether it is a plain write that servers stamp and that may find older ones with timestamps of this
    /// process.
    #[inline]
    pub(in crate::session) fn is_to_switch(self, session: &Inner, request: &Request) -> bool {
        let Stamp::Automatic { choice, .. } = request.stamp() else { return false };
        self == Self::ByServer
            && choice.unwrap_or(session.config.timestamps) == Timestamps::ByTable
            && !tables(request).all(|table| table.writes().are_overtaken())
    }

    fn by_server(request: &Request) -> Self {
        if let Some(told) = request.told() {
            told.add(SchemaFacts { by_server: true, ..SchemaFacts::default() });
        }
        Self::ByServer
    }

    pub(in crate::session) fn apply(
        self,
        session: &Inner,
        request: &Request,
        bound: &mut BoundStatement,
    ) {
        bound.set_load_balancing_policy(Some(Arc::clone(&session.first_replica)));
        if self == Self::ByServer {
            let (idempotent, _) = resends(request.statement(), request.facts());
            bound.set_is_idempotent(idempotent);
            bound.set_timestamp(None);
        }
    }

    pub(in crate::session) fn apply_to_batch(self, session: &Inner, batch: &mut DriverBatch) {
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
pub(in crate::session) fn note(session: &Inner, statement: &Statement, tables: &[Named]) {
    let kind = statement.kind();
    let timestamps = statement.defaults().timestamps.unwrap_or(session.config.timestamps);
    for table in tables {
        if kind == StatementKind::Conditional {
            table.writes().note_conditional();
        } else if takes_timestamp(kind) && timestamps != Timestamps::Server {
            table.writes().note_plain();
        }
        if table.writes().meet() {
            tell(timestamps, table);
        }
    }
}

/// To be called before a conditional statement of these tables is sent: waits until no server has a time before
/// that of the plain writes which this process has stamped so far.
pub(in crate::session) async fn overtake(session: &Inner, tables: impl Iterator<Item = &Named>) {
    for table in tables {
        table.writes().overtake(wait(session)).await;
    }
}

/// Waits until it is newer than those. All its tables are as the one that has conditional statements, else the
/// others would have writes of both kinds by turns.
pub(in crate::session) async fn switch(
    session: &Inner,
    request: &Request,
    by: Instant,
) -> Result<(), Error> {
    tables(request).for_each(|table| table.writes().note_conditional());
    let began = Instant::now();
    let waited = session.until(by, overtake(session, tables(request))).await;
    let late = || ErrorKind::DeadlinePassed(Waited::ForClocks(began.elapsed()));
    let kind = || if session.is_aborted() { ErrorKind::Closed } else { late() };
    waited.ok_or_else(|| error_of(session, request, kind()))
}

async fn wait(session: &Inner) {
    let stamped = timestamp::next();
    let behind = session.clocks.compare(session).await;
    let ahead = stamped.saturating_sub(timestamp::now()).max(0).unsigned_abs();
    let needed = TRUNCATED + behind + Duration::from_micros(ahead);
    if needed > LONGEST {
        tracing::warn!(
            "timestamps of this program are {needed:.1?} ahead of a node's clock: for as long, plain writes of \
             before can hide conditional ones; synchronise the clocks"
        );
    }
    sleep(needed.min(LONGEST)).await;
}

/// All that its prepared statements name.
pub(super) fn tables(request: &Request) -> impl Iterator<Item = &Named> {
    let bases = request.all_prepared().iter().filter_map(Prepared::basis);
    bases.flat_map(Basis::tables)
}

/// Once a table.
fn tell(timestamps: Timestamps, table: &Named) {
    let TableName { keyspace, table } = table.name();
    let (keyspace, table) = (OneLine(keyspace), OneLine(table));
    match timestamps {
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
