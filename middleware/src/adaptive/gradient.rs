//! The default algorithm: latency beside the latency at half the limit.

use std::time::Duration;

use cqlstack_core::InvalidConfig;

use super::algorithm::{LimitAlgorithm, Sample};

/// When the baseline is measured first, and then.
const FIRST: Duration = Duration::from_secs(1);
const SECOND: Duration = Duration::from_secs(2);
const LATER: Duration = Duration::from_secs(10);
/// A measurement takes a window at half the limit: it is at most one of so many.
const WINDOWS: u32 = 20;
/// How much of what the formula says is taken over a window.
const SMOOTHING: f64 = 0.3;
/// By how much a limit grows whose service has no queue.
const SLOW_START: f64 = 1.5;
/// How much more than there seems to be room for is tried.
const HEADROOM: f64 = 0.1;
/// At most so little is left of a limit, before smoothing.
const STEEPEST: f64 = 0.5;
/// Where half the limit has so much less latency, it has the same throughput: the other half only waited.
const SATURATED: f64 = 1.75;
/// Where it has so much less, that may be so: means of few requests differ. It is measured again soon.
const UNSURE: f64 = 1.5;
const SOON: u32 = 5;
/// Where half the limit has hardly less latency, there is room.
const UNSATURATED: f64 = 1.05;
/// A latency below so much of the baseline is that of another service.
const FASTER: f64 = 0.7;
/// A latency above so many baselines under a limit that was good is another service.
const SHIFTED: f64 = 2.0;

/// Keeps latency near that of a service without a queue: the limit shrinks by as much as the mean latency is above 1.2
/// of the baseline, and has a tenth more room than that says. So it stands where the latency is a third above the
/// baseline: the server has a short queue and is never idle.
///
/// The baseline is the mean latency of a window **at half the limit**, measured after one and three seconds and then every
/// ten, and at once when the latency doubles under a limit that was good. A minimum of all that was ever seen, as Vegas has it, is that of a lucky
/// moment, and a mean of what is seen under the limit, as Gradient2 has it, grows with the queue. While there is no queue
/// the limit grows by half a window.
///
/// Where half the limit has so much less latency that its throughput is the same, the other half only waited: the half is
/// the limit, and the measurement goes on at a quarter.
#[derive(Debug, Clone)]
pub struct Gradient {
    tolerance: f64,
    limit: f64,
    /// What it has said last: another limit in force is somebody else's.
    said: Option<usize>,
    phase: Phase,
    /// In seconds; none before the first window.
    baseline: Option<f64>,
    /// The limit at which the baseline was found to be right.
    trusted: f64,
    /// How long ago the baseline was measured, and when it is measured again.
    age: Duration,
    next: Duration,
    measured: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    SlowStart,
    Steady,
    /// At half of this limit, which has this latency.
    Measuring {
        limit: f64,
        latency: f64,
    },
}

impl Default for Gradient {
    fn default() -> Self {
        Self {
            tolerance: 1.2,
            limit: 0.0,
            said: None,
            phase: Phase::SlowStart,
            baseline: None,
            trusted: 0.0,
            age: Duration::ZERO,
            next: FIRST,
            measured: false,
        }
    }
}

impl Gradient {
    /// The same with another tolerance: how many times the baseline a latency may be without a queue. 1.2 by default.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] for `tolerance`, if it is not from 1 to 10.
    pub fn with_tolerance(mut self, tolerance: f64) -> Result<Self, InvalidConfig> {
        if !(1.0..=10.0).contains(&tolerance) {
            return Err(InvalidConfig::new("tolerance", "is not from 1 to 10"));
        }
        self.tolerance = tolerance;
        Ok(self)
    }

    /// What was measured at half the limit is the baseline, and the limit is what it was.
    fn measured(&mut self, limit: f64, loaded: f64, latency: f64, span: Duration) {
        self.baseline = Some(latency);
        let ratio = loaded / latency;
        if ratio >= SATURATED && self.limit >= 2.0 {
            self.measure(latency);
            return;
        }
        (self.limit, self.trusted) = (limit, limit);
        self.age = Duration::ZERO;
        self.phase = if ratio <= UNSATURATED { Phase::SlowStart } else { Phase::Steady };
        let (due, windows) = match self.measured {
            _ if ratio >= UNSURE => (FIRST, SOON),
            false => (SECOND, WINDOWS),
            true => (LATER, WINDOWS),
        };
        self.next = due.max(span.saturating_mul(windows));
        self.measured = true;
    }

    /// From now on, at half the limit, which has this latency.
    fn measure(&mut self, latency: f64) {
        self.phase = Phase::Measuring { limit: self.limit, latency };
        self.limit /= 2.0;
    }

    fn step(&mut self, sample: &Sample, latency: f64) {
        let overload = sample.overload();
        let baseline = match self.baseline {
            Some(baseline) if latency < FASTER * baseline => latency,
            Some(baseline) => baseline,
            None => {
                self.trusted = self.limit;
                latency
            }
        };
        self.baseline = Some(baseline);
        let has_shifted = latency > SHIFTED * baseline && self.limit <= 1.1 * self.trusted;
        if self.age >= self.next || has_shifted {
            self.measure(latency);
            return;
        }
        if self.phase == Phase::SlowStart {
            if overload == 0.0 && latency <= self.tolerance * baseline {
                self.limit *= SLOW_START;
                return;
            }
            self.phase = Phase::Steady;
        }
        let room = (self.tolerance * baseline / latency).min(1.0) * (1.0 - overload);
        let headroom = if overload > 0.0 { 0.0 } else { HEADROOM };
        let formula = self.limit * (room.max(STEEPEST) + headroom);
        self.limit += SMOOTHING * (formula - self.limit);
    }
}

impl LimitAlgorithm for Gradient {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a limit above 2^53 is none, and none is negative"
    )]
    fn update(&mut self, sample: &Sample) -> usize {
        if self.said != Some(sample.limit) {
            // The first one, one out of the layer's bounds, or one that was set.
            self.limit = sample.limit as f64;
            if let Phase::Measuring { .. } = self.phase {
                self.phase = Phase::Steady;
            }
        }
        // A clock that stands still tells no latency.
        let latency = sample.latency.as_secs_f64().max(1e-9);
        self.age = self.age.saturating_add(sample.span);
        match self.phase {
            Phase::Measuring { limit, latency: loaded } => {
                self.measured(limit, loaded, latency, sample.span);
            }
            _ if sample.is_used() || sample.overloaded > 0 => self.step(sample, latency),
            // Without load any latency is one without a queue.
            _ => {
                self.baseline =
                    Some(self.baseline.map_or(latency, |before| before + 0.3 * (latency - before)));
                self.trusted = self.limit;
            }
        }
        let next = (self.limit.round() as usize).max(1);
        self.said = Some(next);
        next
    }

    fn baseline(&self) -> Option<Duration> {
        self.baseline.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    }
}
