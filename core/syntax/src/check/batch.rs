//! `BEGIN BATCH … APPLY BATCH`.

use super::find::Of;
use super::{Checker, Finding};
use crate::token::Span;
use crate::tree::{
    Batch, BatchKind, Condition, Statement, Table as TableName, UsingOption, UsingParameter,
};

/// What of a statement in a batch its batch may not have.
struct Member {
    span: Span,
    is_counter: bool,
    is_conditional: bool,
    has_timestamp: bool,
}

impl Checker<'_> {
    pub(super) fn batch(&mut self, batch: &Batch<'_>) {
        let mut members = Vec::new();
        for statement in &batch.statements {
            self.statement(statement);
            members.extend(self.member(statement));
        }
        self.counters(batch.kind, &members);
        self.timestamps(&batch.using, &members);
    }

    /// None if its table is not known.
    fn member(&self, statement: &Statement<'_>) -> Option<Member> {
        let table = statement.table()?;
        let of = self.known(table)?;
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
        Some(Member { span, is_counter, is_conditional, has_timestamp })
    }

    /// A table that was looked up before.
    fn known(&self, name: TableName<'_>) -> Option<Of<'_>> {
        let keyspace = name.keyspace.map(|keyspace| keyspace.resolved());
        let keyspace = keyspace.as_deref().or(self.keyspace)?;
        let (keyspace, within) = self.schema.keyspaces().find(|(known, _)| *known == keyspace)?;
        let (name, table) = within.tables.get_key_value(&*name.name.resolved())?;
        Some(Of { keyspace, name, within, table })
    }

    fn counters(&mut self, kind: BatchKind, members: &[Member]) {
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

    fn timestamps(&mut self, using: &[UsingOption<'_>], members: &[Member]) {
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
                UsingParameter::Timestamp if members.iter().any(|it| it.has_timestamp) => {
                    let message = "the batch and one of its statements have a timestamp";
                    self.report(Finding::new(span, message, "one for all, or one for each"));
                }
                UsingParameter::Timestamp | UsingParameter::Timeout => {}
            }
        }
    }
}
