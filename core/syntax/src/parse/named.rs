//! Terms that begin with a name: functions, casts, columns.

use super::names::{is_function, is_name};
use super::term::Scope::{self, Selector, Value};
use super::{Parsed, Parser};
use crate::keyword::Keyword;
use crate::token::TokenKind;
use crate::tree::{Function, Term, TermKind};

impl<'t> Parser<'t, '_> {
    /// A function, a cast, a column.
    pub(super) fn named(&mut self, scope: Scope) -> Parsed<TermKind<'t>> {
        let [first, second, third, fourth] = [0, 1, 2, 3].map(|count| self.ahead(count).kind);
        if second == TokenKind::Open {
            match first {
                TokenKind::Keyword(Keyword::Count)
                    if scope == Selector && third == TokenKind::Star =>
                {
                    return self.count_rows();
                }
                TokenKind::Keyword(Keyword::Cast) => return self.cast(scope),
                TokenKind::Keyword(Keyword::Ttl | Keyword::Writetime | Keyword::Maxwritetime)
                    if scope == Selector =>
                {
                    return self.column_function();
                }
                first if is_function(first) => return self.function(scope, false),
                _ => {}
            }
        }
        let qualified = second == TokenKind::Dot && fourth == TokenKind::Open;
        if qualified && is_name(first) && is_function(third) {
            return self.function(scope, true);
        }
        if scope == Selector && is_name(first) {
            return self.selected_column();
        }
        Err(self.fail(match scope {
            Value => "a value",
            Selector => "a column, a function or a value",
        }))
    }

    /// What follows a column tells whether it is one: `AS`, for example, may be.
    fn selected_column(&mut self) -> Parsed<TermKind<'t>> {
        let name = self.take_name();
        match self.kind() {
            TokenKind::Dot
            | TokenKind::OpenBracket
            | TokenKind::Plus
            | TokenKind::Minus
            | TokenKind::Star
            | TokenKind::Slash
            | TokenKind::Percent
            | TokenKind::Comma
            | TokenKind::Colon
            | TokenKind::Semicolon
            | TokenKind::Close
            | TokenKind::CloseBracket
            | TokenKind::CloseBrace
            | TokenKind::End
            | TokenKind::Keyword(
                Keyword::As
                | Keyword::From
                | Keyword::Order
                | Keyword::Per
                | Keyword::Limit
                | Keyword::Allow,
            ) => Ok(TermKind::Column(name)),
            _ => Err(self.fail("`,`, AS or FROM after a selector")),
        }
    }

    fn count_rows(&mut self) -> Parsed<TermKind<'t>> {
        self.step();
        self.step();
        self.step();
        self.expect(TokenKind::Close, "`)`").map(|_| TermKind::CountRows)
    }

    fn cast(&mut self, scope: Scope) -> Parsed<TermKind<'t>> {
        self.step();
        self.step();
        self.enter()?;
        let term = match scope {
            Value => self.simple(scope)?,
            Selector => self.term(scope)?,
        };
        self.leave();
        self.expect_keyword(Keyword::As)?;
        let to = Box::new(self.native_type()?);
        self.expect(TokenKind::Close, "`)`").map(|_| TermKind::Cast(Box::new(term), to))
    }

    /// `TTL(column)`, `WRITETIME(column.field)`
    fn column_function(&mut self) -> Parsed<TermKind<'t>> {
        let name = self.take_name();
        self.step();
        let start = self.token().span;
        let column = TermKind::Column(self.name("a column")?);
        let argument = self.path(Term { kind: column, span: start })?;
        self.expect(TokenKind::Close, "`)`")?;
        let function = Function { keyspace: None, name, arguments: vec![argument] };
        Ok(TermKind::Function(Box::new(function)))
    }

    fn function(&mut self, scope: Scope, qualified: bool) -> Parsed<TermKind<'t>> {
        let mut name = self.take_name();
        let mut keyspace = None;
        if qualified {
            self.step();
            keyspace = Some(std::mem::replace(&mut name, self.take_name()));
        }
        self.step();
        let arguments = self.terms(scope, TokenKind::Close, "`,` or `)`")?;
        Ok(TermKind::Function(Box::new(Function { keyspace, name, arguments })))
    }
}
