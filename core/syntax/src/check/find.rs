//! Looks up what a statement names.

use super::{Checker, Finding, Lint, nearest};
use crate::keyword::Keyword;
use crate::schema::{Column, ColumnRole, DataType, Keyspace, Schema, Table, is_system};
use crate::tree::{Function, Name, Table as TableName, quoted};

/// How many names a message lists.
const MOST: usize = 12;

/// A table of the schema.
#[derive(Clone, Copy)]
pub(super) struct Of<'s> {
    pub(super) keyspace: &'s str,
    pub(super) name: &'s str,
    pub(super) within: &'s Keyspace,
    pub(super) table: &'s Table,
}

impl<'s> Of<'s> {
    /// A table of the schema, by the names that a statement gives, or in this keyspace.
    pub(super) fn find(
        schema: &'s Schema,
        name: TableName<'_>,
        current: Option<&str>,
    ) -> Option<Self> {
        let own = name.keyspace.map(|keyspace| keyspace.resolved());
        let (keyspace, within) = schema.named(own.as_deref().or(current)?)?;
        Self::within(keyspace, within, &name.name.resolved())
    }

    fn within(keyspace: &'s str, within: &'s Keyspace, name: &str) -> Option<Self> {
        let (name, table) = within.tables.get_key_value(name)?;
        Some(Self { keyspace, name, within, table })
    }

    pub(super) fn column(self, name: &str) -> Option<&'s Column> {
        self.table.columns.iter().find(|column| column.name == name)
    }

    pub(super) fn partition_key(self) -> impl Iterator<Item = &'s Column> {
        self.table.columns.iter().filter(|it| matches!(it.role, ColumnRole::PartitionKey { .. }))
    }

    pub(super) fn clustering_key(self) -> impl Iterator<Item = &'s Column> {
        self.table.columns.iter().filter(|it| matches!(it.role, ColumnRole::Clustering { .. }))
    }

    /// The columns of `*`: the key, static columns and the others, those by name.
    pub(super) fn all_columns(self) -> impl Iterator<Item = &'s Column> {
        let by_name = |role: ColumnRole| {
            let mut columns: Vec<&Column> = Vec::new();
            columns.extend(self.table.columns.iter().filter(|it| it.role == role));
            columns.sort_unstable_by_key(|column| &*column.name);
            columns
        };
        let others = [by_name(ColumnRole::Static), by_name(ColumnRole::Regular)];
        self.partition_key().chain(self.clustering_key()).chain(others.into_iter().flatten())
    }

    pub(super) fn is_counter(self) -> bool {
        self.table.columns.iter().any(is_counter)
    }

    /// Whether a function is one of the schema's.
    pub(super) fn is_own(self, function: &Function<'_>) -> bool {
        let name = function.name.resolved();
        let is_there = || {
            self.within.functions.iter().chain(&self.within.aggregates).any(|it| it.name == name)
        };
        function.keyspace.map_or_else(is_there, |keyspace| !is_system(&keyspace.resolved()))
    }

    /// Whether a function is of another keyspace than the table.
    pub(super) fn is_of_others(self, function: &Function<'_>) -> bool {
        function.keyspace.is_some_and(|keyspace| {
            let keyspace = keyspace.resolved();
            !is_system(&keyspace) && keyspace != self.keyspace
        })
    }

    pub(super) fn has_index(self, column: &str) -> bool {
        let is_of = |index: &crate::schema::Index| {
            index.table == self.name && index.targets.iter().any(|(_, target)| target == column)
        };
        self.within.indexes.values().any(is_of)
    }

    /// `app.users`
    pub(super) fn full(self) -> String {
        format!("{}.{}", quoted(self.keyspace), quoted(self.name))
    }

    /// The columns of the partition key.
    pub(super) fn partition(self) -> String {
        list(self.partition_key().map(|column| &*column.name))
    }

    /// The primary key as it was defined.
    pub(super) fn key(self) -> String {
        let clustering = list(self.clustering_key().map(|column| &*column.name));
        let partition = self.partition();
        match (self.partition_key().count(), clustering.is_empty()) {
            (1, true) => format!("({partition})"),
            (1, false) => format!("({partition}, {clustering})"),
            (_, true) => format!("(({partition}))"),
            (_, false) => format!("(({partition}), {clustering})"),
        }
    }
}

pub(super) fn is_counter(column: &Column) -> bool {
    column.kind == DataType::Native(Keyword::Counter)
}

/// Names with commas between them, not too many.
pub(super) fn list<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let mut names = names.into_iter();
    let mut shown: Vec<_> = names.by_ref().take(MOST).map(quoted).collect();
    let more = names.count();
    if more > 0 {
        shown.push(format!("and {more} more").into());
    }
    shown.join(", ")
}

impl<'s> Checker<'s> {
    /// A name that is not there: with the one that was probably meant.
    pub(super) fn missing<'n>(
        name: Name<'_>,
        message: String,
        known: impl IntoIterator<Item = &'n str>,
    ) -> Finding {
        let known: Vec<&str> = known.into_iter().collect();
        let expected = match known.len() {
            0 => "a name of the schema, which has none".to_owned(),
            _ => format!("one of: {}", list(known.iter().copied())),
        };
        let finding = Finding::new(name.span(), message, expected);
        let (written, resolved) = (name.written(), name.resolved());
        // Without quotes it was another one than it looks like.
        if let Some(cased) = known.iter().find(|known| **known == written && **known != resolved) {
            let fixed = quoted(cased);
            let help =
                format!("without quotes `{written}` is `{resolved}` to the server: quote it");
            return finding.with_help(help).with_fix(name.span(), fixed);
        }
        if let Some(plain) = known.iter().find(|known| known.eq_ignore_ascii_case(&resolved)) {
            let help =
                format!("in quotes `{resolved}` keeps its capitals: the server has `{plain}`");
            return finding.with_help(help).with_fix(name.span(), quoted(plain));
        }
        match nearest(&resolved, known.iter().copied()) {
            Some(near) => {
                let near = quoted(near);
                finding.with_help(format!("did you mean `{near}`?")).with_fix(name.span(), near)
            }
            None => finding,
        }
    }

    pub(super) fn no_keyspace(&self, name: Name<'_>) -> Finding {
        let message = format!("there is no keyspace `{}`", name.resolved());
        Self::missing(name, message, self.schema.keyspaces().map(|(known, _)| known))
    }

    /// A keyspace, unless it is one that no schema file has.
    pub(super) fn keyspace(&mut self, name: Name<'_>) -> Option<(&'s str, &'s Keyspace)> {
        let resolved = name.resolved();
        if is_system(&resolved) {
            return None;
        }
        let found = self.schema.named(&resolved);
        if found.is_none() {
            self.report(self.no_keyspace(name));
        }
        found
    }

    /// A table, unless it is one that no schema file has.
    pub(super) fn table(&mut self, name: TableName<'_>) -> Option<Of<'s>> {
        let (keyspace, within) = match name.keyspace {
            Some(keyspace) => self.keyspace(keyspace)?,
            None => self.current(name.name)?,
        };
        let own = name.name.resolved();
        let found = Of::within(keyspace, within, &own);
        if found.is_some() {
            return found;
        }
        let message = format!("keyspace {} has no table `{own}`", quoted(keyspace));
        let tables = within.tables.keys().map(String::as_str);
        self.report(Self::missing(name.name, message, tables));
        None
    }

    /// The keyspace of what is named without one.
    fn current(&mut self, table: Name<'_>) -> Option<(&'s str, &'s Keyspace)> {
        let schema = self.schema;
        if let Some(current) = self.keyspace {
            if is_system(current) {
                return None;
            }
            let found = schema.named(current);
            if found.is_some() {
                return found;
            }
        }
        let own = table.resolved();
        let having = schema.keyspaces().filter(|(_, it)| it.tables.contains_key(&*own));
        let having: Vec<&str> = having.map(|(name, _)| name).collect();
        let message = match self.keyspace {
            Some(current) => format!("the schema has no keyspace `{current}`"),
            None => format!("nobody says of which keyspace `{own}` is"),
        };
        let expected = "a table with its keyspace, a `USE` in the schema, or `keyspace = \"…\"`";
        let finding = Finding::new(table.span(), message, expected).with_lint(Lint::NoKeyspace);
        self.report(match &having[..] {
            [keyspace] => {
                let full = format!("{}.{}", quoted(keyspace), table.written());
                finding.with_help("write").with_fix(table.span(), full)
            }
            _ => finding,
        });
        None
    }

    pub(super) fn column(&mut self, of: Of<'s>, name: Name<'_>) -> Option<&'s Column> {
        let resolved = name.resolved();
        let Some(column) = of.column(&resolved) else {
            if self.is_full() {
                return None;
            }
            let message = format!("{} has no column `{resolved}`", of.full());
            let columns = of.table.columns.iter().map(|column| &*column.name);
            self.report(Self::missing(name, message, columns));
            return None;
        };
        // Both are there: the spelling tells which one was meant.
        let written = name.written();
        if written != resolved && of.column(written).is_some() {
            let message = format!("`{written}` is the column `{resolved}` to the server");
            let expected = format!("`{resolved}`, or in quotes `\"{written}\"`");
            self.report(Finding::new(name.span(), message, expected).with_lint(Lint::Case));
        }
        Some(column)
    }

    /// A field of a column of a type of users; none of another type.
    pub(super) fn field(
        &mut self,
        of: Of<'s>,
        kind: &DataType,
        name: Name<'_>,
    ) -> Option<&'s DataType> {
        let DataType::User(own) = kind.unfrozen() else { return None };
        let fields = of.within.types.get(own)?;
        let resolved = name.resolved();
        let found = fields.iter().find(|(field, _)| *field == resolved);
        if found.is_none() {
            let message = format!("type {}.{} has no field `{resolved}`", of.keyspace, quoted(own));
            let known = fields.iter().map(|(field, _)| field.as_str());
            self.report(Self::missing(name, message, known));
        }
        found.map(|(_, kind)| kind)
    }

    /// What stands where a column of the primary key cannot.
    pub(super) fn of_key(&mut self, of: Of<'s>, name: Name<'_>, expected: &str) {
        let message =
            format!("`{}` is part of the primary key {}", quoted(&name.resolved()), of.key());
        self.report(Finding::new(name.span(), message, expected));
    }

    /// What is wrong with writing it, if it is a view, which is written by its table.
    pub(super) fn view(of: Of<'s>, name: TableName<'_>) -> Option<Finding> {
        let base = quoted(of.table.view_of.as_ref()?);
        let message = format!("{} is a materialized view, which is only read", of.full());
        let expected = format!("its table, {}.{base}", quoted(of.keyspace));
        Some(Finding::new(name.name.span(), message, expected).with_fix(name.name.span(), base))
    }
}
