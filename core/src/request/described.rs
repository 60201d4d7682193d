//! What layers may ask of a request.

use std::time::Duration;

use tokio::time::Instant;

use super::Request;
use crate::attempts::Attempts;
use crate::statement::{Statement, StatementKind};
use crate::traits::Described;

impl Described for Request {
    #[inline]
    fn statement(&self) -> &Statement {
        Self::statement(self)
    }

    fn kind(&self) -> StatementKind {
        Self::kind(self)
    }

    fn is_idempotent(&self) -> bool {
        Self::is_idempotent(self)
    }

    #[inline]
    fn deadline(&self) -> Option<Instant> {
        Self::deadline(self)
    }

    #[inline]
    fn set_deadline(&mut self, deadline: Instant) {
        Self::set_deadline(self, deadline);
    }

    #[inline]
    fn attempt_timeout(&self) -> Option<Duration> {
        Self::attempt_timeout(self)
    }

    fn count_attempts(&mut self) -> Option<Attempts> {
        Some(Self::count_attempts(self))
    }
}
