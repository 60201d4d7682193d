//! Values and rows that do not fit, in words: the column, its CQL type, the Rust type, what was found, what would fit.
//!
//! The driver's texts speak of its own types, and a user's own error could show values: neither is told.

use std::fmt::{self, Display, Formatter};

use scylla::deserialize::{DeserializationError, TypeCheckError, row as de_row, value as de_value};
use scylla::errors::SerializationError;
use scylla::frame::response::result::ColumnType;
use scylla::serialize::{row, value};

use super::kind::ErrorKind;
use super::type_names::{cql, rust, rust_for};

/// The values could not be serialised for the statement.
pub(crate) fn values_kind(error: &SerializationError) -> ErrorKind {
    ErrorKind::Values(values(error).to_string())
}

/// Why something does not fit, and where it is in the row.
struct Misfit {
    /// From the inside out.
    places: Vec<String>,
    why: String,
}

impl Misfit {
    fn within(mut self, place: impl Display) -> Self {
        self.places.push(place.to_string());
        self
    }
}

impl From<String> for Misfit {
    fn from(why: String) -> Self {
        Self { places: Vec::new(), why }
    }
}

impl From<&str> for Misfit {
    fn from(why: &str) -> Self {
        why.to_owned().into()
    }
}

macro_rules! misfit {
    ($($text:tt)*) => { Misfit::from(format!($($text)*)) };
}

impl Display for Misfit {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, place) in self.places.iter().rev().enumerate() {
            write!(f, "{}{place}", if index > 0 { ", " } else { "" })?;
        }
        write!(f, "{}{}", if self.places.is_empty() { "" } else { ": " }, self.why)
    }
}

fn values(error: &SerializationError) -> Misfit {
    if let Some(error) = error.downcast_ref::<row::BuiltinTypeCheckError>() {
        return values_of_row(error);
    }
    let Some(error) = error.downcast_ref::<row::BuiltinSerializationError>() else {
        return given(error);
    };
    match &error.kind {
        row::BuiltinSerializationErrorKind::ColumnSerializationFailed { name, err } => {
            given(err).within(format_args!("column {name}"))
        }
        row::BuiltinSerializationErrorKind::TooManyValues => {
            "a request has 65535 values at most: send fewer".into()
        }
        _ => OWN_SERIALIZATION.into(),
    }
}

fn values_of_row(error: &row::BuiltinTypeCheckError) -> Misfit {
    use row::BuiltinTypeCheckErrorKind as Kind;

    let given = rust(error.rust_name);
    match &error.kind {
        Kind::WrongColumnCount { rust_cols, cql_cols } => {
            misfit!("the statement takes {}, and was given {rust_cols}", count(*cql_cols, "value"))
        }
        Kind::NoColumnWithName { name } => misfit!(
            "`{given}` has a value for {name}, which is no marker of the statement: leave it out, or rename it"
        ),
        Kind::ValueMissingForColumn { name } => {
            misfit!("the statement takes a value for {name}, and `{given}` has none: add it")
        }
        Kind::ColumnNameMismatch { rust_column_name, db_column_name } => misfit!(
            "the statement takes {db_column_name} where `{given}` has {rust_column_name}: order its fields as the markers \
             are"
        ),
        _ => misfit!("`{given}` does not fit the markers of the statement"),
    }
}

/// A value that was to be bound.
fn given(error: &SerializationError) -> Misfit {
    use value::{
        BuiltinSerializationErrorKind as Kind, MapSerializationErrorKind as Map,
        SetOrListSerializationErrorKind as List, TupleSerializationErrorKind as Tuple,
        UdtSerializationErrorKind as Udt, VectorSerializationErrorKind as Vector,
    };

    if let Some(error) = error.downcast_ref::<value::BuiltinTypeCheckError>() {
        return given_type(error);
    }
    let Some(error) = error.downcast_ref::<value::BuiltinSerializationError>() else {
        return OWN_SERIALIZATION.into();
    };
    let kind = cql(&error.got);
    match &error.kind {
        Kind::SizeOverflow => misfit!("a {kind} has 2 GiB at most: split the value"),
        Kind::ValueOverflow => {
            misfit!("the `{}` is beyond what {kind} can hold", rust(error.rust_name))
        }
        Kind::SetOrListError(List::ElementSerializationFailed(error))
        | Kind::VectorError(Vector::ElementSerializationFailed(error)) => {
            given(error).within("an element")
        }
        Kind::VectorError(Vector::InvalidNumberOfElements(found, dimensions)) => misfit!(
            "{kind} takes {}, and was given {found}",
            count(usize::from(*dimensions), "element")
        ),
        Kind::MapError(Map::KeySerializationFailed(error)) => given(error).within("a key"),
        Kind::MapError(Map::ValueSerializationFailed(error)) => given(error).within("a value"),
        Kind::SetOrListError(List::TooManyElements) | Kind::MapError(Map::TooManyElements) => {
            misfit!("a {kind} has 2147483647 elements at most: split the value")
        }
        Kind::TupleError(Tuple::ElementSerializationFailed { index, err }) => {
            given(err).within(format_args!("element {index} (from 0)"))
        }
        Kind::UdtError(Udt::FieldSerializationFailed { field_name, err }) => {
            given(err).within(format_args!("field {field_name}"))
        }
        _ => misfit!("`{}` does not go into {kind}", rust(error.rust_name)),
    }
}

fn given_type(error: &value::BuiltinTypeCheckError) -> Misfit {
    use value::{
        BuiltinTypeCheckErrorKind as Kind, TupleTypeCheckErrorKind as Tuple,
        UdtTypeCheckErrorKind as Udt,
    };

    let (given, kind) = (rust(error.rust_name), cql(&error.got));
    match &error.kind {
        Kind::NotEmptyable => misfit!("{kind} has no empty value: give a value, or null"),
        Kind::TupleError(Tuple::WrongElementCount { rust_type_el_count, cql_type_el_count }) => {
            let takes = count(*cql_type_el_count, "element");
            misfit!("{kind} takes {takes} at most, and `{given}` has {rust_type_el_count}")
        }
        Kind::UdtError(Udt::NameMismatch { keyspace, type_name }) => {
            misfit!("{kind} takes no value of the type {keyspace}.{type_name}")
        }
        // The driver's derive tells either of both.
        Kind::UdtError(
            Udt::ValueMissingForUdtField { field_name } | Udt::NoSuchFieldInUdt { field_name },
        ) => {
            if has_field(&error.got, field_name) {
                misfit!("{kind} has the field {field_name}, and `{given}` has not: add it")
            } else {
                misfit!(
                    "{kind} has no field {field_name}, as `{given}` has: leave it out, or rename it"
                )
            }
        }
        Kind::UdtError(Udt::FieldNameMismatch { rust_field_name, db_field_name }) => misfit!(
            "{kind} has the field {db_field_name} where `{given}` has {rust_field_name}: order its fields as the type does"
        ),
        _ => misfit!("{kind} takes `{}`, and `{given}` was given", rust_for(&error.got)),
    }
}

fn has_field(kind: &ColumnType<'_>, field: &str) -> bool {
    let ColumnType::UserDefinedType { definition, .. } = kind else { return false };
    definition.field_types.iter().any(|(name, _)| name == field)
}

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

const OWN_SERIALIZATION: &str = "the type's own serialization failed";

/// `1 value`, `2 values`.
fn count(number: usize, of: &str) -> String {
    format!("{number} {of}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use bytes::Bytes;
    use scylla::deserialize::FrameSlice;
    use scylla::deserialize::value::DeserializeValue;
    use scylla::frame::response::result::NativeType;
    use scylla::value::{Counter, CqlDecimal};

    use super::*;

    /// What is said of bytes that no server sends for this type.
    fn of_bytes<T>(native: NativeType, bytes: &'static [u8]) -> String
    where
        T: for<'r> DeserializeValue<'r, 'r>,
    {
        let (kind, bytes) = (ColumnType::Native(native), Bytes::from_static(bytes));
        decoded(&T::deserialize(&kind, Some(FrameSlice::new(&bytes))).err().unwrap())
    }

    #[test]
    fn bytes_of_another_length_or_encoding_are_told_as_such() {
        for (said, expected) in [
            (of_bytes::<i32>(NativeType::Int, &[7; 3]), "int has 3 bytes, and `i32` takes 4"),
            (
                of_bytes::<Option<i64>>(NativeType::BigInt, &[7]),
                "bigint has 1 byte, and `Option<i64>` takes 8",
            ),
            (
                of_bytes::<bool>(NativeType::Boolean, &[]),
                "boolean is empty, a value of no bytes and not null, and `bool` cannot be empty: read \
                 `MaybeEmpty<bool>`",
            ),
            (
                of_bytes::<IpAddr>(NativeType::Inet, &[7; 5]),
                "inet has 5 bytes, and an address has 4 or 16",
            ),
            (of_bytes::<String>(NativeType::Text, &[0xff]), "text has bytes that are not UTF-8"),
            (
                of_bytes::<String>(NativeType::Ascii, &[0xc3, 0xa4]),
                "ascii has bytes that are not ASCII",
            ),
            (
                of_bytes::<Option<CqlDecimal>>(NativeType::Decimal, &[]),
                "decimal has less than 4 bytes: read `Option<MaybeEmpty<CqlDecimal>>`, if it is empty",
            ),
            (
                of_bytes::<Counter>(NativeType::Counter, &[]),
                "counter is empty, a value of no bytes and not null, and `Counter` cannot be empty",
            ),
        ] {
            assert_eq!(said, expected);
        }
    }

    /// Such as a type of the user's has, whose text may show the value.
    #[test]
    fn an_error_of_another_type_is_not_told() {
        let hush = || std::io::Error::other("hush");
        let own = ErrorKind::Values(OWN_SERIALIZATION.to_owned());
        assert_eq!(values_kind(&SerializationError::new(hush())), own);
        let own = "the type's own deserialization failed";
        assert_eq!(decoded(&DeserializationError::new(hush())), own);
        let own = "the type's own look at the columns failed";
        assert_eq!(columns(&TypeCheckError::new(hush())), own);
    }
}
