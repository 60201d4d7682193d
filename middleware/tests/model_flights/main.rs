//! Single flight under `shuttle`, in orders drawn at random: whoever wants a statement gets an answer, no
//! two prepares of one text are under way but where one was given up for lost, and nothing is left.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[expect(dead_code, unreachable_pub, reason = "it is the layer's")]
#[path = "../../src/cache/error.rs"]
mod error;
#[expect(dead_code, reason = "the cache looks at more of what has landed")]
#[path = "../../src/cache/single_flight.rs"]
mod single_flight;
mod sync;

use std::sync::Arc;

use cqlstack_core::{Error, ErrorClass, Prepared, Statement};
use shuttle::check_random;
use shuttle::future::{self, JoinHandle, block_on};
use shuttle::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::time::Instant;

use error::NotPrepared;
use single_flight::{Flights, Outcome, Participant};

const REQUESTS: usize = 4;

/// How many orders are tried: `MODEL_SCHEDULES`, for a long run.
fn schedules() -> usize {
    let schedules = std::env::var("MODEL_SCHEDULES").ok();
    schedules.and_then(|schedules| schedules.parse().ok()).unwrap_or(1_000)
}

/// What is shared by those who want the statement.
#[derive(Default)]
struct World {
    flights: Flights,
    is_prepared: AtomicBool,
    sent: AtomicUsize,
    under_way: AtomicUsize,
}

/// What comes of a prepare.
#[derive(Clone, Copy)]
enum Ends {
    Well,
    /// As another one each time.
    Changed,
    Refused,
    Late,
    Wrong,
}

fn statement() -> Statement {
    Statement::new("SELECT v FROM t WHERE k = ?")
}

impl World {
    async fn prepare(self: Arc<Self>, ends: Ends, deadline: Option<Instant>) -> Outcome {
        let statement = statement();
        let mut participant = self.flights.participant(&statement, deadline);
        self.ask(&mut participant, ends).await
    }

    async fn ask(&self, participant: &mut Participant<'_>, ends: Ends) -> Outcome {
        let lead = async {
            let statement = statement();
            if self.is_prepared.load(Ordering::SeqCst) {
                return Ok(Prepared::made(&statement));
            }
            let number = self.sent.fetch_add(1, Ordering::SeqCst);
            let under_way = UnderWay::new(&self.under_way);
            future::yield_now().await;
            drop(under_way);
            match ends {
                Ends::Well => {
                    self.is_prepared.store(true, Ordering::SeqCst);
                    Ok(Prepared::made(&statement))
                }
                Ends::Changed => Ok(Prepared::made(&Statement::new(number.to_string()))),
                Ends::Refused => Err(NotPrepared::Changing.of(&statement)),
                Ends::Late => Err(failure(ErrorClass::Ambiguous)),
                Ends::Wrong => Err(failure(ErrorClass::Permanent)),
            }
        };
        participant.outcome(lead).await?.outcome
    }
}

struct UnderWay<'w>(&'w AtomicUsize);

impl<'w> UnderWay<'w> {
    fn new(under_way: &'w AtomicUsize) -> Self {
        let others = under_way.fetch_add(1, Ordering::SeqCst);
        assert!(others == 0 || sync::is_impatient(), "two prepares of one text");
        Self(under_way)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn failure(class: ErrorClass) -> Error {
    Error::other(class, std::io::Error::other("as the model will have it"))
}

/// In each of many orders.
fn check(f: impl Fn() + Send + Sync + 'static) {
    check_random(f, schedules());
}

/// As [`check`], of what sends prepares: in how many orders it sent 1, 2, ... of them.
fn check_sent(f: impl Fn() -> usize + Send + Sync + 'static) -> [usize; REQUESTS] {
    let seen = Arc::new(std::array::from_fn(|_| std::sync::atomic::AtomicUsize::new(0)));
    let all: Arc<[_; REQUESTS]> = Arc::clone(&seen);
    check(move || {
        seen[f() - 1].fetch_add(1, Ordering::Relaxed);
    });
    all.each_ref().map(|orders| orders.load(Ordering::Relaxed))
}

type Asks = [(Ends, Option<Instant>); REQUESTS];

fn ask(world: &Arc<World>, asks: Asks) -> Vec<JoinHandle<Outcome>> {
    let asks = asks.into_iter();
    asks.map(|(ends, deadline)| future::spawn(Arc::clone(world).prepare(ends, deadline))).collect()
}

/// Asks for one statement at once; gives what each is answered, and how many prepares were sent.
fn all_at_once(asks: Asks) -> (Vec<Outcome>, usize) {
    let world = Arc::default();
    let answers = ask(&world, asks).into_iter().map(|ask| block_on(ask).unwrap()).collect();
    assert_eq!(world.flights.under_way(), 0, "a flight is left");
    (answers, world.sent.load(Ordering::SeqCst))
}

#[test]
fn one_prepare_serves_all() {
    check(|| {
        let (answers, sent) = all_at_once([(Ends::Well, None); REQUESTS]);
        assert!(answers.iter().all(Result::is_ok));
        assert_eq!(sent, 1);
    });
}

#[test]
fn a_statement_that_is_wrong_is_so_for_all_that_wait() {
    let orders = check_sent(|| {
        let (answers, sent) = all_at_once([(Ends::Wrong, None); REQUESTS]);
        assert!(answers.iter().all(Result::is_err));
        sent
    });
    // Mostly several come while one is at it.
    assert!(orders[REQUESTS - 1] * 4 < schedules(), "nothing is shared");
}

/// A refusal, or a failure in a shorter time, is nobody else's answer.
#[test]
fn what_concerns_a_leader_alone_makes_another_one_lead() {
    let passed = Instant::now();
    for alone in [(Ends::Refused, None), (Ends::Late, Some(passed))] {
        let well = (Ends::Well, None);
        check(move || {
            let (answers, sent) = all_at_once([alone, well, well, well]);
            assert!(answers[1..].iter().all(Result::is_ok));
            assert!(sent <= 2);
        });
    }
}

/// As the cache does with what was out of date when it landed.
#[test]
fn who_tries_anew_does_not_find_the_flight_that_has_landed() {
    check(|| {
        let world: Arc<World> = Arc::default();
        let asks = [(); REQUESTS].map(|()| {
            let world = Arc::clone(&world);
            future::spawn(async move {
                let statement = statement();
                let mut participant = world.flights.participant(&statement, None);
                let first = world.ask(&mut participant, Ends::Changed).await.unwrap();
                let second = world.ask(&mut participant, Ends::Changed).await.unwrap();
                assert_ne!(first.statement().text(), second.statement().text());
            })
        });
        for ask in asks {
            block_on(ask).unwrap();
        }
    });
}

#[test]
fn whoever_leads_when_it_is_dropped_is_replaced() {
    check(|| {
        let world = Arc::default();
        let mut asks = ask(&world, [(Ends::Well, None); REQUESTS]);
        let dropped = asks.remove(0);
        shuttle::thread::yield_now();
        dropped.abort();
        for ask in asks {
            assert!(block_on(ask).unwrap().is_ok());
        }
        drop(block_on(dropped));
        assert_eq!(world.flights.under_way(), 0, "a flight is left");
    });
}

/// Patience ends at any moment, for each follower.
#[test]
fn who_takes_over_from_a_leader_that_is_not_polled_leaves_nothing_behind() {
    sync::set_impatient();
    let orders = check_sent(|| {
        let (answers, sent) = all_at_once([(Ends::Well, None); REQUESTS]);
        assert!(answers.iter().all(Result::is_ok));
        sent
    });
    assert!(orders[0] < schedules(), "nobody took over");
}
