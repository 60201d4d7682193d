//! The growing waits. The only file that knows the `backoff` crate, which nobody maintains any more
//! (RUSTSEC-2025-0012): to replace it, write [`grow`] anew.

use std::time::Duration;

use ::backoff::ExponentialBackoff;
use ::backoff::backoff::Backoff;

/// How waits grow: the n-th is `min(min_delay * multiplier^(n - 1), max_delay)`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Growth {
    pub(super) min_delay: Duration,
    pub(super) multiplier: f64,
    pub(super) max_delay: Duration,
    pub(super) jitter: Jitter,
}

/// Whether a wait is as computed, or a random part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize), serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum Jitter {
    /// As computed: clients that failed together come back together.
    None,
    /// Anything from zero to the computed wait ("full jitter", as in gRPC's proposal A6 and in the
    /// AWS SDKs).
    Full,
}

/// The waits of one request, each drawn when it is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waits {
    next: Duration,
}

impl Waits {
    pub(super) fn new(growth: &Growth) -> Self {
        Self { next: growth.min_delay }
    }

    pub(super) fn next(&mut self, growth: &Growth) -> Duration {
        let wait = self.next.min(growth.max_delay);
        self.next = grow(wait, growth);
        match growth.jitter {
            Jitter::None => wait,
            Jitter::Full => {
                let nanos = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
                Duration::from_nanos(fastrand::u64(0..=nanos))
            }
        }
    }
}

/// The wait that follows this one. The crate's own limit of time, its randomness and its clock are not
/// used: jitter and bounds are ours, and time is tokio's.
fn grow(wait: Duration, growth: &Growth) -> Duration {
    let mut steps = ExponentialBackoff {
        current_interval: wait,
        initial_interval: growth.min_delay,
        randomization_factor: 0.0,
        multiplier: growth.multiplier,
        max_interval: growth.max_delay,
        max_elapsed_time: None,
        ..ExponentialBackoff::default()
    };
    steps.next_backoff();
    let grown = steps.current_interval;
    // The crate rounds down, and a nanosecond and a half is one again.
    let is_stuck = grown <= wait && growth.multiplier > 1.0 && !wait.is_zero();
    let grown = if is_stuck { wait + Duration::from_nanos(1) } else { grown };
    grown.min(growth.max_delay)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn growth(min_delay: u64, multiplier: f64, max_delay: u64, jitter: Jitter) -> Growth {
        let millis = Duration::from_millis;
        Growth { min_delay: millis(min_delay), multiplier, max_delay: millis(max_delay), jitter }
    }

    fn waits(growth: &Growth, count: usize) -> Vec<Duration> {
        let mut waits = Waits::new(growth);
        (0..count).map(|_| waits.next(growth)).collect()
    }

    #[test]
    fn without_jitter_they_double_up_to_the_maximum() {
        let seconds = [1, 2, 4, 8, 10, 10].map(Duration::from_secs);
        assert_eq!(waits(&growth(1_000, 2.0, 10_000, Jitter::None), 6), seconds);
    }

    #[test]
    fn a_factor_of_one_keeps_them_even() {
        let even = [Duration::from_millis(7); 4];
        assert_eq!(waits(&growth(7, 1.0, 1_000, Jitter::None), 4), even);
    }

    #[test]
    fn two_hundred_of_factor_ten_neither_overflow_nor_shrink() {
        let day = 24 * 60 * 60 * 1_000;
        for multiplier in [10.0, 1e300, f64::MAX] {
            let all = waits(&growth(1, multiplier, day, Jitter::None), 200);
            assert!(all.is_sorted());
            assert_eq!(all[199], Duration::from_millis(day));
        }
        assert_eq!(waits(&growth(0, 2.0, day, Jitter::None), 200)[199], Duration::ZERO);
    }

    #[test]
    fn the_smallest_waits_grow_too() {
        let nanos = Duration::from_nanos;
        for (min_delay, multiplier) in [(1, 1.5), (1, 1.000_1), (3, 1.1), (999, 1.000_1)] {
            let growth = Growth {
                min_delay: nanos(min_delay),
                multiplier,
                max_delay: nanos(1_500),
                jitter: Jitter::None,
            };
            let all = waits(&growth, 2_000);
            assert!(all.windows(2).all(|two| two[0] < two[1] || two[0] == growth.max_delay));
            assert_eq!(all[1_999], growth.max_delay, "{min_delay} ns, {multiplier}");
        }
    }

    #[test]
    fn with_full_jitter_they_are_anywhere_from_zero_to_the_computed_one() {
        let growth = growth(25, 2.0, 1_000, Jitter::Full);
        let (mut sum, mut low, mut count) = (0.0, 0.0, 0.0);
        for _ in 0..2_000 {
            for (wait, bound) in
                waits(&growth, 8).into_iter().zip([25_u32, 50, 100, 200, 400, 800, 1_000, 1_000])
            {
                assert!(wait <= Duration::from_millis(bound.into()), "{wait:?} of {bound} ms");
                let part = wait.as_secs_f64() * 1_000.0 / f64::from(bound);
                sum += part;
                low += f64::from(part < 0.1);
                count += 1.0;
            }
        }
        assert!((0.48..0.52).contains(&(sum / count)), "{}", sum / count);
        assert!((0.09..0.11).contains(&(low / count)), "{}", low / count);
    }
}
