//! One prepare for all who want the same statement at the same time.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use cqlstack_core::layer::Classify;
use cqlstack_core::{Error, ErrorClass, ErrorKind, Prepared, Statement};
use tokio::time::Instant;

use super::error::NotPrepared;
use crate::sync::{Mutex, MutexGuard, has_runtime, timeout_at, watch};

/// How long a leader is waited for: longer than a session takes for a prepare, 5 s by default. One that is at
/// it for longer may not be polled any more, though it was not dropped.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

/// How many refusals in a row are taken for others' alone. One after another they could take as long as there
/// are requests that wait.
const REFUSALS: u32 = 3;

pub(super) type Outcome = Result<Prepared, Error>;

type UnderWay = HashMap<Arc<str>, Follower>;

/// The prepares that are under way, by text. Locked on a miss only.
#[derive(Debug, Default)]
pub(super) struct Flights(Mutex<UnderWay>);

/// What somebody who needs a statement has to do.
enum Role<'f> {
    /// Send the prepare.
    Lead(Flight<'f>),
    /// Wait for the one who sends it.
    Follow(Follower),
}

/// A prepare under way. Dropped without [`land`](Self::land), its followers choose another leader.
struct Flight<'f> {
    flights: &'f Flights,
    /// None once it has landed.
    text: Option<Arc<str>>,
    outcome: watch::Sender<Option<Outcome>>,
}

#[derive(Debug, Clone)]
struct Follower {
    outcome: watch::Receiver<Option<Outcome>>,
    /// The leader's.
    deadline: Option<Instant>,
}

/// A request's part in the prepares of a statement.
pub(super) struct Participant<'f> {
    flights: &'f Flights,
    statement: &'f Statement,
    deadline: Option<Instant>,
    has_followed: bool,
    /// How many leaders were refused.
    refusals: u32,
}

/// What came of a prepare.
pub(super) struct Landed {
    pub(super) outcome: Outcome,
    /// It may have been sent before the request was called.
    pub(super) may_be_before: bool,
}

impl Flights {
    /// For a request that is called now.
    pub(super) fn participant<'f>(
        &'f self,
        statement: &'f Statement,
        deadline: Option<Instant>,
    ) -> Participant<'f> {
        Participant { flights: self, statement, deadline, has_followed: false, refusals: 0 }
    }

    fn join(&self, text: &str, deadline: Option<Instant>) -> Role<'_> {
        let mut flights = self.lock();
        if let Some(follower) = flights.get(text) {
            return Role::Follow(follower.clone());
        }
        let (outcome, receiver) = watch::channel(None);
        let text = Arc::<str>::from(text);
        flights.insert(Arc::clone(&text), Follower { outcome: receiver, deadline });
        Role::Lead(Flight { flights: self, text: Some(text), outcome })
    }

    /// Ends a flight, unless another one of the same text has begun.
    fn remove(&self, text: &str, flight: &watch::Receiver<Option<Outcome>>) {
        let mut flights = self.lock();
        if flights.get(text).is_some_and(|now| now.outcome.same_channel(flight)) {
            flights.remove(text);
        }
    }

    #[cfg(test)]
    pub(super) fn under_way(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, UnderWay> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Participant<'_> {
    /// The outcome of a prepare that another request is at, or else of `lead`, which is this one's and is
    /// not polled otherwise.
    pub(super) async fn outcome(
        &mut self,
        lead: impl Future<Output = Outcome>,
    ) -> Result<Landed, Error> {
        loop {
            match self.flights.join(self.statement.text(), self.deadline) {
                Role::Lead(flight) => {
                    let outcome = lead.await;
                    flight.land(&outcome);
                    return Ok(Landed { outcome, may_be_before: false });
                }
                Role::Follow(follower) => {
                    // What another one begins after that was begun after this call.
                    let may_be_before = !self.has_followed;
                    self.has_followed = true;
                    let leaders = follower.deadline;
                    match self.wait(follower).await? {
                        Some(Err(error)) if self.is_leaders_own(&error, leaders) => {}
                        Some(outcome) => return Ok(Landed { outcome, may_be_before }),
                        None => {}
                    }
                }
            }
        }
    }

    /// `None` if the leader is gone without an outcome, or is at it for too long.
    async fn wait(&self, follower: Follower) -> Result<Option<Outcome>, Error> {
        let began = Instant::now();
        let patience = began + PATIENCE;
        let end = self.deadline.map_or(patience, |deadline| deadline.min(patience));
        let flight = follower.outcome.clone();
        if !has_runtime() {
            // Nobody can wait until then.
            return Err(NotPrepared::Deadline(Duration::ZERO).of(self.statement));
        }
        match timeout_at(end, follower.wait()).await {
            Ok(outcome) => Ok(outcome),
            Err(_) if end == patience => {
                self.flights.remove(self.statement.text(), &flight);
                Ok(None)
            }
            Err(_) => Err(NotPrepared::Deadline(began.elapsed()).of(self.statement)),
        }
    }

    /// Whether what the leader failed with concerns it alone, and not the statement: a layer below refused
    /// its request, or its time was over, and ours is not.
    fn is_leaders_own(&mut self, error: &Error, leaders: Option<Instant>) -> bool {
        let had_less_time =
            leaders.is_some_and(|leaders| self.deadline.is_none_or(|ours| leaders < ours));
        if had_less_time && (is_over(leaders) || is_of_time(error)) {
            return true;
        }
        self.refusals += u32::from(error.is_refusal());
        error.is_refusal() && self.refusals < REFUSALS
    }
}

fn is_over(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| deadline <= Instant::now())
}

/// What gives up in time does so before the deadline.
fn is_of_time(error: &Error) -> bool {
    use ErrorKind::{DeadlinePassed, PrepareTimeout, Timeout};
    error.class() == ErrorClass::Exhausted
        || matches!(error.kind(), DeadlinePassed(_) | PrepareTimeout { .. } | Timeout { .. })
}

impl Flight<'_> {
    /// Gives the outcome to all who wait. Who comes from now on finds the cache filled, or tries anew.
    fn land(mut self, outcome: &Outcome) {
        // Before they are told: those who try anew do not find this one again.
        self.remove();
        self.outcome.send_replace(Some(outcome.clone()));
    }

    fn remove(&mut self) {
        if let Some(text) = self.text.take() {
            self.flights.remove(&text, &self.outcome.subscribe());
        }
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.remove();
    }
}

impl Follower {
    /// The outcome, or `None` if the leader is gone without one.
    async fn wait(mut self) -> Option<Outcome> {
        self.outcome.wait_for(Option::is_some).await.ok()?.clone()
    }
}
