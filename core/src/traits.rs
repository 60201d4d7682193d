//! All that a layer may know of what passes through it.
//!
//! Layers are generic over request, response and error, and ask these few questions. They can then
//! be used around other services, and tested without a server.

use std::time::Duration;

use tokio::time::Instant;

use crate::attempts::Attempts;
use crate::error::{Error, ErrorClass, ErrorKind, Recovery};
use crate::statement::{Statement, StatementKind};

/// What a layer may ask of a request.
pub trait Described {
    /// Which statement it is.
    fn statement(&self) -> &Statement;

    /// What the statement does, with all that is known by now: preparing tells more than a text.
    fn kind(&self) -> StatementKind {
        self.statement().kind()
    }

    /// Whether it may be sent twice, with all that is known by now.
    fn is_idempotent(&self) -> bool {
        self.statement().is_idempotent()
    }

    /// When its answer is worth nothing any more.
    fn deadline(&self) -> Option<Instant>;

    /// Sets the deadline: what is below obeys it.
    fn set_deadline(&mut self, deadline: Instant);

    /// The longest time of one attempt, if the request says so: a layer that lets it wait counts the wait.
    fn attempt_timeout(&self) -> Option<Duration> {
        None
    }

    /// When a wait that begins now has to end: at the deadline, or when the time of the attempt is over.
    fn latest_after(&self, now: Instant) -> Option<Instant> {
        let attempt = self.attempt_timeout().and_then(|timeout| now.checked_add(timeout));
        self.deadline().into_iter().chain(attempt).min()
    }

    /// Begins to count how often it is sent, with its clones, if it can tell.
    fn count_attempts(&mut self) -> Option<Attempts> {
        None
    }
}

/// What a layer may ask of an error.
pub trait Classify {
    /// Whether the work may have been done, and whether another attempt may help.
    fn class(&self) -> ErrorClass;

    /// The worst class of all attempts, if a layer below made several.
    fn worst_class(&self) -> ErrorClass {
        self.class()
    }

    /// What another attempt may hope for: not every request that was certainly not executed is worth
    /// another attempt.
    fn recovery(&self) -> Recovery {
        Recovery::of(self.class())
    }

    /// Whether a layer below refused the request, so that it was certainly not sent.
    fn is_refusal(&self) -> bool {
        false
    }

    /// Whether it means that a server has more to do than it can.
    fn load_sign(&self) -> Option<LoadSign> {
        (self.class() == ErrorClass::Overload && !self.is_refusal()).then_some(LoadSign::Said)
    }
}

/// How an error means that a server has more to do than it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadSign {
    /// It said so.
    Said,
    /// There was no answer in time. Who had little time left says nothing by that.
    TimedOut,
}

impl Classify for Error {
    fn class(&self) -> ErrorClass {
        Self::class(self)
    }

    fn worst_class(&self) -> ErrorClass {
        Self::worst_class(self)
    }

    fn recovery(&self) -> Recovery {
        Self::recovery(self)
    }

    fn is_refusal(&self) -> bool {
        let certain = matches!(self.class(), ErrorClass::NotExecuted | ErrorClass::Overload);
        *self.kind() == ErrorKind::Layer && certain && !self.is_out_of_time()
    }

    /// A limit of the rate of one partition, or of the streams of one connection, is none of the server's.
    fn load_sign(&self) -> Option<LoadSign> {
        match self.kind() {
            ErrorKind::Overloaded => Some(LoadSign::Said),
            ErrorKind::Timeout { .. } | ErrorKind::ReadTimeout(_) | ErrorKind::WriteTimeout(..) => {
                Some(LoadSign::TimedOut)
            }
            // A layer's own time for an attempt.
            _ => self.is_out_of_time().then_some(LoadSign::TimedOut),
        }
    }
}
