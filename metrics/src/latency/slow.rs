//! One event for a request that took long.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cqlstack_core::InvalidConfig;
use cqlstack_core::layer::Attempts;
use tokio::time::Instant;

use super::config::MetricsConfig;
use crate::recorder::Outcome;

/// Which requests get a `tracing` event of level `WARN`, target `cqlstack::slow`.
///
/// The event has the statement's name, the outcome (`answered`, `cancelled`, or the class of the
/// error), the time, how often it was sent, and how many slow requests got no event since the last one:
/// at most one event is written in each interval. It never has a value or a text.
///
/// A request that is watched costs one allocation, for the count of its attempts.
///
/// ```
/// use cqlstack_metrics::{MetricsLayer, SlowRequests};
/// use std::time::Duration;
///
/// # fn main() -> Result<(), cqlstack_core::InvalidConfig> {
/// let slow = SlowRequests::over(Duration::from_millis(200))?.at_most_every(Duration::from_secs(1));
/// let layer = MetricsLayer::new().slow_requests(slow);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct SlowRequests {
    threshold: Duration,
    interval: Duration,
}

impl SlowRequests {
    /// Requests that take longer than this, at most ten in a second.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] for `threshold`, if it is 0.
    pub fn over(threshold: Duration) -> Result<Self, InvalidConfig> {
        if threshold.is_zero() {
            return Err(InvalidConfig::new("threshold", "is 0, which every request exceeds"));
        }
        Ok(Self { threshold, interval: MetricsConfig::default().slow_interval })
    }

    /// Writes at most one event in each interval; with zero, one for every slow request.
    #[must_use]
    pub fn at_most_every(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }
}

#[derive(Debug)]
pub(super) struct Slow {
    settings: SlowRequests,
    since: Instant,
    /// Nanoseconds after `since` from which on the next event may be written.
    next: AtomicU64,
    skipped: AtomicU64,
}

impl Slow {
    pub(super) fn new(settings: SlowRequests) -> Self {
        Self {
            settings,
            since: Instant::now(),
            next: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
        }
    }

    pub(super) fn tell(
        &self,
        name: &str,
        took: Duration,
        outcome: Outcome,
        attempts: Option<&Attempts>,
    ) {
        if took <= self.settings.threshold {
            return;
        }
        if !self.is_due() {
            self.skipped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let outcome = match outcome {
            Outcome::Answered => "answered",
            Outcome::Cancelled => "cancelled",
            Outcome::Failed(class) => class.as_str(),
        };
        let attempts = attempts.map(Attempts::so_far);
        let skipped = self.skipped.swap(0, Ordering::Relaxed);
        tracing::warn!(
            target: "cqlstack::slow",
            statement = name, outcome, ?took, attempts, skipped,
            "a request took long"
        );
    }

    fn is_due(&self) -> bool {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let now = nanos(self.since.elapsed());
        let after = now.saturating_add(nanos(self.settings.interval));
        let due = |next| (next <= now).then_some(after);
        self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, due).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, pipe};
    use std::sync::Arc;

    use cqlstack_core::testing::{Answer, ScriptedSession};
    use cqlstack_core::{Client, ErrorKind, Request, Statement};
    use tower::Layer;
    use tracing::subscriber::set_default;

    use super::*;
    use crate::MetricsLayer;

    #[tokio::test(start_paused = true)]
    async fn slow_requests_are_told_with_their_attempts_and_without_their_values() {
        let (mut log, writer) = pipe().unwrap();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(Arc::new(writer));
        let listening = set_default(subscriber.finish());
        let slow = SlowRequests::over(Duration::from_millis(50)).unwrap();
        let layer = MetricsLayer::new().slow_requests(slow);
        let after = |answer: Answer, millis| answer.after(Duration::from_millis(millis));
        let session = ScriptedSession::new().on(
            "read",
            [
                after(Answer::done(), 40),
                after(Answer::done(), 60),
                after(Answer::done(), 51),
                after(Answer::error(ErrorKind::Overloaded), 100),
            ],
        );
        let db = Client::new(layer.layer(session));
        let read = Statement::new("SELECT v FROM t WHERE k = 'hunter2'").named("read");
        for _ in 0..4 {
            let _ = db.execute(&read, ("hunter3",)).await;
        }
        drop(listening);
        let mut told = String::new();
        log.read_to_string(&mut told).unwrap();
        assert!(!told.contains("hunter"), "{told}");
        let told: Vec<&str> = told.lines().collect();
        assert_eq!(told.len(), 2, "{told:?}");
        for part in
            ["statement=\"read\"", "outcome=\"answered\"", "took=60ms", "attempts=1", "skipped=0"]
        {
            assert!(told[0].contains(part), "{told:?}");
        }
        // The third came within 100 ms of the second.
        for part in ["outcome=\"overload\"", "took=100ms", "skipped=1"] {
            assert!(told[1].contains(part), "{told:?}");
        }
    }

    #[tokio::test]
    async fn attempts_are_those_of_the_request_and_its_clones() {
        let mut request = Request::from(&Statement::new("SELECT v FROM t"));
        let attempts = request.count_attempts();
        let db = Client::new(ScriptedSession::new().otherwise(Answer::done()));
        for _ in 0..3 {
            db.request(request.clone()).await.unwrap();
        }
        assert_eq!(attempts.so_far(), 3);
    }
}
