//! What a script of `CREATE` and `ALTER` statements makes: a model that owns its names.

mod alter;
mod create;
mod error;
mod kind;
mod place;

use std::collections::{BTreeMap, BTreeSet};

pub(crate) use self::error::NotApplied;
pub use self::error::SchemaError;
use self::error::{Fault, Outcome};
pub use self::kind::DataType;
use crate::parse::{Scripted, script};
use crate::tree::{Create, Created, IndexPart, Name, PropertyValue, Statement, Table as TableName};

/// Keyspaces and what is in them, by name, as a server keeps them: in small letters, unless they were quoted.
///
/// It takes what changes the schema, and `USE`; statements about rows and roles change nothing here. Of the rules
/// for a schema it knows those without which a model means nothing: names are there or not, types exist, a table
/// has a primary key of its own columns. For the others there is a server.
///
/// ```
/// use cqlstack_syntax::{ColumnRole, Schema};
///
/// let schema = Schema::from_script(
///     "CREATE KEYSPACE app WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1};
///      USE app;
///      CREATE TYPE address (street text, zip int);
///      CREATE TABLE users (id uuid, \"Name\" varchar, home frozen<address>, PRIMARY KEY (id, \"Name\"));
///      ALTER TABLE users ADD tags set<text>;",
/// )?;
/// let users = schema.table("app", "users").unwrap();
/// let kinds: Vec<_> = users.columns.iter().map(|it| format!("{} {}", it.name, it.kind)).collect();
/// assert_eq!(kinds, ["id uuid", "Name text", "home frozen<address>", "tags set<text>"]);
/// assert_eq!(users.columns[1].role, ColumnRole::Clustering { position: 0, descending: false });
///
/// let error = Schema::from_script("USE app;\nCREATE TABLE t (k int PRIMARY KEY)").unwrap_err();
/// assert_eq!(error.to_string(), "line 1, column 5: there is no keyspace app");
/// # Ok::<(), cqlstack_syntax::SchemaError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Schema {
    keyspaces: BTreeMap<String, Keyspace>,
}

/// A keyspace.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Keyspace {
    /// Its options.
    pub properties: BTreeMap<String, Property>,
    /// Its tables and materialized views.
    pub tables: BTreeMap<String, Table>,
    /// The indexes of its tables.
    pub indexes: BTreeMap<String, Index>,
    /// Its types: their fields in order.
    pub types: BTreeMap<String, Vec<(String, DataType)>>,
    /// Its functions.
    pub functions: Vec<Function>,
    /// Its aggregates.
    pub aggregates: Vec<Function>,
}

/// A table or a materialized view.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Table {
    /// Its columns: those of the partition key, the clustering columns, and the others as they were defined.
    pub columns: Vec<Column>,
    /// Its options.
    pub properties: BTreeMap<String, Property>,
    /// The table that it is a view of, in the same keyspace.
    pub view_of: Option<String>,
    /// Of a view, that it is `SELECT *`: it has what columns the table gets.
    has_all: bool,
    /// Its views and its indexes, by name: they are not to be looked for among those of all tables.
    views: BTreeSet<String>,
    indexes: BTreeSet<String>,
    /// Whether it has `COMPACT STORAGE`, whose rules for keys are others.
    pub is_compact: bool,
    /// Its triggers: the class of each.
    pub triggers: BTreeMap<String, String>,
}

/// A column.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: DataType,
    /// What it is for.
    pub role: ColumnRole,
    /// Whether its values are masked.
    pub is_masked: bool,
}

/// What a column is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ColumnRole {
    /// It is part of the partition key.
    PartitionKey {
        /// Where, from 0.
        position: usize,
    },
    /// It orders the rows of a partition.
    Clustering {
        /// Where, from 0.
        position: usize,
        /// `DESC`
        descending: bool,
    },
    /// All rows of a partition share it.
    Static,
    /// Any other.
    Regular,
}

impl ColumnRole {
    /// Whether it is part of the primary key.
    #[must_use]
    pub const fn is_key(self) -> bool {
        matches!(self, Self::PartitionKey { .. } | Self::Clustering { .. })
    }
}

/// An index.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Index {
    /// The table that it is of.
    pub table: String,
    /// What it is of.
    pub targets: Vec<(IndexPart, String)>,
    /// The class that makes it; none for the server's own kind.
    pub class: Option<String>,
    /// Its options.
    pub options: BTreeMap<String, String>,
}

/// A function or an aggregate.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The types of its arguments.
    pub arguments: Vec<DataType>,
    /// The type of what it returns; of an aggregate without a final function, of its state. None where the
    /// final function is not known.
    pub returns: Option<DataType>,
}

/// An option of a keyspace or table, without quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Property {
    /// `gc_grace_seconds = 10`
    Text(String),
    /// `compaction = {'class': 'x'}`
    Map(BTreeMap<String, String>),
}

impl Schema {
    /// What a script makes from nothing.
    ///
    /// # Errors
    ///
    /// As [`apply`](Self::apply).
    pub fn from_script(text: &str) -> Result<Self, SchemaError> {
        let mut schema = Self::default();
        schema.apply(text, None)?;
        Ok(schema)
    }

    /// Changes it as a script says. Names without a keyspace are of this one, which is made if it is not there,
    /// until the script says `USE`. Gives the keyspace that is in use in the end.
    ///
    /// ```
    /// use cqlstack_syntax::Schema;
    ///
    /// let mut schema = Schema::default();
    /// let keyspace = schema.apply("CREATE KEYSPACE app WITH a = 1; USE app", None)?;
    /// assert_eq!(keyspace.as_deref(), Some("app"));
    /// # Ok::<(), cqlstack_syntax::SchemaError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// With its place: what [`script`] refuses; what is there already or is not there; a type that is not known;
    /// a name without a keyspace where none is in use; a primary key that is none. What came before is applied.
    pub fn apply(
        &mut self,
        text: &str,
        keyspace: Option<&str>,
    ) -> Result<Option<String>, SchemaError> {
        self.apply_all(&script(text)?, keyspace)
    }

    /// The same with statements that were read before, as in another [`Dialect`](crate::Dialect).
    ///
    /// # Errors
    ///
    /// As [`apply`](Self::apply), but for syntax errors.
    pub fn apply_all(
        &mut self,
        statements: &[Scripted<'_>],
        keyspace: Option<&str>,
    ) -> Result<Option<String>, SchemaError> {
        let mut current = keyspace.map(str::to_owned);
        if let Some(keyspace) = &current {
            self.keyspaces.entry(keyspace.clone()).or_default();
        }
        for scripted in statements {
            let changed = self.change(&scripted.statement, &mut current);
            changed.map_err(|fault| SchemaError::new(scripted, fault))?;
        }
        Ok(current)
    }

    /// All keyspaces, in the order of their names.
    pub fn keyspaces(&self) -> impl Iterator<Item = (&str, &Keyspace)> {
        self.keyspaces.iter().map(|(name, keyspace)| (name.as_str(), keyspace))
    }

    /// A keyspace, by its name as the server has it.
    #[must_use]
    pub fn keyspace(&self, name: &str) -> Option<&Keyspace> {
        self.keyspaces.get(name)
    }

    /// A keyspace with its name.
    pub(crate) fn named(&self, name: &str) -> Option<(&str, &Keyspace)> {
        let (name, keyspace) = self.keyspaces.get_key_value(name)?;
        Some((name, keyspace))
    }

    /// A table or view, by its names as the server has them.
    #[must_use]
    pub fn table(&self, keyspace: &str, name: &str) -> Option<&Table> {
        self.keyspaces.get(keyspace)?.tables.get(name)
    }

    /// Whether a statement could be applied, but for what it makes or adds being there already; else where it could
    /// not, and why.
    pub(crate) fn would_apply(
        &self,
        statement: &Statement<'_>,
        keyspace: Option<&str>,
    ) -> Result<(), NotApplied> {
        let mut current = keyspace.map(str::to_owned);
        let adds = matches!(statement, Statement::Alter(_));
        match self.clone().change(statement, &mut current) {
            Ok(()) => Ok(()),
            Err(fault) if fault.is_existing() || adds && fault.is_there() => Ok(()),
            Err(fault) => Err(fault.into()),
        }
    }

    /// Whether a statement is about what the server has made, and the script has not.
    fn is_left_out(&self, statement: &Statement<'_>, current: Option<&str>) -> bool {
        let named = match statement {
            Statement::Create(Create { object: Created::Keyspace(..), .. }) => return false,
            Statement::Create(create) => create.object.keyspace(),
            Statement::Alter(alter) => alter.object.keyspace(),
            Statement::Drop(drop) => drop.object.keyspace(),
            _ => return false,
        };
        let named = named.map(|keyspace| keyspace.resolved());
        let is_theirs = |name: &str| is_system(name) && !self.keyspaces.contains_key(name);
        named.as_deref().or(current).is_some_and(is_theirs)
    }

    fn change(&mut self, statement: &Statement<'_>, current: &mut Option<String>) -> Outcome<()> {
        if self.is_left_out(statement, current.as_deref()) {
            return Ok(());
        }
        match statement {
            Statement::Use(of) if is_system(&of.keyspace.resolved()) => {
                *current = Some(of.keyspace.resolved().into_owned());
                Ok(())
            }
            Statement::Use(of) => {
                let name = of.keyspace.resolved().into_owned();
                self.keyspace_mut(&name).map_err(|fault| fault.at(of.keyspace.span()))?;
                *current = Some(name);
                Ok(())
            }
            // What has no closer place is about what the statement names.
            Statement::Create(create) => self
                .create(create, current.as_deref())
                .map_err(|fault| fault.at(create.object.name())),
            Statement::Alter(alter) => {
                self.alter(alter, current.as_deref()).map_err(|fault| fault.at(alter.object.name()))
            }
            Statement::Drop(drop) => {
                self.drop(drop, current.as_deref()).map_err(|fault| fault.at(drop.object.name()))
            }
            _ => Ok(()),
        }
    }

    fn keyspace_mut(&mut self, name: &str) -> Outcome<&mut Keyspace> {
        let missing = || Fault::missing("keyspace", name.to_owned());
        self.keyspaces.get_mut(name).ok_or_else(missing)
    }
}

/// Whether it is one of the server's own keyspaces, which no script makes.
pub(crate) fn is_system(keyspace: &str) -> bool {
    keyspace == "system" || keyspace.starts_with("system_")
}

/// The keyspace and the name that are meant.
fn resolve(name: TableName<'_>, current: Option<&str>) -> Outcome<(String, String)> {
    let own = name.name.resolved().into_owned();
    match (name.keyspace, current) {
        (Some(keyspace), _) => Ok((keyspace.resolved().into_owned(), own)),
        (None, Some(current)) => Ok((current.to_owned(), own)),
        (None, None) => Err(Fault::no_keyspace(own).at(name.span())),
    }
}

fn owned(name: Name<'_>) -> String {
    name.resolved().into_owned()
}

fn properties(list: &[crate::tree::Property<'_>]) -> BTreeMap<String, Property> {
    list.iter().map(|property| (owned(property.name), value(&property.value))).collect()
}

fn value(value: &PropertyValue<'_>) -> Property {
    match value {
        PropertyValue::Literal(literal) => Property::Text(literal.text().into_owned()),
        PropertyValue::Word(word) => Property::Text(owned(*word)),
        PropertyValue::Map(map) => Property::Map(
            map.iter()
                .map(|(key, value)| (key.text().into_owned(), value.text().into_owned()))
                .collect(),
        ),
    }
}
