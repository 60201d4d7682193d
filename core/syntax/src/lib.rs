//! A CQL lexer and parser for Cassandra 5, without dependencies, I/O or async.
//!
//! It reads a statement as Cassandra's own parser does, oddities included, into a tree with positions
//! that borrows from the text. `SELECT`, `INSERT`, `UPDATE`, `DELETE`, `BATCH`, `TRUNCATE` and `USE` are
//! read in full; of any other statement only the first words.
//!
//! ```
//! use cqlstack_syntax::{Statement, parse};
//!
//! let statement = parse("DELETE FROM app.users WHERE id = ? IF EXISTS")?;
//! assert!(matches!(statement, Statement::Delete(_)));
//!
//! let error = parse("DELETE FROM app.users WHERE id = ? IF EXIST").unwrap_err();
//! assert_eq!((error.line(), error.column()), (1, 44));
//! # Ok::<(), cqlstack_syntax::SyntaxError>(())
//! ```

mod error;
mod facts;
mod keyword;
mod lexer;
mod parse;
mod token;
mod tree;

pub use error::SyntaxError;
pub use facts::{
    Bound, Clause, InText, Restriction, StatementKind, Target, fingerprint, normalized,
};
pub use keyword::Keyword;
pub use lexer::tokens;
pub use parse::{DEEPEST, parse};
pub use token::{Span, Token, TokenKind};
pub use tree::{
    ArithmeticOperator, Assignment, Batch, BatchKind, Change, Comparand, Condition, Delete,
    Deletion, Family, Function, Insert, InsertRow, JsonDefault, Literal, LiteralKind, Marker, Name,
    Operand, Operator, Ordering, Part, Relation, Select, Selection, Selector, Statement, Step,
    Table, Term, TermKind, Truncate, Type, Unread, Update, Use, UsingOption, UsingParameter, Write,
};
