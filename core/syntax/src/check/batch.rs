//! `BEGIN BATCH … APPLY BATCH`.

use super::find::Of;
use super::{Checker, Finding};
use crate::token::Span;
use crate::tree::{Batch, BatchKind, Condition, Statement, UsingOption, UsingParameter, quoted};

/// What of a statement in a batch its batch may not have.
struct Member<'s> {
    span: Span,
    /// Keyspace and name.
    table: (&'s str, &'s str),
    is_counter: bool,
    is_conditional: bool,
    has_timestamp: bool,
}

impl<'s> Checker<'s> {
    pub(super) fn batch(&mut self, batch: &Batch<'_>) {
        let mut members = Vec::new();
        for statement in &batch.statements {
            self.statement(statement);
            members.extend(self.member(statement));
        }
        self.counters(batch.kind, &members);
        self.one_table(&members);
        self.timestamps(&batch.using, &members);
    }

    /// None if its table is not known.
    fn member(&self, statement: &Statement<'_>) -> Option<Member<'s>> {
        let table = statement.table()?;
        let of = Of::find(self.schema, table, self.keyspace)?;
        let has = |using: &[UsingOption<'_>]| {
            using.iter().any(|option| option.parameter == UsingParameter::Timestamp)
        };
        let (is_conditional, has_timestamp) = match statement {
            Statement::Insert(insert) => (insert.if_not_exists, has(&insert.using)),
            Statement::Update(update) => {
                (update.condition != Condition::Always, has(&update.using))
            }
            Statement::Delete(delete) => {
                (delete.condition != Condition::Always, delete.timestamp.is_some())
            }
            _ => return None,
        };
        let (span, is_counter) = (table.name.span(), of.is_counter());
        let table = (of.keyspace, of.name);
        Some(Member { span, table, is_counter, is_conditional, has_timestamp })
    }

    /// Paxos is of one partition.
    fn one_table(&mut self, members: &[Member<'_>]) {
        let Some(first) = members.first() else { return };
        let is_conditional = members.iter().any(|member| member.is_conditional);
        let other = members.iter().find(|member| member.table != first.table);
        if let (true, Some(other)) = (is_conditional, other) {
            let (keyspace, name) = (quoted(first.table.0), quoted(first.table.1));
            let message = "a batch with a condition is of one table, and of one partition";
            self.report(Finding::new(other.span, message, format!("{keyspace}.{name}")));
        }
    }

    fn counters(&mut self, kind: BatchKind, members: &[Member<'_>]) {
        let of_counters = kind == BatchKind::Counter;
        let stray = members.iter().find(|member| member.is_counter != of_counters);
        // Mixed ones are told by what is not as the first one is.
        let Some(stray) = stray else { return };
        let (message, expected) = if of_counters {
            ("a COUNTER batch has counters only", "an UPDATE of a table with counters")
        } else if kind == BatchKind::Unlogged && members.iter().all(|member| member.is_counter) {
            return;
        } else {
            ("a batch of other writes has no counters", "BEGIN COUNTER BATCH for all counters")
        };
        self.report(Finding::new(stray.span, message, expected));
    }

    fn timestamps(&mut self, using: &[UsingOption<'_>], members: &[Member<'_>]) {
        let is_conditional = members.iter().any(|member| member.is_conditional);
        for option in using {
            let span = option.value.span;
            match option.parameter {
                UsingParameter::Ttl => {
                    let message = "a batch has no TTL";
                    self.report(Finding::new(span, message, "USING TTL of each statement"));
                }
                UsingParameter::Timestamp if is_conditional => {
                    let message = "the timestamp of a conditional batch is its ballot";
                    self.report(Finding::new(span, message, "no TIMESTAMP"));
                }
                UsingParameter::Timestamp if members.iter().any(|it| it.is_counter) => {
                    let message = "a batch with counters has no timestamp";
                    self.report(Finding::new(span, message, "no TIMESTAMP"));
                }
                UsingParameter::Timestamp if members.iter().any(|it| it.has_timestamp) => {
                    let message = "the batch and one of its statements have a timestamp";
                    self.report(Finding::new(span, message, "one for all, or one for each"));
                }
                UsingParameter::Timestamp | UsingParameter::Timeout => {}
            }
        }
    }
}
