//! Sides in turns, and the ratios of their rounds.

use indicatif::ProgressBar;

use crate::Failure;
use crate::load::{Outcome, Plan};

/// Turns in a round: what drifts while a round lasts meets all sides alike.
const TURNS: u32 = 4;

/// All rounds of one side.
pub(crate) struct Rounds(pub(crate) Vec<Outcome>);

/// Runs each of so many sides in each round for the time of the plan, cut into turns, in another order each time.
/// One round more warms up.
pub(crate) fn in_turns(
    sides: usize,
    plan: Plan,
    rounds: u32,
    bar: &ProgressBar,
    mut run: impl FnMut(usize, Plan) -> Result<Outcome, Failure>,
) -> Result<Vec<Rounds>, Failure> {
    let plan = Plan { time: plan.time / TURNS, ..plan };
    let mut all: Vec<_> = (0..sides).map(|_| Rounds(Vec::new())).collect();
    let mut order: Vec<_> = (0..sides).collect();
    for round in 0..=rounds {
        let mut of_round: Vec<Option<Outcome>> = (0..sides).map(|_| None).collect();
        for _ in 0..TURNS {
            fastrand::shuffle(&mut order);
            for &index in &order {
                let outcome = run(index, plan)?;
                match &mut of_round[index] {
                    Some(before) => before.add(&outcome),
                    none => *none = Some(outcome),
                }
                bar.inc(1);
            }
        }
        if round > 0 {
            for (rounds, outcome) in all.iter_mut().zip(of_round) {
                rounds.0.extend(outcome);
            }
        }
    }
    Ok(all)
}

/// How many steps the bar has.
pub(crate) fn steps(sides: usize, rounds: u32) -> u64 {
    sides as u64 * u64::from(TURNS) * u64::from(rounds + 1)
}

impl Rounds {
    /// The median of something.
    pub(crate) fn median(&self, of: impl Fn(&Outcome) -> f64) -> f64 {
        median(self.0.iter().map(of).collect())
    }

    /// The median of the ratios to the baseline in the same round, and the lowest and the highest.
    pub(crate) fn ratio(&self, to: &Self, of: impl Fn(&Outcome) -> f64) -> (f64, [f64; 2]) {
        let values = |rounds: &Self| rounds.0.iter().map(&of).collect::<Vec<_>>();
        ratio(&values(self), &values(to))
    }

    /// All rounds as one.
    pub(crate) fn together(&self) -> Option<Outcome> {
        let (first, others) = self.0.split_first()?;
        let mut together = first.clone();
        for other in others {
            together.add(other);
        }
        Some(together)
    }
}

/// The median of the ratios of the same round, and the lowest and the highest.
pub(crate) fn ratio(ours: &[f64], theirs: &[f64]) -> (f64, [f64; 2]) {
    let ratios: Vec<_> = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
    let spread = spread(&ratios);
    (median(ratios), spread)
}

/// The lowest and the highest.
pub(crate) fn spread(values: &[f64]) -> [f64; 2] {
    let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
    [lowest, values.iter().copied().fold(f64::NEG_INFINITY, f64::max)]
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        count if count % 2 == 0 => f64::midpoint(values[middle - 1], values[middle]),
        _ => values[middle],
    }
}
