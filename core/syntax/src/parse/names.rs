//! Names, and which keywords may stand for one.

use super::{Failed, Parsed, Parser};
use crate::keyword::{Keyword, Use};
use crate::token::{Token, TokenKind};
use crate::tree::{Marker, Name, Table};

/// Whether a token can name a column, a table, a keyspace.
pub(super) const fn is_name(kind: TokenKind) -> bool {
    match kind {
        TokenKind::Identifier | TokenKind::QuotedName => true,
        TokenKind::Keyword(keyword) => !keyword.is_reserved(),
        _ => false,
    }
}

/// Whether a token can name a function.
pub(super) const fn is_function(kind: TokenKind) -> bool {
    match kind {
        TokenKind::Identifier
        | TokenKind::QuotedName
        | TokenKind::Keyword(Keyword::Token | Keyword::Count) => true,
        TokenKind::Keyword(keyword) => matches!(keyword.may_be(), Use::Name | Use::Type),
        _ => false,
    }
}

impl<'t> Parser<'t, '_> {
    /// Takes the next token as a name, which the caller has looked at.
    pub(super) fn take_name(&mut self) -> Name<'t> {
        let Token { span, .. } = self.step();
        Name::new(span.of(self.text), span)
    }

    pub(super) fn name(&mut self, expected: &'static str) -> Parsed<Name<'t>> {
        if is_name(self.kind()) { Ok(self.take_name()) } else { Err(self.no_name(expected)) }
    }

    #[cold]
    fn no_name(&mut self, expected: &'static str) -> Failed {
        match self.kind() {
            TokenKind::Keyword(_) => self.fail("a name (this word is reserved: quote it)"),
            TokenKind::Question => self.fail("a name (it cannot be bound)"),
            _ => self.fail(expected),
        }
    }

    /// A column: unlike other names it may be empty, as tables of old have it.
    pub(super) fn column(&mut self) -> Parsed<Name<'t>> {
        if self.is_column() { Ok(self.take_name()) } else { Err(self.no_name("a column")) }
    }

    pub(super) fn is_column(&self) -> bool {
        self.kind() == TokenKind::EmptyName || is_name(self.kind())
    }

    pub(super) fn table(&mut self) -> Parsed<Table<'t>> {
        let first = self.name("a table")?;
        if !self.take(TokenKind::Dot) {
            return Ok(Table { keyspace: None, name: first });
        }
        Ok(Table { keyspace: Some(first), name: self.name("a table")? })
    }

    /// A function, perhaps with its keyspace.
    pub(super) fn function_name(&mut self) -> Parsed<Table<'t>> {
        let mut keyspace = None;
        if self.ahead(1).kind == TokenKind::Dot && is_name(self.kind()) {
            keyspace = Some(self.take_name());
            self.step();
        }
        Ok(Table { keyspace, name: self.plain_function_name()? })
    }

    pub(super) fn plain_function_name(&mut self) -> Parsed<Name<'t>> {
        if is_function(self.kind()) { Ok(self.take_name()) } else { Err(self.fail("a function")) }
    }

    pub(super) fn is_marker(&self) -> bool {
        matches!(self.kind(), TokenKind::Question | TokenKind::Colon)
    }

    /// Takes a marker, at whose first token the parser stands.
    pub(super) fn marker(&mut self) -> Parsed<Marker<'t>> {
        let name = match self.step().kind {
            TokenKind::Colon => Some(self.name("the name of a bound value")?),
            _ => None,
        };
        let index = self.place.markers;
        self.place.markers += 1;
        Ok(Marker { index, name })
    }
}
