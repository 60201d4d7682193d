//! Types, of columns, in casts and hints.

use super::names::is_name;
use super::{Parsed, Parser};
use crate::keyword::{Keyword, Use};
use crate::token::TokenKind;
use crate::tree::{Table, Type, TypeKind};

/// Names that Cassandra keeps for types of its own.
const KEPT: [&str; 6] = ["bitstring", "byte", "complex", "enum", "interval", "macaddr"];

/// Whether a type of users needs quotes to be called so.
pub(crate) fn is_kept_type(name: &str) -> bool {
    KEPT.contains(&name)
}

impl<'t> Parser<'t, '_> {
    pub(super) fn native_type(&mut self) -> Parsed<Type<'t>> {
        match self.kind() {
            TokenKind::Keyword(keyword) if keyword.may_be() == Use::Type => {
                Ok(Type { kind: TypeKind::Native(keyword), span: self.step().span })
            }
            _ => Err(self.fail("a native type")),
        }
    }

    pub(super) fn whole_type(&mut self) -> Parsed<Type<'t>> {
        let kind = self.any_type()?;
        self.expect(TokenKind::End, "the end of the type").map(|_| kind)
    }

    pub(super) fn any_type(&mut self) -> Parsed<Type<'t>> {
        let start = self.token();
        let parameters = self.ahead(1).kind == TokenKind::Less;
        let kind = match start.kind {
            TokenKind::Keyword(keyword)
                if keyword.may_be() == Use::Type && !self.is_qualified() =>
            {
                return self.native_type();
            }
            TokenKind::Keyword(
                keyword @ (Keyword::Map
                | Keyword::Frozen
                | Keyword::List
                | Keyword::Set
                | Keyword::Tuple
                | Keyword::Vector),
            ) if parameters => self.parameters(keyword)?,
            TokenKind::String => TypeKind::Custom(self.string("a type")?),
            _ => TypeKind::User(self.user_type()?),
        };
        Ok(Type { kind, span: self.since(start.span) })
    }

    fn is_qualified(&self) -> bool {
        self.ahead(1).kind == TokenKind::Dot
    }

    /// The name of a type that users define.
    pub(super) fn user_type(&mut self) -> Parsed<Table<'t>> {
        let mut keyspace = None;
        if self.is_qualified() && is_name(self.kind()) {
            keyspace = Some(self.take_name());
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
        if self.kind() == TokenKind::Identifier && is_kept_type(self.token().span.of(self.text)) {
            return Err(self.fail("a type (this name is kept for one of Cassandra's)"));
        }
        Ok(Table { keyspace, name: self.take_name() })
    }

    /// A type with types in it, at whose name the parser stands. A function for each, lest the frames of all
    /// are on the way of each bracket.
    fn parameters(&mut self, of: Keyword) -> Parsed<TypeKind<'t>> {
        self.step();
        self.step();
        self.enter()?;
        let kind = match of {
            Keyword::List => self.inner_type().map(TypeKind::List),
            Keyword::Set => self.inner_type().map(TypeKind::Set),
            Keyword::Frozen => self.frozen(),
            Keyword::Map => self.map_type(),
            Keyword::Vector => self.vector(),
            _ => self.list(Self::any_type).map(TypeKind::Tuple),
        };
        self.leave();
        let kind = kind?;
        self.expect(TokenKind::Greater, "`>` after a type's parameters").map(|_| kind)
    }

    pub(super) fn inner_type(&mut self) -> Parsed<Box<Type<'t>>> {
        self.any_type().map(Box::new)
    }

    fn frozen(&mut self) -> Parsed<TypeKind<'t>> {
        let inner = self.token();
        let of = self.inner_type()?;
        if matches!(of.kind, TypeKind::Native(_) | TypeKind::Custom(_)) {
            let expected = "a collection, a tuple or a user-defined type";
            return Err(self.refuse(inner.span, inner.kind.as_str(), expected));
        }
        Ok(TypeKind::Frozen(of))
    }

    fn map_type(&mut self) -> Parsed<TypeKind<'t>> {
        let keys = self.inner_type()?;
        self.expect(TokenKind::Comma, "`,` and another type")?;
        let values = self.inner_type()?;
        Ok(TypeKind::Map(keys, values))
    }

    fn vector(&mut self) -> Parsed<TypeKind<'t>> {
        let of = self.inner_type()?;
        self.expect(TokenKind::Comma, "`,` and the length of a vector")?;
        let length = self.token().span.of(self.text).parse();
        let expected = "the length of a vector, less than 2,147,483,648";
        let length = length.map_err(|_| self.fail(expected))?;
        self.step();
        Ok(TypeKind::Vector(of, length))
    }
}
