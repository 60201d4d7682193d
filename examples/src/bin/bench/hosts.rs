//! The same sides on one thread, on a runtime of many, and on a runtime of one thread for each core.

use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle, available_parallelism};

use tokio::runtime::Runtime;

use crate::Failure;
use crate::connect::{Connect, full_stack};
use crate::load::{self, Outcome, Plan};
use crate::side::Side;
use crate::sides::{PERMITS, Raw, SELECT, unbound_side};
use crate::threads::Threads;

/// The sides that each of them has.
pub(crate) const SIDES: [&str; 3] = ["driver", "driver, unpaged", "full stack"];

/// Those of one runtime.
async fn sides(connect: &Connect) -> Result<[Side; 3], Failure> {
    let raw = Raw::new(connect).await?;
    let stack = full_stack(connect.session().await?, PERMITS)?;
    Ok([raw.side(SIDES[0]), raw.unpaged_side(), unbound_side(SIDES[2], stack, &SELECT)])
}

/// A way to have threads.
pub(crate) enum Host {
    One(&'static str, Runtime, [Side; 3]),
    Each(&'static str, Vec<Core>),
}

impl Host {
    /// A runtime with a worker for each core, one with one thread, and a runtime of one thread for each core.
    pub(crate) fn all(connect: &Connect) -> Result<[Self; 3], Failure> {
        let cores = available_parallelism().map_or(1, NonZeroUsize::get);
        let each = (0..cores).map(|_| Core::start(connect.clone())).collect();
        Ok([
            Self::one("a worker each core", Threads::Cores, connect)?,
            Self::one("one thread", Threads::Current, connect)?,
            Self::Each("a runtime each core", each),
        ])
    }

    fn one(name: &'static str, threads: Threads, connect: &Connect) -> Result<Self, Failure> {
        let runtime = threads.runtime()?;
        let sides = runtime.block_on(sides(connect))?;
        Ok(Self::One(name, runtime, sides))
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::One(name, ..) | Self::Each(name, _) => name,
        }
    }

    pub(crate) fn run(&self, side: usize, plan: Plan) -> Result<Outcome, Failure> {
        match self {
            Self::One(_, runtime, sides) => {
                Ok(runtime.block_on(load::run(&sides[side], plan, None)))
            }
            Self::Each(_, cores) => run_each(cores, side, plan),
        }
    }
}

/// A thread with a runtime and sessions of its own.
pub(crate) struct Core {
    plans: Sender<(usize, Plan)>,
    outcomes: Receiver<Result<Outcome, Failure>>,
    /// Ends when `plans` does.
    _thread: JoinHandle<()>,
}

impl Core {
    fn start(connect: Connect) -> Self {
        let (plans, of_plans) = channel::<(usize, Plan)>();
        let (of_outcomes, outcomes) = channel();
        let thread = thread::spawn(move || {
            let begun = Threads::Current.runtime().map_err(Failure::from);
            let begun = begun.and_then(|runtime| {
                let sides = runtime.block_on(sides(&connect))?;
                Ok((runtime, sides))
            });
            let (runtime, sides) = match begun {
                Ok(begun) => begun,
                Err(error) => {
                    let _ = of_outcomes.send(Err(error));
                    return;
                }
            };
            for (side, plan) in of_plans {
                let outcome = runtime.block_on(load::run(&sides[side], plan, None));
                if of_outcomes.send(Ok(outcome)).is_err() {
                    break;
                }
            }
        });
        Self { plans, outcomes, _thread: thread }
    }
}

fn run_each(cores: &[Core], side: usize, plan: Plan) -> Result<Outcome, Failure> {
    let mut left = plan.in_flight;
    let mut busy = Vec::new();
    for (index, core) in cores.iter().enumerate() {
        let in_flight = left.div_ceil(cores.len() - index);
        left -= in_flight;
        if in_flight > 0 {
            core.plans.send((side, Plan { in_flight, ..plan }))?;
            busy.push(core);
        }
    }
    let mut together: Option<Outcome> = None;
    for core in busy {
        let outcome = core.outcomes.recv()??;
        match &mut together {
            Some(others) => others.beside(&outcome),
            none => *none = Some(outcome),
        }
    }
    together.ok_or_else(|| "no core ran anything".into())
}
