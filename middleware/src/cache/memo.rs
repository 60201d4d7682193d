//! The statements that one instance of the service used last.
//!
//! To look one up in the shared cache is a hash of the text and two atomics on a lock that all threads
//! contend for. An instance that is called again and again, as those of a
//! [`Client`](cqlstack_core::Client) are, remembers what it found, for as long as nothing was removed
//! from the cache. So a statement that is used still counts as used between any two removals.

use std::ptr;

use cqlstack_core::{Prepared, Statement};

/// Found by the statement's id. A service uses some ten statements all the time.
const PLACES: usize = 32;

type Places = [Option<Prepared>; PLACES];

#[derive(Default)]
pub(super) struct Memo {
    /// Made at the second request: most instances that are cloned for one serve one only.
    places: Option<Box<Places>>,
    called: bool,
    /// How many had been removed from the cache when this was filled.
    removals: u64,
}

impl Memo {
    pub(super) fn get(&self, statement: &Statement, removals: u64) -> Option<&Prepared> {
        let prepared = self.places.as_ref()?[place(statement)].as_ref()?;
        (is_of(prepared, statement) && self.removals == removals).then_some(prepared)
    }

    /// What the statement was found to be; `removals` is as of before.
    pub(super) fn keep(&mut self, statement: &Statement, prepared: &Prepared, removals: u64) {
        if !self.called {
            self.called = true;
            return;
        }
        if !is_of(prepared, statement) {
            return;
        }
        let places = self.places.get_or_insert_default();
        if self.removals != removals {
            **places = Places::default();
            self.removals = removals;
        }
        places[place(statement)] = Some(prepared.clone());
    }
}

/// A clone begins anew, at no cost.
impl Clone for Memo {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// Whether both have the same text in the same place, as clones have, and uses of one static. One that
/// is made anew for each request is left to the cache.
fn is_of(prepared: &Prepared, statement: &Statement) -> bool {
    ptr::eq(prepared.statement().text(), statement.text())
}

fn place(statement: &Statement) -> usize {
    statement.id() as usize % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that was called before.
    fn memo() -> Memo {
        Memo { called: true, ..Memo::default() }
    }

    #[test]
    fn it_knows_clones_of_what_it_kept_until_something_is_removed() {
        let mut memo = memo();
        let statement = Statement::new("SELECT v FROM t WHERE k = ?");
        let prepared = Prepared::made(&statement);
        memo.keep(&statement, &prepared, 1);
        assert!(memo.get(&statement.clone(), 1).is_some());
        assert!(memo.get(&statement, 2).is_none());
        let other = Statement::new(statement.text().to_owned());
        memo.keep(&other, &prepared, 1);
        assert!(memo.get(&other, 1).is_none());
    }

    #[test]
    fn what_it_keeps_anew_forgets_all_from_before_a_removal() {
        let mut memo = memo();
        let [first, second] = ["SELECT a FROM t", "SELECT b FROM t"].map(Statement::new);
        memo.keep(&first, &Prepared::made(&first), 1);
        memo.keep(&second, &Prepared::made(&second), 2);
        assert!(memo.get(&first, 2).is_none());
        assert!(memo.get(&second, 2).is_some());
    }

    #[test]
    fn an_instance_that_serves_one_request_allocates_nothing() {
        let statement = Statement::new("SELECT v FROM t WHERE k = ?");
        let prepared = Prepared::made(&statement);
        let memo = memo();
        let allocated = allocation_counter::measure(|| memo.clone().keep(&statement, &prepared, 0));
        assert_eq!(allocated.count_total, 0);
    }
}
