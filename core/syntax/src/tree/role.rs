//! Roles and what they may do; `DESCRIBE`.

use super::{Literal, Name, Table, Type};
use crate::keyword::Keyword;

/// A statement about roles, users, identities or permissions.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Roles<'t> {
    /// `CREATE ROLE`
    CreateRole {
        /// `IF NOT EXISTS`
        if_not_exists: bool,
        /// Its name.
        role: RoleName<'t>,
        /// `WITH`
        options: Vec<RoleOption<'t>>,
    },
    /// `ALTER ROLE`
    AlterRole {
        /// `IF EXISTS`
        if_exists: bool,
        /// Its name.
        role: RoleName<'t>,
        /// `WITH`
        options: Vec<RoleOption<'t>>,
    },
    /// `DROP ROLE`, with `IF EXISTS` or without.
    DropRole(bool, RoleName<'t>),
    /// `CREATE USER`
    CreateUser {
        /// `IF NOT EXISTS`
        if_not_exists: bool,
        /// Its name.
        user: RoleName<'t>,
        /// `WITH PASSWORD`
        password: Option<UserPassword<'t>>,
        /// `SUPERUSER`, `NOSUPERUSER`
        superuser: Option<bool>,
    },
    /// `ALTER USER`
    AlterUser {
        /// `IF EXISTS`
        if_exists: bool,
        /// Its name.
        user: RoleName<'t>,
        /// `WITH PASSWORD`
        password: Option<UserPassword<'t>>,
        /// `SUPERUSER`, `NOSUPERUSER`
        superuser: Option<bool>,
    },
    /// `DROP USER`, with `IF EXISTS` or without.
    DropUser(bool, RoleName<'t>),
    /// `ADD IDENTITY … TO ROLE …`
    AddIdentity {
        /// `IF NOT EXISTS`
        if_not_exists: bool,
        /// The identity.
        identity: RoleName<'t>,
        /// The role.
        role: RoleName<'t>,
    },
    /// `DROP IDENTITY`, with `IF EXISTS` or without.
    DropIdentity(bool, RoleName<'t>),
    /// `GRANT … ON … TO …`
    Grant(Permissions, Resource<'t>, RoleName<'t>),
    /// `REVOKE … ON … FROM …`
    Revoke(Permissions, Resource<'t>, RoleName<'t>),
    /// `GRANT a TO b`
    GrantRole(RoleName<'t>, RoleName<'t>),
    /// `REVOKE a FROM b`
    RevokeRole(RoleName<'t>, RoleName<'t>),
    /// `LIST … [ON …] [OF …] [NORECURSIVE]`
    ListPermissions {
        /// Which.
        permissions: Permissions,
        /// On what.
        on: Option<Resource<'t>>,
        /// Of whom.
        of: Option<RoleName<'t>>,
        /// `NORECURSIVE`
        not_recursive: bool,
    },
    /// `LIST ROLES`
    List {
        /// Of whom.
        of: Option<RoleName<'t>>,
        /// `NORECURSIVE`
        not_recursive: bool,
    },
    /// `LIST USERS`
    ListUsers,
    /// `LIST EFFECTIVE SERVICE LEVEL OF …`, of `ScyllaDB`.
    ListEffectiveServiceLevel(RoleName<'t>),
}

/// Who: a name, or a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoleName<'t> {
    /// `ada`, `"Ada"`
    Name(Name<'t>),
    /// `'ada'`
    String(Literal<'t>),
}

/// What a role has.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum RoleOption<'t> {
    /// `PASSWORD = '…'`
    Password(Literal<'t>),
    /// `HASHED PASSWORD = '…'`
    HashedPassword(Literal<'t>),
    /// `OPTIONS = {…}`
    Options(Vec<(Literal<'t>, Literal<'t>)>),
    /// `SUPERUSER = true`
    Superuser(Literal<'t>),
    /// `LOGIN = true`
    Login(Literal<'t>),
    /// `ACCESS TO DATACENTERS {…}`; all if none is named.
    Datacenters(Vec<Literal<'t>>),
    /// `ACCESS FROM CIDRS {…}`; all if none is named.
    Cidrs(Vec<Literal<'t>>),
}

/// The password of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UserPassword<'t> {
    /// `PASSWORD '…'`
    Plain(Literal<'t>),
    /// `HASHED PASSWORD '…'`
    Hashed(Literal<'t>),
}

/// `ALL`, or each by its keyword.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Permissions {
    /// `ALL PERMISSIONS`
    All,
    /// `SELECT, MODIFY`
    Some(Vec<Keyword>),
}

/// What permissions are on.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Resource<'t> {
    /// `ALL KEYSPACES`
    AllKeyspaces,
    /// `KEYSPACE a`
    Keyspace(Name<'t>),
    /// `TABLE a.b`, `a.b`
    Table(Table<'t>),
    /// `ALL TABLES IN KEYSPACE a`
    AllTables(Name<'t>),
    /// `ALL ROLES`
    AllRoles,
    /// `ROLE a`
    Role(RoleName<'t>),
    /// `ALL FUNCTIONS`, in a keyspace or in all.
    AllFunctions(Option<Name<'t>>),
    /// `FUNCTION a(int)`
    Function(Table<'t>, Vec<Type<'t>>),
    /// `ALL MBEANS`
    AllMbeans,
    /// `MBEAN '…'`
    Mbean(Literal<'t>),
    /// `MBEANS '…'`: a pattern.
    Mbeans(Literal<'t>),
}

/// A `DESCRIBE`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Describe<'t> {
    /// What.
    pub what: Described<'t>,
    /// `WITH INTERNALS`
    pub with_internals: bool,
}

/// What a [`Describe`] describes.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Described<'t> {
    /// `CLUSTER`
    Cluster,
    /// `SCHEMA`, `FULL SCHEMA`
    Schema(bool),
    /// `KEYSPACES`, `TABLES`, `TYPES`, `FUNCTIONS`, `AGGREGATES`
    All(Keyword),
    /// `KEYSPACE a`, that of the session without a name; `ONLY KEYSPACE`
    Keyspace(Option<Name<'t>>, bool),
    /// `TABLE a`, `INDEX a`, `MATERIALIZED VIEW a`, `TYPE a`, `FUNCTION a`, `AGGREGATE a`
    One(Keyword, Table<'t>),
    /// `a`, whatever it is.
    Any(Table<'t>),
}
