//! What a statement is about, and what to call it.

use std::fmt;

use crate::tree::{Altered, Created, Dropped, Name, Roles, Statement, Table, needs_no_quotes};

impl<'t> Statement<'t> {
    /// Its first word.
    #[must_use]
    pub const fn verb(&self) -> &'static str {
        match self {
            Statement::Select(_) => "SELECT",
            Statement::Insert(_) => "INSERT",
            Statement::Update(_) => "UPDATE",
            Statement::Delete(_) => "DELETE",
            Statement::Batch(_) => "BEGIN",
            Statement::Truncate(_) => "TRUNCATE",
            Statement::Use(_) => "USE",
            Statement::Prune(_) => "PRUNE",
            Statement::Create(_) => "CREATE",
            Statement::Alter(_) => "ALTER",
            Statement::Drop(_) => "DROP",
            Statement::Roles(roles) => match roles {
                Roles::CreateRole { .. } | Roles::CreateUser { .. } => "CREATE",
                Roles::AlterRole { .. } | Roles::AlterUser { .. } => "ALTER",
                Roles::DropRole(..) | Roles::DropUser(..) | Roles::DropIdentity(..) => "DROP",
                Roles::AddIdentity { .. } => "ADD",
                Roles::Grant(..) | Roles::GrantRole(..) => "GRANT",
                Roles::Revoke(..) | Roles::RevokeRole(..) => "REVOKE",
                Roles::ListPermissions { .. }
                | Roles::List { .. }
                | Roles::ListUsers
                | Roles::ListEffectiveServiceLevel(_) => "LIST",
            },
            Statement::Describe(_) => "DESCRIBE",
        }
    }

    /// The table that it reads or writes; none for a batch, and where no table is named.
    #[must_use]
    pub const fn table(&self) -> Option<Table<'t>> {
        match self {
            Statement::Select(select) => Some(select.from),
            Statement::Insert(insert) => Some(insert.into),
            Statement::Update(update) => Some(update.table),
            Statement::Delete(delete) => Some(delete.from),
            Statement::Truncate(truncate) => Some(truncate.table),
            Statement::Prune(prune) => Some(prune.view),
            _ => None,
        }
    }

    /// Each table that it reads or writes, once, in the order of the text.
    ///
    /// ```
    /// let batch = cqlstack_syntax::parse(
    ///     "BEGIN BATCH INSERT INTO a (k) VALUES (1); DELETE FROM ks.b WHERE k = 1; APPLY BATCH",
    /// )?;
    /// let tables: Vec<String> = batch.tables().iter().map(ToString::to_string).collect();
    /// assert_eq!(tables, ["a", "ks.b"]);
    /// # Ok::<(), cqlstack_syntax::SyntaxError>(())
    /// ```
    #[must_use]
    pub fn tables(&self) -> Vec<Table<'t>> {
        let Statement::Batch(batch) = self else { return self.table().into_iter().collect() };
        let mut tables = Vec::new();
        for table in batch.statements.iter().filter_map(Statement::table) {
            if !tables.contains(&table) {
                tables.push(table);
            }
        }
        tables
    }

    /// A short name without any value: `SELECT app.users`, `BATCH`, `CREATE TABLE app.users`.
    #[must_use]
    pub fn label(&self) -> String {
        let verb = self.verb();
        let object = match self {
            Statement::Batch(_) => return "BATCH".to_owned(),
            Statement::Create(create) => Some(created(&create.object)),
            Statement::Alter(alter) => Some(altered(&alter.object)),
            Statement::Drop(drop) => Some(dropped(&drop.object)),
            _ => self.table().map(|table| table.to_string()),
        };
        match object {
            Some(object) => format!("{verb} {object}"),
            None => verb.to_owned(),
        }
    }
}

/// Kind and name of what is made.
fn created(object: &Created<'_>) -> String {
    match object {
        Created::Keyspace(name, _) => format!("KEYSPACE {name}"),
        Created::Table(table) => format!("TABLE {}", table.name),
        Created::Type(name, _) => format!("TYPE {name}"),
        Created::Index(index) => match index.name {
            Some(name) => format!("INDEX {name} ON {}", index.table),
            None => format!("INDEX ON {}", index.table),
        },
        Created::View(view) => format!("MATERIALIZED VIEW {}", view.name),
        Created::Function(function) => format!("FUNCTION {}", function.name),
        Created::Aggregate(aggregate) => format!("AGGREGATE {}", aggregate.name),
        Created::Trigger(name, table, _) => format!("TRIGGER {name} ON {table}"),
    }
}

fn altered(object: &Altered<'_>) -> String {
    match object {
        Altered::Keyspace(name, _) => format!("KEYSPACE {name}"),
        Altered::Table(name, _) => format!("TABLE {name}"),
        Altered::View(name, _) => format!("MATERIALIZED VIEW {name}"),
        Altered::Type(name, _) => format!("TYPE {name}"),
    }
}

fn dropped(object: &Dropped<'_>) -> String {
    match object {
        Dropped::Keyspace(name) => format!("KEYSPACE {name}"),
        Dropped::Table(name) => format!("TABLE {name}"),
        Dropped::Index(name) => format!("INDEX {name}"),
        Dropped::View(name) => format!("MATERIALIZED VIEW {name}"),
        Dropped::Type(name) => format!("TYPE {name}"),
        Dropped::Function(name, _) => format!("FUNCTION {name}"),
        Dropped::Aggregate(name, _) => format!("AGGREGATE {name}"),
        Dropped::Trigger(name, table) => format!("TRIGGER {name} ON {table}"),
    }
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.keyspace {
            Some(keyspace) => write!(f, "{keyspace}.{}", self.name),
            None => self.name.fmt(f),
        }
    }
}

/// As the schema has it, with quotes where it needs them.
impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let resolved = self.resolved();
        f.write_str(if needs_no_quotes(&resolved) { &resolved } else { self.written() })
    }
}
