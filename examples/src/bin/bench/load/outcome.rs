//! What is recorded of a run.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::side::Failed;

/// Within one per cent, from a microsecond to ten minutes. Small: what is recorded must not push what is
/// measured out of the caches.
#[derive(Clone)]
pub(crate) struct Times(Histogram<u32>);

impl Default for Times {
    fn default() -> Self {
        // These bounds are right, which is the only error.
        Self(Histogram::new_with_bounds(1, 600_000_000, 2).unwrap_or_else(|_| unreachable!()))
    }
}

impl Times {
    pub(crate) fn record(&mut self, time: Duration) {
        self.0.saturating_record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    pub(crate) fn record_many(&mut self, time: Duration, count: u64) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.0.saturating_record_n(micros, count);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        // All have the same bounds, which is the only error.
        let _ = self.0.add(&other.0);
    }

    /// The time that so many per cent were not above.
    pub(crate) fn percentile(&self, percent: f64) -> Duration {
        Duration::from_micros(self.0.value_at_percentile(percent))
    }

    #[cfg(test)]
    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// The same, in milliseconds.
    pub(crate) fn millis(&self, percent: f64) -> f64 {
        self.percentile(percent).as_secs_f64() * 1e3
    }
}

/// The requests of a run, by what became of them.
#[derive(Clone, Default)]
pub(crate) struct Recorded {
    /// From due to the answer, **of all**: failed ones with the time to their error, undone ones with
    /// the age that they had at the end.
    pub(crate) response: Times,
    /// From sent to the answer, of those that were answered or failed; in a closed loop it is the
    /// same, and recorded once.
    pub(crate) service: Times,
    /// From due to the error, of those that failed.
    pub(crate) failed: Times,
    pub(crate) answered: u64,
    /// Answered in time.
    pub(crate) good: u64,
    pub(crate) undone: u64,
    pub(crate) errors: BTreeMap<Failed, u64>,
}

impl Recorded {
    pub(super) fn answered(
        &mut self,
        outcome: Result<(), Failed>,
        response: Duration,
        service: Option<Duration>,
        slo: Duration,
    ) {
        self.response.record(response);
        if let Some(service) = service {
            self.service.record(service);
        }
        match outcome {
            Ok(()) => {
                self.answered += 1;
                self.good += u64::from(response <= slo);
            }
            Err(failed) => {
                self.failed.record(response);
                *self.errors.entry(failed).or_default() += 1;
            }
        }
    }

    pub(super) fn undone(&mut self, age: Duration) {
        self.response.record(age);
        self.undone += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.response.add(&other.response);
        self.service.add(&other.service);
        self.failed.add(&other.failed);
        self.answered += other.answered;
        self.good += other.good;
        self.undone += other.undone;
        for (failed, count) in &other.errors {
            *self.errors.entry(failed).or_default() += count;
        }
    }

    pub(crate) fn failed_count(&self) -> u64 {
        self.errors.values().sum()
    }

    pub(super) fn count(&self) -> u64 {
        self.answered + self.failed_count() + self.undone
    }
}

/// A run, and what it cost this process.
#[derive(Clone)]
pub(crate) struct Outcome {
    pub(crate) recorded: Recorded,
    /// All that were due: answered, failed and undone.
    pub(crate) offered: u64,
    pub(crate) took: Duration,
    /// User and system, of all threads.
    pub(crate) cpu: Duration,
    /// The most resident memory, in bytes, of a process that has this side alone under load.
    pub(crate) peak_memory: Option<u64>,
    pub(crate) threads: Option<u64>,
    /// How late a ticker was on the same runtime.
    pub(crate) lag: Times,
    /// Connections that broke.
    pub(crate) broken: usize,
}

#[allow(clippy::cast_precision_loss, reason = "far fewer than 2^52 requests")]
impl Outcome {
    /// Answers a second: throughput.
    pub(crate) fn rate(&self) -> f64 {
        self.recorded.answered as f64 / self.took.as_secs_f64()
    }

    /// Requests that were due, a second.
    pub(crate) fn offered_rate(&self) -> f64 {
        self.offered as f64 / self.took.as_secs_f64()
    }

    /// Answers in time, a second: goodput.
    pub(crate) fn good_rate(&self) -> f64 {
        self.recorded.good as f64 / self.took.as_secs_f64()
    }

    /// The part of all that were due that failed or were not done.
    pub(crate) fn error_part(&self) -> f64 {
        let bad = self.recorded.failed_count() + self.recorded.undone;
        bad as f64 / (self.offered.max(1)) as f64
    }

    /// Microseconds of processor time for each request that ended.
    pub(crate) fn cpu_micros(&self) -> f64 {
        let ended = self.recorded.answered + self.recorded.failed_count();
        self.cpu.as_secs_f64() * 1e6 / ended.max(1) as f64
    }

    pub(crate) fn undone(&self) -> f64 {
        self.recorded.undone as f64
    }

    pub(crate) fn broken_connections(&self) -> f64 {
        self.broken as f64
    }

    pub(crate) fn peak_megabytes(&self) -> f64 {
        self.peak_memory.map_or(f64::NAN, |bytes| bytes as f64 / 1e6)
    }

    pub(crate) fn thread_count(&self) -> f64 {
        self.threads.map_or(f64::NAN, |threads| threads as f64)
    }

    /// A part of the same run, on another thread.
    pub(crate) fn beside(&mut self, other: &Self) {
        let took = self.took.max(other.took);
        self.add(other);
        self.took = took;
    }

    /// The same side, at another time.
    pub(crate) fn add(&mut self, other: &Self) {
        self.recorded.add(&other.recorded);
        self.offered += other.offered;
        self.took += other.took;
        self.cpu += other.cpu;
        self.peak_memory = self.peak_memory.max(other.peak_memory);
        self.threads = self.threads.max(other.threads);
        self.lag.add(&other.lag);
        self.broken += other.broken;
    }
}
