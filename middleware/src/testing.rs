//! A storm for stacks: calls, drops and panics by a seed, over a service that is not always ready.
//!
//! The service at the bottom keeps a ledger of the readiness that it gave: each was used by a call, or
//! dropped with its instance. Where one is kept, something below is withheld from others: a permit, a
//! place in a buffer.

use std::fmt;
use std::panic::{panic_any, resume_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use cqlstack_core::layer::{Call, Payload};
use cqlstack_core::{Batch, Client, Error, ErrorClass, Prepared, Request, Response, Statement};
use fastrand::Rng;
use futures::future::BoxFuture;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep, sleep, timeout};
use tower::util::BoxCloneService;
use tower_service::Service;

pub(crate) type Boxed = BoxCloneService<Request, Response, Error>;

/// How the service at the bottom behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Ready at once or later; its answers may be errors and panics. For layers that end for good when
    /// the readiness of what is below fails.
    Slow,
    /// Its readiness may also be an error or a panic, and so may its calls.
    Failing,
    /// And some instances never become ready: each request has a deadline.
    Stuck,
}

/// The service at the bottom.
pub(crate) struct Moody {
    shared: Arc<Shared>,
    instance: Instance,
}

struct Shared {
    mood: Mood,
    /// The storm is over: all goes well.
    is_calm: AtomicBool,
    rng: Mutex<Rng>,
    given: AtomicUsize,
    used: AtomicUsize,
    dropped: AtomicUsize,
    in_flight: AtomicUsize,
}

enum Instance {
    New,
    Later(Pin<Box<Sleep>>),
    Never,
    Ready,
}

/// What a panic of the service at the bottom carries, so that others are told apart.
struct Planned;

impl Shared {
    /// A number up to 100, to choose by.
    fn roll(&self) -> u8 {
        if self.is_calm.load(Ordering::Relaxed) { 0 } else { self.rng.lock().unwrap().u8(..100) }
    }

    fn pause(&self) -> Duration {
        Duration::from_millis(self.rng.lock().unwrap().u64(1..50))
    }
}

fn count(counter: &AtomicUsize) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Without the message that a panic writes: there are thousands.
fn planned_panic() -> ! {
    resume_unwind(Box::new(Planned))
}

impl Clone for Moody {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), instance: Instance::New }
    }
}

impl Drop for Moody {
    fn drop(&mut self) {
        if matches!(self.instance, Instance::Ready) {
            count(&self.shared.dropped);
        }
    }
}

impl Service<Request> for Moody {
    type Response = Response;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response, Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match &mut self.instance {
            Instance::Ready => return Poll::Ready(Ok(())),
            Instance::Never => return Poll::Pending,
            Instance::Later(sleep) => ready!(sleep.as_mut().poll(cx)),
            Instance::New => match (self.shared.mood, self.shared.roll()) {
                (_, 70..85) => {
                    let mut later = Box::pin(sleep(self.shared.pause()));
                    if later.as_mut().poll(cx).is_pending() {
                        self.instance = Instance::Later(later);
                        return Poll::Pending;
                    }
                }
                (Mood::Stuck, 85..90) => {
                    self.instance = Instance::Never;
                    return Poll::Pending;
                }
                (Mood::Stuck | Mood::Failing, 90..97) => {
                    return Poll::Ready(Err(failure(ErrorClass::NotExecuted)));
                }
                (Mood::Stuck | Mood::Failing, 97..) => planned_panic(),
                _ => {}
            },
        }
        self.instance = Instance::Ready;
        count(&self.shared.given);
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let instance = std::mem::replace(&mut self.instance, Instance::New);
        assert!(matches!(instance, Instance::Ready), "called without having been ready");
        count(&self.shared.used);
        let (shared, roll) = (Arc::clone(&self.shared), self.shared.roll());
        if shared.mood != Mood::Slow && roll >= 98 {
            planned_panic();
        }
        let in_flight = InFlight::new(shared);
        Box::pin(async move {
            let answer = async {
                match roll {
                    40..75 => sleep(in_flight.0.pause()).await,
                    75..80 => tokio::task::yield_now().await,
                    80..95 => {
                        let classes =
                            [ErrorClass::Ambiguous, ErrorClass::Overload, ErrorClass::Permanent];
                        return Err(failure(classes[usize::from(roll % 3)]));
                    }
                    95..98 => planned_panic(),
                    _ => {}
                }
                let statement = request.statement();
                Ok(match request.payload() {
                    Payload::Prepare => Response::of_prepared(Prepared::made(statement)),
                    _ => Response::done(statement),
                })
            };
            // As a session does.
            let deadline = request.deadline().unwrap_or_else(far_away);
            let late = || failure(ErrorClass::NotExecuted);
            tokio::time::timeout_at(deadline, answer).await.unwrap_or_else(|_| Err(late()))
        })
    }
}

fn failure(class: ErrorClass) -> Error {
    Error::other(class, std::io::Error::other("as the storm will have it"))
}

fn far_away() -> Instant {
    Instant::now() + Duration::from_secs(86_400)
}

struct InFlight(Arc<Shared>);

impl InFlight {
    fn new(shared: Arc<Shared>) -> Self {
        count(&shared.in_flight);
        Self(shared)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a storm is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Storm {
    pub(crate) seed: u64,
    pub(crate) steps: usize,
    pub(crate) mood: Mood,
}

/// What a storm has done.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) called: usize,
    pub(crate) answered: usize,
    pub(crate) failed: usize,
    pub(crate) panicked: usize,
    pub(crate) dropped: usize,
    pub(crate) readied: usize,
}

/// The most calls that are under way at a time.
const MOST: usize = 24;

impl Storm {
    /// Sends a storm through the stack that is made over the service at the bottom, on a paused clock.
    /// Panics unless each call that is not dropped is answered, all readiness given is used or dropped
    /// while the stack lives on, nothing is in flight, and the stack serves when the storm is over.
    pub(crate) async fn through(self, stack: impl FnOnce(Boxed) -> Boxed) -> Counted {
        fastrand::seed(self.seed);
        let mut rng = Rng::with_seed(self.seed);
        let shared = Arc::new(Shared {
            mood: self.mood,
            is_calm: AtomicBool::new(false),
            rng: Mutex::new(rng.fork()),
            given: AtomicUsize::new(0),
            used: AtomicUsize::new(0),
            dropped: AtomicUsize::new(0),
            in_flight: AtomicUsize::new(0),
        });
        let bottom = Moody { shared: Arc::clone(&shared), instance: Instance::New };
        let db = Client::new(stack(BoxCloneService::new(bottom)));
        let statements: Vec<_> =
            (0..6).map(|n| Statement::new(format!("UPDATE t SET s{n} = 1 WHERE k = ?"))).collect();
        let (mut counted, mut done) = (Counted::default(), Vec::new());
        for _ in 0..self.steps.div_ceil(ROUND) {
            // What hangs in a round may be freed by the drops, or the deadlines, of another.
            let round =
                Round { drops: rng.bool(), deadlines: self.mood == Mood::Stuck || rng.bool() };
            round.run(&db, &statements, &mut rng, &mut counted, &mut done).await;
        }
        shared.is_calm.store(true, Ordering::Relaxed);
        // What was dropped last goes when its task is run once more.
        sleep(Duration::from_secs(1)).await;
        let ledger = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        counted.readied = ledger(&shared.given);
        let gone = ledger(&shared.used) + ledger(&shared.dropped);
        assert_eq!(counted.readied, gone, "{self:?} readiness is kept; {counted:?}");
        assert_eq!(ledger(&shared.in_flight), 0, "{self:?} something is in flight");
        assert!(
            counted.answered * 10 > counted.called,
            "{self:?} hardly anything works: {counted:?}"
        );
        drop(done);
        for _ in 0..3 {
            let call = spawn(&db, Request::new(&statements[0], (1,)));
            within_an_hour(call).await.unwrap().0.expect("it serves when the storm is over");
        }
        counted
    }
}

/// How many steps a round has, after which all its calls are waited for.
const ROUND: usize = 50;

/// A part of a storm.
struct Round {
    drops: bool,
    deadlines: bool,
}

impl Round {
    async fn run(
        &self,
        db: &Client<Boxed>,
        statements: &[Statement],
        rng: &mut Rng,
        counted: &mut Counted,
        done: &mut Vec<Answered>,
    ) {
        let mut under_way = Vec::new();
        for _ in 0..ROUND {
            match rng.u8(..100) {
                0..55 if under_way.len() < MOST => {
                    under_way.push(spawn(db, self.request(rng, statements)));
                    counted.called += 1;
                }
                55..70 if self.drops && !under_way.is_empty() => {
                    let call = under_way.swap_remove(rng.usize(..under_way.len()));
                    if call.is_finished() {
                        counted.end(call, done).await;
                    } else {
                        call.abort();
                        counted.dropped += 1;
                    }
                }
                70..85 => tokio::task::yield_now().await,
                _ => sleep(Duration::from_millis(rng.u64(1..30))).await,
            }
        }
        for call in under_way {
            counted.end(call, done).await;
        }
    }

    fn request(&self, rng: &mut Rng, statements: &[Statement]) -> Request {
        let any = |rng: &mut Rng| statements[rng.usize(..statements.len())].clone();
        let request = match rng.u8(..10) {
            0..5 => Request::new(any(rng), (1,)),
            5..8 => Request::from(Batch::same_partition().add(any(rng), (1,)).add(any(rng), (1,))),
            8 => Request::prepare(any(rng)),
            _ => Request::new(Statement::new(format!("SELECT o{} FROM t", rng.u16(..))), ()),
        };
        if self.deadlines {
            request.with_deadline(Instant::now() + Duration::from_millis(rng.u64(1..300)))
        } else {
            request
        }
    }
}

/// An answer, and the future that gave it: `pin!` and `select!` keep those that are done.
type Answered = (Result<Response, Error>, Pin<Box<Call<Boxed>>>);

fn spawn(db: &Client<Boxed>, request: Request) -> JoinHandle<Answered> {
    let mut call = Box::pin(db.request(request));
    tokio::spawn(async move { (call.as_mut().await, call) })
}

impl Counted {
    async fn end(&mut self, call: JoinHandle<Answered>, done: &mut Vec<Answered>) {
        match within_an_hour(call).await {
            Ok(answered) => {
                match &answered.0 {
                    Ok(_) => self.answered += 1,
                    Err(_) => self.failed += 1,
                }
                done.push(answered);
            }
            Err(Planned) => self.panicked += 1,
        }
    }
}

/// The answer of a call, or the planned panic that it ended with.
async fn within_an_hour(call: JoinHandle<Answered>) -> Result<Answered, Planned> {
    let ended = timeout(Duration::from_secs(3_600), call).await.expect("a call hangs");
    ended.map_err(|error| match error.into_panic().downcast() {
        Ok(planned) => *planned,
        Err(other) => panic_any(other),
    })
}

impl fmt::Debug for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a planned panic")
    }
}
