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

use crate::error::{Error, ErrorKind};
use crate::request::{Payload, Request};
use crate::response::Response;
use crate::session::Inner;
use crate::session::execution::execute::{ended, send_text, unanswered};
use crate::session::execution::time::{Time, add, invalid, until};
use crate::session::lifecycle::Entry;
use crate::session::schema::change::SchemaChange;
use crate::session::schema::generation::Clock;
use crate::statement::{Attempt, Statement, StatementKind, parse};

/// What a timer and the driver's own tasks may be late.
const LAG: Duration = Duration::from_secs(1);

pub(in crate::session) struct Keyspaces {
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
pub(in crate::session) struct Settled(OwnedRwLockReadGuard<InUse>);

impl Settled {
    pub(in crate::session) fn name(&self) -> Option<&Arc<String>> {
        self.0.name.as_ref()
    }

    /// What was prepared under another number is out of date.
    pub(in crate::session) fn number(&self) -> u64 {
        self.0.number
    }
}

impl Keyspaces {
    pub(in crate::session) fn new(driver: &Driver, clock: Arc<Clock>) -> Self {
        clock.settle_keyspace(1);
        let in_use = InUse { name: driver.get_keyspace(), number: 1 };
        Self { in_use: Arc::new(RwLock::new(in_use)), clock }
    }

    /// The keyspace in use, or to be in use by the `USE` that is under way.
    pub(in crate::session) fn name(&self, driver: &Driver) -> Option<Arc<String>> {
        match self.in_use.try_read() {
            Ok(in_use) => in_use.name.clone(),
            Err(_) => driver.get_keyspace(),
        }
    }

    /// To be called when a server answers for another keyspace than the one in use.
    pub(in crate::session) fn unsettle(&self) {
        self.clock.unsettle_keyspace();
    }
}

/// The keyspace in use, once no `USE` is under way.
pub(in crate::session) async fn settled(
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

/// The attempt that this request is. Refuses what would be in two keyspaces.
#[inline]
pub(in crate::session) fn attempt<'r>(
    session: &Inner,
    request: &'r Request,
) -> Result<Attempt<'r>, Error> {
    match request.keyspace() {
        Ok(None) => Ok(Attempt::ANYWHERE),
        Ok(depends) => attempt_in(session, request, depends),
        Err(kind) => Err(request.error(kind, Some(session.config.consistency))),
    }
}

fn attempt_in<'r>(
    session: &Inner,
    request: &'r Request,
    keyspace: Option<u64>,
) -> Result<Attempt<'r>, Error> {
    let (Some(keyspace), Some(told)) = (keyspace, request.told()) else {
        return Ok(Attempt::ANYWHERE);
    };
    if request.kind() == StatementKind::Read {
        return Ok(Attempt::ANYWHERE);
    }
    // What may have been applied in one keyspace is never sent in another.
    let default = Some(session.config.consistency);
    let changed = || request.error(ErrorKind::KeyspaceChanged, default).finally();
    told.send_to(keyspace).ok_or_else(changed)
}

fn unsettled(session: &Inner, request: &Request) -> Error {
    let kind =
        if session.inside.is_cut() { ErrorKind::Closed } else { ErrorKind::KeyspaceUnsettled };
    request.error(kind, Some(session.config.consistency))
}

/// Sends a text that depends on the keyspace in use, which stays so until the text is answered, also if its
/// caller gives up.
pub(in crate::session) async fn send(
    entry: Entry,
    request: Request,
    called: Instant,
) -> Result<Response, Error> {
    // What goes on when its caller has given up is no request.
    let session = Arc::clone(entry.session());
    let time = Time::of_page(&session, &request, called)?;
    let settled = settled(&session, &request, time.until).await?;
    let ends = add(time.until, given_up(&session));
    let waiting = Waiting::new(&session, &request, time);
    let its_request = request.clone();
    // If its caller gives up, it may have been applied here, and is not sent in another keyspace.
    let attempt = attempt_in(&session, &request, Some(settled.number()))?;
    let (tell, told) = oneshot::channel();
    let is_answered = Arc::clone(&waiting.is_answered);
    tokio::spawn(async move {
        let change = SchemaChange::begin(&session, &its_request, time.until).await;
        let answer = text(&session, &its_request, time, ends, Some(&settled)).await;
        is_answered.store(true, Ordering::Relaxed);
        let answer = SchemaChange::end(change, answer).await;
        // Nobody may be there to be told.
        let _ = tell.send(Outcome { answer, settled: None });
        drop(settled);
    });
    let answer = waiting.wait(told).await;
    ended(&request, attempt, &answer);
    drop(entry);
    answer
}

/// Changes the keyspace in use, alone. If its caller gives up, it is not certain afterwards, whatever came of
/// it: the caller does not know. One that did not get its turn in its time changed nothing.
pub(in crate::session) async fn change(
    entry: Entry,
    request: Request,
    called: Instant,
) -> Result<Response, Error> {
    // What goes on when its caller has given up is no request.
    let session = Arc::clone(entry.session());
    let time = Time::of_page(&session, &request, called)?;
    if matches!(request.payload(), Payload::Raw(values) if !values.is_empty()) {
        return Err(invalid(&session, &request, "a `USE` takes no values"));
    }
    let free = Arc::clone(&session.keyspaces.in_use).write_owned();
    let Some(in_use) = until(|| session.inside.is_cut(), time.until, free).await else {
        return Err(unsettled(&session, &request));
    };
    let mut change = Change::begin(in_use, Arc::clone(&session.keyspaces.clock));
    // Its connections are told one after another, each in this time.
    let ends = add(time.until, given_up(&session).saturating_add(session.config.connect_timeout));
    let waiting = Waiting::new(&session, &request, time);
    let (tell, told) = oneshot::channel();
    tokio::spawn(async move {
        let mut answer = text(&session, &request, time, ends, None).await;
        let mut settled = None;
        if answer.is_ok() {
            let name = session.driver.get_keyspace();
            if is_named(name.as_deref(), request.statement()) {
                settled = Some(change.settle(name));
            } else {
                let default = Some(session.config.consistency);
                answer = Err(request.error(ErrorKind::UnreadableAnswer, default));
            }
        }
        // Whoever is not there any more is as one who did not take the answer.
        if let Err(outcome) = tell.send(Outcome { answer, settled }) {
            outcome.not_taken(&change.clock);
        }
    });
    let answer = waiting.wait(told).await;
    drop(entry);
    answer
}

/// How long the driver may go on with a text that its caller has given up. After that no connection has it
/// in its queue any more: one whose node is silent is closed.
fn given_up(session: &Inner) -> Duration {
    let config = &session.config;
    config.keepalive_interval.saturating_add(config.keepalive_timeout).saturating_add(LAG)
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

    /// Its number.
    fn settle(&mut self, name: Option<Arc<String>>) -> u64 {
        let is_same = self.was_certain && self.in_use.name == name;
        let number = self.in_use.number + u64::from(!is_same);
        *self.in_use = InUse { name, number };
        self.clock.settle_keyspace(number);
        number
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

/// The answer to a text. The driver may go on with it for longer than its caller waits.
async fn text(
    session: &Inner,
    request: &Request,
    time: Time,
    ends: Instant,
    in_use: Option<&Settled>,
) -> Result<Response, Error> {
    let is_cut = || session.inside.is_cut();
    let answer = until(is_cut, ends, send_text(session, request, in_use)).await;
    let timeout = || unanswered(request, time, is_cut(), session.config.consistency);
    answer.ok_or_else(timeout)?
}

/// What came of a text, and the number of the keyspace that it settled.
struct Outcome {
    answer: Result<Response, Error>,
    settled: Option<u64>,
}

impl Outcome {
    /// Its caller gave up before it was taken, and does not know that the keyspace is another one.
    fn not_taken(self, clock: &Clock) {
        if let Some(number) = self.settled {
            clock.unsettle_keyspace_of(number);
        }
    }
}

/// Who waits for what a task does.
struct Waiting {
    request: Request,
    time: Time,
    cut: Arc<AtomicBool>,
    consistency: Consistency,
    clock: Arc<Clock>,
    /// A server has answered: what is left to do ends in the time of the call.
    is_answered: Arc<AtomicBool>,
}

impl Waiting {
    fn new(session: &Inner, request: &Request, time: Time) -> Self {
        let (cut, consistency) = (session.inside.cut(), session.config.consistency);
        let clock = Arc::clone(&session.keyspaces.clock);
        let (request, is_answered) = (request.clone(), Arc::default());
        Self { request, time, cut, consistency, clock, is_answered }
    }

    async fn wait(self, told: oneshot::Receiver<Outcome>) -> Result<Response, Error> {
        let Self { request, time, cut, consistency, clock, is_answered } = self;
        let is_cut = || cut.load(Ordering::Relaxed);
        let mut told = Told { told, clock };
        let mut outcome = until(is_cut, time.until, &mut told.told).await;
        if outcome.is_none() && !is_cut() && is_answered.load(Ordering::Relaxed) {
            // It was done, and what is told of it is under way.
            outcome = until(is_cut, Instant::now() + LAG, &mut told.told).await;
        }
        match outcome {
            Some(Ok(outcome)) => outcome.answer,
            // Where the runtime has ended, so have its connections.
            Some(Err(_)) => Err(request.error(ErrorKind::ConnectionBroken, Some(consistency))),
            None => Err(unanswered(&request, time, is_cut(), consistency)),
        }
    }
}

/// An outcome to come. Dropped, it may have come and not been taken.
struct Told {
    told: oneshot::Receiver<Outcome>,
    clock: Arc<Clock>,
}

impl Drop for Told {
    fn drop(&mut self) {
        self.told.close();
        if let Ok(outcome) = self.told.try_recv() {
            outcome.not_taken(&self.clock);
        }
    }
}
