//! Which Rust types can be bound as which CQL type.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::Arc;

use ::uuid::Uuid;
use bytes::Bytes;
use scylla::serialize::value::SerializeValue;
use scylla::value::{
    Counter, CqlDate, CqlDecimal, CqlDecimalBorrowed, CqlDuration, CqlTime, CqlTimestamp,
    CqlTimeuuid, CqlValue, CqlVarint, CqlVarintBorrowed, Emptiable, MaybeEmpty, MaybeUnset, Unset,
};

use super::row::BoundRow;
#[allow(clippy::wildcard_imports, reason = "all types of CQL, by their names")]
use super::types::*;

/// A Rust type that can be bound as the CQL type `K`, as [`query!`](crate::query!) checks when a program is compiled.
///
/// The types of the [table](crate::value) have it. A type of your own that implements
/// [`SerializeValue`] gets it by an empty `impl`; a struct that derives
/// [`SerializeValue`](derive@crate::SerializeValue) has it, for the user-defined types that have its fields.
///
/// ```
/// use cqlstack_core::query::{BindAs, types};
/// use cqlstack_core::scylla::errors::SerializationError;
/// use cqlstack_core::scylla::serialize::writers::{CellWriter, WrittenCellProof};
/// use cqlstack_core::value::{ColumnType, SerializeValue};
///
/// struct UserId(i32);
///
/// impl SerializeValue for UserId {
///     fn serialize<'b>(
///         &self,
///         kind: &ColumnType<'_>,
///         writer: CellWriter<'b>,
///     ) -> Result<WrittenCellProof<'b>, SerializationError> {
///         self.0.serialize(kind, writer)
///     }
/// }
///
/// impl BindAs<types::int> for UserId {}
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be bound as `{K}`",
    note = "the module `value` of `cqlstack_core` has the table of types"
)]
pub trait BindAs<K>: SerializeValue {
    /// Adds the value to a row.
    #[doc(hidden)]
    fn put(&self, row: &mut BoundRow) {
        row.serialise(self);
    }
}

/// Values that are serialised here as the driver does it, without its look at the type: `query!` has looked.
macro_rules! direct {
    ($($rust:ty as $($kind:ty)|+ = |$value:ident| $bytes:expr;)*) => {$($(
        impl BindAs<$kind> for $rust {
            #[inline]
            fn put(&self, row: &mut BoundRow) {
                let $value = self;
                row.value($bytes);
            }
        }
    )+)*};
}

direct! {
    bool as boolean = |value| &[u8::from(*value)];
    i8 as tinyint = |value| &value.to_be_bytes();
    i16 as smallint = |value| &value.to_be_bytes();
    i32 as int = |value| &value.to_be_bytes();
    i64 as bigint = |value| &value.to_be_bytes();
    f32 as float = |value| &value.to_be_bytes();
    f64 as double = |value| &value.to_be_bytes();
    Counter as counter = |value| &value.0.to_be_bytes();
    str as text | ascii = |value| value.as_bytes();
    String as text | ascii = |value| value.as_bytes();
    Vec<u8> as blob = |value| value;
    &[u8] as blob = |value| value;
    Bytes as blob = |value| value;
    Uuid as uuid = |value| value.as_bytes();
    CqlTimeuuid as timeuuid = |value| value.as_bytes();
    CqlTimestamp as timestamp = |value| &value.0.to_be_bytes();
}

impl<const N: usize> BindAs<blob> for [u8; N] {
    #[inline]
    fn put(&self, row: &mut BoundRow) {
        row.value(self);
    }
}

/// Values that the driver serialises.
macro_rules! by_driver {
    ($($(#[$feature:meta])? $rust:ty as $kind:ty;)*) => {$(
        $(#[$feature])?
        impl BindAs<$kind> for $rust {}
    )*};
}

by_driver! {
    CqlVarint as varint;
    CqlVarintBorrowed<'_> as varint;
    #[cfg(feature = "num-bigint-04")] num_bigint_04::BigInt as varint;
    CqlDecimal as decimal;
    CqlDecimalBorrowed<'_> as decimal;
    #[cfg(feature = "bigdecimal-04")] bigdecimal_04::BigDecimal as decimal;
    IpAddr as inet;
    CqlDate as date;
    #[cfg(feature = "chrono-04")] chrono_04::NaiveDate as date;
    #[cfg(feature = "time-03")] time_03::Date as date;
    CqlTime as time;
    #[cfg(feature = "chrono-04")] chrono_04::NaiveTime as time;
    #[cfg(feature = "time-03")] time_03::Time as time;
    #[cfg(feature = "chrono-04")] chrono_04::DateTime<chrono_04::Utc> as timestamp;
    #[cfg(feature = "time-03")] time_03::OffsetDateTime as timestamp;
    CqlDuration as duration;
    #[cfg(feature = "secrecy-10")] secrecy_10::SecretString as text;
}

/// What is around a value of any type.
macro_rules! around {
    ($(<$($lifetime:lifetime,)? $T:ident> $rust:ty $(where $bound:path)? = |$value:ident, $row:ident| $put:expr;)*) => {$(
        impl<$($lifetime,)? K, $T: BindAs<K> $(+ $bound)? + ?Sized> BindAs<K> for $rust
        where
            $rust: SerializeValue,
        {
            #[inline]
            fn put(&self, $row: &mut BoundRow) {
                let $value = self;
                $put
            }
        }
    )*};
}

around! {
    <'a, T> &'a T = |value, row| T::put(value, row);
    <T> Box<T> = |value, row| T::put(value, row);
    <T> Arc<T> = |value, row| T::put(value, row);
    <'a, T> Cow<'a, T> where ToOwned = |value, row| T::put(value, row);
}

impl<K, T: BindAs<K>> BindAs<K> for Option<T> {
    #[inline]
    fn put(&self, row: &mut BoundRow) {
        match self {
            Some(value) => value.put(row),
            None => row.null(),
        }
    }
}

impl<K, T: BindAs<K>> BindAs<K> for MaybeUnset<T> {
    fn put(&self, row: &mut BoundRow) {
        match self {
            Self::Set(value) => value.put(row),
            Self::Unset => row.unset(),
        }
    }
}

impl<K> BindAs<K> for Unset {
    fn put(&self, row: &mut BoundRow) {
        row.unset();
    }
}

impl<K, T: BindAs<K> + Emptiable> BindAs<K> for MaybeEmpty<T> {}

#[cfg(feature = "secrecy-10")]
impl<K, T> BindAs<K> for secrecy_10::SecretBox<T> where T: BindAs<K> + secrecy_10::zeroize::Zeroize {}

/// It says its type when it is bound: what does not fit is an error then.
impl<K> BindAs<K> for CqlValue {}

impl<E, T: BindAs<E>> BindAs<list<E>> for Vec<T> {}
impl<E, T: BindAs<E>> BindAs<list<E>> for [T] {}
impl<E, T: BindAs<E>, S: BuildHasher + Default> BindAs<list<E>> for HashSet<T, S> {}
impl<E, T: BindAs<E>> BindAs<list<E>> for BTreeSet<T> {}
impl<E, T: BindAs<E>> BindAs<set<E>> for Vec<T> {}
impl<E, T: BindAs<E>> BindAs<set<E>> for [T] {}
impl<E, T: BindAs<E>, S: BuildHasher + Default> BindAs<set<E>> for HashSet<T, S> {}
impl<E, T: BindAs<E>> BindAs<set<E>> for BTreeSet<T> {}
impl<E, T: BindAs<E>, const N: usize> BindAs<vector<E, N>> for Vec<T> {}
impl<E, T: BindAs<E>, const N: usize> BindAs<vector<E, N>> for [T] {}

impl<A, B, K: BindAs<A>, V: BindAs<B>, S: BuildHasher> BindAs<map<A, B>> for HashMap<K, V, S> {}
impl<A, B, K: BindAs<A>, V: BindAs<B>> BindAs<map<A, B>> for BTreeMap<K, V> {}

/// A tuple may have fewer elements than CQL's: the others are null.
macro_rules! tuples {
    ($($rust:ident $cql:ident),*) => {
        tuples!(@ [] $($rust $cql,)*);
    };
    (@ [$($rust:ident $cql:ident,)*] $next:ident $next_cql:ident, $($rest:tt)*) => {
        impl<$($rust, $cql,)* $next, $next_cql, Others>
            BindAs<tuple<nested!($($cql,)* $next_cql, Others)>> for ($($rust,)* $next,)
        where
            $($rust: BindAs<$cql>,)*
            $next: BindAs<$next_cql>,
        {
        }
        tuples!(@ [$($rust $cql,)* $next $next_cql,] $($rest)*);
    };
    (@ [$($all:tt)*]) => {};
}

/// `(A, (B, Others))`
macro_rules! nested {
    ($last:ident) => { $last };
    ($first:ident, $($rest:ident),+) => { ($first, nested!($($rest),+)) };
}

tuples! {
    A0 C0, A1 C1, A2 C2, A3 C3, A4 C4, A5 C5, A6 C6, A7 C7, A8 C8, A9 C9, A10 C10, A11 C11, A12 C12, A13 C13, A14 C14,
    A15 C15
}
