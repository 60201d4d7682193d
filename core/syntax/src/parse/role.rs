//! Roles, users, identities.

use super::{Parsed, Parser};
use crate::keyword::Keyword;
use crate::token::TokenKind;
use crate::tree::{Literal, LiteralKind, RoleName, RoleOption, Roles, Statement, UserPassword};

impl<'t> Parser<'t, '_> {
    pub(super) fn create_role(&mut self) -> Parsed<Statement<'t>> {
        self.step();
        let if_not_exists = self.if_not_exists()?;
        let (role, options) = (self.role()?, self.role_options()?);
        Ok(Statement::Roles(Roles::CreateRole { if_not_exists, role, options }))
    }

    pub(super) fn alter_role(&mut self) -> Parsed<Statement<'t>> {
        self.step();
        let if_exists = self.if_exists()?;
        let (role, options) = (self.role()?, self.role_options()?);
        Ok(Statement::Roles(Roles::AlterRole { if_exists, role, options }))
    }

    pub(super) fn drop_role(&mut self) -> Parsed<Statement<'t>> {
        self.step();
        let if_exists = self.if_exists()?;
        Ok(Statement::Roles(Roles::DropRole(if_exists, self.role()?)))
    }

    pub(super) fn create_user(&mut self) -> Parsed<Statement<'t>> {
        self.step();
        let if_not_exists = self.if_not_exists()?;
        let (user, password) = (self.user("a user")?, self.user_password()?);
        let superuser = self.superuser();
        Ok(Statement::Roles(Roles::CreateUser { if_not_exists, user, password, superuser }))
    }

    pub(super) fn alter_user(&mut self) -> Parsed<Statement<'t>> {
        self.step();
        let if_exists = self.if_exists()?;
        let (user, password) = (self.user("a user")?, self.user_password()?);
        let superuser = self.superuser();
        Ok(Statement::Roles(Roles::AlterUser { if_exists, user, password, superuser }))
    }

    pub(super) fn drop_user(&mut self) -> Parsed<Statement<'t>> {
        self.step();
        let if_exists = self.if_exists()?;
        Ok(Statement::Roles(Roles::DropUser(if_exists, self.user("a user")?)))
    }

    pub(super) fn drop_identity(&mut self) -> Parsed<Statement<'t>> {
        self.step();
        let if_exists = self.if_exists()?;
        Ok(Statement::Roles(Roles::DropIdentity(if_exists, self.user("an identity")?)))
    }

    pub(super) fn add(&mut self) -> Parsed<Statement<'t>> {
        self.step();
        self.expect_keyword(Keyword::Identity)?;
        let if_not_exists = self.if_not_exists()?;
        let identity = self.user("an identity")?;
        self.expect_keyword(Keyword::To)?;
        self.expect_keyword(Keyword::Role)?;
        let role = self.user("a role")?;
        Ok(Statement::Roles(Roles::AddIdentity { if_not_exists, identity, role }))
    }

    /// Users and identities are named by no keyword and in no double quotes.
    fn user(&mut self, expected: &'static str) -> Parsed<RoleName<'t>> {
        match self.kind() {
            TokenKind::Identifier => Ok(RoleName::Name(self.take_name())),
            _ => self.string(expected).map(RoleName::String),
        }
    }

    pub(super) fn role(&mut self) -> Parsed<RoleName<'t>> {
        if self.kind() == TokenKind::String {
            return self.string("a role").map(RoleName::String);
        }
        self.name("a role").map(RoleName::Name)
    }

    fn user_password(&mut self) -> Parsed<Option<UserPassword<'t>>> {
        if !self.take_keyword(Keyword::With) {
            return Ok(None);
        }
        let hashed = self.take_keyword(Keyword::Hashed);
        self.expect(TokenKind::Keyword(Keyword::Password), "PASSWORD or HASHED PASSWORD")?;
        let password = self.string("a password, as a string")?;
        Ok(Some(if hashed {
            UserPassword::Hashed(password)
        } else {
            UserPassword::Plain(password)
        }))
    }

    fn superuser(&mut self) -> Option<bool> {
        let is = self.take_keyword(Keyword::Superuser);
        (is || self.take_keyword(Keyword::Nosuperuser)).then_some(is)
    }

    fn role_options(&mut self) -> Parsed<Vec<RoleOption<'t>>> {
        if !self.take_keyword(Keyword::With) {
            return Ok(Vec::new());
        }
        let start = self.token().span;
        let options = self.all_of(Self::role_option)?;
        // A password is given once, hashed or not.
        let once = |option: &RoleOption<'_>| match option {
            RoleOption::Password(_) | RoleOption::HashedPassword(_) => Some(0),
            RoleOption::Options(_) => Some(1),
            RoleOption::Superuser(_) => Some(2),
            RoleOption::Login(_) => Some(3),
            RoleOption::Datacenters(_) | RoleOption::Cidrs(_) => None,
        };
        let more_than_all = |all: fn(&RoleOption<'_>) -> Option<bool>| {
            let told: Vec<bool> = options.iter().filter_map(all).collect();
            told.len() > 1 && told.contains(&true)
        };
        let datacenters = more_than_all(|option| match option {
            RoleOption::Datacenters(names) => Some(names.is_empty()),
            _ => None,
        });
        let cidrs = more_than_all(|option| match option {
            RoleOption::Cidrs(names) => Some(names.is_empty()),
            _ => None,
        });
        if datacenters || cidrs {
            let expected = "ALL, or those that are named";
            return Err(self.refuse(self.since(start), "access to all and to some", expected));
        }
        let mut seen = [false; 4];
        for which in options.iter().filter_map(once) {
            if std::mem::replace(&mut seen[which], true) {
                let expected = "each option once, and one password";
                return Err(self.refuse(
                    self.since(start),
                    "an option that is set twice",
                    expected,
                ));
            }
        }
        Ok(options)
    }

    fn role_option(&mut self) -> Parsed<RoleOption<'t>> {
        let TokenKind::Keyword(keyword) = self.kind() else { return Err(self.no_role_option()) };
        match keyword {
            Keyword::Access => {
                self.step();
                return self.access();
            }
            Keyword::Hashed => {
                self.step();
                self.expect_keyword(Keyword::Password)?;
            }
            Keyword::Password | Keyword::Options | Keyword::Superuser | Keyword::Login => {
                self.step();
            }
            _ => return Err(self.no_role_option()),
        }
        self.expect(TokenKind::Equal, "`=` after an option")?;
        Ok(match keyword {
            Keyword::Hashed => RoleOption::HashedPassword(self.string("a hash, as a string")?),
            Keyword::Password => RoleOption::Password(self.string("a password, as a string")?),
            Keyword::Options => RoleOption::Options(self.literal_map()?),
            Keyword::Superuser => RoleOption::Superuser(self.boolean()?),
            _ => RoleOption::Login(self.boolean()?),
        })
    }

    #[cold]
    fn no_role_option(&mut self) -> super::Failed {
        self.fail("PASSWORD, HASHED PASSWORD, LOGIN, SUPERUSER, OPTIONS or ACCESS")
    }

    fn boolean(&mut self) -> Parsed<Literal<'t>> {
        if self.kind() == TokenKind::Boolean {
            Ok(self.take_literal(LiteralKind::Boolean))
        } else {
            Err(self.fail("true or false"))
        }
    }

    /// What follows `ACCESS`.
    fn access(&mut self) -> Parsed<RoleOption<'t>> {
        let from = self.take_keyword(Keyword::From);
        if !from {
            self.expect(TokenKind::Keyword(Keyword::To), "TO or FROM")?;
        }
        let what = if from { Keyword::Cidrs } else { Keyword::Datacenters };
        let mut names = Vec::new();
        if self.take_keyword(Keyword::All) {
            self.expect_keyword(what)?;
        } else {
            self.expect_keyword(what)?;
            self.expect(TokenKind::OpenBrace, "`{`")?;
            names = self.list(|parser| parser.string("a name, as a string"))?;
            self.expect(TokenKind::CloseBrace, "`,` or `}`")?;
        }
        Ok(if from { RoleOption::Cidrs(names) } else { RoleOption::Datacenters(names) })
    }
}
