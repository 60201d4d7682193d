//! Finds what is kept of a statement, without a lock once it was seen.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use cqlstack_core::Statement;
use cqlstack_core::layer::Striped;

use crate::recorded::Recorded;
use crate::recorder::{Outcome, SeriesRecorder, Totals};

/// The name of all statements beyond the limit.
pub(crate) const OTHER: &str = "other";

/// Of a longer name, the first so many bytes are the label.
const NAME_BYTES: usize = 128;

/// Statements with a smaller id are found by index. A program has some hundred; only one that makes
/// statements anew for each request has more, which are then found by their names.
const BY_ID: usize = 4_096;

/// The statements of one layer.
#[derive(Debug)]
pub(crate) struct Statements {
    by_id: Box<[OnceLock<Arc<Series>>]>,
    /// Open addressing; half of the places stay empty. Filled under the lock, read without.
    by_name: Box<[OnceLock<Arc<Series>>]>,
    hasher: RandomState,
    /// How many names there are.
    names: Mutex<usize>,
    most: usize,
    other: OnceLock<Arc<Series>>,
}

/// What is kept of all statements of one name.
#[derive(Debug)]
pub(crate) struct Series {
    identity: Arc<Identity>,
    stripes: Striped<OnceLock<Arc<Stripe>>>,
}

#[derive(Debug)]
struct Identity {
    name: Box<str>,
    recorded: Recorded,
}

/// What a few threads count. Each of their requests holds a reference to this one, for as long as it is
/// in flight, and no other: the count of references stays with these threads too.
#[derive(Debug)]
pub(crate) struct Stripe {
    identity: Arc<Identity>,
    recorder: SeriesRecorder,
}

impl Statements {
    pub(crate) fn new(most: usize) -> Self {
        let empty = |places: usize| (0..places).map(|_| OnceLock::new()).collect();
        Self {
            by_id: empty(BY_ID),
            by_name: empty((most * 2).next_power_of_two()),
            hasher: RandomState::new(),
            names: Mutex::new(0),
            most,
            other: OnceLock::new(),
        }
    }

    pub(crate) fn of(&self, statement: &Statement) -> &Arc<Series> {
        match self.by_id.get(statement.id() as usize) {
            Some(place) => place.get_or_init(|| Arc::clone(self.named(statement.name()))),
            None => self.named(statement.name()),
        }
    }

    fn named(&self, name: &str) -> &Arc<Series> {
        let name = label(name);
        if let Some(series) = self.find(name) {
            return series;
        }
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        for place in self.places(name) {
            match place.get() {
                Some(series) if series.name() == name => return series,
                Some(_) => {}
                None if *names < self.most && name != OTHER => {
                    *names += 1;
                    return place.get_or_init(|| Arc::new(Series::new(name)));
                }
                None => break,
            }
        }
        self.other.get_or_init(|| Arc::new(Series::new(OTHER)))
    }

    fn find(&self, name: &str) -> Option<&Arc<Series>> {
        self.places(name).map_while(OnceLock::get).find(|series| series.name() == name)
    }

    /// Where the name can be, in order.
    fn places(&self, name: &str) -> impl Iterator<Item = &OnceLock<Arc<Series>>> {
        let mask = self.by_name.len() - 1;
        #[expect(clippy::cast_possible_truncation, reason = "the lowest bits are as good")]
        let first = self.hasher.hash_one(name) as usize;
        (0..self.by_name.len()).map(move |step| &self.by_name[(first.wrapping_add(step)) & mask])
    }

    /// All that were seen, in no order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Series> {
        self.by_name.iter().chain([&self.other]).filter_map(OnceLock::get).map(Arc::as_ref)
    }
}

impl Series {
    fn new(name: &str) -> Self {
        let identity = Identity { name: name.into(), recorded: Recorded::of(name) };
        Self { identity: Arc::new(identity), stripes: Striped::default() }
    }

    pub(crate) fn name(&self) -> &str {
        &self.identity.name
    }

    /// This thread's stripe. A request is in flight while it holds it.
    #[inline]
    pub(crate) fn begin(&self) -> Arc<Stripe> {
        let stripe = self.stripes.here().get_or_init(|| {
            let identity = Arc::clone(&self.identity);
            Arc::new(Stripe { identity, recorder: SeriesRecorder::new() })
        });
        Arc::clone(stripe)
    }

    /// What has ended, and how many are under way.
    pub(crate) fn totals(&self) -> (Totals, u64) {
        let mut all = Totals::default();
        let mut in_flight = 0;
        for stripe in self.stripes.iter().filter_map(OnceLock::get) {
            // Before the totals, so that what ends meanwhile is counted twice rather than not at all.
            in_flight += Arc::strong_count(stripe) - 1;
            all.add(&stripe.recorder.totals());
        }
        (all, in_flight as u64)
    }
}

impl Stripe {
    pub(crate) fn name(&self) -> &str {
        &self.identity.name
    }

    pub(crate) fn end(&self, took: Duration, outcome: Outcome) {
        self.recorder.record(took, outcome);
        self.identity.recorded.record(took);
    }
}

fn label(name: &str) -> &str {
    let end = (0..=NAME_BYTES.min(name.len())).rev().find(|at| name.is_char_boundary(*at));
    &name[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(statements: &Statements) -> Vec<String> {
        let mut names: Vec<_> = statements.all().map(|series| series.name().to_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn statements_of_one_name_are_one() {
        let statements = Statements::new(4);
        let [a, b] = ["SELECT v FROM t WHERE k = ?", "SELECT w FROM t WHERE k = ?"]
            .map(|text| Arc::clone(statements.of(&Statement::new(text))));
        assert!(Arc::ptr_eq(&a, &b));
        assert_eq!(names(&statements), ["SELECT t"]);
    }

    #[test]
    fn the_most_names_and_then_other() {
        let statements = Statements::new(2);
        for text in ["SELECT a FROM t1", "SELECT a FROM t2", "SELECT a FROM t3", "SELECT a FROM t1"]
        {
            statements.of(&Statement::new(text));
        }
        assert_eq!(names(&statements), ["SELECT t1", "SELECT t2", OTHER]);
    }

    #[test]
    fn a_statement_with_a_large_id_is_found_by_its_name() {
        let statements = Statements::new(4);
        let first = Arc::clone(statements.of(&Statement::new("SELECT a FROM t")));
        for _ in 0..=BY_ID {
            let again = Statement::new("SELECT a FROM t");
            assert!(Arc::ptr_eq(statements.of(&again), &first));
        }
        let late = Statement::new("SELECT a FROM t");
        assert!(late.id() as usize > BY_ID && late.name() == "SELECT t");
        let allocated = allocation_counter::measure(|| drop(Arc::clone(statements.of(&late))));
        assert_eq!(allocated.count_total, 0);
    }

    #[test]
    fn many_threads_at_once_make_one_of_each_name() {
        let statements = Statements::new(64);
        let begin = |n| statements.of(&Statement::new(format!("SELECT a FROM t{n}"))).begin();
        let begin_all = || (0..100).map(begin).collect::<Vec<_>>();
        std::thread::scope(|threads| {
            let under_way: Vec<_> = (0..4).map(|_| threads.spawn(begin_all)).collect();
            let under_way: Vec<_> = under_way.into_iter().map(|all| all.join().unwrap()).collect();
            assert_eq!(names(&statements).len(), 65);
            let in_flight = || statements.all().map(|series| series.totals().1).sum::<u64>();
            assert_eq!(in_flight(), 400);
            drop(under_way);
            assert_eq!(in_flight(), 0);
        });
    }

    #[test]
    fn what_threads_count_apart_is_one_sum_and_ends_where_it_began() {
        let statements = Statements::new(4);
        let statement = Statement::new("SELECT a FROM t");
        let begin = || statements.of(&statement).begin();
        let first = begin();
        std::thread::scope(|threads| {
            threads.spawn(|| first.end(Duration::from_micros(7), Outcome::Answered));
            for _ in 0..20 {
                threads.spawn(|| begin().end(Duration::from_micros(7), Outcome::Cancelled));
            }
        });
        drop(first);
        let under_way = begin();
        let (totals, in_flight) = statements.of(&statement).totals();
        let time = Duration::from_micros(7) * 21;
        assert_eq!((totals.count(), totals.cancelled, totals.time), (21, 20, time));
        assert_eq!(in_flight, 1);
        drop(under_way);
        assert_eq!(statements.of(&statement).totals().1, 0);
    }

    #[test]
    fn a_name_of_any_length_is_cut_between_characters() {
        let statements = Statements::new(4);
        let long: &'static str = "é".repeat(1_000_000).leak();
        let series = statements.of(&Statement::new("SELECT a FROM t").named(long));
        assert_eq!(series.name(), "é".repeat(64));
    }
}
