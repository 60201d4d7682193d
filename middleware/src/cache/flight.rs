//! One prepare for all who want the same statement at the same time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cqlstack_core::{Error, Prepared};
use tokio::sync::watch;
use tokio::time::Instant;

pub(super) type Outcome = Result<Prepared, Error>;

type UnderWay = HashMap<Arc<str>, Follower>;

/// The prepares that are under way, by text. Locked on a miss only.
#[derive(Debug, Default)]
pub(super) struct Flights(Mutex<UnderWay>);

/// What somebody who needs a statement has to do.
pub(super) enum Role<'f> {
    /// Send the prepare.
    Lead(Flight<'f>),
    /// Wait for the one who sends it.
    Follow(Follower),
}

/// A prepare under way. Dropped without [`land`](Self::land), its followers choose another leader.
pub(super) struct Flight<'f> {
    flights: &'f Flights,
    /// None once it has landed.
    text: Option<Arc<str>>,
    outcome: watch::Sender<Option<Outcome>>,
}

#[derive(Debug, Clone)]
pub(super) struct Follower {
    outcome: watch::Receiver<Option<Outcome>>,
    /// The leader's, which may be sooner.
    pub(super) deadline: Option<Instant>,
}

impl Flights {
    pub(super) fn join(&self, text: &str, deadline: Option<Instant>) -> Role<'_> {
        let mut flights = self.lock();
        if let Some(follower) = flights.get(text) {
            return Role::Follow(follower.clone());
        }
        let (outcome, receiver) = watch::channel(None);
        let follow = Follower { outcome: receiver, deadline };
        let text = Arc::<str>::from(text);
        flights.insert(Arc::clone(&text), follow);
        Role::Lead(Flight { flights: self, text: Some(text), outcome })
    }

    #[cfg(test)]
    pub(super) fn under_way(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, UnderWay> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight<'_> {
    /// Gives the outcome to all who wait. Who comes from now on finds the cache filled, or tries anew.
    pub(super) fn land(mut self, outcome: &Outcome) {
        // Before they are told: those who try anew do not find this one again.
        self.remove();
        self.outcome.send_replace(Some(outcome.clone()));
    }

    fn remove(&mut self) {
        if let Some(text) = self.text.take() {
            self.flights.lock().remove(&text);
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
    pub(super) async fn wait(mut self) -> Option<Outcome> {
        self.outcome.wait_for(Option::is_some).await.ok()?.clone()
    }
}
