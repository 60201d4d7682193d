//! What `CREATE` makes.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};

use super::error::{Fault, Outcome};
use super::kind::DataType;
use super::{
    Column, ColumnRole, Function, Index, Keyspace, Property, Schema, Table, owned, properties,
    resolve,
};
use crate::tree::{
    AggregateDefinition, ColumnDefinition, Create, Created, FunctionDefinition, IndexDefinition,
    IndexPart, PrimaryKey, Selection, Table as TableName, TableDefinition, TableOption, TermKind,
    Type, ViewDefinition,
};

impl Column {
    /// As it is defined, before it is known to be part of a key.
    pub(super) fn defined(
        column: &ColumnDefinition<'_>,
        in_keyspace: &str,
        keyspace: &Keyspace,
    ) -> Outcome<Self> {
        Ok(Self {
            name: owned(column.name),
            kind: DataType::of_column(&column.kind, in_keyspace, keyspace)?,
            role: if column.is_static { ColumnRole::Static } else { ColumnRole::Regular },
            is_masked: column.mask.is_some(),
        })
    }
}

impl Schema {
    pub(super) fn create(&mut self, create: &Create<'_>, current: Option<&str>) -> Outcome<()> {
        let made = match &create.object {
            Created::Keyspace(name, list) => match self.keyspaces.entry(owned(*name)) {
                Entry::Occupied(known) => Err(Fault::exists("keyspace", known.key().clone())),
                Entry::Vacant(free) => {
                    let properties = properties(list);
                    free.insert(Keyspace { properties, ..Keyspace::default() });
                    Ok(())
                }
            },
            Created::Table(table) => self.create_table(table, current),
            Created::Type(name, fields) => self.create_type(*name, fields, current),
            Created::Index(index) => self.create_index(index, current),
            Created::View(view) => self.create_view(view, current),
            Created::Function(function) => {
                self.create_function(function, create.or_replace, current)
            }
            Created::Aggregate(aggregate) => {
                self.create_aggregate(aggregate, create.or_replace, current)
            }
            Created::Trigger(name, table, class) => {
                let table = self.table_mut(*table, current)?;
                match table.triggers.entry(owned(*name)) {
                    Entry::Occupied(known) => Err(Fault::exists("trigger", known.key().clone())),
                    Entry::Vacant(free) => {
                        free.insert(class.text().into_owned());
                        Ok(())
                    }
                }
            }
        };
        match made {
            // A field that is there twice is a mistake, whatever there is.
            Err(fault) if create.if_not_exists && fault.is_existing() => Ok(()),
            made => made,
        }
    }

    pub(super) fn table_mut(
        &mut self,
        name: TableName<'_>,
        current: Option<&str>,
    ) -> Outcome<&mut Table> {
        let (keyspace, name) = resolve(name, current)?;
        let missing = || Fault::missing("table", format!("{keyspace}.{name}"));
        let table = self.keyspace_mut(&keyspace)?.tables.get_mut(&name);
        table.ok_or_else(missing)
    }

    fn create_table(
        &mut self,
        definition: &TableDefinition<'_>,
        current: Option<&str>,
    ) -> Outcome<()> {
        let (in_keyspace, name) = resolve(definition.name, current)?;
        let keyspace = self.keyspace_mut(&in_keyspace)?;
        if keyspace.tables.contains_key(&name) {
            return Err(Fault::exists("table", format!("{in_keyspace}.{name}")));
        }
        let mut columns = Vec::new();
        for column in &definition.columns {
            columns.push(Column::defined(column, &in_keyspace, keyspace)?);
        }
        let named = definition.columns.iter().find(|column| column.is_primary_key);
        let alone =
            named.map(|column| PrimaryKey { partition: vec![column.name], clustering: Vec::new() });
        let key = definition.key.as_ref().or(alone.as_ref()).ok_or_else(|| {
            Fault::invalid(format!("table {in_keyspace}.{name}"), "has no primary key")
        })?;
        let columns = with_key(columns, key, &definition.options)?;
        let properties = table_properties(&definition.options);
        let is_compact = definition.options.contains(&TableOption::CompactStorage);
        keyspace.tables.insert(name, Table { columns, properties, is_compact, ..Table::default() });
        Ok(())
    }

    fn create_type(
        &mut self,
        name: TableName<'_>,
        fields: &[(crate::tree::Name<'_>, Type<'_>)],
        current: Option<&str>,
    ) -> Outcome<()> {
        let (in_keyspace, name) = resolve(name, current)?;
        let keyspace = self.keyspace_mut(&in_keyspace)?;
        if keyspace.types.contains_key(&name) {
            return Err(Fault::exists("type", format!("{in_keyspace}.{name}")));
        }
        let (mut made, mut names) = (Vec::new(), HashSet::new());
        for (field, kind) in fields {
            if !names.insert(field.resolved()) {
                return Err(Fault::exists("field", owned(*field)).at(field.span()));
            }
            let field = owned(*field);
            made.push((field, DataType::of_column(kind, &in_keyspace, keyspace)?));
        }
        keyspace.types.insert(name, made);
        Ok(())
    }

    fn create_index(&mut self, index: &IndexDefinition<'_>, current: Option<&str>) -> Outcome<()> {
        let (in_keyspace, of) = resolve(index.table, current)?;
        let table = self.table_mut(index.table, current)?;
        let mut targets = Vec::new();
        for (part, column) in &index.targets {
            let (span, column) = (column.span(), owned(*column));
            let Some(known) = table.columns.iter().find(|known| known.name == column) else {
                let missing = format!("{in_keyspace}.{of}.{column}");
                return Err(Fault::missing("column", missing).at(span));
            };
            // Of a collection that can be changed in parts its values are meant.
            let is_collection =
                matches!(known.kind, DataType::List(_) | DataType::Set(_) | DataType::Map(..));
            let part = match part {
                IndexPart::Column if is_collection => IndexPart::Values,
                part => *part,
            };
            targets.push((part, column));
        }
        let keyspace = self.keyspace_mut(&in_keyspace)?;
        let is_taken = |name: &str| keyspace.indexes.contains_key(name);
        let name = match index.name {
            Some(name) => owned(name),
            None => free_name(&of, targets.first().map(|(_, column)| column.as_str()), is_taken),
        };
        if is_taken(&name) {
            return Err(Fault::exists("index", format!("{in_keyspace}.{name}")));
        }
        let class = index.class.map(|class| class.text().into_owned());
        let mut options = BTreeMap::new();
        for property in properties(&index.properties).into_values() {
            if let Property::Map(map) = property {
                options.extend(map);
            }
        }
        let index = Index { table: of, targets, class, options };
        if let Some(table) = keyspace.tables.get_mut(&index.table) {
            let same = |name: &&String| keyspace.indexes.get(*name) == Some(&index);
            if let Some(other) = table.indexes.iter().find(same) {
                return Err(Fault::exists("index", format!("{in_keyspace}.{other}")));
            }
            table.indexes.insert(name.clone());
        }
        keyspace.indexes.insert(name, index);
        Ok(())
    }

    fn create_view(&mut self, view: &ViewDefinition<'_>, current: Option<&str>) -> Outcome<()> {
        let (in_keyspace, name) = resolve(view.name, current)?;
        let (of_keyspace, of) = resolve(view.from, Some(&in_keyspace))?;
        if of_keyspace != in_keyspace {
            let why = "is of a table of another keyspace";
            return Err(Fault::invalid(format!("view {in_keyspace}.{name}"), why));
        }
        let keyspace = self.keyspace_mut(&in_keyspace)?;
        if keyspace.tables.contains_key(&name) {
            return Err(Fault::exists("table", format!("{in_keyspace}.{name}")));
        }
        let missing =
            || Fault::missing("table", format!("{in_keyspace}.{of}")).at(view.from.span());
        let base = keyspace.tables.get_mut(&of).ok_or_else(missing)?;
        let mut columns: Vec<Column> = base.columns.clone();
        if let Selection::Selectors(selectors) = &view.selection {
            let known: HashSet<&str> = base.columns.iter().map(|column| &*column.name).collect();
            let mut chosen = HashSet::new();
            for selector in selectors {
                let TermKind::Column(column) = &selector.term.kind else {
                    let why = "selects what is no column";
                    let fault = Fault::invalid(format!("view {in_keyspace}.{name}"), why);
                    return Err(fault.at(selector.term.span));
                };
                if !known.contains(&*column.resolved()) {
                    let missing = format!("{in_keyspace}.{of}.{}", column.resolved());
                    return Err(Fault::missing("column", missing).at(column.span()));
                }
                chosen.insert(owned(*column));
            }
            columns.retain(|column| chosen.contains(&column.name));
        }
        for column in &mut columns {
            column.role = ColumnRole::Regular;
        }
        let columns = with_key(columns, &view.key, &view.options)?;
        base.views.insert(name.clone());
        let properties = table_properties(&view.options);
        let has_all = view.selection == Selection::All;
        let view = Table { columns, properties, view_of: Some(of), has_all, ..Table::default() };
        keyspace.tables.insert(name, view);
        Ok(())
    }

    fn create_function(
        &mut self,
        definition: &FunctionDefinition<'_>,
        or_replace: bool,
        current: Option<&str>,
    ) -> Outcome<()> {
        let (in_keyspace, name) = resolve(definition.name, current)?;
        let keyspace = self.keyspace_mut(&in_keyspace)?;
        let kinds = definition.arguments.iter().map(|(_, kind)| kind);
        let arguments = DataType::of_arguments(kinds, &in_keyspace, keyspace)?;
        let returns = DataType::of_argument(&definition.returns, &in_keyspace, keyspace)?;
        let function = Function { name, arguments, returns: Some(returns) };
        add(&mut keyspace.functions, function, or_replace, "function", &in_keyspace)
    }

    fn create_aggregate(
        &mut self,
        definition: &AggregateDefinition<'_>,
        or_replace: bool,
        current: Option<&str>,
    ) -> Outcome<()> {
        let (in_keyspace, name) = resolve(definition.name, current)?;
        let keyspace = self.keyspace_mut(&in_keyspace)?;
        let arguments = DataType::of_arguments(&definition.arguments, &in_keyspace, keyspace)?;
        let state = DataType::of_argument(&definition.state, &in_keyspace, keyspace)?;
        let returns = match definition.final_function {
            None => Some(state),
            Some(last) => {
                let last = owned(last);
                let found = keyspace.functions.iter().find(|function| {
                    function.name == last && function.arguments == [state.clone()]
                });
                found.and_then(|function| function.returns.clone())
            }
        };
        let aggregate = Function { name, arguments, returns };
        add(&mut keyspace.aggregates, aggregate, or_replace, "aggregate", &in_keyspace)
    }
}

fn add(
    all: &mut Vec<Function>,
    function: Function,
    or_replace: bool,
    what: &'static str,
    keyspace: &str,
) -> Outcome<()> {
    let same =
        |other: &Function| (&other.name, &other.arguments) == (&function.name, &function.arguments);
    if let Some(known) = all.iter().position(same) {
        if !or_replace {
            return Err(Fault::exists(what, format!("{keyspace}.{}", function.name)));
        }
        all.remove(known);
    }
    all.push(function);
    Ok(())
}

/// As the server names it.
fn free_name(table: &str, column: Option<&str>, is_taken: impl Fn(&str) -> bool) -> String {
    let is_word = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
    let parts = column.map_or(format!("{table}_idx"), |column| format!("{table}_{column}_idx"));
    let plain: String = parts.chars().filter(is_word).collect();
    let more = (1..).map(|number| format!("{plain}_{number}"));
    std::iter::once(plain.clone()).chain(more).find(|name| !is_taken(name)).unwrap_or(plain)
}

/// The columns in the order of a key, which they have to have.
fn with_key(
    mut columns: Vec<Column>,
    key: &PrimaryKey<'_>,
    options: &[TableOption<'_>],
) -> Outcome<Vec<Column>> {
    let orders = options.iter().filter_map(|option| match option {
        TableOption::ClusteringOrder(order) => Some(order),
        _ => None,
    });
    let orders: Vec<_> = orders.flatten().collect();
    let mut sorted = Vec::with_capacity(columns.len());
    let mut take = |name: crate::tree::Name<'_>, role: ColumnRole| {
        let (span, name) = (name.span(), owned(name));
        let at = columns.iter().position(|column| column.name == name);
        let at = at.ok_or(Fault::missing("column", name).at(span))?;
        sorted.push(Column { role, ..columns.remove(at) });
        Ok(())
    };
    for (position, name) in key.partition.iter().enumerate() {
        take(*name, ColumnRole::PartitionKey { position })?;
    }
    for (position, name) in key.clustering.iter().enumerate() {
        let own = name.resolved();
        let descending =
            orders.iter().any(|(column, descending)| column.resolved() == own && *descending);
        take(*name, ColumnRole::Clustering { position, descending })?;
    }
    if let Some((stray, _)) = orders.iter().find(|(name, _)| !key.clustering.contains(name)) {
        return Err(Fault::missing("clustering column", owned(*stray)).at(stray.span()));
    }
    sorted.append(&mut columns);
    Ok(sorted)
}

fn table_properties(options: &[TableOption<'_>]) -> BTreeMap<String, Property> {
    let list = options.iter().filter_map(|option| match option {
        TableOption::Property(property) => Some(property.clone()),
        _ => None,
    });
    properties(&list.collect::<Vec<_>>())
}
