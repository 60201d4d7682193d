//! Where a statement names what it is about.

use crate::token::Span;
use crate::tree::{Altered, Created, Dropped};

impl Created<'_> {
    pub(super) fn name(&self) -> Span {
        match self {
            Self::Keyspace(name, _) | Self::Trigger(name, ..) => name.span(),
            Self::Table(table) => table.name.span(),
            Self::Type(name, _) => name.span(),
            Self::Index(index) => index.name.map_or(index.table.span(), |name| name.span()),
            Self::View(view) => view.name.span(),
            Self::Function(function) => function.name.span(),
            Self::Aggregate(aggregate) => aggregate.name.span(),
        }
    }
}

impl Altered<'_> {
    pub(super) fn name(&self) -> Span {
        match self {
            Self::Keyspace(name, _) => name.span(),
            Self::Table(name, _) | Self::View(name, _) | Self::Type(name, _) => name.span(),
        }
    }
}

impl Dropped<'_> {
    pub(super) fn name(&self) -> Span {
        match self {
            Self::Keyspace(name) | Self::Trigger(name, _) => name.span(),
            Self::Table(name)
            | Self::Index(name)
            | Self::View(name)
            | Self::Type(name)
            | Self::Function(name, _)
            | Self::Aggregate(name, _) => name.span(),
        }
    }
}
