//! What a statement that changes the schema is about: where it names it, and in which keyspace.

use crate::token::Span;
use crate::tree::{Altered, Created, Dropped, Name};

impl<'t> Created<'t> {
    /// The keyspace that it names.
    pub(super) fn keyspace(&self) -> Option<Name<'t>> {
        match self {
            Self::Keyspace(name, _) => Some(*name),
            Self::Trigger(_, table, _) => table.keyspace,
            Self::Table(table) => table.name.keyspace,
            Self::Type(name, _) => name.keyspace,
            Self::Index(index) => index.table.keyspace,
            Self::View(view) => view.name.keyspace,
            Self::Function(function) => function.name.keyspace,
            Self::Aggregate(aggregate) => aggregate.name.keyspace,
        }
    }

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

impl<'t> Altered<'t> {
    pub(super) fn keyspace(&self) -> Option<Name<'t>> {
        match self {
            Self::Keyspace(name, _) => Some(*name),
            Self::Table(name, _) | Self::View(name, _) | Self::Type(name, _) => name.keyspace,
        }
    }

    pub(super) fn name(&self) -> Span {
        match self {
            Self::Keyspace(name, _) => name.span(),
            Self::Table(name, _) | Self::View(name, _) | Self::Type(name, _) => name.span(),
        }
    }
}

impl<'t> Dropped<'t> {
    pub(super) fn keyspace(&self) -> Option<Name<'t>> {
        match self {
            Self::Keyspace(name) => Some(*name),
            Self::Trigger(_, name)
            | Self::Table(name)
            | Self::Index(name)
            | Self::View(name)
            | Self::Type(name)
            | Self::Function(name, _)
            | Self::Aggregate(name, _) => name.keyspace,
        }
    }

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
