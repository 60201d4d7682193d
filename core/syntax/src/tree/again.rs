//! Statements that may be executed again.

use super::{Altered, Create, Roles, Statement, TableChange, TypeChange};

impl Statement<'_> {
    /// Says `IF NOT EXISTS`, where it makes something of the schema and did not say so: a `CREATE`, `ALTER … ADD`,
    /// `ADD IDENTITY`. Tells whether that changed it. An `INSERT` stays as it is, for which the words mean a lightweight
    /// transaction, and so does what says `OR REPLACE`.
    ///
    /// ```
    /// let mut statement = cqlstack_syntax::parse("CREATE TABLE app.users (id int PRIMARY KEY)")?;
    /// assert!(statement.add_if_not_exists());
    /// assert_eq!(statement.to_string(), "CREATE TABLE IF NOT EXISTS app.users (id int PRIMARY KEY)");
    /// assert!(!statement.add_if_not_exists());
    /// # Ok::<(), cqlstack_syntax::SyntaxError>(())
    /// ```
    pub fn add_if_not_exists(&mut self) -> bool {
        let said = match self {
            Statement::Create(Create { or_replace: false, if_not_exists, .. })
            | Statement::Roles(
                Roles::CreateRole { if_not_exists, .. }
                | Roles::CreateUser { if_not_exists, .. }
                | Roles::AddIdentity { if_not_exists, .. },
            ) => if_not_exists,
            Statement::Alter(alter) => match &mut alter.object {
                Altered::Table(_, change) => match &mut **change {
                    TableChange::Add { if_not_exists, .. } => if_not_exists,
                    _ => return false,
                },
                Altered::Type(_, change) => match &mut **change {
                    TypeChange::Add { if_not_exists, .. } => if_not_exists,
                    _ => return false,
                },
                Altered::Keyspace(..) | Altered::View(..) => return false,
            },
            _ => return false,
        };
        !std::mem::replace(said, true)
    }
}
