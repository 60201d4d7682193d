//! Statements that change the schema.

use std::fmt;

use super::Printer;
use crate::tree::{
    AggregateDefinition, Alter, Altered, Check, ColumnDefinition, Create, Created, Drop, Dropped,
    FunctionDefinition, IndexDefinition, IndexPart, Literal, Mask, Name, PrimaryKey, Property,
    PropertyValue, Table, TableChange, TableDefinition, TableOption, Type, TypeChange,
    ViewDefinition,
};

impl Printer<'_> {
    pub(super) fn create(&mut self, create: &Create<'_>) -> fmt::Result {
        self.text("CREATE ")?;
        self.text_if(create.or_replace, "OR REPLACE ")?;
        self.text(match &create.object {
            Created::Keyspace(..) => "KEYSPACE ",
            Created::Table(_) => "TABLE ",
            Created::Type(..) => "TYPE ",
            Created::Index(index) if index.custom => "CUSTOM INDEX ",
            Created::Index(_) => "INDEX ",
            Created::View(_) => "MATERIALIZED VIEW ",
            Created::Function(_) => "FUNCTION ",
            Created::Aggregate(_) => "AGGREGATE ",
            Created::Trigger(..) => "TRIGGER ",
        })?;
        self.text_if(create.if_not_exists, "IF NOT EXISTS ")?;
        match &create.object {
            Created::Keyspace(name, properties) => {
                self.name(*name)?;
                self.properties(properties)
            }
            Created::Table(table) => self.table_definition(table),
            Created::Type(name, fields) => {
                self.user_type(*name)?;
                self.text(" ")?;
                self.block(fields, |printer, (name, kind)| printer.named(*name, kind))
            }
            Created::Index(index) => self.index(index),
            Created::View(view) => self.view(view),
            Created::Function(function) => self.function_definition(function),
            Created::Aggregate(aggregate) => self.aggregate(aggregate),
            Created::Trigger(name, table, class) => {
                self.name(*name)?;
                self.clause("ON")?;
                self.table(*table)?;
                self.clause("USING")?;
                self.literal(*class)
            }
        }
    }

    /// A column, field or argument with its type.
    fn named(&mut self, name: Name<'_>, kind: &Type<'_>) -> fmt::Result {
        self.name(name)?;
        self.text(" ")?;
        self.kind(kind)
    }

    fn table_definition(&mut self, table: &TableDefinition<'_>) -> fmt::Result {
        self.table(table.name)?;
        self.text(" ")?;
        let columns = table.columns.iter().map(Some).chain(table.key.iter().map(|_| None));
        self.block(columns, |printer, column| match (column, &table.key) {
            (Some(column), _) => printer.column(column),
            (None, Some(key)) => printer.primary_key(key),
            (None, None) => Ok(()),
        })?;
        self.options(&table.options)
    }

    fn column(&mut self, column: &ColumnDefinition<'_>) -> fmt::Result {
        self.named(column.name, &column.kind)?;
        self.text_if(column.is_static, " STATIC")?;
        self.mask(column.mask.as_ref())?;
        self.checks(&column.checks)?;
        self.text_if(column.is_primary_key, " PRIMARY KEY")
    }

    fn checks(&mut self, checks: &[Check<'_>]) -> fmt::Result {
        for (index, check) in checks.iter().enumerate() {
            self.text(if index == 0 { " CHECK " } else { " AND " })?;
            match check.function {
                Some(function) => {
                    self.name(function)?;
                    self.columns("(", &[check.column])?;
                }
                None => self.name(check.column)?,
            }
            if let Some((operator, literal)) = check.comparison {
                self.operator(operator)?;
                self.literal(literal)?;
            }
        }
        Ok(())
    }

    fn mask(&mut self, mask: Option<&Mask<'_>>) -> fmt::Result {
        match mask {
            None => Ok(()),
            Some(Mask::Default) => self.text(" MASKED WITH DEFAULT"),
            Some(Mask::Function(function)) => {
                self.text(" MASKED WITH ")?;
                self.function(function)
            }
        }
    }

    fn primary_key(&mut self, key: &PrimaryKey<'_>) -> fmt::Result {
        self.text("PRIMARY KEY (")?;
        match &key.partition[..] {
            [column] => self.name(*column)?,
            columns => self.columns("(", columns)?,
        }
        self.text_if(!key.clustering.is_empty(), ", ")?;
        self.names(&key.clustering)?;
        self.text(")")
    }

    fn options(&mut self, options: &[TableOption<'_>]) -> fmt::Result {
        if options.is_empty() {
            return Ok(());
        }
        self.clause("WITH")?;
        self.all_of(options, |printer, option| match option {
            TableOption::Property(property) => printer.property(property),
            TableOption::CompactStorage => printer.text("COMPACT STORAGE"),
            TableOption::ClusteringOrder(columns) => {
                printer.text("CLUSTERING ORDER BY (")?;
                printer.list(columns, |printer, (column, descending)| {
                    printer.name(*column)?;
                    printer.text(if *descending { " DESC" } else { " ASC" })
                })?;
                printer.text(")")
            }
        })
    }

    fn properties(&mut self, properties: &[Property<'_>]) -> fmt::Result {
        if properties.is_empty() {
            return Ok(());
        }
        self.clause("WITH")?;
        self.all_of(properties, Self::property)
    }

    fn property(&mut self, property: &Property<'_>) -> fmt::Result {
        self.name(property.name)?;
        self.text(" = ")?;
        match &property.value {
            PropertyValue::Literal(literal) => self.literal(*literal),
            PropertyValue::Word(word) => self.name(*word),
            PropertyValue::Map(map) => self.literal_map(map),
        }
    }

    pub(super) fn literal_map(&mut self, map: &[(Literal<'_>, Literal<'_>)]) -> fmt::Result {
        self.text("{")?;
        self.list(map, |printer, (key, value)| {
            printer.literal(*key)?;
            printer.text(": ")?;
            printer.literal(*value)
        })?;
        self.text("}")
    }

    fn index(&mut self, index: &IndexDefinition<'_>) -> fmt::Result {
        if let Some(name) = index.name {
            self.name(name)?;
            self.text(" ")?;
        }
        self.text("ON ")?;
        self.table(index.table)?;
        self.text(" (")?;
        self.list(&index.targets, |printer, (part, column)| {
            printer.text(match part {
                IndexPart::Column => "",
                IndexPart::Values => "VALUES(",
                IndexPart::Keys => "KEYS(",
                IndexPart::Entries => "ENTRIES(",
                IndexPart::Full => "FULL(",
            })?;
            printer.name(*column)?;
            printer.text_if(*part != IndexPart::Column, ")")
        })?;
        self.text(")")?;
        if let Some(class) = index.class {
            self.clause("USING")?;
            self.literal(class)?;
        }
        self.properties(&index.properties)
    }

    fn view(&mut self, view: &ViewDefinition<'_>) -> fmt::Result {
        self.table(view.name)?;
        self.text(" AS")?;
        self.clause("SELECT")?;
        self.selection(&view.selection)?;
        self.clause("FROM")?;
        self.table(view.from)?;
        if !view.relations.is_empty() {
            self.clause("WHERE")?;
            self.relations(&view.relations)?;
        }
        self.text(if self.broken { "\n" } else { " " })?;
        self.primary_key(&view.key)?;
        self.options(&view.options)
    }

    fn function_definition(&mut self, function: &FunctionDefinition<'_>) -> fmt::Result {
        self.table(function.name)?;
        self.text(" (")?;
        self.list(&function.arguments, |printer, (name, kind)| printer.named(*name, kind))?;
        self.text(")")?;
        let called = function.called_on_null;
        self.clause(if called { "CALLED ON NULL INPUT" } else { "RETURNS NULL ON NULL INPUT" })?;
        self.text("RETURNS ")?;
        self.kind(&function.returns)?;
        self.clause("LANGUAGE")?;
        self.name(function.language)?;
        self.clause("AS")?;
        self.literal(function.body)
    }

    fn aggregate(&mut self, aggregate: &AggregateDefinition<'_>) -> fmt::Result {
        self.table(aggregate.name)?;
        self.text(" ")?;
        self.kinds(&aggregate.arguments)?;
        self.clause("SFUNC")?;
        self.name(aggregate.state_function)?;
        self.clause("STYPE")?;
        self.kind(&aggregate.state)?;
        if let Some(function) = aggregate.final_function {
            self.clause("FINALFUNC")?;
            self.name(function)?;
        }
        if let Some(initial) = &aggregate.initial {
            self.clause("INITCOND")?;
            self.term(initial)?;
        }
        Ok(())
    }

    pub(super) fn alter(&mut self, alter: &Alter<'_>) -> fmt::Result {
        self.text("ALTER ")?;
        self.text(match &alter.object {
            Altered::Keyspace(..) => "KEYSPACE ",
            Altered::Table(..) => "TABLE ",
            Altered::View(..) => "MATERIALIZED VIEW ",
            Altered::Type(..) => "TYPE ",
        })?;
        self.text_if(alter.if_exists, "IF EXISTS ")?;
        match &alter.object {
            Altered::Keyspace(name, properties) => {
                self.name(*name)?;
                self.properties(properties)
            }
            Altered::View(name, properties) => {
                self.table(*name)?;
                self.properties(properties)
            }
            Altered::Table(name, change) => {
                self.table(*name)?;
                self.table_change(change)
            }
            Altered::Type(name, change) => {
                self.user_type(*name)?;
                self.type_change(change)
            }
        }
    }

    fn table_change(&mut self, change: &TableChange<'_>) -> fmt::Result {
        match change {
            TableChange::Type(column, kind) => self.change_of_type(*column, kind),
            TableChange::Mask { if_exists, column, mask } => {
                self.clause("ALTER")?;
                self.text_if(*if_exists, "IF EXISTS ")?;
                self.name(*column)?;
                self.text_if(mask.is_none(), " DROP MASKED")?;
                self.mask(mask.as_ref())
            }
            TableChange::Check { if_exists, column, checks } => {
                self.clause("ALTER")?;
                self.text_if(*if_exists, "IF EXISTS ")?;
                self.name(*column)?;
                self.text_if(checks.is_empty(), " DROP CHECK")?;
                self.checks(checks)
            }
            TableChange::Add { if_not_exists, columns } => {
                self.clause("ADD")?;
                self.text_if(*if_not_exists, "IF NOT EXISTS ")?;
                match &columns[..] {
                    [column] => self.column(column),
                    columns => self.block(columns, Self::column),
                }
            }
            TableChange::Drop { if_exists, columns, timestamp } => {
                self.clause("DROP")?;
                self.text_if(*if_exists, "IF EXISTS ")?;
                match &columns[..] {
                    [column] => self.name(*column)?,
                    columns => self.columns("(", columns)?,
                }
                if let Some(timestamp) = timestamp {
                    self.clause("USING TIMESTAMP")?;
                    self.literal(*timestamp)?;
                }
                Ok(())
            }
            TableChange::Rename { if_exists, columns } => self.renames(*if_exists, columns),
            TableChange::DropCompactStorage => self.text(" DROP COMPACT STORAGE"),
            TableChange::With(properties) => self.properties(properties),
        }
    }

    fn change_of_type(&mut self, of: Name<'_>, kind: &Type<'_>) -> fmt::Result {
        self.clause("ALTER")?;
        self.name(of)?;
        self.text(" TYPE ")?;
        self.kind(kind)
    }

    fn renames(&mut self, if_exists: bool, renames: &[(Name<'_>, Name<'_>)]) -> fmt::Result {
        self.clause("RENAME")?;
        self.text_if(if_exists, "IF EXISTS ")?;
        self.all_of(renames, |printer, (from, to)| {
            printer.name(*from)?;
            printer.text(" TO ")?;
            printer.name(*to)
        })
    }

    fn type_change(&mut self, change: &TypeChange<'_>) -> fmt::Result {
        match change {
            TypeChange::Type(field, kind) => self.change_of_type(*field, kind),
            TypeChange::Add { if_not_exists, field, kind } => {
                self.clause("ADD")?;
                self.text_if(*if_not_exists, "IF NOT EXISTS ")?;
                self.named(*field, kind)
            }
            TypeChange::Rename { if_exists, fields } => self.renames(*if_exists, fields),
        }
    }

    pub(super) fn drop(&mut self, drop: &Drop<'_>) -> fmt::Result {
        self.text("DROP ")?;
        self.text(match &drop.object {
            Dropped::Keyspace(_) => "KEYSPACE ",
            Dropped::Table(_) => "TABLE ",
            Dropped::Index(_) => "INDEX ",
            Dropped::View(_) => "MATERIALIZED VIEW ",
            Dropped::Type(_) => "TYPE ",
            Dropped::Function(..) => "FUNCTION ",
            Dropped::Aggregate(..) => "AGGREGATE ",
            Dropped::Trigger(..) => "TRIGGER ",
        })?;
        self.text_if(drop.if_exists, "IF EXISTS ")?;
        match &drop.object {
            Dropped::Keyspace(name) => self.name(*name),
            Dropped::Table(name) | Dropped::Index(name) | Dropped::View(name) => self.table(*name),
            Dropped::Type(name) => self.user_type(*name),
            Dropped::Function(name, kinds) | Dropped::Aggregate(name, kinds) => {
                self.table(*name)?;
                kinds.as_ref().map_or(Ok(()), |kinds| {
                    self.text(" ")?;
                    self.kinds(kinds)
                })
            }
            Dropped::Trigger(name, table) => self.trigger_on(*name, *table),
        }
    }

    fn trigger_on(&mut self, name: Name<'_>, table: Table<'_>) -> fmt::Result {
        self.name(name)?;
        self.text(" ON ")?;
        self.table(table)
    }
}
