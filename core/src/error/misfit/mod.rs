//! Values and rows that do not fit, in words: the column, its CQL type, the Rust type, what was found, what would fit.
//!
//! The driver's texts speak of its own types, and a user's own error could show values: neither is told.

use std::fmt::{self, Display, Formatter};

use scylla::errors::SerializationError;

#[cfg(feature = "macros")]
use scylla::frame::response::result::ColumnType;

use super::kind::ErrorKind;
#[cfg(feature = "macros")]
use super::type_names::cql;

macro_rules! misfit {
    ($($text:tt)*) => { Misfit::from(format!($($text)*)) };
}

mod given;
mod read;

pub(crate) use read::{columns, decoded};

/// The values could not be serialised for the statement.
pub(crate) fn values_kind(error: &SerializationError) -> ErrorKind {
    ErrorKind::Values(given::values(error).to_string())
}

/// The values are serialised for a type that the server does not have any more.
#[cfg(feature = "macros")]
#[derive(Debug)]
pub(crate) struct TypeChanged {
    pub(crate) now: ColumnType<'static>,
    pub(crate) compiled: ColumnType<'static>,
}

#[cfg(feature = "macros")]
impl std::error::Error for TypeChanged {}

#[cfg(feature = "macros")]
impl Display for TypeChanged {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (now, compiled) = (cql(&self.now), cql(&self.compiled));
        write!(
            f,
            "{now} is the server's type, and the program was compiled for {compiled}: compile it with the schema that \
             the server has"
        )
    }
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

impl Display for Misfit {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, place) in self.places.iter().rev().enumerate() {
            write!(f, "{}{place}", if index > 0 { ", " } else { "" })?;
        }
        write!(f, "{}{}", if self.places.is_empty() { "" } else { ": " }, self.why)
    }
}

/// `1 value`, `2 values`.
fn count(number: usize, of: &str) -> String {
    format!("{number} {of}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use bytes::Bytes;
    use scylla::deserialize::value::DeserializeValue;
    use scylla::deserialize::{DeserializationError, FrameSlice, TypeCheckError};
    use scylla::frame::response::result::{ColumnType, NativeType};
    use scylla::value::{Counter, CqlDecimal};

    use super::given::OWN_SERIALIZATION;
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
