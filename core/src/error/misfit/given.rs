//! Values that were to be bound.

use scylla::errors::SerializationError;
use scylla::frame::response::result::ColumnType;
use scylla::serialize::{row, value};

use super::super::type_names::{cql, rust, rust_for};
use super::{Misfit, count};

pub(super) const OWN_SERIALIZATION: &str = "the type's own serialization failed";

pub(super) fn values(error: &SerializationError) -> Misfit {
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
    #[cfg(feature = "macros")]
    if let Some(changed) = error.downcast_ref::<super::TypeChanged>() {
        return misfit!("{changed}");
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
