//! Which prepared statements a client's requests were bound to.

use std::array;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

use crate::prepared::{Prepared, Shared};
use crate::statement::Statement;

/// A program has some dozen statements that it sends all the time.
const STATEMENTS: usize = 64;

/// The prepared statements that requests of a client, and of its clones, were bound to last.
///
/// Values are serialised for them before a request goes down the stack. If it is bound to another one there, as after a
/// change of the schema, that was for nothing, and the values are asked for: nothing here has to be true. It saves a
/// question to a [`Loan`](super::Loan) and its answer, 2.5 % of the instructions of a read.
#[derive(Clone)]
pub(crate) struct Recent(Arc<[ArcSwapOption<Shared>; STATEMENTS]>);

impl Default for Recent {
    fn default() -> Self {
        Self(Arc::new(array::from_fn(|_| ArcSwapOption::const_empty())))
    }
}

impl Recent {
    fn place(&self, id: u32) -> &ArcSwapOption<Shared> {
        &self.0[id as usize % STATEMENTS]
    }

    /// To what the statement was probably bound last.
    #[inline]
    pub(super) fn get(&self, statement: &Statement) -> Option<Prepared> {
        let prepared = self.place(statement.known_id()?).load_full().map(Prepared::from)?;
        prepared.statement().is_clone_of(statement).then_some(prepared)
    }

    /// The statement was bound to this. One that is made anew for each request takes nobody's place.
    #[cold]
    pub(super) fn keep(&self, statement: &Statement, prepared: &Prepared) {
        if prepared.statement().is_clone_of(statement) {
            self.place(statement.id()).store(Some(prepared.shared()));
        }
    }
}

impl fmt::Debug for Recent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recent(..)")
    }
}
