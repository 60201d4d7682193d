//! Types that the driver cannot read.

use std::fmt;

use scylla::errors::RequestAttemptError;
use scylla::frame::frame_errors::{
    ColumnSpecParseError, ColumnSpecParseErrorKind, CqlResultParseError, CqlTypeParseError,
    CustomTypeParseError, PreparedMetadataParseError, PreparedParseError,
    ResultMetadataAndRowsCountParseError, ResultMetadataParseError,
};

use crate::one_line::OneLine;

/// A type that the driver cannot read: a Java class that is no native type, or a type of a later server. It
/// understands no statement and no answer that has a column of this type.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnreadableType {
    /// The keyspace of the column; empty if the session does not know it, as the next two.
    pub keyspace: String,
    /// The table of the column.
    pub table: String,
    /// The column.
    pub column: String,
    /// The type, as the schema of the server has it; as the driver calls it if the session does not know the
    /// column.
    pub type_name: String,
    /// Whether the statement was executed, and its answer could not be read; else it could not be prepared.
    pub executed: bool,
}

/// Where the driver does not tell the class.
pub(crate) const UNTOLD_CLASS: &str = "of a Java class";

impl UnreadableType {
    fn new(type_name: String, executed: bool) -> Self {
        let (keyspace, table, column) = <(String, String, String)>::default();
        Self { keyspace, table, column, type_name, executed }
    }
}

impl fmt::Display for UnreadableType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { keyspace, table, column, type_name, .. } = self;
        if column.is_empty() {
            f.write_str("a column")?;
        } else {
            write!(f, "column {} of {}.{}", OneLine(column), OneLine(keyspace), OneLine(table))?;
        }
        write!(f, " has the type {}, which the driver cannot read", OneLine(type_name))
    }
}

/// Of an attempt, if such a type is the reason.
pub(super) fn of_attempt(error: &RequestAttemptError) -> Option<UnreadableType> {
    let RequestAttemptError::CqlResultParseError(error) = error else { return None };
    let (type_name, executed) = match error {
        CqlResultParseError::PreparedParseError(error) => (of_prepared(error)?, false),
        CqlResultParseError::ResultMetadataParseError(error) => (of_rows(error)?, true),
        _ => return None,
    };
    Some(UnreadableType::new(type_name, executed))
}

/// Of rows, of which the driver reads the columns late.
pub(crate) fn of_answer(error: &ResultMetadataAndRowsCountParseError) -> Option<UnreadableType> {
    Some(UnreadableType::new(of_rows(error)?, true))
}

fn of_prepared(error: &PreparedParseError) -> Option<String> {
    match error {
        PreparedParseError::ResultMetadataParseError(error) => of_result(error),
        PreparedParseError::PreparedMetadataParseError(
            PreparedMetadataParseError::ColumnSpecParseError(error),
        ) => of_column(error),
        _ => None,
    }
}

fn of_rows(error: &ResultMetadataAndRowsCountParseError) -> Option<String> {
    match error {
        ResultMetadataAndRowsCountParseError::ResultMetadataParseError(error) => of_result(error),
        _ => None,
    }
}

fn of_result(error: &ResultMetadataParseError) -> Option<String> {
    match error {
        ResultMetadataParseError::ColumnSpecParseError(error) => of_column(error),
        _ => None,
    }
}

/// What is cut short is no type.
fn of_column(error: &ColumnSpecParseError) -> Option<String> {
    let ColumnSpecParseErrorKind::ColumnTypeParseError(error) = &error.kind else { return None };
    match error {
        CqlTypeParseError::CustomTypeUnsupported(class)
        | CqlTypeParseError::CustomTypeParseError(
            CustomTypeParseError::UnknownSimpleCustomTypeName(class)
            | CustomTypeParseError::UnknownComplexCustomTypeName(class),
        ) => Some(class.clone()),
        CqlTypeParseError::CustomTypeParseError(_) => Some(UNTOLD_CLASS.to_owned()),
        CqlTypeParseError::TypeNotImplemented(id) => Some(format!("number {id:#x}")),
        _ => None,
    }
}
