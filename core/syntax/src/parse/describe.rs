//! `DESCRIBE`.

use super::names::is_name;
use super::{Parsed, Parser};
use crate::keyword::Keyword;
use crate::token::TokenKind;
use crate::tree::{Describe, Described, Statement};

impl<'t> Parser<'t, '_> {
    pub(super) fn describe(&mut self) -> Parsed<Statement<'t>> {
        self.step();
        let what = self.described()?;
        let with_internals = self.take_keyword(Keyword::With);
        if with_internals {
            self.expect_keyword(Keyword::Internals)?;
        }
        Ok(Statement::Describe(Describe { what, with_internals }))
    }

    fn described(&mut self) -> Parsed<Described<'t>> {
        let TokenKind::Keyword(keyword) = self.kind() else {
            return self.table().map(Described::Any);
        };
        let next = self.ahead(1).kind;
        Ok(match keyword {
            Keyword::Cluster => {
                self.step();
                Described::Cluster
            }
            Keyword::Full => {
                self.step();
                self.expect_keyword(Keyword::Schema)?;
                Described::Schema(true)
            }
            Keyword::Schema => {
                self.step();
                Described::Schema(false)
            }
            Keyword::Keyspaces
            | Keyword::Tables
            | Keyword::Types
            | Keyword::Functions
            | Keyword::Aggregates => {
                self.step();
                Described::All(keyword)
            }
            Keyword::Only if next == TokenKind::Keyword(Keyword::Keyspace) => {
                self.step();
                self.step();
                Described::Keyspace(self.keyspace_if_named()?, true)
            }
            Keyword::Keyspace => {
                self.step();
                Described::Keyspace(self.keyspace_if_named()?, false)
            }
            Keyword::Table | Keyword::Index => {
                self.step();
                Described::One(keyword, self.table()?)
            }
            Keyword::Materialized => {
                self.step();
                self.expect_keyword(Keyword::View)?;
                Described::One(keyword, self.table()?)
            }
            // They may name something themselves.
            Keyword::Type if self.is_named_next() => {
                self.step();
                Described::One(keyword, self.user_type()?)
            }
            Keyword::Function | Keyword::Aggregate if self.is_named_next() => {
                self.step();
                Described::One(keyword, self.function_name()?)
            }
            _ => Described::Any(self.table()?),
        })
    }

    fn is_named_next(&self) -> bool {
        let next = self.ahead(1).kind;
        is_name(next) || matches!(next, TokenKind::Keyword(Keyword::Token))
    }

    fn keyspace_if_named(&mut self) -> Parsed<Option<crate::tree::Name<'t>>> {
        if is_name(self.kind()) { self.name("a keyspace").map(Some) } else { Ok(None) }
    }
}
