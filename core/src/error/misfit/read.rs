//! Columns and bytes that were to be read.

use scylla::deserialize::{DeserializationError, TypeCheckError, row as de_row, value as de_value};
use scylla::frame::response::result::ColumnType;

use super::super::type_names::{cql, rust, rust_for};
use super::{Misfit, count};

/// Columns that are no row of the type that was asked for.
pub(crate) fn columns(error: &TypeCheckError) -> String {
    columns_of(error).to_string()
}

fn columns_of(error: &TypeCheckError) -> Misfit {
    use de_row::BuiltinTypeCheckErrorKind as Kind;

    let Some(error) = error.downcast_ref::<de_row::BuiltinTypeCheckError>() else {
        return asked_type(error);
    };
    let asked = rust(error.rust_name);
    match &error.kind {
        Kind::WrongColumnCount { rust_cols, cql_cols } => {
            misfit!("there are {}, and `{asked}` has {rust_cols}", count(*cql_cols, "column"))
        }
        Kind::ColumnWithUnknownName { column_name, .. } => {
            misfit!("`{asked}` has no column {column_name}: add it, or do not select it")
        }
        Kind::ValuesMissingForColumns { column_names } => {
            misfit!(
                "there is no column {}, which `{asked}` has: select it",
                column_names.join(", ")
            )
        }
        Kind::ColumnNameMismatch { rust_column_name, db_column_name, .. } => misfit!(
            "the column {db_column_name} is where `{asked}` has {rust_column_name}: order its fields as they are selected"
        ),
        Kind::ColumnTypeCheckFailed { column_name, err, .. } => {
            asked_type(err).within(format_args!("column {column_name}"))
        }
        Kind::DuplicatedColumn { column_name, .. } => {
            misfit!("the column {column_name} is there twice: select it once, or read a tuple")
        }
        _ => misfit!("the columns are no `{asked}`"),
    }
}

fn asked_type(error: &TypeCheckError) -> Misfit {
    use de_value::{
        BuiltinTypeCheckErrorKind as Kind, MapTypeCheckErrorKind as Map,
        SetOrListTypeCheckErrorKind as List, TupleTypeCheckErrorKind as Tuple,
        UdtTypeCheckErrorKind as Udt, VectorTypeCheckErrorKind as Vector,
    };

    let Some(error) = error.downcast_ref::<de_value::BuiltinTypeCheckError>() else {
        return "the type's own look at the columns failed".into();
    };
    let (asked, kind) = (rust(error.rust_name), cql(&error.cql_type));
    match &error.kind {
        Kind::SetOrListError(List::ElementTypeCheckFailed(error))
        | Kind::VectorError(Vector::ElementTypeCheckFailed(error)) => {
            asked_type(error).within("an element")
        }
        Kind::MapError(Map::KeyTypeCheckFailed(error)) => asked_type(error).within("a key"),
        Kind::MapError(Map::ValueTypeCheckFailed(error)) => asked_type(error).within("a value"),
        Kind::TupleError(Tuple::WrongElementCount { rust_type_el_count, cql_type_el_count }) => {
            let has = count(*cql_type_el_count, "element");
            misfit!("{kind} has {has}, and `{asked}` has {rust_type_el_count}")
        }
        Kind::TupleError(Tuple::FieldTypeCheckFailed { position, err }) => {
            asked_type(err).within(format_args!("element {position} (from 0)"))
        }
        Kind::UdtError(Udt::ValuesMissingForUdtFields { field_names }) => {
            let names = field_names.join(", ");
            misfit!("{kind} has no field {names}, as `{asked}` has: leave it out, or rename it")
        }
        Kind::UdtError(Udt::FieldNameMismatch { rust_field_name, db_field_name, .. }) => misfit!(
            "{kind} has the field {db_field_name} where `{asked}` has {rust_field_name}: order its fields as the type does"
        ),
        Kind::UdtError(Udt::ExcessFieldInUdt { db_field_name }) => {
            misfit!("{kind} has the field {db_field_name}, and `{asked}` has not: add it")
        }
        Kind::UdtError(Udt::DuplicatedField { field_name }) => {
            misfit!("{kind} has the field {field_name} twice")
        }
        Kind::UdtError(Udt::TooFewFields { required_fields, present_fields }) => {
            let has = count(present_fields.len(), "field");
            misfit!("{kind} has {has}, and `{asked}` has {}", required_fields.len())
        }
        Kind::UdtError(Udt::FieldTypeCheckFailed { field_name, err }) => {
            asked_type(err).within(format_args!("field {field_name}"))
        }
        _ => {
            misfit!(
                "{kind} is read as `{}`, and `{asked}` was asked for",
                rust_for(&error.cql_type)
            )
        }
    }
}

/// What a server sent is no row of the type that was asked for.
pub(crate) fn decoded(error: &DeserializationError) -> String {
    decoded_row(error).to_string()
}

fn decoded_row(error: &DeserializationError) -> Misfit {
    use de_row::BuiltinDeserializationErrorKind as Kind;

    let Some(error) = error.downcast_ref::<de_row::BuiltinDeserializationError>() else {
        return decoded_value(error);
    };
    match &error.kind {
        Kind::ColumnDeserializationFailed { column_name, err, .. } => {
            decoded_value(err).within(format_args!("column {column_name}"))
        }
        _ => "its bytes do not form a row".into(),
    }
}

fn decoded_value(error: &DeserializationError) -> Misfit {
    use de_value::{
        BuiltinDeserializationErrorKind as Kind, MapDeserializationErrorKind as Map,
        SetOrListDeserializationErrorKind as List, TupleDeserializationErrorKind as Tuple,
        VectorDeserializationErrorKind as Vector,
    };

    let Some(error) = error.downcast_ref::<de_value::BuiltinDeserializationError>() else {
        return "the type's own deserialization failed".into();
    };
    let (asked, kind) = (rust(error.rust_name), cql(&error.cql_type));
    match &error.kind {
        Kind::ExpectedNonNull => {
            misfit!("{kind} is null, and `{asked}` cannot be null: read `Option<{asked}>`")
        }
        Kind::ByteLengthMismatch { got: 0, .. } | Kind::BadInetLength { got: 0 } => {
            let is_empty = "is empty, a value of no bytes and not null";
            match may_be_empty(&asked) {
                Some(read) => {
                    misfit!("{kind} {is_empty}, and `{asked}` cannot be empty: read `{read}`")
                }
                None => misfit!("{kind} {is_empty}, and `{asked}` cannot be empty"),
            }
        }
        // How many there are is not told.
        Kind::BadDecimalScale(_) => misfit!(
            "{kind} has less than 4 bytes: read `{}`, if it is empty",
            may_be_empty(&asked).unwrap_or(asked)
        ),
        Kind::ByteLengthMismatch { expected, got } => {
            misfit!("{kind} has {}, and `{asked}` takes {expected}", count(*got, "byte"))
        }
        Kind::BadInetLength { got } => {
            misfit!("{kind} has {}, and an address has 4 or 16", count(*got, "byte"))
        }
        Kind::ExpectedAscii => misfit!("{kind} has bytes that are not ASCII"),
        Kind::InvalidUtf8(_) => misfit!("{kind} has bytes that are not UTF-8"),
        Kind::ValueOverflow => {
            misfit!(
                "{kind} is beyond what `{asked}` can hold: read `{}`",
                rust_for(&error.cql_type)
            )
        }
        Kind::SetOrListError(List::ElementDeserializationFailed(error))
        | Kind::VectorError(Vector::ElementDeserializationFailed(error)) => {
            decoded_value(error).within("an element")
        }
        Kind::MapError(Map::KeyDeserializationFailed(error)) => {
            decoded_value(error).within("a key")
        }
        Kind::MapError(Map::ValueDeserializationFailed(error)) => {
            decoded_value(error).within("a value")
        }
        Kind::TupleError(Tuple::FieldDeserializationFailed { position, err }) => {
            decoded_value(err).within(format_args!("element {position} (from 0)"))
        }
        Kind::UdtError(of) => decoded_field(&of.to_string(), &error.cql_type, &asked),
        _ => misfit!("its bytes are no {kind}"),
    }
}

/// A field of a user-defined type. What the driver says of it is all that is there: it exports the error for its derive alone.
fn decoded_field(said: &str, kind: &ColumnType<'_>, asked: &str) -> Misfit {
    let ColumnType::UserDefinedType { definition, .. } = kind else {
        return misfit!("its bytes are no `{asked}`");
    };
    let field =
        said.strip_prefix("field ").and_then(|said| said.split_once(" failed")).map(|it| it.0);
    let field = definition.field_types.iter().find(|(name, _)| Some(&**name) == field);
    let Some((name, kind)) = field else { return misfit!("its bytes are no `{asked}`") };
    let (written, read) = (cql(kind), rust_for(kind));
    let why = if said.ends_with("expected a non-null value, got null") {
        misfit!("{written} is null, and cannot be null in `{asked}`: read `Option<{read}>`")
    } else {
        misfit!("its bytes are no {written} that `{asked}` can hold")
    };
    why.within(format_args!("field {name}"))
}

/// The type that also holds a value of no bytes; none of a counter, which is never empty.
fn may_be_empty(asked: &str) -> Option<String> {
    match asked.strip_prefix("Option<") {
        _ if asked.contains("Counter") => None,
        Some(of) => Some(format!("Option<MaybeEmpty<{of}>")),
        None => Some(format!("MaybeEmpty<{asked}>")),
    }
}
