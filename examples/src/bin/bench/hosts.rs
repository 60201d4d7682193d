//! The same sides on one thread, on a runtime of many, and on a runtime of one thread for each core.

use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle, available_parallelism};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::connect::{Connect, full_stack};
use crate::load::{self, Outcome, Plan};
use crate::side::Side;
use crate::sides::{PERMITS, Raw, SELECT, unbound_side};
use crate::threads::Threads;
use crate::{Failure, process};

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
    Workers(&'static str, Runtime, [Side; 3]),
    Cores(&'static str, Vec<Core>),
}

impl Host {
    /// A runtime with a worker for each core, one with one thread, and a runtime of one thread for each core.
    pub(crate) fn all(connect: &Connect) -> Result<[Self; 3], Failure> {
        let cores = available_parallelism().map_or(1, NonZeroUsize::get);
        let each = (0..cores).map(|_| Core::start(connect.clone())).collect::<Result<_, _>>()?;
        let workers = Threads::Cores.runtime()?;
        let sides_of_workers = workers.block_on(sides(connect))?;
        Ok([
            Self::Workers("a worker each core", workers, sides_of_workers),
            Self::Cores("one thread", vec![Core::start(connect.clone())?]),
            Self::Cores("a runtime each core", each),
        ])
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Workers(name, ..) | Self::Cores(name, _) => name,
        }
    }

    pub(crate) fn run(&self, side: usize, plan: Plan) -> Result<Outcome, Failure> {
        match self {
            Self::Workers(_, runtime, sides) => {
                let outcome = runtime.block_on(load::run(&sides[side], plan, None));
                Ok(Outcome { peak_memory: None, threads: None, ..outcome })
            }
            Self::Cores(_, cores) => run_each(cores, side, plan),
        }
    }
}

/// A thread with a runtime and sessions of its own.
pub(crate) struct Core {
    plans: UnboundedSender<(usize, Plan)>,
    outcomes: Receiver<Outcome>,
    /// Ends when `plans` does.
    _thread: JoinHandle<()>,
}

impl Core {
    /// Starts it, and waits for its sessions.
    fn start(connect: Connect) -> Result<Self, Failure> {
        let (plans, mut of_plans) = unbounded_channel::<(usize, Plan)>();
        let (of_outcomes, outcomes) = channel();
        let (begun, has_begun) = channel();
        let thread = thread::spawn(move || match begin(&connect) {
            Ok((runtime, sides)) => {
                let _ = begun.send(Ok(()));
                // Its sessions go on between the turns.
                runtime.block_on(async {
                    while let Some((side, plan)) = of_plans.recv().await {
                        if of_outcomes.send(run_alone(&sides[side], plan).await).is_err() {
                            break;
                        }
                    }
                });
            }
            Err(error) => {
                let _ = begun.send(Err(error));
            }
        });
        has_begun.recv().map_err(|_| "a thread has panicked before its sessions were there")??;
        Ok(Self { plans, outcomes, _thread: thread })
    }
}

fn begin(connect: &Connect) -> Result<(Runtime, [Side; 3]), Failure> {
    let runtime = Threads::Current.runtime()?;
    let sides = runtime.block_on(sides(connect))?;
    Ok((runtime, sides))
}

/// The processor time is that of this thread, which has a runtime of its own.
async fn run_alone(side: &Side, plan: Plan) -> Outcome {
    let before = process::thread_cpu_time();
    let outcome = load::run(side, plan, None).await;
    let cpu = process::thread_cpu_time().saturating_sub(before);
    Outcome { cpu, peak_memory: None, threads: None, ..outcome }
}

/// Tells what all sessions together take while none is under load: the time of workers is that of the process, and has it.
pub(crate) fn idle() -> String {
    const SPAN: Duration = Duration::from_secs(1);
    let before = process::cpu_time();
    thread::sleep(SPAN);
    let taken = process::cpu_time().saturating_sub(before);
    format!("Idle, all sessions take {taken:.1?} of processor time in {SPAN:?}")
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
        let outcome = core.outcomes.recv().map_err(|_| "a thread has panicked")?;
        match &mut together {
            Some(others) => others.beside(&outcome),
            none => *none = Some(outcome),
        }
    }
    together.ok_or_else(|| "no core ran anything".into())
}
