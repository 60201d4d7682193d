//! Statements that change the schema.

use super::{Function, Literal, Name, Operator, Relation, Selection, Table, Term, Type};

/// A `CREATE`, but of a role.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Create<'t> {
    /// `OR REPLACE`, of functions and aggregates.
    pub or_replace: bool,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// What is made.
    pub object: Created<'t>,
}

/// What a [`Create`] makes.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Created<'t> {
    /// `CREATE KEYSPACE`
    Keyspace(Name<'t>, Vec<Property<'t>>),
    /// `CREATE TABLE`
    Table(Box<TableDefinition<'t>>),
    /// `CREATE TYPE`: its fields.
    Type(Table<'t>, Vec<(Name<'t>, Type<'t>)>),
    /// `CREATE INDEX`
    Index(Box<IndexDefinition<'t>>),
    /// `CREATE MATERIALIZED VIEW`
    View(Box<ViewDefinition<'t>>),
    /// `CREATE FUNCTION`
    Function(Box<FunctionDefinition<'t>>),
    /// `CREATE AGGREGATE`
    Aggregate(Box<AggregateDefinition<'t>>),
    /// `CREATE TRIGGER`: its name, its table, its class.
    Trigger(Name<'t>, Table<'t>, Literal<'t>),
}

/// An option of a keyspace, a table, a view, an index.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Property<'t> {
    /// Its name.
    pub name: Name<'t>,
    /// What it is set to.
    pub value: PropertyValue<'t>,
}

/// What a [`Property`] is set to.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum PropertyValue<'t> {
    /// `gc_grace_seconds = 10`
    Literal(Literal<'t>),
    /// `speculative_retry = all`: a word that is no value elsewhere.
    Word(Name<'t>),
    /// `compaction = {'class': 'UnifiedCompactionStrategy'}`
    Map(Vec<(Literal<'t>, Literal<'t>)>),
}

/// A `CREATE TABLE`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TableDefinition<'t> {
    /// The table.
    pub name: Table<'t>,
    /// Its columns, in the order of the text.
    pub columns: Vec<ColumnDefinition<'t>>,
    /// `PRIMARY KEY (…)`, unless a column is said to be it.
    pub key: Option<PrimaryKey<'t>>,
    /// `WITH`
    pub options: Vec<TableOption<'t>>,
}

/// One column of a table.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ColumnDefinition<'t> {
    /// Its name.
    pub name: Name<'t>,
    /// Its type.
    pub kind: Type<'t>,
    /// `STATIC`
    pub is_static: bool,
    /// `MASKED WITH`
    pub mask: Option<Mask<'t>>,
    /// `CHECK`, of the next Cassandra; all have to hold.
    pub checks: Vec<Check<'t>>,
    /// `PRIMARY KEY`
    pub is_primary_key: bool,
}

/// What hides a column's values.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Mask<'t> {
    /// `MASKED WITH DEFAULT`
    Default,
    /// `MASKED WITH mask_inner(1, null)`
    Function(Function<'t>),
}

/// What a column's values have to be: a column, or a function of it, compared with a literal; or a function
/// alone.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Check<'t> {
    /// The function.
    pub function: Option<Name<'t>>,
    /// The column.
    pub column: Name<'t>,
    /// How it is compared, and with what.
    pub comparison: Option<(Operator, Literal<'t>)>,
}

/// `PRIMARY KEY ((a, b), c)`
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PrimaryKey<'t> {
    /// The partition key.
    pub partition: Vec<Name<'t>>,
    /// The clustering columns.
    pub clustering: Vec<Name<'t>>,
}

/// What follows `WITH` of a table or view.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum TableOption<'t> {
    /// `comment = 'x'`
    Property(Property<'t>),
    /// `COMPACT STORAGE`
    CompactStorage,
    /// `CLUSTERING ORDER BY (a ASC, b DESC)`: each column, and whether it is descending.
    ClusteringOrder(Vec<(Name<'t>, bool)>),
}

/// A `CREATE INDEX`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct IndexDefinition<'t> {
    /// `CUSTOM`
    pub custom: bool,
    /// Its name; the server makes one of table and column.
    pub name: Option<Name<'t>>,
    /// The table.
    pub table: Table<'t>,
    /// What of it; empty for a few custom ones.
    pub targets: Vec<(IndexPart, Name<'t>)>,
    /// `USING 'sai'`
    pub class: Option<Literal<'t>>,
    /// `WITH`
    pub properties: Vec<Property<'t>>,
}

/// What of a column is indexed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IndexPart {
    /// `(a)`
    Column,
    /// `(VALUES(a))`
    Values,
    /// `(KEYS(a))`
    Keys,
    /// `(ENTRIES(a))`
    Entries,
    /// `(FULL(a))`
    Full,
}

/// A `CREATE MATERIALIZED VIEW`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ViewDefinition<'t> {
    /// The view.
    pub name: Table<'t>,
    /// Its columns.
    pub selection: Selection<'t>,
    /// The table that it is of.
    pub from: Table<'t>,
    /// `WHERE`
    pub relations: Vec<Relation<'t>>,
    /// Its primary key.
    pub key: PrimaryKey<'t>,
    /// `WITH`
    pub options: Vec<TableOption<'t>>,
}

/// A `CREATE FUNCTION`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FunctionDefinition<'t> {
    /// The function.
    pub name: Table<'t>,
    /// Its arguments.
    pub arguments: Vec<(Name<'t>, Type<'t>)>,
    /// `CALLED ON NULL INPUT`, not `RETURNS NULL ON NULL INPUT`.
    pub called_on_null: bool,
    /// What it returns.
    pub returns: Type<'t>,
    /// In which language its body is.
    pub language: Name<'t>,
    /// Its body, a string.
    pub body: Literal<'t>,
}

/// A `CREATE AGGREGATE`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AggregateDefinition<'t> {
    /// The aggregate.
    pub name: Table<'t>,
    /// The types of its arguments.
    pub arguments: Vec<Type<'t>>,
    /// `SFUNC`
    pub state_function: Name<'t>,
    /// `STYPE`
    pub state: Type<'t>,
    /// `FINALFUNC`
    pub final_function: Option<Name<'t>>,
    /// `INITCOND`
    pub initial: Option<Term<'t>>,
}

/// An `ALTER`, but of a role.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Alter<'t> {
    /// `IF EXISTS`
    pub if_exists: bool,
    /// What is changed.
    pub object: Altered<'t>,
}

/// What an [`Alter`] changes.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Altered<'t> {
    /// `ALTER KEYSPACE … WITH`
    Keyspace(Name<'t>, Vec<Property<'t>>),
    /// `ALTER TABLE`
    Table(Table<'t>, Box<TableChange<'t>>),
    /// `ALTER MATERIALIZED VIEW … WITH`
    View(Table<'t>, Vec<Property<'t>>),
    /// `ALTER TYPE`
    Type(Table<'t>, Box<TypeChange<'t>>),
}

/// What becomes of a table.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum TableChange<'t> {
    /// `ALTER a TYPE text`, which servers of today refuse.
    Type(Name<'t>, Type<'t>),
    /// `ALTER [IF EXISTS] a MASKED WITH …`, `DROP MASKED`
    Mask {
        /// `IF EXISTS`
        if_exists: bool,
        /// The column.
        column: Name<'t>,
        /// Its mask from now on.
        mask: Option<Mask<'t>>,
    },
    /// `ALTER [IF EXISTS] a CHECK …`, `DROP CHECK`, of the next Cassandra.
    Check {
        /// `IF EXISTS`
        if_exists: bool,
        /// The column.
        column: Name<'t>,
        /// Its checks from now on.
        checks: Vec<Check<'t>>,
    },
    /// `ADD [IF NOT EXISTS] a int`
    Add {
        /// `IF NOT EXISTS`
        if_not_exists: bool,
        /// The columns.
        columns: Vec<ColumnDefinition<'t>>,
    },
    /// `DROP [IF EXISTS] a`
    Drop {
        /// `IF EXISTS`
        if_exists: bool,
        /// The columns.
        columns: Vec<Name<'t>>,
        /// `USING TIMESTAMP`
        timestamp: Option<Literal<'t>>,
    },
    /// `RENAME [IF EXISTS] a TO b`
    Rename {
        /// `IF EXISTS`
        if_exists: bool,
        /// From and to.
        columns: Vec<(Name<'t>, Name<'t>)>,
    },
    /// `DROP COMPACT STORAGE`
    DropCompactStorage,
    /// `WITH`
    With(Vec<Property<'t>>),
}

/// What becomes of a user-defined type.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum TypeChange<'t> {
    /// `ALTER a TYPE text`, which servers of today refuse.
    Type(Name<'t>, Type<'t>),
    /// `ADD [IF NOT EXISTS] a int`
    Add {
        /// `IF NOT EXISTS`
        if_not_exists: bool,
        /// The field.
        field: Name<'t>,
        /// Its type.
        kind: Type<'t>,
    },
    /// `RENAME [IF EXISTS] a TO b`
    Rename {
        /// `IF EXISTS`
        if_exists: bool,
        /// From and to.
        fields: Vec<(Name<'t>, Name<'t>)>,
    },
}

/// A `DROP`, but of a role.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Drop<'t> {
    /// `IF EXISTS`
    pub if_exists: bool,
    /// What goes.
    pub object: Dropped<'t>,
}

/// What a [`Drop`] removes.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Dropped<'t> {
    /// `DROP KEYSPACE`
    Keyspace(Name<'t>),
    /// `DROP TABLE`
    Table(Table<'t>),
    /// `DROP INDEX`
    Index(Table<'t>),
    /// `DROP MATERIALIZED VIEW`
    View(Table<'t>),
    /// `DROP TYPE`
    Type(Table<'t>),
    /// `DROP FUNCTION`, with the types of its arguments where there are several of the name.
    Function(Table<'t>, Option<Vec<Type<'t>>>),
    /// `DROP AGGREGATE`
    Aggregate(Table<'t>, Option<Vec<Type<'t>>>),
    /// `DROP TRIGGER`: its name, its table.
    Trigger(Name<'t>, Table<'t>),
}
