//! Whether applying a statement twice is as good as once. What is not known to be so, is not.

use super::leaves::{Leaf, each_leaf};
use crate::functions::is_repeatable;
use crate::tree::{
    Assignment, BatchKind, Change, Condition, Deletion, Function, LiteralKind, Part, Statement,
    Term, TermKind,
};

impl Statement<'_> {
    /// Whether it may be applied twice, without a schema: true only where it is known.
    ///
    /// Not idempotent are: anything with `IF`; counters, and `x = x + ?`, which may be one; appending
    /// and prepending to a list; an element of what may be a list (`x[0]`, `x[?]`); `now()`, `uuid()`
    /// and any function that is not known to give the same again; a batch with one of these;
    /// `TRUNCATE`, `USE`, and what changes schema or roles.
    ///
    /// A resent write has to keep its timestamp, else it may undo a later one. Then a list that is
    /// written anew as a whole is an exception that only a schema tells ([`overwrites`](Self::overwrites)
    /// names the columns): Cassandra gives its elements new keys each time, and with equal timestamps
    /// the old ones stay beside them. A TTL counts anew from when the write is applied again.
    ///
    /// ```
    /// use cqlstack_syntax::parse;
    ///
    /// let idempotent = |text| parse(text).map(|statement| statement.is_idempotent());
    /// assert!(idempotent("INSERT INTO t (k, v) VALUES (?, ?)")?);
    /// assert!(idempotent("UPDATE t SET s = s + {1} WHERE k = ?")?);
    /// assert!(!idempotent("UPDATE t SET l = l + [1] WHERE k = ?")?);
    /// assert!(!idempotent("INSERT INTO t (k, v) VALUES (?, now())")?);
    /// # Ok::<(), cqlstack_syntax::SyntaxError>(())
    /// ```
    #[must_use]
    pub fn is_idempotent(&self) -> bool {
        let by_shape = match self {
            Statement::Select(_) => return true,
            Statement::Insert(insert) => !insert.if_not_exists,
            Statement::Update(update) => {
                update.condition == Condition::Always && assigned_again(&update.assignments)
            }
            Statement::Delete(delete) => {
                delete.condition == Condition::Always && deleted_again(&delete.deletions)
            }
            Statement::Batch(batch) => {
                return batch.kind != BatchKind::Counter
                    && batch.statements.iter().all(Statement::is_idempotent);
            }
            _ => false,
        };
        by_shape && calls_again(self)
    }
}

fn assigned_again(assignments: &[Assignment<'_>]) -> bool {
    assignments.iter().all(|Assignment { part, change, .. }| {
        part_is_stable(part)
            && match change {
                Change::Set(_) => true,
                // A list would grow each time, a set or a map does not.
                Change::Add(term) | Change::Prepend(term) => {
                    matches!(
                        term.without_parentheses().kind,
                        TermKind::Set(_) | TermKind::Map(_) | TermKind::Tuple(_)
                    )
                }
                // From a list all equal elements go, the first time.
                Change::Subtract(term) => matches!(
                    term.without_parentheses().kind,
                    TermKind::Set(_) | TermKind::Map(_) | TermKind::Tuple(_) | TermKind::List(_)
                ),
            }
    })
}

fn deleted_again(deletions: &[Deletion<'_>]) -> bool {
    deletions.iter().all(|deletion| part_is_stable(&deletion.part))
}

/// A list's element is another one after the list changed. Only a map has keys like these.
fn part_is_stable(part: &Part<'_>) -> bool {
    let Part::Element(key) = part else { return true };
    match &key.without_parentheses().kind {
        TermKind::Literal(literal) => literal.kind != LiteralKind::Integer,
        TermKind::Null
        | TermKind::List(_)
        | TermKind::Set(_)
        | TermKind::Map(_)
        | TermKind::UserType(_)
        | TermKind::Tuple(_) => true,
        _ => false,
    }
}

/// Whether each function in it gives the same again.
fn calls_again(statement: &Statement<'_>) -> bool {
    let mut all = true;
    each_leaf(statement, &mut |Leaf { term, .. }: Leaf<'_, '_>| {
        if let Term { kind: TermKind::Function(function), .. } = term {
            all &= gives_the_same(function);
        }
    });
    all
}

fn gives_the_same(function: &Function<'_>) -> bool {
    let of_system = function.keyspace.is_none_or(|keyspace| keyspace.resolved() == "system");
    of_system && is_repeatable(&function.name.resolved())
}
