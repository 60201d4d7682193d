//! What `ALTER` and `DROP` change.

use std::collections::HashSet;

use super::error::{Fault, Outcome};
use super::kind::DataType;
use super::{Column, Function, Keyspace, Schema, Table, owned, properties, resolve};
use crate::tree::{
    Alter, Altered, ColumnDefinition, Drop, Dropped, Name, Table as TableName, TableChange, Type,
    TypeChange,
};

/// A table that changes.
struct AlteredTable<'s> {
    keyspace: &'s mut Keyspace,
    in_keyspace: String,
    own: String,
}

impl AlteredTable<'_> {
    fn full(&self, column: Name<'_>) -> String {
        format!("{}.{}.{}", self.in_keyspace, self.own, column.resolved())
    }

    fn table(&mut self) -> Outcome<&mut Table> {
        let Self { keyspace, in_keyspace, own } = self;
        let missing = || Fault::missing("table", format!("{in_keyspace}.{own}"));
        keyspace.tables.get_mut(own).ok_or_else(missing)
    }

    fn at(&mut self, name: Name<'_>) -> Outcome<&mut Column> {
        let missing = Fault::missing("column", self.full(name)).at(name.span());
        let name = name.resolved();
        self.table()?.columns.iter_mut().find(|column| column.name == name).ok_or(missing)
    }

    /// Does something to each of its materialized views.
    fn each_view(&mut self, mut change: impl FnMut(&mut Table)) -> Outcome<()> {
        let names = self.table()?.views.clone();
        for name in names {
            if let Some(view) = self.keyspace.tables.get_mut(&name) {
                change(view);
            }
        }
        Ok(())
    }

    fn add(&mut self, if_not_exists: bool, columns: &[ColumnDefinition<'_>]) -> Outcome<()> {
        let known = self.table()?.columns.iter().map(|column| column.name.clone());
        let mut known: HashSet<String> = known.collect();
        for column in columns {
            let added = Column::defined(column, &self.in_keyspace, self.keyspace)?;
            if !known.insert(owned(column.name)) {
                if if_not_exists {
                    continue;
                }
                let exists = Fault::exists("column", self.full(column.name));
                return Err(exists.at(column.name.span()));
            }
            self.each_view(|view| {
                if view.has_all {
                    view.columns.push(added.clone());
                }
            })?;
            self.table()?.columns.push(added);
        }
        Ok(())
    }

    fn drop(&mut self, if_exists: bool, columns: &[Name<'_>]) -> Outcome<()> {
        for name in columns {
            let role = match self.at(*name) {
                Err(_) if if_exists => continue,
                column => column?.role,
            };
            if role.is_key() {
                let fault = Fault::invalid(self.full(*name), "is part of the primary key");
                return Err(fault.at(name.span()));
            }
        }
        let gone: HashSet<_> = columns.iter().map(Name::resolved).collect();
        self.table()?.columns.retain(|column| !gone.contains(&*column.name));
        Ok(())
    }

    fn rename(&mut self, if_exists: bool, columns: &[(Name<'_>, Name<'_>)]) -> Outcome<()> {
        for (from, to) in columns {
            match self.at(*from) {
                Err(_) if if_exists => continue,
                column => drop(column?),
            }
            if self.at(*to).is_ok() {
                return Err(Fault::exists("column", self.full(*to)).at(to.span()));
            }
            let (from, to) = (from.resolved(), owned(*to));
            let renamed = |column: &mut Column| {
                if column.name == from {
                    column.name.clone_from(&to);
                }
            };
            self.each_view(|view| view.columns.iter_mut().for_each(renamed))?;
            self.table()?.columns.iter_mut().for_each(renamed);
            for name in self.table()?.indexes.clone() {
                let targets = self.keyspace.indexes.get_mut(&name).map(|index| &mut index.targets);
                for (_, target) in targets.into_iter().flatten() {
                    if *target == from {
                        target.clone_from(&to);
                    }
                }
            }
        }
        Ok(())
    }
}

/// The fields of a type.
fn fields_mut<'s>(
    keyspace: &'s mut Keyspace,
    in_keyspace: &str,
    own: &str,
) -> Outcome<&'s mut Vec<(String, DataType)>> {
    let missing = || Fault::missing("type", format!("{in_keyspace}.{own}"));
    keyspace.types.get_mut(own).ok_or_else(missing)
}

impl Schema {
    pub(super) fn alter(&mut self, alter: &Alter<'_>, current: Option<&str>) -> Outcome<()> {
        if alter.if_exists && !self.is_there(&alter.object, current)? {
            return Ok(());
        }
        match &alter.object {
            Altered::Keyspace(name, list) => self
                .keyspace_mut(&name.resolved())
                .map(|keyspace| keyspace.properties.extend(properties(list))),
            Altered::View(name, list) => {
                self.table_mut(*name, current).map(|view| view.properties.extend(properties(list)))
            }
            Altered::Table(name, change) => self.alter_table(*name, change, current),
            Altered::Type(name, change) => self.alter_type(*name, change, current),
        }
    }

    fn is_there(&self, object: &Altered<'_>, current: Option<&str>) -> Outcome<bool> {
        Ok(match object {
            Altered::Keyspace(name, _) => self.keyspaces.contains_key(&*name.resolved()),
            Altered::Table(name, _) | Altered::View(name, _) => {
                let (keyspace, own) = resolve(*name, current)?;
                self.table(&keyspace, &own).is_some()
            }
            Altered::Type(name, _) => {
                let (keyspace, own) = resolve(*name, current)?;
                self.keyspace(&keyspace).is_some_and(|of| of.types.contains_key(&own))
            }
        })
    }

    fn alter_table(
        &mut self,
        name: TableName<'_>,
        change: &TableChange<'_>,
        current: Option<&str>,
    ) -> Outcome<()> {
        let (in_keyspace, own) = resolve(name, current)?;
        let keyspace = self.keyspace_mut(&in_keyspace)?;
        let full = format!("{in_keyspace}.{own}");
        let table =
            keyspace.tables.get(&own).ok_or_else(|| Fault::missing("table", full.clone()))?;
        if table.view_of.is_some() {
            return Err(Fault::invalid(full, "is a view: ALTER MATERIALIZED VIEW"));
        }
        let mut altered = AlteredTable { keyspace, in_keyspace, own };
        match change {
            TableChange::Add { if_not_exists, columns } => altered.add(*if_not_exists, columns),
            TableChange::Drop { if_exists, columns, .. } => altered.drop(*if_exists, columns),
            TableChange::Rename { if_exists, columns } => altered.rename(*if_exists, columns),
            TableChange::Mask { if_exists, column, mask } => match altered.at(*column) {
                Err(_) if *if_exists => Ok(()),
                at => at.map(|column| column.is_masked = mask.is_some()),
            },
            TableChange::Type(column, kind) => {
                let kind = DataType::of_column(kind, &altered.in_keyspace, altered.keyspace)?;
                altered.at(*column).map(|column| column.kind = kind)
            }
            TableChange::With(list) => {
                altered.table().map(|table| table.properties.extend(properties(list)))
            }
            TableChange::DropCompactStorage => {
                altered.table().map(|table| table.is_compact = false)
            }
            TableChange::Check { .. } => Ok(()),
        }
    }

    fn alter_type(
        &mut self,
        name: TableName<'_>,
        change: &TypeChange<'_>,
        current: Option<&str>,
    ) -> Outcome<()> {
        let (in_keyspace, own) = resolve(name, current)?;
        let full = |field: Name<'_>| format!("{in_keyspace}.{own}.{}", field.resolved());
        let at = |fields: &[(String, DataType)], name: Name<'_>| {
            let at = fields.iter().position(|(field, _)| *field == name.resolved());
            at.ok_or_else(|| Fault::missing("field", full(name)).at(name.span()))
        };
        let keyspace = self.keyspace_mut(&in_keyspace)?;
        let kind = |kind: &Type<'_>| DataType::of_column(kind, &in_keyspace, keyspace);
        match change {
            TypeChange::Add { if_not_exists, field, kind: added } => {
                let kind = kind(added)?;
                let fields = fields_mut(keyspace, &in_keyspace, &own)?;
                if at(fields, *field).is_ok() {
                    let exists = Fault::exists("field", full(*field)).at(field.span());
                    return if *if_not_exists { Ok(()) } else { Err(exists) };
                }
                if kind.holds(&own) {
                    let fault = Fault::invalid(full(*field), "is of the type that has it");
                    return Err(fault.at(field.span()));
                }
                fields.push((owned(*field), kind));
            }
            TypeChange::Rename { if_exists, fields: renames } => {
                let fields = fields_mut(keyspace, &in_keyspace, &own)?;
                for (from, to) in renames {
                    let from = match at(fields, *from) {
                        Err(_) if *if_exists => continue,
                        from => from?,
                    };
                    if at(fields, *to).is_ok() {
                        return Err(Fault::exists("field", full(*to)).at(to.span()));
                    }
                    fields[from].0 = owned(*to);
                }
            }
            TypeChange::Type(field, changed) => {
                let kind = kind(changed)?;
                let fields = fields_mut(keyspace, &in_keyspace, &own)?;
                let at = at(fields, *field)?;
                fields[at].1 = kind;
            }
        }
        Ok(())
    }

    pub(super) fn drop(&mut self, drop: &Drop<'_>, current: Option<&str>) -> Outcome<()> {
        match self.drop_object(&drop.object, current) {
            Err(fault) if drop.if_exists && fault.is_missing() => Ok(()),
            dropped => dropped,
        }
    }

    fn drop_object(&mut self, object: &Dropped<'_>, current: Option<&str>) -> Outcome<()> {
        match object {
            Dropped::Keyspace(name) => {
                self.keyspace_mut(&name.resolved())?;
                self.keyspaces.remove(&*name.resolved());
            }
            Dropped::Table(name) | Dropped::View(name) => {
                let (keyspace, own) = resolve(*name, current)?;
                let table = self.table_mut(*name, current)?;
                let is_view = matches!(object, Dropped::View(_));
                if table.view_of.is_some() != is_view {
                    let what = if is_view { "view" } else { "table" };
                    return Err(Fault::missing(what, format!("{keyspace}.{own}")));
                }
                if !table.views.is_empty() {
                    let why = "has materialized views, which go first";
                    return Err(Fault::invalid(format!("table {keyspace}.{own}"), why));
                }
                let of = self.keyspace_mut(&keyspace)?;
                let Some(gone) = of.tables.remove(&own) else { return Ok(()) };
                for index in gone.indexes {
                    of.indexes.remove(&index);
                }
                if let Some(base) = gone.view_of.and_then(|base| of.tables.get_mut(&base)) {
                    base.views.remove(&own);
                }
            }
            Dropped::Index(name) => {
                let (keyspace, own) = resolve(*name, current)?;
                let missing = || Fault::missing("index", format!("{keyspace}.{own}"));
                let of = self.keyspace_mut(&keyspace)?;
                let index = of.indexes.remove(&own).ok_or_else(missing)?;
                if let Some(table) = of.tables.get_mut(&index.table) {
                    table.indexes.remove(&own);
                }
            }
            Dropped::Type(name) => {
                let (keyspace, own) = resolve(*name, current)?;
                let of = self.keyspace_mut(&keyspace)?;
                let columns = of.tables.values().flat_map(|table| &table.columns);
                let fields = of.types.values().flatten().map(|(_, kind)| kind);
                if columns.map(|column| &column.kind).chain(fields).any(|kind| kind.holds(&own)) {
                    let why = "is the type of something";
                    return Err(Fault::invalid(format!("type {keyspace}.{own}"), why));
                }
                let missing = || Fault::missing("type", format!("{keyspace}.{own}"));
                of.types.remove(&own).ok_or_else(missing)?;
            }
            Dropped::Trigger(name, table) => {
                let table = self.table_mut(*table, current)?;
                let missing = || Fault::missing("trigger", owned(*name));
                table.triggers.remove(&*name.resolved()).ok_or_else(missing)?;
            }
            Dropped::Function(name, kinds) => {
                self.drop_function(*name, kinds.as_deref(), false, current)?;
            }
            Dropped::Aggregate(name, kinds) => {
                self.drop_function(*name, kinds.as_deref(), true, current)?;
            }
        }
        Ok(())
    }

    fn drop_function(
        &mut self,
        name: TableName<'_>,
        kinds: Option<&[Type<'_>]>,
        is_aggregate: bool,
        current: Option<&str>,
    ) -> Outcome<()> {
        let (in_keyspace, own) = resolve(name, current)?;
        let keyspace = self.keyspace_mut(&in_keyspace)?;
        let kinds = kinds.map(|kinds| DataType::of_arguments(kinds, &in_keyspace, keyspace));
        let kinds = kinds.transpose()?;
        let what = if is_aggregate { "aggregate" } else { "function" };
        let all = if is_aggregate { &mut keyspace.aggregates } else { &mut keyspace.functions };
        let is_meant = |function: &Function| {
            function.name == own && kinds.as_ref().is_none_or(|kinds| *kinds == function.arguments)
        };
        match all.iter().filter(|function| is_meant(function)).count() {
            0 => Err(Fault::missing(what, format!("{in_keyspace}.{own}"))),
            1 => {
                all.retain(|function| !is_meant(function));
                Ok(())
            }
            _ => {
                let why = "is there several times: name the types of its arguments";
                Err(Fault::invalid(format!("{what} {in_keyspace}.{own}"), why))
            }
        }
    }
}
