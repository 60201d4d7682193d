//! A request under way, from its call to its end.

use std::sync::Arc;

use cqlstack_core::layer::{Attempts, Described};
use tokio::time::Instant;

use super::slow::Slow;
use crate::recorder::Outcome;
use crate::statements::{Statements, Stripe};

/// What all services of a layer share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) statements: Arc<Statements>,
    pub(super) slow: Option<Arc<Slow>>,
}

/// A request under way. It ends when this is dropped.
pub(super) struct Guard {
    stripe: Arc<Stripe>,
    pub(super) started: Instant,
    pub(super) outcome: Outcome,
    slow: Option<(Arc<Slow>, Option<Attempts>)>,
}

impl Guard {
    pub(super) fn begin(shared: &Shared, request: &mut impl Described) -> Self {
        let stripe = shared.statements.of(request.statement()).begin();
        let slow = shared.slow.as_ref().map(|slow| (Arc::clone(slow), request.count_attempts()));
        Self { stripe, started: Instant::now(), outcome: Outcome::Cancelled, slow }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let took = self.started.elapsed();
        self.stripe.end(took, self.outcome);
        if let Some((slow, attempts)) = &self.slow {
            slow.tell(self.stripe.name(), took, self.outcome, attempts.as_ref());
        }
    }
}
