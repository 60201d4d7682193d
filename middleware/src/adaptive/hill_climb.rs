//! The default algorithm: a search for the smallest limit with nearly the highest throughput.

use std::time::Duration;

use cqlstack_core::InvalidConfig;

use super::algorithm::{LimitAlgorithm, Sample, float, whole};

/// How trials are made.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Stride {
    /// A trial is of this many times the limit, or of its reciprocal.
    step: f64,
    /// How many times the throughput a larger limit has to bring, and a smaller one to leave.
    gain: f64,
    rest: f64,
    /// Windows of a trial, unless one decides before: this much more throughput, or less.
    windows: usize,
    more: f64,
    less: f64,
}

/// On the way to the limit.
const COARSE: Stride =
    Stride { step: 1.5, gain: 1.08, rest: 0.97, windows: 3, more: 1.25, less: 0.85 };
/// About the limit: its trials cost little.
const FINE: Stride =
    Stride { step: 1.25, gain: 1.05, rest: 0.98, windows: 6, more: 1.15, less: 0.9 };
/// Windows that a trial is compared with: the last ones.
const COMPARED: usize = 6;
/// How long to wait after trials both ways in vain: at first, and in the end. Trials take at most one part in so many of the
/// time.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(10);
const WINDOWS: u32 = 10;
const LONGEST_DUE: Duration = Duration::from_secs(300);
/// A part of requests that fail for load, from which on the limit shrinks by half of it.
const OVERLOAD: f64 = 0.1;
/// A lowest latency is this much higher after so long without a lower one.
const LOWEST_FOR: Duration = Duration::from_secs(60);
const FORGETS: f64 = 1.05;
/// A trial of a larger limit waits so long for windows in which that is needed.
const UNUSED_FOR: Duration = Duration::from_secs(5);
/// Requests without which a trial is not decided before its windows are over.
const ENOUGH: u32 = 100;

/// Climbs to the smallest limit with nearly the highest throughput.
///
/// From time to time it tries a limit a half larger, or a third smaller, for up to three windows, and compares the
/// throughput. The larger one stays where it brings 8 % more, and a latency of at most five times the lowest that was seen
/// (which is taken for 5 % higher each minute in which none is lower); the smaller one, where it costs at most 3 %. As long
/// as trials succeed one follows the other; after two in vain it waits a second, and then longer, up to ten, and its trials
/// are finer: a quarter more, a fifth less, in six windows, for 5 % and 2 %. It tries nothing while there is room below the
/// limit. Where trials take long, since requests do, they take a tenth of the time at most.
///
/// Throughput is what a cluster with its caches, pauses and neighbours is judged by: a latency beside a baseline, as Vegas
/// and Gradient2 have it, took the noise of a real node for a queue, and stood at a limit of 2 where 100 was right. What
/// latency is for is the bound: where several clients share a cluster, each has more of it with a larger limit, and all
/// together nothing. .NET's thread pool finds its number of threads so ("hill climbing").
#[derive(Debug, Clone)]
pub struct HillClimb {
    longest: f64,
    stride: Stride,
    limit: f64,
    /// What it has said last: another limit in force is somebody else's.
    said: Option<usize>,
    /// Windows at the limit, the last ones.
    at_limit: Vec<Window>,
    trial: Option<Trial>,
    /// Whether the next trial is of a larger limit, and the last one was in vain.
    is_next_larger: bool,
    was_in_vain: bool,
    /// Trials that succeeded, one after the other.
    successes: u32,
    since: Duration,
    wait: Duration,
    due: Duration,
    /// In seconds, and how old it is.
    lowest: Option<(f64, Duration)>,
}

/// In requests a second, and seconds.
#[derive(Debug, Clone, Copy)]
struct Window {
    throughput: f64,
    latency: f64,
}

#[derive(Debug, Clone)]
struct Trial {
    limit: f64,
    is_larger: bool,
    windows: Vec<Window>,
    answered: u32,
    took: Duration,
}

impl Default for HillClimb {
    fn default() -> Self {
        Self {
            longest: 5.0,
            stride: COARSE,
            limit: 1.0,
            said: None,
            at_limit: Vec::new(),
            trial: None,
            is_next_larger: true,
            was_in_vain: false,
            successes: 0,
            since: Duration::ZERO,
            wait: SHORTEST_WAIT,
            due: Duration::ZERO,
            lowest: None,
        }
    }
}

impl HillClimb {
    /// The same with another bound of latency: how many times the lowest that was seen a larger limit may have. 5 by
    /// default.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] for `longest`, if it is not from 1.5 to 1,000.
    pub fn with_longest_latency(mut self, longest: f64) -> Result<Self, InvalidConfig> {
        if !(1.5..=1_000.0).contains(&longest) {
            return Err(InvalidConfig::new("longest_latency", "is not from 1.5 to 1,000"));
        }
        self.longest = longest;
        Ok(self)
    }

    /// Begins anew at this limit.
    fn stand_at(&mut self, limit: f64) {
        self.limit = limit.max(1.0);
        self.trial = None;
        self.at_limit.clear();
    }

    fn note_latency(&mut self, latency: f64, span: Duration) {
        let (lowest, age) = self.lowest.unwrap_or((latency, Duration::ZERO));
        let age = age.saturating_add(span);
        self.lowest = Some(if latency <= lowest {
            (latency, Duration::ZERO)
        } else if age > LOWEST_FOR {
            // What is seen now may be a queue of our own making.
            (latency.min(lowest * FORGETS), Duration::ZERO)
        } else {
            (lowest, age)
        });
    }

    fn begin_trial(&mut self) {
        let is_larger = self.is_next_larger || self.limit < 2.0;
        let step = self.stride.step;
        let limit = if is_larger {
            (self.limit * step).max(self.limit + 1.0)
        } else {
            (self.limit / step).min(self.limit - 1.0)
        };
        let (windows, took) = (Vec::new(), Duration::ZERO);
        self.trial = Some(Trial { limit, is_larger, windows, answered: 0, took });
    }

    /// A window of the trial is over.
    fn judge(&mut self, mut trial: Trial, window: Window, sample: &Sample) {
        let Stride { gain, rest, windows, more, less, .. } = self.stride;
        // Idle time is none of the trial's.
        trial.took = trial.took.saturating_add(sample.span.min(UNUSED_FOR));
        if trial.is_larger && sample.in_flight < sample.limit && trial.took < UNUSED_FOR {
            // Load comes in bursts, perhaps.
            self.trial = Some(trial);
            return;
        }
        trial.windows.push(window);
        trial.answered = trial.answered.saturating_add(sample.answered);
        let (more, less) =
            if trial.answered < ENOUGH { (f64::INFINITY, 0.0) } else { (more, less) };
        let throughput = |windows: &[Window]| mean(windows, |window| window.throughput);
        let ratio = throughput(&trial.windows) / throughput(&self.at_limit);
        let is_over = trial.windows.len() >= windows;
        let is_decided = if trial.is_larger {
            // Room below the larger limit says that there is no need for it.
            is_over || ratio >= more || sample.in_flight < sample.limit
        } else {
            is_over || ratio <= less
        };
        if !is_decided {
            self.trial = Some(trial);
            return;
        }
        let latency = mean(&trial.windows, |window| window.latency);
        let is_quick = self.lowest.is_none_or(|(lowest, _)| latency <= self.longest * lowest);
        let succeeds = if trial.is_larger { ratio >= gain && is_quick } else { ratio >= rest };
        if succeeds {
            self.succeeded(trial);
        } else {
            self.was_vain(trial.is_larger, trial.took);
        }
    }

    fn succeeded(&mut self, trial: Trial) {
        (self.limit, self.at_limit) = (trial.limit, trial.windows);
        (self.was_in_vain, self.wait) = (false, SHORTEST_WAIT);
        (self.since, self.due) = (Duration::ZERO, Duration::ZERO);
        self.successes = self.successes.saturating_add(1);
        if self.successes > 1 {
            // The limit is elsewhere by now.
            self.stride = COARSE;
        }
    }

    /// The limit stays. The other way is next, at once or after a wait.
    fn was_vain(&mut self, was_larger: bool, took: Duration) {
        self.is_next_larger = !was_larger;
        self.at_limit.clear();
        (self.since, self.due, self.successes) = (Duration::ZERO, Duration::ZERO, 0);
        if std::mem::replace(&mut self.was_in_vain, true) {
            self.was_in_vain = false;
            self.stride = FINE;
            self.due = self.wait.max(took.saturating_mul(WINDOWS)).min(LONGEST_DUE);
            self.wait = (self.wait * 2).min(LONGEST_WAIT);
        }
    }
}

/// Without the lowest and the highest, of five and more: a pause of the server is one of them.
fn mean(windows: &[Window], of: impl Fn(&Window) -> f64) -> f64 {
    let mut values: Vec<f64> = windows.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    let values = match &values[..] {
        [_, middle @ .., _] if middle.len() >= 3 => middle,
        all => all,
    };
    values.iter().sum::<f64>() / f64::from(u32::try_from(values.len()).unwrap_or(u32::MAX))
}

impl LimitAlgorithm for HillClimb {
    fn update(&mut self, sample: &Sample) -> usize {
        if self.said != Some(sample.limit) {
            // The first one, one out of the layer's bounds, or one that was set.
            let trial = self.trial.take();
            self.stand_at(float(sample.limit));
            if let Some(trial) = trial {
                // Where it did not fit, the other way may.
                self.was_vain(trial.is_larger, sample.span);
            }
        }
        // A clock that stands still tells no latency. By Little's law the throughput is what is in flight by its latency: of
        // a window that has few requests, or some rounds of them, that is known better than by counting.
        let latency = sample.latency.as_secs_f64().max(1e-9);
        let overload = sample.overload();
        let answered = 1.0 - overload;
        let window = Window { throughput: float(sample.in_flight) * answered / latency, latency };
        self.since = self.since.saturating_add(sample.span);
        if sample.overloaded == 0 {
            // A refusal is quick.
            self.note_latency(window.latency, sample.span);
        }
        if overload > OVERLOAD {
            self.stand_at(self.limit * (1.0 - overload / 2.0));
            // When it is over, back with large steps.
            (self.stride, self.is_next_larger, self.due) = (COARSE, true, Duration::ZERO);
        } else if let Some(trial) = self.trial.take() {
            self.judge(trial, window, sample);
        } else if sample.in_flight < sample.limit {
            // What is asked for bounds the throughput, and no limit.
            self.at_limit.clear();
        } else {
            self.at_limit.push(window);
            if self.at_limit.len() > COMPARED {
                self.at_limit.remove(0);
            }
        }
        let is_due = self.trial.is_none() && self.since >= self.due && !self.at_limit.is_empty();
        if is_due && overload <= OVERLOAD {
            self.begin_trial();
        }
        let limit = self.trial.as_ref().map_or(self.limit, |trial| trial.limit);
        let next = whole(limit.round()).max(1);
        self.said = Some(next);
        next
    }

    fn baseline(&self) -> Option<Duration> {
        let (lowest, _) = self.lowest?;
        Duration::try_from_secs_f64(lowest).ok()
    }
}
