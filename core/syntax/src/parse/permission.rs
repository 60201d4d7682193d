//! Permissions, and what they are on.

use super::names::is_name;
use super::{Parsed, Parser};
use crate::dialect::Dialect;
use crate::keyword::Keyword;
use crate::token::TokenKind;
use crate::tree::{Literal, Name, Permissions, Resource, Roles, Statement};

impl<'t> Parser<'t, '_> {
    /// `GRANT`, `REVOKE`: permissions or a role.
    pub(super) fn grant(&mut self) -> Parsed<Statement<'t>> {
        let revokes = self.step().kind == TokenKind::Keyword(Keyword::Revoke);
        let towards = if revokes { Keyword::From } else { Keyword::To };
        let is_role = self.ahead(1).kind == TokenKind::Keyword(towards) && is_name(self.kind())
            || self.kind() == TokenKind::String;
        if is_role {
            let role = self.role()?;
            self.expect_keyword(towards)?;
            let to = self.role()?;
            return Ok(Statement::Roles(if revokes {
                Roles::RevokeRole(role, to)
            } else {
                Roles::GrantRole(role, to)
            }));
        }
        let start = self.token().span;
        let permissions = self.permissions()?;
        self.expect_keyword(Keyword::On)?;
        let resource = self.resource()?;
        if let Permissions::Some(some) = &permissions
            && !some.iter().any(|permission| resource.takes(*permission))
        {
            let expected = "a permission that there is on it";
            return Err(self.refuse(start, "a permission", expected));
        }
        self.expect_keyword(towards)?;
        let to = self.role()?;
        Ok(Statement::Roles(if revokes {
            Roles::Revoke(permissions, resource, to)
        } else {
            Roles::Grant(permissions, resource, to)
        }))
    }

    fn permissions(&mut self) -> Parsed<Permissions> {
        if self.take_keyword(Keyword::All) {
            self.take_keyword(Keyword::Permissions);
            return Ok(Permissions::All);
        }
        let permissions = self.list(|parser| {
            let TokenKind::Keyword(
                permission @ (Keyword::Create
                | Keyword::Alter
                | Keyword::Drop
                | Keyword::Select
                | Keyword::Modify
                | Keyword::Authorize
                | Keyword::Describe
                | Keyword::Execute
                | Keyword::Unmask
                | Keyword::SelectMasked),
            ) = parser.kind()
            else {
                return Err(parser.fail("a permission: SELECT, MODIFY, CREATE, …, or a role"));
            };
            parser.step();
            parser.take_keyword(Keyword::Permission);
            Ok(permission)
        })?;
        Ok(Permissions::Some(permissions))
    }

    fn resource(&mut self) -> Parsed<Resource<'t>> {
        if let Some(all) = self.all_of_a_kind()? {
            return Ok(all);
        }
        let next = self.ahead(1).kind;
        let is_table = matches!(
            next,
            TokenKind::Dot
                | TokenKind::Keyword(
                    Keyword::To | Keyword::From | Keyword::Of | Keyword::Norecursive
                )
                | TokenKind::Semicolon
                | TokenKind::End
        );
        match self.kind() {
            TokenKind::Keyword(Keyword::Keyspace) => {
                self.step();
                Ok(Resource::Keyspace(self.name("a keyspace")?))
            }
            TokenKind::Keyword(Keyword::Table) => {
                self.step();
                self.table().map(Resource::Table)
            }
            TokenKind::Keyword(Keyword::Role) if !is_table => {
                self.step();
                self.role().map(Resource::Role)
            }
            TokenKind::Keyword(Keyword::Function) if !is_table => {
                self.step();
                let start = self.token().span;
                let name = self.function_name()?;
                let Some(keyspace) = name.keyspace else {
                    let expected = "one with its keyspace";
                    return Err(self.refuse(start, "a function", expected));
                };
                self.not_built_in(keyspace)?;
                Ok(Resource::Function(name, self.argument_types()?))
            }
            TokenKind::Keyword(Keyword::Mbean) if !is_table => {
                self.step();
                self.mbean(false).map(Resource::Mbean)
            }
            TokenKind::Keyword(Keyword::Mbeans) if !is_table => {
                self.step();
                self.mbean(true).map(Resource::Mbeans)
            }
            _ => self.table().map(Resource::Table),
        }
    }

    /// `ALL KEYSPACES` and the like.
    fn all_of_a_kind(&mut self) -> Parsed<Option<Resource<'t>>> {
        let [
            TokenKind::Keyword(Keyword::All),
            TokenKind::Keyword(
                what @ (Keyword::Keyspaces
                | Keyword::Roles
                | Keyword::Mbeans
                | Keyword::Tables
                | Keyword::Functions),
            ),
        ] = [0, 1].map(|ahead| self.ahead(ahead).kind)
        else {
            // A table may be called `all`.
            return Ok(None);
        };
        self.step();
        self.step();
        Ok(Some(match what {
            Keyword::Keyspaces => Resource::AllKeyspaces,
            Keyword::Roles => Resource::AllRoles,
            Keyword::Mbeans => Resource::AllMbeans,
            Keyword::Tables => {
                self.expect_keyword(Keyword::In)?;
                self.expect_keyword(Keyword::Keyspace)?;
                Resource::AllTables(self.name("a keyspace")?)
            }
            _ if self.take_keyword(Keyword::In) => {
                self.expect_keyword(Keyword::Keyspace)?;
                let keyspace = self.name("a keyspace")?;
                self.not_built_in(keyspace)?;
                Resource::AllFunctions(Some(keyspace))
            }
            _ => Resource::AllFunctions(None),
        }))
    }

    fn not_built_in(&mut self, keyspace: Name<'t>) -> Parsed<()> {
        if keyspace.resolved() != "system" {
            return Ok(());
        }
        let expected = "another (built-in functions are everybody's)";
        Err(self.refuse(keyspace.span(), "this keyspace", expected))
    }

    /// The name of an object of Java's management: `domain:key=value,…`; a pattern has `*` or `?`.
    fn mbean(&mut self, pattern: bool) -> Parsed<Literal<'t>> {
        let expected = "a name, as a string: 'domain:key=value'";
        let span = self.token().span;
        let name = self.string(expected)?;
        let text = name.text();
        let (_, keys) = text.split_once(':').unwrap_or_default();
        let is_key = |key: &str| {
            key == "*"
                || key.split_once('=').is_some_and(|(name, value)| {
                    let plain = |part: &str, forbidden: &str| {
                        !part.is_empty() && !part.contains(|c| forbidden.contains(c))
                    };
                    plain(name, ":*?\"") && plain(value, ":=")
                })
        };
        let right = !text.contains('\n')
            && !keys.is_empty()
            && keys.split(',').all(is_key)
            && text != "*:*"
            && (!pattern || text.contains(['*', '?']));
        if right { Ok(name) } else { Err(self.refuse(span, "a string", expected)) }
    }

    pub(super) fn list_statement(&mut self) -> Parsed<Statement<'t>> {
        self.step();
        if self.take_word(Dialect::ScyllaDb, "EFFECTIVE") {
            self.expect_word(Dialect::ScyllaDb, "SERVICE")?;
            self.expect_word(Dialect::ScyllaDb, "LEVEL")?;
            self.expect_keyword(Keyword::Of)?;
            let role = self.role()?;
            return Ok(Statement::Roles(Roles::ListEffectiveServiceLevel(role)));
        }
        let roles = self.take_keyword(Keyword::Roles);
        if !roles && self.take_keyword(Keyword::Users) {
            return Ok(Statement::Roles(Roles::ListUsers));
        }
        let permissions = if roles { Permissions::All } else { self.permissions()? };
        let mut on = None;
        if !roles && self.take_keyword(Keyword::On) {
            on = Some(self.resource()?);
        }
        let of = if self.take_keyword(Keyword::Of) { Some(self.role()?) } else { None };
        let not_recursive = self.take_keyword(Keyword::Norecursive);
        Ok(Statement::Roles(if roles {
            Roles::List { of, not_recursive }
        } else {
            Roles::ListPermissions { permissions, on, of, not_recursive }
        }))
    }
}

impl Resource<'_> {
    /// Whether there is such a permission on it, as Cassandra has them.
    fn takes(&self, permission: Keyword) -> bool {
        let data = matches!(
            permission,
            Keyword::Alter
                | Keyword::Drop
                | Keyword::Select
                | Keyword::Modify
                | Keyword::Authorize
                | Keyword::Unmask
                | Keyword::SelectMasked
        );
        let role = matches!(permission, Keyword::Alter | Keyword::Drop | Keyword::Authorize);
        match self {
            Self::AllKeyspaces | Self::Keyspace(_) | Self::AllTables(_) => {
                data || permission == Keyword::Create
            }
            Self::Table(_) => data,
            Self::AllRoles => role || matches!(permission, Keyword::Create | Keyword::Describe),
            Self::Role(_) => role || permission == Keyword::Describe,
            Self::AllFunctions(_) => {
                role || matches!(permission, Keyword::Create | Keyword::Execute)
            }
            Self::Function(..) => role || permission == Keyword::Execute,
            Self::AllMbeans | Self::Mbean(_) | Self::Mbeans(_) => matches!(
                permission,
                Keyword::Authorize
                    | Keyword::Describe
                    | Keyword::Execute
                    | Keyword::Modify
                    | Keyword::Select
            ),
        }
    }
}
