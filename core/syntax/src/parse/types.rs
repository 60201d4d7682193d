//! Types, in casts and hints.

use super::names::is_name;
use super::{Parsed, Parser};
use crate::keyword::{Keyword, Use};
use crate::token::TokenKind;
use crate::tree::Type;

/// Names that Cassandra keeps for types of its own.
const KEPT: [&str; 6] = ["bitstring", "byte", "complex", "enum", "interval", "macaddr"];

impl Parser<'_, '_> {
    pub(super) fn native_type(&mut self) -> Parsed<Type> {
        match self.kind() {
            TokenKind::Keyword(keyword) if keyword.may_be() == Use::Type => {
                Ok(Type { native: Some(keyword), span: self.step().span })
            }
            _ => Err(self.fail("a native type")),
        }
    }

    pub(super) fn any_type(&mut self) -> Parsed<Type> {
        let start = self.token();
        let parameters = self.ahead(1).kind == TokenKind::Less;
        match start.kind {
            TokenKind::Keyword(keyword)
                if keyword.may_be() == Use::Type && !self.is_qualified() =>
            {
                return self.native_type();
            }
            TokenKind::Keyword(Keyword::Map) if parameters => self.parameters(2, 2)?,
            TokenKind::Keyword(Keyword::Frozen) if parameters => self.frozen()?,
            TokenKind::Keyword(Keyword::List | Keyword::Set) if parameters => {
                self.parameters(1, 1)?;
            }
            TokenKind::Keyword(Keyword::Tuple) if parameters => self.parameters(1, usize::MAX)?,
            TokenKind::Keyword(Keyword::Vector) if parameters => self.vector()?,
            TokenKind::String => drop(self.step()),
            _ => self.user_type()?,
        }
        Ok(Type { native: None, span: self.since(start.span) })
    }

    fn is_qualified(&self) -> bool {
        self.ahead(1).kind == TokenKind::Dot
    }

    fn user_type(&mut self) -> Parsed<()> {
        if self.is_qualified() && is_name(self.kind()) {
            self.take_name();
            self.step();
        }
        let may_name_type = match self.kind() {
            TokenKind::Keyword(Keyword::Key) => true,
            TokenKind::Keyword(keyword) => keyword.may_be() == Use::Name,
            kind => is_name(kind),
        };
        if !may_name_type {
            return Err(self.fail("a type"));
        }
        if self.kind() == TokenKind::Identifier && KEPT.contains(&self.token().span.of(self.text)) {
            return Err(self.fail("a type (this name is kept for one of Cassandra's)"));
        }
        self.step();
        Ok(())
    }

    /// `<a, b>`, that many of them.
    fn parameters(&mut self, least: usize, most: usize) -> Parsed<()> {
        self.step();
        self.step();
        let mut count = 0;
        self.enter()?;
        loop {
            self.any_type()?;
            count += 1;
            if count == most || !self.take(TokenKind::Comma) {
                break;
            }
        }
        self.leave();
        if count < least {
            return Err(self.fail("`,` and another type"));
        }
        self.expect(TokenKind::Greater, "`>` after a type's parameters").map(drop)
    }

    /// `frozen<list<int>>`
    fn frozen(&mut self) -> Parsed<()> {
        let inner = self.ahead(2);
        let start = self.place;
        self.parameters(1, 1)?;
        let is_native =
            matches!(inner.kind, TokenKind::Keyword(keyword) if keyword.may_be() == Use::Type);
        let is_alone = self.place.at == start.at + 4;
        if inner.kind == TokenKind::String || is_native && is_alone {
            let expected = "a collection, a tuple or a user-defined type";
            return Err(self.refuse(inner.span, inner.kind.as_str(), expected));
        }
        Ok(())
    }

    /// `vector<float, 3>`
    fn vector(&mut self) -> Parsed<()> {
        self.step();
        self.step();
        self.enter()?;
        self.any_type()?;
        self.leave();
        self.expect(TokenKind::Comma, "`,` and the length of a vector")?;
        if self.token().span.of(self.text).parse::<i32>().is_err() {
            return Err(self.fail("the length of a vector, less than 2,147,483,648"));
        }
        self.step();
        self.expect(TokenKind::Greater, "`>` after a type's parameters").map(drop)
    }
}
