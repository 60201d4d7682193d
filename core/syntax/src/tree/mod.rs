//! What a statement consists of. Everything borrows from the text; nothing is copied.

mod again;
mod name;
mod relation;
mod role;
mod schema;
mod select;
mod term;
mod types;
mod write;

pub(crate) use name::needs_no_quotes;
pub use name::{Name, Table, quoted};
pub use relation::{Comparand, Operand, Operator, Relation};
pub use role::{
    Describe, Described, Permissions, Resource, RoleName, RoleOption, Roles, UserPassword,
};
pub use schema::{
    AggregateDefinition, Alter, Altered, Check, ColumnDefinition, Create, Created, Drop, Dropped,
    FunctionDefinition, IndexDefinition, IndexPart, Mask, PrimaryKey, Property, PropertyValue,
    TableChange, TableDefinition, TableOption, TypeChange, ViewDefinition,
};
pub use select::{Ordering, Select, Selection, Selector};
pub use term::{ArithmeticOperator, Function, Literal, LiteralKind, Marker, Step, Term, TermKind};
pub use types::{Type, TypeKind};
pub use write::{
    Assignment, Batch, BatchKind, Change, Condition, Delete, Deletion, Insert, InsertRow,
    JsonDefault, Part, Prune, Truncate, Update, Use, UsingOption, UsingParameter,
};

/// A statement as it was written.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Statement<'t> {
    /// `SELECT`
    Select(Select<'t>),
    /// `INSERT`
    Insert(Insert<'t>),
    /// `UPDATE`
    Update(Update<'t>),
    /// `DELETE`
    Delete(Delete<'t>),
    /// `BEGIN BATCH … APPLY BATCH`
    Batch(Batch<'t>),
    /// `TRUNCATE`
    Truncate(Truncate<'t>),
    /// `USE`
    Use(Use<'t>),
    /// `PRUNE MATERIALIZED VIEW`
    Prune(Prune<'t>),
    /// `CREATE`, but of a role.
    Create(Create<'t>),
    /// `ALTER`, but of a role.
    Alter(Alter<'t>),
    /// `DROP`, but of a role.
    Drop(Drop<'t>),
    /// Roles, users, identities, permissions.
    Roles(Roles<'t>),
    /// `DESCRIBE`
    Describe(Describe<'t>),
}
