//! The memory of a request, used again, under `shuttle`, in orders drawn at random: threads begin requests in what
//! they have kept, go on with those of each other, and give some up; some panic. Each answer is that of its own
//! job, and memory that is kept holds no job.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../../src/idle.rs"]
mod idle;
#[path = "../../src/session/execution/reusable.rs"]
mod reusable;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc as StdArc, Weak};
use std::task::{Context, Poll, Waker};

use shuttle::future::yield_now;
use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::atomic::{AtomicUsize, Ordering};
use shuttle::sync::{Arc, Mutex};
use shuttle::{check_random, thread};

use idle::Idle;
use reusable::Reusable;

const THREADS: usize = 3;
const STEPS: usize = 8;

struct Job {
    number: usize,
    polls: usize,
    panics: bool,
    /// Alive for as long as the job.
    _held: StdArc<()>,
}

type Memory = Reusable<Job, usize>;

shuttle::thread_local! {
    static KEPT: Idle<Memory> = Idle::new();
}

fn start(memory: &mut Memory, number: usize) -> Weak<()> {
    let held = StdArc::default();
    let job = StdArc::downgrade(&held);
    let polls = thread_rng().gen_range(0..3);
    let panics = thread_rng().gen_range(0..5) == 0;
    memory.start(Job { number, polls, panics, _held: held });
    job
}

/// A request that was begun, and its job.
struct InFlight {
    number: usize,
    job: Weak<()>,
    memory: Memory,
}

impl InFlight {
    fn begin(number: usize) -> Self {
        let mut memory = KEPT.with(Idle::take).unwrap_or_else(|| Reusable::new(execute));
        let job = start(&mut memory, number);
        Self { number, job, memory }
    }

    /// None when it has ended.
    fn poll(mut self) -> Option<Self> {
        let mut cx = Context::from_waker(Waker::noop());
        match catch_unwind(AssertUnwindSafe(|| self.memory.poll(&mut cx))) {
            Ok(Poll::Pending) => return Some(self),
            Ok(Poll::Ready(answer)) => {
                assert_eq!(answer, self.number, "it is the answer of another job");
                assert_eq!(self.job.strong_count(), 0, "an idle one holds a job");
                KEPT.with(|kept| kept.keep(self.memory));
            }
            Err(_) => drop(self.memory),
        }
        None
    }

    /// In the same memory, though the request has not ended.
    fn begin_another(mut self, number: usize) -> Self {
        let given_up = self.job.clone();
        self.number = number;
        self.job = start(&mut self.memory, number);
        assert_eq!(given_up.strong_count(), 0, "a job outlives its request");
        self
    }

    fn give_up(self) {
        drop(self.memory);
        assert_eq!(self.job.strong_count(), 0, "a job outlives its request");
    }
}

async fn execute(job: Job) -> usize {
    for _ in 0..job.polls {
        yield_now().await;
    }
    if job.panics {
        resume_unwind(Box::new("a fault of the driver"));
    }
    job.number
}

/// How many orders are tried: `MODEL_SCHEDULES`, for a long run.
fn schedules() -> usize {
    let set = std::env::var("MODEL_SCHEDULES").ok();
    set.map_or(2_000, |set| set.parse().expect("MODEL_SCHEDULES is a number"))
}

#[test]
fn each_request_has_its_own_answer_whichever_memory_it_is_given() {
    check_random(
        || {
            let under_way: Arc<Mutex<Vec<InFlight>>> = Arc::default();
            let number = Arc::new(AtomicUsize::new(0));
            let threads: Vec<_> = (0..THREADS)
                .map(|_| {
                    let (under_way, number) = (Arc::clone(&under_way), Arc::clone(&number));
                    thread::spawn(move || (0..STEPS).for_each(|_| step(&under_way, &number)))
                })
                .collect();
            for thread in threads {
                thread.join().unwrap();
            }
            under_way.lock().unwrap().drain(..).for_each(InFlight::give_up);
        },
        schedules(),
    );
}

fn step(under_way: &Mutex<Vec<InFlight>>, number: &AtomicUsize) {
    let next = match thread_rng().gen_range(0..4) {
        0 => Some(InFlight::begin(number.fetch_add(1, Ordering::SeqCst))),
        _ => under_way.lock().unwrap().pop(),
    };
    let next = next.unwrap_or_else(|| InFlight::begin(number.fetch_add(1, Ordering::SeqCst)));
    let what = thread_rng().gen_range(0..8);
    if what == 0 {
        next.give_up();
    } else if what == 1 {
        let next = next.begin_another(number.fetch_add(1, Ordering::SeqCst));
        under_way.lock().unwrap().push(next);
    } else if let Some(again) = next.poll() {
        under_way.lock().unwrap().push(again);
    }
}
