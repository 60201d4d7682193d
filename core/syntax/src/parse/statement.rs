//! Which statement it is.

use super::{Failed, Parsed, Parser};
use crate::dialect::Dialect;
use crate::keyword::Keyword;
use crate::token::TokenKind;
use crate::tree::{Statement, Truncate, Use};

/// What the shell understands and no server. `DESCRIBE` is for servers too.
const CQLSH: [&str; 19] = [
    "CAPTURE",
    "CLEAR",
    "CLS",
    "CONSISTENCY",
    "COPY",
    "DEBUG",
    "ELAPSED",
    "EXIT",
    "EXPAND",
    "HELP",
    "HISTORY",
    "LOGIN",
    "PAGING",
    "QUIT",
    "SERIAL",
    "SHOW",
    "SOURCE",
    "TRACING",
    "UNICODE",
];

impl<'t> Parser<'t, '_> {
    pub(super) fn whole_statement(&mut self) -> Parsed<Statement<'t>> {
        let statement = self.statement()?;
        while self.take(TokenKind::Semicolon) {}
        self.expect(TokenKind::End, "the end of the statement").map(|_| statement)
    }

    pub(super) fn statement(&mut self) -> Parsed<Statement<'t>> {
        let TokenKind::Keyword(verb) = self.kind() else {
            let prunes = self.is_word(Dialect::ScyllaDb, "PRUNE");
            return if prunes { self.prune() } else { Err(self.no_verb()) };
        };
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
            Keyword::Create => self.create()?,
            Keyword::Alter => self.alter()?,
            Keyword::Drop => self.drop_statement()?,
            Keyword::Add => self.add()?,
            Keyword::Grant | Keyword::Revoke => self.grant()?,
            Keyword::List => self.list_statement()?,
            Keyword::Describe | Keyword::Desc => self.describe()?,
            _ => return Err(self.no_verb()),
        })
    }

    #[cold]
    fn no_verb(&mut self) -> Failed {
        let span = self.token().span;
        let word = span.of(self.text);
        if CQLSH.iter().any(|command| word.eq_ignore_ascii_case(command)) {
            let expected = "a statement (only cqlsh has such commands: leave it out)";
            return self.refuse(span, "a command of cqlsh", expected);
        }
        self.fail("a statement: SELECT, INSERT, UPDATE, DELETE, BEGIN BATCH, CREATE, …")
    }

    fn truncate(&mut self) -> Parsed<Truncate<'t>> {
        self.step();
        self.take_keyword(Keyword::Table);
        Ok(Truncate { table: self.table()?, timeout: self.using_timeout()? })
    }
}
