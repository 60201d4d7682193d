//! Statements that read and write rows.

use std::fmt;

use super::Printer;
use crate::tree::{
    Assignment, Batch, BatchKind, Change, Condition, Delete, Deletion, Insert, InsertRow,
    JsonDefault, Ordering, Part, Select, Selection, Selector, Term, Update, UsingOption,
    UsingParameter,
};

impl Printer<'_> {
    pub(super) fn select(&mut self, select: &Select<'_>) -> fmt::Result {
        self.text("SELECT ")?;
        self.text_if(select.json, "JSON ")?;
        self.text_if(select.distinct, "DISTINCT ")?;
        self.selection(&select.selection)?;
        self.clause("FROM")?;
        self.table(select.from)?;
        if !select.relations.is_empty() {
            self.clause("WHERE")?;
            self.relations(&select.relations)?;
        }
        if !select.group_by.is_empty() {
            self.clause("GROUP BY")?;
            self.list(&select.group_by, Self::term)?;
        }
        if !select.order_by.is_empty() {
            self.clause("ORDER BY")?;
            self.list(&select.order_by, Self::ordering)?;
        }
        self.limit("PER PARTITION LIMIT", select.per_partition_limit.as_ref())?;
        self.limit("LIMIT", select.limit.as_ref())?;
        if select.allow_filtering {
            self.text(if self.broken { "\n" } else { " " })?;
            self.text("ALLOW FILTERING")?;
        }
        self.text_if(select.bypass_cache, " BYPASS CACHE")?;
        self.timeout(select.timeout.as_ref())
    }

    pub(super) fn timeout(&mut self, timeout: Option<&Term<'_>>) -> fmt::Result {
        let Some(timeout) = timeout else { return Ok(()) };
        self.clause("USING TIMEOUT")?;
        self.term(timeout)
    }

    fn limit(&mut self, words: &str, limit: Option<&Term<'_>>) -> fmt::Result {
        let Some(limit) = limit else { return Ok(()) };
        self.clause(words)?;
        self.term(limit)
    }

    pub(super) fn selection(&mut self, selection: &Selection<'_>) -> fmt::Result {
        match selection {
            Selection::All => self.text("*"),
            Selection::Selectors(selectors) => self.list(selectors, Self::selector),
        }
    }

    fn selector(&mut self, selector: &Selector<'_>) -> fmt::Result {
        self.term(&selector.term)?;
        if let Some(alias) = selector.alias {
            self.text(" AS ")?;
            self.name(alias)?;
        }
        Ok(())
    }

    fn ordering(&mut self, ordering: &Ordering<'_>) -> fmt::Result {
        self.name(ordering.column)?;
        if let Some(near) = &ordering.near {
            self.text(" ANN OF ")?;
            self.term(near)?;
        }
        self.text_if(ordering.descending, " DESC")
    }

    pub(super) fn insert(&mut self, insert: &Insert<'_>) -> fmt::Result {
        self.text("INSERT INTO ")?;
        self.table(insert.into)?;
        match &insert.row {
            InsertRow::Values { columns, values } => {
                self.columns(" (", columns)?;
                self.clause("VALUES")?;
                self.terms("(", values, ")")?;
            }
            InsertRow::Json { value, default } => {
                self.text(" JSON ")?;
                self.term(value)?;
                self.text_if(*default == JsonDefault::Unset, " DEFAULT UNSET")?;
            }
        }
        self.text_if(insert.if_not_exists, " IF NOT EXISTS")?;
        self.using(&insert.using)
    }

    fn using(&mut self, options: &[UsingOption<'_>]) -> fmt::Result {
        if options.is_empty() {
            return Ok(());
        }
        self.clause("USING")?;
        self.all_of(options, |printer, option| {
            printer.text(match option.parameter {
                UsingParameter::Ttl => "TTL ",
                UsingParameter::Timestamp => "TIMESTAMP ",
                UsingParameter::Timeout => "TIMEOUT ",
            })?;
            printer.term(&option.value)
        })
    }

    pub(super) fn update(&mut self, update: &Update<'_>) -> fmt::Result {
        self.text("UPDATE ")?;
        self.table(update.table)?;
        self.using(&update.using)?;
        self.clause("SET")?;
        self.list(&update.assignments, Self::assignment)?;
        self.clause("WHERE")?;
        self.relations(&update.relations)?;
        self.condition(&update.condition)
    }

    fn assignment(&mut self, assignment: &Assignment<'_>) -> fmt::Result {
        let Assignment { column, part, change, .. } = assignment;
        self.name(*column)?;
        self.part(part)?;
        let (sign, term) = match change {
            Change::Set(term) | Change::Prepend(term) => (" = ", term),
            Change::Add(term) => (" += ", term),
            Change::Subtract(term) => (" -= ", term),
        };
        self.text(sign)?;
        self.term(term)?;
        if matches!(change, Change::Prepend(_)) {
            self.text(" + ")?;
            self.name(*column)?;
        }
        Ok(())
    }

    fn part(&mut self, part: &Part<'_>) -> fmt::Result {
        match part {
            Part::Whole => Ok(()),
            Part::Element(key) => self.terms("[", std::slice::from_ref(key), "]"),
            Part::Field(field) => {
                self.text(".")?;
                self.name(*field)
            }
        }
    }

    fn condition(&mut self, condition: &Condition<'_>) -> fmt::Result {
        match condition {
            Condition::Always => Ok(()),
            Condition::Exists => {
                self.clause("IF")?;
                self.text("EXISTS")
            }
            Condition::If(relations) => {
                self.clause("IF")?;
                self.relations(relations)
            }
        }
    }

    pub(super) fn delete(&mut self, delete: &Delete<'_>) -> fmt::Result {
        self.text("DELETE ")?;
        self.list(&delete.deletions, |printer, Deletion { column, part }| {
            printer.name(*column)?;
            printer.part(part)
        })?;
        self.text_if(!delete.deletions.is_empty(), " ")?;
        self.text("FROM ")?;
        self.table(delete.from)?;
        if let Some(timestamp) = &delete.timestamp {
            self.text(" USING TIMESTAMP ")?;
            self.term(timestamp)?;
        }
        if let Some(timeout) = &delete.timeout {
            let more = delete.timestamp.is_some();
            self.text(if more { " AND TIMEOUT " } else { " USING TIMEOUT " })?;
            self.term(timeout)?;
        }
        self.clause("WHERE")?;
        self.relations(&delete.relations)?;
        self.condition(&delete.condition)
    }

    pub(super) fn batch(&mut self, batch: &Batch<'_>) -> fmt::Result {
        self.text(match batch.kind {
            BatchKind::Logged => "BEGIN BATCH",
            BatchKind::Unlogged => "BEGIN UNLOGGED BATCH",
            BatchKind::Counter => "BEGIN COUNTER BATCH",
        })?;
        self.using(&batch.using)?;
        for statement in &batch.statements {
            self.text(if self.broken { "\n" } else { " " })?;
            // A line for each, however long.
            Printer { out: &mut *self.out, broken: false }.statement(statement)?;
            self.text(";")?;
        }
        self.text(if self.broken { "\n" } else { " " })?;
        self.text("APPLY BATCH")
    }
}
