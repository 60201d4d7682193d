//! `INSERT`, `UPDATE`, `DELETE`.

use super::find::{Of, is_counter, list};
use super::restriction::{How, Restrictions};
use super::term::is_collection;
use super::{Checker, Finding, Lint};
use crate::schema::{Column, ColumnRole, DataType};
use crate::token::Span;
use crate::tree::{
    Assignment, Change, Condition, Delete, Insert, InsertRow, Name, Part, Table as TableName, Term,
    Update, UsingOption, UsingParameter, quoted,
};

/// What a write changes beside its key.
#[derive(Default)]
struct Changed {
    statics: bool,
    regular: bool,
}

impl Changed {
    fn add(&mut self, column: &Column) {
        self.statics |= column.role == ColumnRole::Static;
        self.regular |= column.role == ColumnRole::Regular;
    }

    /// Static columns are of a partition: no row has to be named.
    const fn only_statics(&self) -> bool {
        self.statics && !self.regular
    }
}

impl<'s> Checker<'s> {
    /// A table that may be written.
    fn written(&mut self, name: TableName<'_>) -> Option<Of<'s>> {
        let of = self.table(name)?;
        if let Some(finding) = Self::view(of, name) {
            self.report(finding);
            return None;
        }
        Some(of)
    }

    pub(super) fn insert(&mut self, insert: &Insert<'_>) {
        let Some(of) = self.written(insert.into) else { return };
        self.using(of, &insert.using, insert.if_not_exists);
        if of.is_counter() {
            let message = format!("{} has counters, which are not inserted", of.full());
            let counter = of.table.columns.iter().find(|column| is_counter(column));
            let own = counter.map_or_else(Default::default, |column| quoted(&column.name));
            let expected = format!("UPDATE {} SET {own} = {own} + ? WHERE …", of.full());
            self.report(Finding::new(insert.into.name.span(), message, expected));
            return;
        }
        let InsertRow::Values { columns, values } = &insert.row else { return };
        self.inserted(of, columns, values);
    }

    fn inserted(&mut self, of: Of<'s>, names: &[Name<'_>], values: &[Term<'_>]) {
        let (mut columns, mut changed, mut unknown) = (Vec::new(), Changed::default(), false);
        for name in names {
            let Some(column) = self.column(of, *name) else {
                unknown = true;
                continue;
            };
            if columns.contains(&column) {
                let message = format!("`{}` has two values", quoted(&column.name));
                self.report(Finding::new(name.span(), message, "each column once"));
            }
            changed.add(column);
            columns.push(column);
        }
        for (name, value) in names.iter().zip(values) {
            self.value(of, value, of.column(&name.resolved()).map(|column| &column.kind));
        }
        let (Some(first), Some(last)) = (names.first(), names.last()) else { return };
        let all = first.span().to(last.span());
        if names.len() != values.len() {
            let count = |count, of| format!("{count} {of}{}", if count == 1 { "" } else { "s" });
            let (columns, own) = (count(names.len(), "column"), count(values.len(), "value"));
            // The first column without a value, or the first value without a column.
            let stray = names.get(values.len()).map(Name::span);
            let stray = stray.or(values.get(names.len()).map(|value| value.span)).unwrap_or(all);
            let message = format!("{columns}, and {own}");
            self.report(Finding::new(stray, message, "a value for each column"));
            return;
        }
        if unknown {
            return;
        }
        let absent = |key: &Column| !columns.iter().any(|column| column.name == key.name);
        let partition: Vec<&str> =
            of.partition_key().filter(|key| absent(key)).map(|key| &*key.name).collect();
        let clustering: Vec<&str> =
            of.clustering_key().filter(|key| absent(key)).map(|key| &*key.name).collect();
        let no_row = clustering.len() == of.clustering_key().count();
        let may_lack = no_row && changed.only_statics() || of.table.is_compact;
        if !partition.is_empty() || !(clustering.is_empty() || may_lack) {
            let missing = partition.iter().chain(&clustering).copied();
            self.key_missing(of, all, &list(missing), "a value");
        }
    }

    fn key_missing(&mut self, of: Of<'s>, span: Span, missing: &str, what: &str) {
        let message =
            format!("{} has the primary key {}: no value for {missing}", of.full(), of.key());
        let expected = format!("{what} for {missing} too");
        self.report(Finding::new(span, message, expected));
    }

    pub(super) fn update(&mut self, update: &Update<'_>) {
        let Some(of) = self.written(update.table) else { return };
        let mut changed = Changed::default();
        let mut unknown = false;
        for assignment in &update.assignments {
            match self.assigned(of, assignment) {
                Some(column) => changed.add(column),
                None => unknown = true,
            }
        }
        let is_conditional = update.condition != Condition::Always;
        self.using(of, &update.using, is_conditional);
        let restrictions = self.restrictions(of, &update.relations);
        let regular = self.condition(of, &update.condition, update.table.name.span());
        changed.regular |= regular;
        if unknown || restrictions.unknown {
            return;
        }
        let place = update.table.name.span();
        if !self.finds_partition(of, &restrictions, place, is_conditional) {
            return;
        }
        let slice = restrictions.all.iter().find(|it| it.how > How::In);
        if let Some(slice) = slice {
            let own = quoted(&slice.column.name);
            let message = format!("an UPDATE writes rows whose `{own}` is given");
            self.report(Finding::new(
                slice.span,
                message,
                "`=` or `IN`, for each column of the key",
            ));
        } else if changed.only_statics() {
            let table = of.full();
            self.no_rows(of, &restrictions, &format!("static columns of {table}"), "alone");
        } else if !of.table.is_compact {
            let missing = restrictions.without(of.clustering_key());
            if !missing.is_empty() {
                self.key_missing(of, place, &list(missing), "a value in WHERE");
            }
        }
    }

    /// None if the column is not there, or must not be set.
    fn assigned(&mut self, of: Of<'s>, assignment: &Assignment<'_>) -> Option<&'s Column> {
        let Assignment { column: name, part, change, .. } = assignment;
        let column = self.column(of, *name)?;
        let own = quoted(&column.name);
        if column.role.is_key() {
            let expected = "a column that is not: a row keeps its key; INSERT writes another row";
            self.of_key(of, *name, expected);
            return None;
        }
        let kind = match part {
            Part::Whole => Some(&column.kind),
            Part::Field(field) => self.field(of, &column.kind, *field),
            Part::Element(key) => {
                self.value(of, key, None);
                None
            }
        };
        let (Change::Set(value)
        | Change::Add(value)
        | Change::Subtract(value)
        | Change::Prepend(value)) = change;
        // `m = m - {'a'}`: a set of a map's keys.
        let is_map = |kind: &&DataType| matches!(kind, DataType::Map(..));
        let of_keys = matches!(change, Change::Subtract(_)) && kind.as_ref().is_some_and(is_map);
        self.value(of, value, kind.filter(|_| !of_keys));
        if of_keys && is_collection(value) {
            self.bound_inside("map", value);
        }
        let is_set = matches!((part, change), (Part::Whole, Change::Set(_)));
        if is_set && is_counter(column) {
            let message = format!("`{own}` is a counter, which is only added to");
            let expected = format!("{own} = {own} + ?");
            self.report(Finding::new(name.span(), message, expected));
        }
        Some(column)
    }

    pub(super) fn delete(&mut self, delete: &Delete<'_>) {
        let Some(of) = self.written(delete.from) else { return };
        let (mut changed, mut unknown) = (Changed::default(), false);
        for deletion in &delete.deletions {
            let Some(column) = self.column(of, deletion.column) else {
                unknown = true;
                continue;
            };
            if column.role.is_key() {
                let expected = "a column that is not, or none: then rows are deleted";
                self.of_key(of, deletion.column, expected);
                unknown = true;
            }
            match &deletion.part {
                Part::Whole => {}
                Part::Field(field) => drop(self.field(of, &column.kind, *field)),
                Part::Element(key) => self.value(of, key, None),
            }
            changed.add(column);
        }
        let is_conditional = delete.condition != Condition::Always;
        if let Some(timestamp) = &delete.timestamp {
            self.no_timestamp(of, timestamp.span, is_conditional);
        }
        let restrictions = self.restrictions(of, &delete.relations);
        changed.regular |= self.condition(of, &delete.condition, delete.from.name.span());
        if unknown || restrictions.unknown {
            return;
        }
        let place = delete.from.name.span();
        if !self.finds_partition(of, &restrictions, place, is_conditional) {
            return;
        }
        if let Some((of_gap, before)) = restrictions.gap() {
            let (own, before) = (quoted(&of_gap.column.name), quoted(&before.name));
            let message = format!("`{own}` is restricted, and `{before}` before it has no value");
            let expected = format!("a value for `{before}`: the key is {}", of.key());
            self.report(Finding::new(of_gap.span, message, expected));
        } else if changed.only_statics() {
            let table = of.full();
            self.no_rows(of, &restrictions, &format!("static columns of {table}"), "alone");
        } else if changed.regular || is_conditional {
            self.whole_row(of, &restrictions, place, is_conditional);
        }
    }

    /// Columns are deleted in rows that are given, one by one, and a condition is about one of them.
    fn whole_row(
        &mut self,
        of: Of<'s>,
        restrictions: &Restrictions<'s>,
        place: Span,
        is_conditional: bool,
    ) {
        let missing = restrictions.without(of.clustering_key());
        if missing.is_empty() || of.table.is_compact {
            return;
        }
        let missing = list(missing);
        let message = format!(
            "{} has the primary key {}: without {missing} it is a range of rows",
            of.full(),
            of.key()
        );
        let expected = format!("a value in WHERE for {missing} too");
        let finding = Finding::new(place, message, expected);
        if is_conditional {
            self.report(finding.with_help(
                "a condition is about one row, of which all PRIMARY KEY columns are given",
            ));
        } else {
            let finding = finding.with_help("of a range, rows are deleted and not columns");
            self.report(finding.with_lint(Lint::RefusedWhenExecuted));
        }
    }

    /// Whether the partition key has values, and nothing that is not part of the key is restricted.
    fn finds_partition(
        &mut self,
        of: Of<'s>,
        restrictions: &Restrictions<'s>,
        place: Span,
        is_conditional: bool,
    ) -> bool {
        let missing = restrictions.without(of.partition_key());
        if !missing.is_empty() {
            // What is restricted, but not to given values, is its place.
            let other = restrictions.all.iter().find(|it| missing.contains(&&*it.column.name));
            let span = other.map_or(place, |restricted| restricted.span);
            self.key_missing(of, span, &list(missing), "`=` or `IN` in WHERE");
            return false;
        }
        let Some(other) = restrictions.all.iter().find(|it| !it.column.role.is_key()) else {
            if is_conditional {
                self.one_row(of, restrictions);
            }
            return true;
        };
        let own = quoted(&other.column.name);
        let message = format!("`{own}` is not part of the primary key {}", of.key());
        let help = format!("a write that depends on `{own}` says `IF {own} = …`");
        let finding = Finding::new(other.span, message, "columns of the key in WHERE");
        self.report(finding.with_help(help));
        false
    }

    /// Paxos is of one partition, and of given rows.
    fn one_row(&mut self, of: Of<'s>, restrictions: &Restrictions<'s>) {
        let several = restrictions.all.iter().find(|it| it.how == How::In && it.several);
        if let Some(several) = several {
            let own = quoted(&several.column.name);
            let message =
                format!("`IN` on `{own}`, and a condition: it is about one row of {}", of.full());
            let finding = Finding::new(several.span, message, format!("`{own} = ?`"));
            self.report(finding.with_lint(Lint::RefusedWhenExecuted));
        }
    }

    pub(super) fn using(&mut self, of: Of<'s>, options: &[UsingOption<'_>], is_conditional: bool) {
        for option in options {
            match option.parameter {
                UsingParameter::Timestamp => {
                    self.no_timestamp(of, option.value.span, is_conditional);
                }
                UsingParameter::Ttl if of.is_counter() => {
                    let message = format!("{} has counters, which do not expire", of.full());
                    self.report(Finding::new(option.value.span, message, "no TTL"));
                }
                UsingParameter::Ttl | UsingParameter::Timeout => {}
            }
        }
    }

    /// Where the server gives the timestamp.
    fn no_timestamp(&mut self, of: Of<'s>, span: Span, is_conditional: bool) {
        let why = match (is_conditional, of.is_counter()) {
            (true, _) => "the timestamp of a conditional write is its ballot".to_owned(),
            (_, true) => format!("{} has counters, which have no timestamps", of.full()),
            (false, false) => return,
        };
        self.report(Finding::new(span, why, "no TIMESTAMP"));
    }
}
