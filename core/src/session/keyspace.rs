//! The keyspace in use, and how a `USE` changes it.
//!
//! It is a property of each connection, and the driver changes one after another: it stores the new name
//! first, and then tells all connections. In between, and after a `USE` that did not succeed, a text without
//! a keyspace means one thing on one connection and another on the next. So a `USE` runs alone: it waits for
//! what was sent without a keyspace before it, and what comes after it waits for its answer.
//!
//! What is prepared and bound is not held up: a server knows a prepared statement by a hash of its keyspace
//! and text, so that it stays where it was prepared.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cqlstack_syntax::Statement as Cql;
use scylla::client::session::Session as Driver;
use scylla::frame::types::Consistency;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, oneshot};
use tokio::time::Instant;

use super::Inner;
use super::execute::{Time, add, send_text, unanswered, until};
use super::schema::Clock;
use crate::error::{Error, ErrorKind};
use crate::request::Request;
use crate::response::Response;
use crate::statement::{Statement, parse};

/// How long the driver may go on with a text that its caller has given up. After that no connection has it
/// in its queue any more: one whose node is silent is closed after a few seconds.
const GIVEN_UP: Duration = Duration::from_secs(10);

pub(super) struct Keyspaces {
    /// Written by a `USE`; read for as long as something is sent that depends on it. It is fair: who waits
    /// for one `USE` does not wait for a later one.
    in_use: Arc<RwLock<InUse>>,
    clock: Arc<Clock>,
}

struct InUse {
    name: Option<Arc<String>>,
    /// Of the `USE` that made it so. It is certain while the clock has the same number.
    number: u64,
}

/// The keyspace in use, which stays so for as long as this is held.
pub(super) struct Settled(OwnedRwLockReadGuard<InUse>);

impl Settled {
    pub(super) fn name(&self) -> Option<&Arc<String>> {
        self.0.name.as_ref()
    }

    /// What was prepared under another number is out of date.
    pub(super) fn number(&self) -> u64 {
        self.0.number
    }
}

impl Keyspaces {
    pub(super) fn new(driver: &Driver, clock: Arc<Clock>) -> Self {
        clock.settle_keyspace(1);
        let in_use = InUse { name: driver.get_keyspace(), number: 1 };
        Self { in_use: Arc::new(RwLock::new(in_use)), clock }
    }

    /// To be called when a server answers for another keyspace than the one in use.
    pub(super) fn unsettle(&self) {
        self.clock.unsettle_keyspace();
    }
}

/// The keyspace in use, once no `USE` is under way.
pub(super) async fn settled(
    session: &Inner,
    request: &Request,
    by: Instant,
) -> Result<Settled, Error> {
    let keyspaces = &session.keyspaces;
    let reading = Arc::clone(&keyspaces.in_use).read_owned();
    let is_cut = || session.inside.is_cut();
    let Some(in_use) = until(is_cut, by, reading).await else {
        return Err(unsettled(session, request));
    };
    // Users can have the driver's own session, and may have told that.
    let is_known = session.driver.get_keyspace() == in_use.name;
    if is_known && keyspaces.clock.keyspace() == in_use.number {
        Ok(Settled(in_use))
    } else {
        Err(unsettled(session, request))
    }
}

/// Refuses what would be in two keyspaces.
#[inline]
pub(super) fn stays(session: &Inner, request: &Request) -> Result<(), Error> {
    if request.stays_in_keyspace() {
        return Ok(());
    }
    Err(request.error(ErrorKind::KeyspaceChanged, Some(session.config.consistency)))
}

fn unsettled(session: &Inner, request: &Request) -> Error {
    let kind =
        if session.inside.is_cut() { ErrorKind::Closed } else { ErrorKind::KeyspaceUnsettled };
    request.error(kind, Some(session.config.consistency))
}

/// Sends a text that depends on the keyspace in use, which stays so until the text is answered, also if its
/// caller gives up.
pub(super) async fn send(
    session: Arc<Inner>,
    request: Request,
    called: Instant,
) -> Result<Response, Error> {
    let time = Time::of_page(&session, &request, called)?;
    let settled = settled(&session, &request, time.until).await?;
    let waiting = Waiting::new(&session, &request, time);
    let (tell, told) = oneshot::channel();
    tokio::spawn(async move {
        // Nobody may be there to be told.
        let _ = tell.send(outcome(&session, &request, time).await);
        drop(settled);
    });
    waiting.wait(told).await
}

/// Changes the keyspace in use, alone. If its caller gives up, it is not certain afterwards, whatever came of
/// it: the caller does not know.
pub(super) async fn change(
    session: Arc<Inner>,
    request: Request,
    called: Instant,
) -> Result<Response, Error> {
    let time = Time::of_page(&session, &request, called)?;
    let free = Arc::clone(&session.keyspaces.in_use).write_owned();
    let Some(in_use) = until(|| session.inside.is_cut(), time.until, free).await else {
        return Err(unsettled(&session, &request));
    };
    let mut change = Change::begin(in_use, Arc::clone(&session.keyspaces.clock));
    let waiting = Waiting::new(&session, &request, time);
    let (tell, told) = oneshot::channel();
    tokio::spawn(async move {
        let mut outcome = outcome(&session, &request, time).await;
        if outcome.is_ok() {
            let name = session.driver.get_keyspace();
            if is_named(name.as_deref(), request.statement()) {
                change.settle(name);
            } else {
                let default = Some(session.config.consistency);
                outcome = Err(request.error(ErrorKind::UnreadableAnswer, default));
            }
        }
        if tell.send(outcome).is_err() {
            change.clock.unsettle_keyspace();
        }
    });
    waiting.wait(told).await
}

/// A `USE` under way: for as long as it lives, and if nobody settles it, no keyspace is certain.
struct Change {
    in_use: OwnedRwLockWriteGuard<InUse>,
    clock: Arc<Clock>,
    was_certain: bool,
}

impl Change {
    fn begin(in_use: OwnedRwLockWriteGuard<InUse>, clock: Arc<Clock>) -> Self {
        let was_certain = clock.keyspace() == in_use.number;
        clock.unsettle_keyspace();
        Self { in_use, clock, was_certain }
    }

    fn settle(&mut self, name: Option<Arc<String>>) {
        let is_same = self.was_certain && self.in_use.name == name;
        let number = self.in_use.number + u64::from(!is_same);
        *self.in_use = InUse { name, number };
        self.clock.settle_keyspace(number);
    }
}

/// Whether the driver has what the statement names; a text that our parser does not understand is for the
/// server to judge.
fn is_named(in_use: Option<&String>, statement: &Statement) -> bool {
    match parse(statement.text()) {
        Ok(Cql::Use(named)) => in_use.is_some_and(|name| *name == named.keyspace.resolved()),
        _ => true,
    }
}

/// What comes of a text. The driver may go on with it for longer than its caller waits.
async fn outcome(session: &Inner, request: &Request, time: Time) -> Result<Response, Error> {
    let ends = add(time.until, GIVEN_UP);
    let answer = until(|| session.inside.is_cut(), ends, send_text(session, request)).await;
    session.schema.look(&session.driver);
    let timeout = || unanswered(request, time, session.inside.is_cut(), session.config.consistency);
    answer.ok_or_else(timeout)?
}

/// Who waits for what a task does. It does not hold the session, which the task counts as one request.
struct Waiting {
    request: Request,
    time: Time,
    cut: Arc<AtomicBool>,
    consistency: Consistency,
}

impl Waiting {
    fn new(session: &Inner, request: &Request, time: Time) -> Self {
        let (cut, consistency) = (session.inside.cut(), session.config.consistency);
        Self { request: request.clone(), time, cut, consistency }
    }

    async fn wait(
        self,
        told: oneshot::Receiver<Result<Response, Error>>,
    ) -> Result<Response, Error> {
        let Self { request, time, cut, consistency } = self;
        let is_cut = || cut.load(Ordering::Relaxed);
        match until(is_cut, time.until, told).await {
            Some(Ok(outcome)) => outcome,
            // Where the runtime has ended, so have its connections.
            Some(Err(_)) => Err(request.error(ErrorKind::ConnectionBroken, Some(consistency))),
            None => Err(unanswered(&request, time, is_cut(), consistency)),
        }
    }
}
