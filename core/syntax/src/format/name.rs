//! Names and types.

use std::fmt;

use super::Printer;
use crate::lexer::tokens;
use crate::parse::is_kept_type;
use crate::token::TokenKind;
use crate::tree::{Name, Table, Type, TypeKind};

impl Printer<'_> {
    pub(super) fn name(&mut self, name: Name<'_>) -> fmt::Result {
        let resolved = name.resolved();
        let is_quoted = name.written().starts_with('"');
        self.text(if is_quoted && !reads_as_name(&resolved) { name.written() } else { &resolved })
    }

    pub(super) fn names(&mut self, names: &[Name<'_>]) -> fmt::Result {
        self.list(names, |printer, name| printer.name(*name))
    }

    pub(super) fn table(&mut self, table: Table<'_>) -> fmt::Result {
        if let Some(keyspace) = table.keyspace {
            self.name(keyspace)?;
            self.text(".")?;
        }
        self.name(table.name)
    }

    pub(super) fn kind(&mut self, kind: &Type<'_>) -> fmt::Result {
        match &kind.kind {
            TypeKind::Native(keyword) => self.text(&keyword.as_str().to_ascii_lowercase()),
            TypeKind::List(of) => self.parameters("list<", &[&**of]),
            TypeKind::Set(of) => self.parameters("set<", &[&**of]),
            TypeKind::Map(keys, values) => self.parameters("map<", &[&**keys, &**values]),
            TypeKind::Frozen(of) => self.parameters("frozen<", &[&**of]),
            TypeKind::Tuple(of) => self.parameters("tuple<", &of.iter().collect::<Vec<_>>()),
            TypeKind::Vector(of, length) => {
                self.text("vector<")?;
                self.kind(of)?;
                write!(self.out, ", {length}>")
            }
            TypeKind::User(name) => self.user_type(*name),
            TypeKind::Custom(class) => self.text(class.written),
        }
    }

    pub(super) fn kinds(&mut self, kinds: &[Type<'_>]) -> fmt::Result {
        self.text("(")?;
        self.list(kinds, Self::kind)?;
        self.text(")")
    }

    pub(super) fn user_type(&mut self, Table { keyspace, name }: Table<'_>) -> fmt::Result {
        if !is_kept_type(&name.resolved()) {
            return self.table(Table { keyspace, name });
        }
        if let Some(keyspace) = keyspace {
            self.name(keyspace)?;
            self.text(".")?;
        }
        self.text(name.written())
    }

    fn parameters(&mut self, name: &str, of: &[&Type<'_>]) -> fmt::Result {
        self.text(name)?;
        self.list(of, |printer, kind| printer.kind(kind))?;
        self.text(">")
    }
}

/// Whether it is the same name without its quotes, and no word of the grammar.
fn reads_as_name(resolved: &str) -> bool {
    let is_lower = !resolved.bytes().any(|byte| byte.is_ascii_uppercase());
    // `expr(` is one token.
    is_lower
        && resolved != "expr"
        && tokens(resolved).is_ok_and(|tokens| {
            matches!(&tokens[..], [name, _] if name.kind == TokenKind::Identifier
                && name.span.of(resolved) == resolved)
        })
}
