//! The age of what a session knows of the schema.
//!
//! While no node can be asked, tables may be made anew unnoticed. What the session knows of them counts as
//! stale when it is too old: statements that were prepared before are current no more, and one that is prepared
//! then serves one request, so that the server itself tells of a value that does not fit.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::config::SessionConfig;
use super::execute::add;
use super::schema::Clock;
use super::tables::Unread;

/// How old what a session knows of the schema is: what [`Session::schema`](crate::Session::schema) tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaFigures {
    /// The time since it was known to be that of the cluster: no more than
    /// [`schema_refresh`](crate::SessionBuilder::schema_refresh) and a look, while a node can be asked.
    pub age: Duration,
    /// Whether it is too old ([`schema_stale_after`](crate::SessionBuilder::schema_stale_after)), so that
    /// statements are prepared for each use.
    pub stale: bool,
}

impl fmt::Display for SchemaFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stale = if self.stale { ", and is stale" } else { "" };
        write!(f, "schema was known {:.1?} ago{stale}", self.age)
    }
}

pub(super) struct SchemaAge {
    clock: Arc<Clock>,
    /// What is older is stale.
    limit: Duration,
    last: Mutex<Last>,
}

struct Last {
    /// When the last look that succeeded began.
    read: Instant,
    /// Why the last look failed, if it did.
    failure: Option<Unread>,
}

impl SchemaAge {
    /// Of a session that is built now, and knows of no table yet.
    pub(super) fn new(clock: Arc<Clock>, config: &SessionConfig) -> Self {
        let last = Mutex::new(Last { read: Instant::now(), failure: None });
        Self { clock, limit: config.schema_age_limit(), last }
    }

    pub(super) fn figures(&self) -> SchemaFigures {
        SchemaFigures { age: self.last().read.elapsed(), stale: self.is_stale() }
    }

    pub(super) fn is_stale(&self) -> bool {
        self.clock.is_stale()
    }

    /// A look that began then found what the session knows to be right, or has put it right.
    pub(super) fn is_read(&self, began: Instant) {
        let mut last = self.last();
        let before = last.read;
        last.read = before.max(began);
        last.failure = None;
        if self.clock.is_stale() && last.read + self.limit > Instant::now() {
            self.clock.set_stale(false);
            let after = last.read - before;
            tracing::info!("the schema is known again after {after:.1?}");
        }
    }

    pub(super) fn has_failed(&self, failure: Unread) {
        self.last().failure = Some(failure);
    }

    /// Tells when what is known becomes stale. Ends never.
    pub(super) async fn keep(&self) {
        loop {
            let is_due = add(self.last().read, self.limit);
            if Instant::now() < is_due {
                sleep_until(is_due).await;
            } else {
                self.is_overdue();
                sleep(self.limit).await;
            }
        }
    }

    fn is_overdue(&self) {
        // A look may have succeeded meanwhile.
        let last = self.last();
        let age = last.read.elapsed();
        if self.clock.is_stale() || age < self.limit {
            return;
        }
        self.clock.set_stale(true);
        let failure = last.failure.clone();
        drop(last);
        let why = failure.map_or_else(|| "no look ended".to_owned(), |failure| failure.to_string());
        tracing::warn!(
            "the schema could not be read for {age:.1?} ({why}): until it can, each statement is prepared for \
             each use"
        );
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
