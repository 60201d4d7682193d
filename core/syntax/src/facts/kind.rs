//! The kind of a statement.

use std::fmt;

use crate::tree::{
    ArithmeticOperator, BatchKind, Change, Comparand, Condition, Delete, LiteralKind, Operand,
    Operator, Relation, Roles, Statement, Term, TermKind, Update,
};

/// What a statement does, as far as "may it have been applied?" and "may it be sent twice?" depend
/// on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StatementKind {
    /// A read. At a serial consistency level it is a serial read.
    Read,
    /// An unconditional write to one partition.
    Write,
    /// A write to several partitions without a batch log: an UNLOGGED batch, `IN` on the key.
    MultiPartition,
    /// A LOGGED batch.
    LoggedBatch,
    /// A counter update, alone or in a batch. The text tells it by `BEGIN COUNTER BATCH`, and where a
    /// column is changed by a number that stands there: `c = c + 1`. For `c = c + ?` a schema is
    /// needed, or the prepared statement.
    Counter,
    /// A lightweight transaction (`IF ...`).
    Conditional,
    /// A change of the schema or of roles: `CREATE`, `ALTER`, `DROP`.
    Schema,
    /// Everything else, among it what is not understood: `TRUNCATE`, `USE`, permissions.
    Other,
}

impl StatementKind {
    /// A short name, fit for a metric label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::MultiPartition => "multi_partition",
            Self::LoggedBatch => "logged_batch",
            Self::Counter => "counter",
            Self::Conditional => "conditional",
            Self::Schema => "schema",
            Self::Other => "other",
        }
    }
}

/// Its [short name](Self::as_str).
impl fmt::Display for StatementKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Statement<'_> {
    /// What it does, as far as its text tells.
    ///
    /// Without a schema nobody knows which columns are the partition key: a write with `IN` on any
    /// column counts as one to several partitions, as does an UNLOGGED batch.
    ///
    /// ```
    /// use cqlstack_syntax::{StatementKind, parse};
    ///
    /// let kind = |text| parse(text).map(|statement| statement.kind());
    /// assert_eq!(kind("DELETE FROM t WHERE k = ?")?, StatementKind::Write);
    /// assert_eq!(kind("DELETE FROM t WHERE k IN ?")?, StatementKind::MultiPartition);
    /// assert_eq!(kind("DELETE FROM t WHERE k = ? IF EXISTS")?, StatementKind::Conditional);
    /// assert_eq!(kind("UPDATE t SET c = c + 1 WHERE k = ?")?, StatementKind::Counter);
    /// # Ok::<(), cqlstack_syntax::SyntaxError>(())
    /// ```
    #[must_use]
    pub fn kind(&self) -> StatementKind {
        match self {
            Statement::Select(_) => StatementKind::Read,
            Statement::Insert(insert) if insert.if_not_exists => StatementKind::Conditional,
            Statement::Insert(_) => StatementKind::Write,
            Statement::Update(update) => kind_of_update(update),
            Statement::Delete(delete) => kind_of_delete(delete),
            Statement::Batch(batch) => {
                let mut kinds = batch.statements.iter().map(Statement::kind);
                if kinds.clone().any(|kind| kind == StatementKind::Conditional) {
                    return StatementKind::Conditional;
                }
                match batch.kind {
                    BatchKind::Counter => StatementKind::Counter,
                    _ if kinds.any(|kind| kind == StatementKind::Counter) => StatementKind::Counter,
                    BatchKind::Unlogged => StatementKind::MultiPartition,
                    BatchKind::Logged => StatementKind::LoggedBatch,
                }
            }
            Statement::Create(_) | Statement::Alter(_) | Statement::Drop(_) => {
                StatementKind::Schema
            }
            Statement::Roles(
                Roles::CreateRole { .. }
                | Roles::CreateUser { .. }
                | Roles::AlterRole { .. }
                | Roles::AlterUser { .. }
                | Roles::DropRole(..)
                | Roles::DropUser(..)
                | Roles::DropIdentity(..),
            ) => StatementKind::Schema,
            Statement::Roles(_)
            | Statement::Truncate(_)
            | Statement::Use(_)
            | Statement::Prune(_)
            | Statement::Describe(_) => StatementKind::Other,
        }
    }
}

fn kind_of_update(update: &Update<'_>) -> StatementKind {
    if update.condition != Condition::Always {
        return StatementKind::Conditional;
    }
    let counts = |change: &Change<'_>| match change {
        Change::Add(term) | Change::Subtract(term) | Change::Prepend(term) => is_number(term),
        Change::Set(_) => false,
    };
    if update.assignments.iter().any(|assignment| counts(&assignment.change)) {
        return StatementKind::Counter;
    }
    kind_of_write(&update.relations)
}

fn kind_of_delete(delete: &Delete<'_>) -> StatementKind {
    if delete.condition == Condition::Always {
        kind_of_write(&delete.relations)
    } else {
        StatementKind::Conditional
    }
}

fn kind_of_write(relations: &[Relation<'_>]) -> StatementKind {
    if relations.iter().any(may_be_many_partitions) {
        StatementKind::MultiPartition
    } else {
        StatementKind::Write
    }
}

/// Several columns at once are never those of a partition key.
fn may_be_many_partitions(relation: &Relation<'_>) -> bool {
    relation.operator == Operator::In
        && matches!(relation.left, Operand::Column(_))
        && match &relation.right {
            Comparand::Terms(terms) => terms.len() > 1,
            Comparand::List(_) => true,
            Comparand::Term(_) | Comparand::Nothing => false,
        }
}

/// A column that changes by a number can only be a counter.
fn is_number(term: &Term<'_>) -> bool {
    match &term.without_parentheses().kind {
        TermKind::Literal(literal) => {
            matches!(literal.kind, LiteralKind::Integer | LiteralKind::Float)
        }
        TermKind::Negation(term) | TermKind::Hint(_, term) | TermKind::Cast(term, _) => {
            is_number(term)
        }
        TermKind::Arithmetic(first, rest) => {
            let is_number = |(_, term): &(ArithmeticOperator, Term<'_>)| is_number(term);
            self::is_number(first) || rest.iter().any(is_number)
        }
        _ => false,
    }
}
