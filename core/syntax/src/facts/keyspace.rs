//! Whether a statement means something else when another keyspace is in use.

use crate::keyword::Keyword;
use crate::tree::{Altered, Created, Described, Dropped, Resource, Roles, Statement, Table};

impl Statement<'_> {
    /// The keyspace of its first table, in which types of users of that table are: the one that it is named with, or
    /// this one.
    ///
    /// ```
    /// use cqlstack_syntax::parse;
    ///
    /// assert_eq!(parse("TRUNCATE app.users")?.keyspace(Some("other")).as_deref(), Some("app"));
    /// assert_eq!(parse("TRUNCATE users")?.keyspace(Some("other")).as_deref(), Some("other"));
    /// # Ok::<(), cqlstack_syntax::SyntaxError>(())
    /// ```
    #[must_use]
    pub fn keyspace(&self, current: Option<&str>) -> Option<String> {
        let named = self.tables().first().and_then(|table| table.keyspace);
        let named = named.map(|keyspace| keyspace.resolved().into_owned());
        named.or_else(|| current.map(str::to_owned))
    }

    /// Whether it names something without its keyspace, so that the last `USE` of the connection decides what
    /// that is.
    ///
    /// ```
    /// use cqlstack_syntax::parse;
    ///
    /// assert!(parse("TRUNCATE users")?.depends_on_use());
    /// assert!(!parse("TRUNCATE app.users")?.depends_on_use());
    /// assert!(!parse("DROP KEYSPACE app")?.depends_on_use());
    /// # Ok::<(), cqlstack_syntax::SyntaxError>(())
    /// ```
    #[must_use]
    pub fn depends_on_use(&self) -> bool {
        match self {
            Statement::Select(select) => is_open(select.from),
            Statement::Insert(insert) => is_open(insert.into),
            Statement::Update(update) => is_open(update.table),
            Statement::Delete(delete) => is_open(delete.from),
            Statement::Batch(batch) => batch.statements.iter().any(Statement::depends_on_use),
            Statement::Truncate(truncate) => is_open(truncate.table),
            Statement::Prune(prune) => is_open(prune.view),
            Statement::Use(_) => false,
            Statement::Create(create) => match &create.object {
                Created::Keyspace(..) => false,
                Created::Table(table) => is_open(table.name),
                Created::Type(name, _) => is_open(*name),
                Created::Index(index) => is_open(index.table),
                Created::View(view) => is_open(view.name) || is_open(view.from),
                Created::Function(function) => is_open(function.name),
                Created::Aggregate(aggregate) => is_open(aggregate.name),
                Created::Trigger(_, table, _) => is_open(*table),
            },
            Statement::Alter(alter) => match &alter.object {
                Altered::Keyspace(..) => false,
                Altered::Table(name, _) | Altered::View(name, _) | Altered::Type(name, _) => {
                    is_open(*name)
                }
            },
            Statement::Drop(drop) => match &drop.object {
                Dropped::Keyspace(_) => false,
                Dropped::Table(name)
                | Dropped::Index(name)
                | Dropped::View(name)
                | Dropped::Type(name)
                | Dropped::Function(name, _)
                | Dropped::Aggregate(name, _)
                | Dropped::Trigger(_, name) => is_open(*name),
            },
            Statement::Roles(roles) => match roles {
                Roles::Grant(_, resource, _)
                | Roles::Revoke(_, resource, _)
                | Roles::ListPermissions { on: Some(resource), .. } => match resource {
                    Resource::Table(name) | Resource::Function(name, _) => is_open(*name),
                    Resource::AllKeyspaces
                    | Resource::Keyspace(_)
                    | Resource::AllTables(_)
                    | Resource::AllRoles
                    | Resource::Role(_)
                    | Resource::AllFunctions(_)
                    | Resource::AllMbeans
                    | Resource::Mbean(_)
                    | Resource::Mbeans(_) => false,
                },
                _ => false,
            },
            Statement::Describe(describe) => match &describe.what {
                Described::Cluster | Described::Schema(_) => false,
                Described::Keyspace(name, _) => name.is_none(),
                // It lists what the keyspace in use has.
                Described::All(what) => *what != Keyword::Keyspaces,
                Described::One(_, name) | Described::Any(name) => is_open(*name),
            },
        }
    }
}

const fn is_open(name: Table<'_>) -> bool {
    name.keyspace.is_none()
}
