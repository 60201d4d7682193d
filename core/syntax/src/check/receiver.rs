//! What a term is for, as a server names it.

use std::borrow::Cow;

use super::find::Of;
use super::kind::INT;
use crate::schema::{Column, DataType};
use crate::tree::Name;

/// The name of each marker in what a `SELECT` gives.
pub(super) const SELECTED: &str = "[selection]";

/// What a term is for: the name that a marker in its place has, and the type of its column.
#[derive(Clone)]
pub(super) struct Receiver<'s> {
    pub(super) name: String,
    pub(super) kind: Option<Cow<'s, DataType>>,
}

impl<'s> Receiver<'s> {
    pub(super) fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), kind: None }
    }

    pub(super) fn new(name: impl Into<String>, kind: &'s DataType) -> Self {
        Self { name: name.into(), kind: Some(Cow::Borrowed(kind)) }
    }

    fn column(column: &'s Column) -> Self {
        Self::new(&column.name, &column.kind)
    }

    /// With a type that the text tells.
    pub(super) fn with(self, kind: Option<DataType>) -> Self {
        Self { kind: kind.map(Cow::Owned), ..self }
    }

    pub(super) fn unfrozen(&self) -> Option<&DataType> {
        self.kind.as_deref().map(DataType::unfrozen)
    }

    /// An element of a list or set, a value of a map.
    pub(super) fn element(&self) -> Self {
        self.part("value", |kind| match kind {
            DataType::List(of)
            | DataType::Set(of)
            | DataType::Vector(of, _)
            | DataType::Map(_, of) => Some(of),
            _ => None,
        })
    }

    pub(super) fn key(&self) -> Self {
        match self.unfrozen() {
            Some(DataType::List(_)) => self.part("idx", |_| Some(&INT)),
            _ => self.part("key", |kind| match kind {
                DataType::Map(of, _) | DataType::Set(of) => Some(of),
                _ => None,
            }),
        }
    }

    /// What a `SELECT` gives has no names of its own for parts.
    fn part(&self, prefix: &str, part: impl Fn(&DataType) -> Option<&DataType>) -> Self {
        let name = match &*self.name {
            SELECTED => SELECTED.to_owned(),
            name => format!("{prefix}({name})"),
        };
        let kind = match &self.kind {
            Some(Cow::Borrowed(kind)) => part(kind.unfrozen()).map(Cow::Borrowed),
            Some(Cow::Owned(kind)) => part(kind.unfrozen()).cloned().map(Cow::Owned),
            None => None,
        };
        Self { name, kind }
    }
}

pub(super) fn receiver<'s>(of: Of<'s>, name: Name<'_>) -> Receiver<'s> {
    let resolved = name.resolved();
    of.column(&resolved).map_or_else(|| Receiver::named(&*resolved), Receiver::column)
}

pub(super) fn field_of<'s>(of: Of<'s>, whole: &Receiver<'s>, field: Name<'_>) -> Receiver<'s> {
    let resolved = field.resolved();
    let fields = match whole.unfrozen() {
        Some(DataType::User(name)) => of.within.types.get(name),
        _ => None,
    };
    let known = fields.into_iter().flatten().find(|(name, _)| *name == resolved);
    Receiver {
        name: format!("{}.{resolved}", whole.name),
        kind: known.map(|(_, kind)| Cow::Borrowed(kind)),
    }
}
