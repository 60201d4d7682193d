//! Which statement it is.

use super::{Failed, Parsed, Parser};
use crate::keyword::Keyword;
use crate::token::{Span, TokenKind};
use crate::tree::{Family, Statement, Truncate, Unread, Use};

impl<'t> Parser<'t, '_> {
    pub(super) fn whole_statement(&mut self) -> Parsed<Statement<'t>> {
        let statement = self.statement()?;
        while self.take(TokenKind::Semicolon) {}
        self.expect(TokenKind::End, "the end of the statement").map(|_| statement)
    }

    fn statement(&mut self) -> Parsed<Statement<'t>> {
        let TokenKind::Keyword(verb) = self.kind() else { return Err(self.no_verb()) };
        Ok(match verb {
            Keyword::Select => Statement::Select(self.select()?),
            Keyword::Insert => Statement::Insert(self.insert()?),
            Keyword::Update => Statement::Update(self.update()?),
            Keyword::Delete => Statement::Delete(self.delete()?),
            Keyword::Begin => Statement::Batch(self.batch()?),
            Keyword::Truncate => Statement::Truncate(self.truncate()?),
            Keyword::Use => {
                self.step();
                Statement::Use(Use { keyspace: self.name("a keyspace")? })
            }
            _ => Statement::Unread(self.unread(verb)?),
        })
    }

    #[cold]
    fn no_verb(&mut self) -> Failed {
        self.fail("a statement: SELECT, INSERT, UPDATE, DELETE, BEGIN BATCH, CREATE, …")
    }

    fn truncate(&mut self) -> Parsed<Truncate<'t>> {
        self.step();
        self.take_keyword(Keyword::Table);
        Ok(Truncate { table: self.table()? })
    }

    /// Its first words tell what it is about; of the rest, only where it ends.
    fn unread(&mut self, verb: Keyword) -> Parsed<Unread> {
        let family = match verb {
            Keyword::Create | Keyword::Alter | Keyword::Drop => match self.ahead(1).kind {
                TokenKind::Keyword(Keyword::Role | Keyword::User | Keyword::Identity) => {
                    Family::Role
                }
                _ => Family::Schema,
            },
            Keyword::Add | Keyword::Grant | Keyword::Revoke | Keyword::List => Family::Role,
            Keyword::Describe | Keyword::Desc => Family::Other,
            _ => return Err(self.no_verb()),
        };
        let start = self.token().span;
        let mut end: Span = start;
        while self.kind() != TokenKind::End {
            let token = self.step();
            if token.kind != TokenKind::Semicolon {
                end = token.span;
            }
        }
        Ok(Unread { verb, family, span: start.to(end) })
    }
}
