//! Roles and permissions.

use std::fmt;

use super::Printer;
use crate::tree::{Literal, Permissions, Resource, RoleName, RoleOption, Roles, UserPassword};

impl Printer<'_> {
    pub(super) fn roles(&mut self, roles: &Roles<'_>) -> fmt::Result {
        match roles {
            Roles::CreateRole { if_not_exists, role, options } => {
                self.text("CREATE ROLE ")?;
                self.text_if(*if_not_exists, "IF NOT EXISTS ")?;
                self.role(*role)?;
                self.role_options(options)
            }
            Roles::AlterRole { if_exists, role, options } => {
                self.text("ALTER ROLE ")?;
                self.text_if(*if_exists, "IF EXISTS ")?;
                self.role(*role)?;
                self.role_options(options)
            }
            Roles::DropRole(if_exists, role) => {
                self.text("DROP ROLE ")?;
                self.text_if(*if_exists, "IF EXISTS ")?;
                self.role(*role)
            }
            Roles::CreateUser { if_not_exists, user, password, superuser } => {
                self.text("CREATE USER ")?;
                self.text_if(*if_not_exists, "IF NOT EXISTS ")?;
                self.user(*user, *password, *superuser)
            }
            Roles::AlterUser { if_exists, user, password, superuser } => {
                self.text("ALTER USER ")?;
                self.text_if(*if_exists, "IF EXISTS ")?;
                self.user(*user, *password, *superuser)
            }
            Roles::DropUser(if_exists, user) => {
                self.text("DROP USER ")?;
                self.text_if(*if_exists, "IF EXISTS ")?;
                self.as_written(*user)
            }
            Roles::AddIdentity { if_not_exists, identity, role } => {
                self.text("ADD IDENTITY ")?;
                self.text_if(*if_not_exists, "IF NOT EXISTS ")?;
                self.as_written(*identity)?;
                self.text(" TO ROLE ")?;
                self.as_written(*role)
            }
            Roles::DropIdentity(if_exists, identity) => {
                self.text("DROP IDENTITY ")?;
                self.text_if(*if_exists, "IF EXISTS ")?;
                self.as_written(*identity)
            }
            Roles::Grant(permissions, resource, to) => {
                self.permissions("GRANT ", permissions, Some(resource))?;
                self.text(" TO ")?;
                self.role(*to)
            }
            Roles::Revoke(permissions, resource, from) => {
                self.permissions("REVOKE ", permissions, Some(resource))?;
                self.text(" FROM ")?;
                self.role(*from)
            }
            Roles::GrantRole(role, to) => {
                self.text("GRANT ")?;
                self.role(*role)?;
                self.text(" TO ")?;
                self.role(*to)
            }
            Roles::RevokeRole(role, from) => {
                self.text("REVOKE ")?;
                self.role(*role)?;
                self.text(" FROM ")?;
                self.role(*from)
            }
            Roles::ListPermissions { permissions, on, of, not_recursive } => {
                self.permissions("LIST ", permissions, on.as_ref())?;
                self.of_whom(*of, *not_recursive)
            }
            Roles::List { of, not_recursive } => {
                self.text("LIST ROLES")?;
                self.of_whom(*of, *not_recursive)
            }
            Roles::ListUsers => self.text("LIST USERS"),
            Roles::ListEffectiveServiceLevel(role) => {
                self.text("LIST EFFECTIVE SERVICE LEVEL OF ")?;
                self.role(*role)
            }
        }
    }

    fn role(&mut self, role: RoleName<'_>) -> fmt::Result {
        match role {
            RoleName::Name(name) => self.name(name),
            RoleName::String(literal) => self.literal(literal),
        }
    }

    /// The names of users and identities keep their capitals.
    fn as_written(&mut self, user: RoleName<'_>) -> fmt::Result {
        self.text(match user {
            RoleName::Name(name) => name.written(),
            RoleName::String(literal) => literal.written,
        })
    }

    fn user(
        &mut self,
        user: RoleName<'_>,
        password: Option<UserPassword<'_>>,
        superuser: Option<bool>,
    ) -> fmt::Result {
        self.as_written(user)?;
        if let Some(password) = password {
            let (words, literal) = match password {
                UserPassword::Plain(literal) => ("PASSWORD ", literal),
                UserPassword::Hashed(literal) => ("HASHED PASSWORD ", literal),
            };
            self.clause("WITH")?;
            self.text(words)?;
            self.literal(literal)?;
        }
        self.text_if(superuser == Some(true), " SUPERUSER")?;
        self.text_if(superuser == Some(false), " NOSUPERUSER")
    }

    fn role_options(&mut self, options: &[RoleOption<'_>]) -> fmt::Result {
        if options.is_empty() {
            return Ok(());
        }
        self.clause("WITH")?;
        self.all_of(options, |printer, option| match option {
            RoleOption::Password(literal) => printer.option("PASSWORD = ", *literal),
            RoleOption::HashedPassword(literal) => printer.option("HASHED PASSWORD = ", *literal),
            RoleOption::Superuser(literal) => printer.option("SUPERUSER = ", *literal),
            RoleOption::Login(literal) => printer.option("LOGIN = ", *literal),
            RoleOption::Options(map) => {
                printer.text("OPTIONS = ")?;
                printer.literal_map(map)
            }
            RoleOption::Datacenters(names) => printer.access("TO ", "DATACENTERS", names),
            RoleOption::Cidrs(names) => printer.access("FROM ", "CIDRS", names),
        })
    }

    fn option(&mut self, words: &str, literal: Literal<'_>) -> fmt::Result {
        self.text(words)?;
        self.literal(literal)
    }

    fn access(&mut self, way: &str, what: &str, names: &[Literal<'_>]) -> fmt::Result {
        self.text("ACCESS ")?;
        self.text(way)?;
        self.text_if(names.is_empty(), "ALL ")?;
        self.text(what)?;
        if names.is_empty() {
            return Ok(());
        }
        self.text(" {")?;
        self.list(names, |printer, name| printer.literal(*name))?;
        self.text("}")
    }

    fn permissions(
        &mut self,
        verb: &str,
        permissions: &Permissions,
        on: Option<&Resource<'_>>,
    ) -> fmt::Result {
        self.text(verb)?;
        match permissions {
            Permissions::All => self.text("ALL PERMISSIONS")?,
            Permissions::Some(some) => {
                self.list(some, |printer, permission| printer.text(permission.as_str()))?;
            }
        }
        let Some(resource) = on else { return Ok(()) };
        self.text(" ON ")?;
        match resource {
            Resource::AllKeyspaces => self.text("ALL KEYSPACES"),
            Resource::Keyspace(name) => {
                self.text("KEYSPACE ")?;
                self.name(*name)
            }
            Resource::Table(table) => {
                self.text("TABLE ")?;
                self.table(*table)
            }
            Resource::AllTables(keyspace) => {
                self.text("ALL TABLES IN KEYSPACE ")?;
                self.name(*keyspace)
            }
            Resource::AllRoles => self.text("ALL ROLES"),
            Resource::Role(role) => {
                self.text("ROLE ")?;
                self.role(*role)
            }
            Resource::AllFunctions(None) => self.text("ALL FUNCTIONS"),
            Resource::AllFunctions(Some(keyspace)) => {
                self.text("ALL FUNCTIONS IN KEYSPACE ")?;
                self.name(*keyspace)
            }
            Resource::Function(name, kinds) => {
                self.text("FUNCTION ")?;
                self.table(*name)?;
                self.kinds(kinds)
            }
            Resource::AllMbeans => self.text("ALL MBEANS"),
            Resource::Mbean(name) => self.option("MBEAN ", *name),
            Resource::Mbeans(name) => self.option("MBEANS ", *name),
        }
    }

    fn of_whom(&mut self, of: Option<RoleName<'_>>, not_recursive: bool) -> fmt::Result {
        if let Some(role) = of {
            self.text(" OF ")?;
            self.role(role)?;
        }
        self.text_if(not_recursive, " NORECURSIVE")
    }
}
