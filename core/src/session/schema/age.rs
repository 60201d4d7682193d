//! The age of what a session knows of the schema.
//!
//! While no node can be asked, tables may be made anew unnoticed. What the session knows of them counts as
//! stale when it is too old: statements that were prepared before are current no more, and one that is prepared
//! then serves one request, so that the server itself tells of a value that does not fit.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use crate::lock::lock;
use crate::session::config::SessionConfig;
use crate::session::schema::generation::Clock;
use crate::session::schema::tables::Unread;
use crate::session::wait::add;

/// How old what a session knows of the schema is: what [`Session::schema`](crate::Session::schema) tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaStats {
    /// The time since it was known to be that of the cluster: no more than
    /// [`schema_refresh`](crate::SessionBuilder::schema_refresh) and a look, while a node can be asked.
    pub age: Duration,
    /// Whether it is too old ([`schema_stale_after`](crate::SessionBuilder::schema_stale_after)), so that
    /// statements are prepared for each use.
    pub stale: bool,
}

impl fmt::Display for SchemaStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stale = if self.stale { ", and is stale" } else { "" };
        write!(f, "schema was known {:.1?} ago{stale}", self.age)
    }
}

pub(in crate::session) struct SchemaAge {
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
    pub(in crate::session) fn new(clock: Arc<Clock>, config: &SessionConfig) -> Self {
        let last = Mutex::new(Last { read: Instant::now(), failure: None });
        Self { clock, limit: config.schema_age_limit(), last }
    }

    pub(in crate::session) fn stats(&self) -> SchemaStats {
        SchemaStats { age: self.last().read.elapsed(), stale: self.is_stale() }
    }

    pub(in crate::session) fn is_stale(&self) -> bool {
        self.clock.is_stale()
    }

    /// A look that began then found what the session knows to be right, or has put it right.
    pub(in crate::session) fn is_read(&self, began: Instant) {
        let mut last = self.last();
        let before = last.read;
        last.read = before.max(began);
        last.failure = None;
        let after = last.read - before;
        let is_known_again = self.clock.is_stale() && last.read.elapsed() < self.limit;
        if is_known_again {
            self.clock.set_stale(false);
        }
        drop(last);
        if is_known_again {
            tracing::info!("the schema is known again after {after:.1?}");
        }
    }

    pub(in crate::session) fn has_failed(&self, failure: Unread) {
        self.last().failure = Some(failure);
    }

    /// Tells when what is known becomes stale. Ends never.
    pub(in crate::session) async fn keep(&self) {
        loop {
            let is_due = add(self.last().read, self.limit);
            sleep_until(is_due).await;
            // A look may have succeeded meanwhile.
            if self.is_overdue() {
                sleep(self.limit).await;
            }
        }
    }

    fn is_overdue(&self) -> bool {
        let last = self.last();
        let age = last.read.elapsed();
        if age < self.limit {
            return false;
        }
        if self.clock.is_stale() {
            return true;
        }
        self.clock.set_stale(true);
        let failure = last.failure.clone();
        drop(last);
        let why = failure.map_or_else(|| "no look ended".to_owned(), |why| why.to_string());
        tracing::warn!(
            "the schema could not be read for {age:.1?} ({why}): until it can, statement caches prepare each \
             statement for each use"
        );
        true
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        lock(&self.last)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn age(stale_after: Duration, refresh: Duration) -> Arc<SchemaAge> {
        let config = SessionConfig {
            schema_stale_after: stale_after,
            schema_refresh: refresh,
            ..SessionConfig::default()
        };
        Arc::new(SchemaAge::new(Arc::default(), &config))
    }

    fn kept(age: &Arc<SchemaAge>) {
        let age = Arc::clone(age);
        tokio::spawn(async move { age.keep().await });
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn it_is_stale_when_no_look_succeeded_in_time_and_until_one_does() {
        let age = age(3 * SECOND, SECOND);
        kept(&age);
        for _ in 0..5 {
            sleep(2 * SECOND).await;
            age.has_failed(Unread::NoNode);
            assert!(!age.is_stale());
            age.is_read(Instant::now());
        }
        for _ in 0..3 {
            let generation = age.clock.unchanged();
            sleep(Duration::from_millis(2_999)).await;
            assert!(!age.is_stale());
            sleep(Duration::from_millis(2)).await;
            assert_eq!(
                age.stats(),
                SchemaStats { age: 3 * SECOND + Duration::from_millis(1), stale: true }
            );
            assert!(age.clock.unchanged() > generation, "who looks at statements is told");
            sleep(7 * SECOND).await;
            assert!(age.is_stale());
            // It began too long ago.
            age.is_read(Instant::now() - 4 * SECOND);
            assert!(age.is_stale());
            age.is_read(Instant::now());
            assert_eq!(age.stats(), SchemaStats { age: Duration::ZERO, stale: false });
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_ends_late_makes_nothing_older() {
        let age = age(3 * SECOND, SECOND);
        let began = Instant::now();
        advance(SECOND).await;
        age.is_read(Instant::now());
        age.is_read(began);
        assert_eq!(age.stats().age, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn looks_that_are_seldom_have_two_more_tries_and_no_time_is_too_long() {
        let seldom = age(3 * SECOND, 30 * SECOND);
        let never = age(Duration::MAX, Duration::MAX);
        kept(&seldom);
        kept(&never);
        sleep(89 * SECOND).await;
        assert!(!seldom.is_stale());
        sleep(2 * SECOND).await;
        assert!(seldom.is_stale() && !never.is_stale());
        never.is_read(Instant::now());
    }
}
