//! What a statement is about, and what to call it.

use std::fmt;

use crate::tree::{Name, Roles, Statement, Table, needs_no_quotes};

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

    /// A short name without any value: `SELECT app.users`, `BATCH`, `CREATE`.
    #[must_use]
    pub fn label(&self) -> String {
        match (self, self.table()) {
            (Statement::Batch(_), _) => "BATCH".to_owned(),
            (_, Some(table)) => format!("{} {table}", self.verb()),
            (_, None) => self.verb().to_owned(),
        }
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
