//! `CREATE`, `ALTER`, `DROP`: what they name is there, and options are known.

use super::{Checker, Finding, Lint};
use crate::keyword::Keyword;
use crate::tree::{
    Altered, ColumnDefinition, Created, Name, Property, Statement, TableChange, TableDefinition,
    TableOption, TypeKind,
};

/// Options of tables and views of Cassandra 5; the last three are accepted, and mean nothing any more.
const OF_TABLES: [&str; 22] = [
    "additional_write_policy",
    "allow_auto_snapshot",
    "bloom_filter_fp_chance",
    "caching",
    "cdc",
    "comment",
    "compaction",
    "compression",
    "crc_check_chance",
    "default_time_to_live",
    "extensions",
    "gc_grace_seconds",
    "incremental_backups",
    "max_index_interval",
    "memtable",
    "memtable_flush_period_in_ms",
    "min_index_interval",
    "read_repair",
    "speculative_retry",
    "dclocal_read_repair_chance",
    "read_repair_chance",
    "id",
];

const OF_KEYSPACES: [&str; 2] = ["replication", "durable_writes"];

impl Checker<'_> {
    /// What it names is looked for in a copy of the schema, to which it is applied. An object that is made may be
    /// there already, since the file shows what the statement makes.
    pub(super) fn definition(&mut self, statement: &Statement<'_>) {
        if let Err(not) = self.schema.would_apply(statement, self.keyspace) {
            let lint = if not.is_of_no_keyspace { Lint::NoKeyspace } else { Lint::SchemaChange };
            let finding = Finding::new(not.span, not.reason, "what the schema file has");
            self.report(finding.with_lint(lint));
        }
        match statement {
            Statement::Create(create) => match &create.object {
                Created::Keyspace(_, properties) => self.options(properties, &OF_KEYSPACES),
                Created::Table(table) => {
                    self.counters_alone(table);
                    self.table_options(&table.options);
                }
                Created::View(view) => self.table_options(&view.options),
                _ => {}
            },
            Statement::Alter(alter) => match &alter.object {
                Altered::Keyspace(_, properties) => self.options(properties, &OF_KEYSPACES),
                Altered::View(_, properties) => self.options(properties, &OF_TABLES),
                Altered::Table(_, change) => {
                    if let TableChange::With(properties) = &**change {
                        self.options(properties, &OF_TABLES);
                    }
                }
                Altered::Type(..) => {}
            },
            _ => {}
        }
    }

    /// Beside counters a table has nothing but its key.
    fn counters_alone(&mut self, table: &TableDefinition<'_>) {
        let is_counter =
            |column: &&ColumnDefinition<'_>| column.kind.kind == TypeKind::Native(Keyword::Counter);
        let key = table.key.as_ref();
        let in_key = |column: &ColumnDefinition<'_>| {
            let named = key.is_some_and(|key| {
                key.partition.contains(&column.name) || key.clustering.contains(&column.name)
            });
            column.is_primary_key || named
        };
        let other = table.columns.iter().find(|column| !is_counter(column) && !in_key(column));
        if let (Some(counter), Some(other)) = (table.columns.iter().find(is_counter), other) {
            let message = format!("`{}` is a counter, and `{}` is none", counter.name, other.name);
            let finding =
                Finding::new(other.name.span(), message, "counters alone, beside the key");
            self.report(finding.with_lint(Lint::RefusedWhenExecuted));
        }
    }

    fn table_options(&mut self, options: &[TableOption<'_>]) {
        for option in options {
            if let TableOption::Property(property) = option {
                self.option(property.name, &OF_TABLES);
            }
        }
    }

    fn options(&mut self, properties: &[Property<'_>], known: &[&str]) {
        for property in properties {
            self.option(property.name, known);
        }
    }

    fn option(&mut self, name: Name<'_>, known: &[&str]) {
        let resolved = name.resolved();
        if !known.contains(&&*resolved) {
            let message = format!("there is no option `{resolved}`");
            let finding = Self::missing(name, message, known.iter().copied());
            self.report(finding.with_lint(Lint::UnknownOption));
        }
    }
}
