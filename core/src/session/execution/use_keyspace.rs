//! A `USE`, and a text that depends on the keyspace in use.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cqlstack_syntax::Statement as Cql;
use scylla::frame::types::Consistency;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, ErrorKind};
use crate::request::{Payload, Request};
use crate::response::Response;
use crate::session::execution::answer::{ended, unanswered};
use crate::session::execution::error::{error_of, invalid};
use crate::session::execution::keyspace::{attempt_in, settled, unsettled};
use crate::session::execution::text::send_until;
use crate::session::execution::time::Time;
use crate::session::inner::Inner;
use crate::session::lifecycle::Entry;
use crate::session::schema::change::SchemaChange;
use crate::session::schema::generation::Clock;
use crate::session::wait::{add, until};
use crate::statement::{Statement, parse};

/// What a timer and the driver's own tasks may be late.
const LAG: Duration = Duration::from_secs(1);

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
        let answer = send_until(&session, &its_request, time, ends, Some(&settled)).await;
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
    let Some(mut change) = session.until(time.until, session.keyspaces.change()).await else {
        return Err(unsettled(&session, &request));
    };
    // Its connections are told one after another, each in this time.
    let ends = add(time.until, given_up(&session).saturating_add(session.config.connect_timeout));
    let waiting = Waiting::new(&session, &request, time);
    let (tell, told) = oneshot::channel();
    tokio::spawn(async move {
        let mut answer = send_until(&session, &request, time, ends, None).await;
        let mut settled = None;
        if answer.is_ok() {
            let name = session.driver.get_keyspace();
            if is_named(name.as_deref(), request.statement()) {
                settled = Some(change.settle(name));
            } else {
                answer = Err(error_of(&session, &request, ErrorKind::UnreadableAnswer));
            }
        }
        // Whoever is not there any more is as one who did not take the answer.
        if let Err(outcome) = tell.send(Outcome { answer, settled }) {
            outcome.not_taken(change.clock());
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

/// Whether the driver has what the statement names; a text that our parser does not understand is for the
/// server to judge.
fn is_named(in_use: Option<&String>, statement: &Statement) -> bool {
    match parse(statement.text()) {
        Ok(Cql::Use(named)) => in_use.is_some_and(|name| *name == named.keyspace.resolved()),
        _ => true,
    }
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
    aborted: CancellationToken,
    consistency: Consistency,
    clock: Arc<Clock>,
    /// A server has answered: what is left to do ends in the time of the call.
    is_answered: Arc<AtomicBool>,
}

impl Waiting {
    fn new(session: &Inner, request: &Request, time: Time) -> Self {
        let (aborted, consistency) = (session.shutdown.aborted.clone(), session.config.consistency);
        let clock = session.keyspaces.clock();
        let (request, is_answered) = (request.clone(), Arc::default());
        Self { request, time, aborted, consistency, clock, is_answered }
    }

    async fn wait(self, told: oneshot::Receiver<Outcome>) -> Result<Response, Error> {
        let Self { request, time, aborted, consistency, clock, is_answered } = self;
        let mut told = Told { told, clock };
        let mut outcome = until(&aborted, time.until, &mut told.told).await;
        if outcome.is_none() && !aborted.is_cancelled() && is_answered.load(Ordering::Relaxed) {
            // It was done, and what is told of it is under way.
            outcome = until(&aborted, Instant::now() + LAG, &mut told.told).await;
        }
        match outcome {
            Some(Ok(outcome)) => outcome.answer,
            // Where the runtime has ended, so have its connections.
            Some(Err(_)) => Err(request.error(ErrorKind::ConnectionBroken, Some(consistency))),
            None => Err(unanswered(&request, time, aborted.is_cancelled(), consistency)),
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
