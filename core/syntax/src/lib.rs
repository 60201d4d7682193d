//! Reads the CQL of Cassandra 5, without dependencies, I/O or async.
//!
//! [`parse`] makes of a statement a tree with positions that borrows from the text. It takes what
//! Cassandra's own parser takes and refuses what that refuses, oddities included: both are compared on
//! thousands of collected statements of all kinds and on millions of mutated ones.
//!
//! ```
//! use cqlstack_syntax::{StatementKind, parse};
//!
//! let update = parse("UPDATE app.users SET name = ?, tags += {'new'} WHERE id = :id")?;
//! assert_eq!(update.kind(), StatementKind::Write);
//! assert!(update.is_idempotent());
//! assert_eq!(update.label(), "UPDATE app.users");
//! assert_eq!(update.markers().len(), 2);
//!
//! let error = parse("DELETE FROM app.users WHERE id = ? IF EXIST").unwrap_err();
//! assert_eq!((error.line(), error.column()), (1, 44));
//! # Ok::<(), cqlstack_syntax::SyntaxError>(())
//! ```
//!
//! [`script`] reads a file of many statements, and [`Schema`] is what they make: keyspaces, tables, columns with
//! their types, as a server has them. A tree is written as text with `{}`, and with `{:#}` over lines where it is
//! long. [`Dialect`] is for what other servers add.
//!
//! Without a schema, what a tree tells ([`Statement::kind`], [`Statement::is_idempotent`]) errs on the
//! careful side. [`normalized`] and [`fingerprint`] are for what all texts share that differ in values
//! only; no literal survives them, and errors show none.
//!
//! A text of any kind ends in a tree or in an error, in time that is linear in its length, also on a
//! stack of 256 KiB: brackets nest to [`DEEPEST`].

pub mod check;
mod dialect;
mod error;
mod facts;
mod format;
mod functions;
mod keyword;
mod lexer;
mod parse;
pub mod schema;
mod token;
mod tree;

pub use dialect::Dialect;
pub use error::SyntaxError;
pub use facts::{
    Bound, Clause, Effect, Facts, Form, GivenValue, InText, Lists, MarkerTarget, Names, Overwrite,
    Restriction, RowLimit, StatementKind, Target, fingerprint, normalized,
};
pub use keyword::Keyword;
pub use lexer::tokens;
pub use parse::{DEEPEST, Scripted, parse, parse_type, script, utf8, verb};
pub use schema::{Column, ColumnRole, DataType, Schema, SchemaError};
pub use token::{Span, Token, TokenKind};
pub use tree::{
    AggregateDefinition, Alter, Altered, ArithmeticOperator, Assignment, Batch, BatchKind, Change,
    Check, ColumnDefinition, Comparand, Condition, Create, Created, Delete, Deletion, Describe,
    Described, Drop, Dropped, Function, FunctionDefinition, IndexDefinition, IndexPart, Insert,
    InsertRow, JsonDefault, Literal, LiteralKind, Marker, Mask, Name, Operand, Operator, Ordering,
    Part, Permissions, PrimaryKey, Property, PropertyValue, Prune, Relation, Resource, RoleName,
    RoleOption, Roles, Select, Selection, Selector, Statement, Step, Table, TableChange,
    TableDefinition, TableOption, Term, TermKind, Truncate, Type, TypeChange, TypeKind, Update,
    Use, UserPassword, UsingOption, UsingParameter, ViewDefinition, quoted,
};
