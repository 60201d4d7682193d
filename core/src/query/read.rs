//! Which Rust types can be read of a column of which CQL type.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use ::uuid::Uuid;
use bytes::Bytes;
use scylla::value::{
    Counter, CqlDate, CqlDecimal, CqlDuration, CqlTime, CqlTimestamp, CqlTimeuuid, CqlValue,
    CqlVarint, Emptiable, MaybeEmpty,
};

#[allow(clippy::wildcard_imports, reason = "all types of CQL, by their names")]
use super::types::*;

/// A Rust type that can hold a column of the CQL type `K` whose nullability is `N`.
///
/// [`query_as!`](crate::query_as!) checks the fields of a struct by it, and [`query!`](crate::query!) the types that an
/// alias gives (`AS "born: chrono::NaiveDate"`). The types of the [table](crate::value) have it; a type of your own
/// that implements [`DeserializeValue`](crate::DeserializeValue) gets it by an empty `impl`, for columns that are never null:
/// in an [`Option`] it then holds the others.
///
/// ```
/// use cqlstack_core::query::{ReadAs, types};
///
/// struct UserId(i32);
///
/// impl ReadAs<types::int, types::Never> for UserId {}
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not hold a column of the type `{K}` with the nullability `{N}`",
    label = "a column of the type `{K}`, nullability `{N}`",
    note = "a column that can be null takes an `Option`; the module `value` of `cqlstack_core` has the table of types"
)]
pub trait ReadAs<K, N> {}

/// That a type which an alias names is read of a column.
#[doc(hidden)]
pub const fn reads<K, N, T: ReadAs<K, N>>() {}

macro_rules! read {
    ($($rust:ty as $($kind:ty)|+;)*) => {$($(
        impl ReadAs<$kind, Never> for $rust {}
    )+)*};
}

read! {
    bool as boolean;
    i8 as tinyint;
    i16 as smallint;
    i32 as int;
    i64 as bigint;
    f32 as float;
    f64 as double;
    CqlVarint as varint;
    CqlDecimal as decimal;
    Counter as counter;
    String as text | ascii;
    Box<str> as text | ascii;
    Arc<str> as text | ascii;
    Vec<u8> as blob;
    Bytes as blob;
    IpAddr as inet;
    Uuid as uuid;
    CqlTimeuuid as timeuuid;
    CqlDate as date;
    CqlTime as time;
    CqlTimestamp as timestamp;
    CqlDuration as duration;
}

macro_rules! read_of_crates {
    ($(#[$feature:meta] $rust:ty as $kind:ty;)*) => {$(
        #[$feature]
        impl ReadAs<$kind, Never> for $rust {}
    )*};
}

read_of_crates! {
    #[cfg(feature = "num-bigint-04")] num_bigint_04::BigInt as varint;
    #[cfg(feature = "bigdecimal-04")] bigdecimal_04::BigDecimal as decimal;
    #[cfg(feature = "chrono-04")] chrono_04::NaiveDate as date;
    #[cfg(feature = "time-03")] time_03::Date as date;
    #[cfg(feature = "chrono-04")] chrono_04::NaiveTime as time;
    #[cfg(feature = "time-03")] time_03::Time as time;
    #[cfg(feature = "chrono-04")] chrono_04::DateTime<chrono_04::Utc> as timestamp;
    #[cfg(feature = "time-03")] time_03::OffsetDateTime as timestamp;
    #[cfg(feature = "secrecy-10")] secrecy_10::SecretString as text;
}

impl<K, T: ReadAs<K, Never>> ReadAs<K, Never> for Option<T> {}
impl<K, T: ReadAs<K, Never>> ReadAs<K, Nullable> for Option<T> {}
impl<K, T: ReadAs<K, Never>> ReadAs<K, Empty> for Option<T> {}
impl<E, T: ReadAs<E, Never>> ReadAs<list<E>, Elements> for Option<Vec<Option<T>>> {}
impl<K, T: ReadAs<K, Never> + Emptiable> ReadAs<K, Never> for MaybeEmpty<T> {}
impl<K> ReadAs<K, Never> for CqlValue {}

#[cfg(feature = "secrecy-10")]
impl<K, T> ReadAs<K, Never> for secrecy_10::SecretBox<T> where
    T: ReadAs<K, Never> + secrecy_10::zeroize::Zeroize
{
}

// Elements of collections are never null. The driver reads null as an empty collection.
macro_rules! collections {
    ($($nullability:ty),*) => {$(
        impl<E, T: ReadAs<E, Never>> ReadAs<list<E>, $nullability> for Vec<T> {}
        impl<E, T: ReadAs<E, Never>> ReadAs<set<E>, $nullability> for Vec<T> {}
        impl<E, T: ReadAs<E, Never>> ReadAs<set<E>, $nullability> for BTreeSet<T> {}
        impl<E, T: ReadAs<E, Never>, S> ReadAs<set<E>, $nullability> for HashSet<T, S> {}
        impl<A, B, K, V> ReadAs<map<A, B>, $nullability> for BTreeMap<K, V>
        where
            K: ReadAs<A, Never>,
            V: ReadAs<B, Never>,
        {
        }
        impl<A, B, K, V, S> ReadAs<map<A, B>, $nullability> for HashMap<K, V, S>
        where
            K: ReadAs<A, Never>,
            V: ReadAs<B, Never>,
        {
        }
    )*};
}

collections!(Never, Empty);

impl<E, T: ReadAs<E, Never>, const N: usize> ReadAs<vector<E, N>, Never> for Vec<T> {}

/// An element that is null is an error of the row where the type has no place for it, as the table of types says.
macro_rules! tuples {
    ($($rust:ident $cql:ident),*) => {
        tuples!(@ [] $($rust $cql,)*);
    };
    (@ [$($rust:ident $cql:ident,)*] $next:ident $next_cql:ident, $($rest:tt)*) => {
        impl<$($rust, $cql,)* $next, $next_cql>
            ReadAs<tuple<ended!($($cql,)* $next_cql)>, Never> for ($($rust,)* $next,)
        where
            $($rust: ReadAs<$cql, Never>,)*
            $next: ReadAs<$next_cql, Never>,
        {
        }
        tuples!(@ [$($rust $cql,)* $next $next_cql,] $($rest)*);
    };
    (@ [$($all:tt)*]) => {};
}

macro_rules! ended {
    ($last:ident) => { ($last, ()) };
    ($first:ident, $($rest:ident),+) => { ($first, ended!($($rest),+)) };
}

tuples! {
    A0 C0, A1 C1, A2 C2, A3 C3, A4 C4, A5 C5, A6 C6, A7 C7, A8 C8, A9 C9, A10 C10, A11 C11, A12 C12, A13 C13, A14 C14,
    A15 C15
}
