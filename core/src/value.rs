//! The types of values: those of columns, what Rust types hold them, and how a struct becomes a row or a value.
//!
#![doc = include_str!("value_types.md")]
//!
//! # Structs
//!
//! [`SerializeRow`](derive@SerializeRow) makes a struct the values of a statement, by the names of its markers, and
//! [`DeserializeRow`](derive@DeserializeRow) the row of a result, by the names of its columns.
//! [`SerializeValue`](derive@SerializeValue) and [`DeserializeValue`](derive@DeserializeValue) do so for a user-defined
//! type, by the names of its fields. They are the driver's, with its attribute `#[scylla(…)]`, and need no other crate. Where
//! `cqlstack-core` has another name, `#[scylla(crate = my_core::scylla)]` says so: the path ends with the module
//! `scylla` of this crate.
//!
//! ```
//! use cqlstack_core::{Client, CqlService, DeserializeRow, Error, SerializeRow, StaticStatement};
//!
//! #[derive(SerializeRow, DeserializeRow)]
//! struct User {
//!     id: i32,
//!     #[scylla(rename = "name")]
//!     full_name: Option<String>,
//! }
//!
//! static INSERT: StaticStatement =
//!     StaticStatement::new("INSERT INTO app.users (id, name) VALUES (?, ?)");
//! static BY_ID: StaticStatement =
//!     StaticStatement::new("SELECT id, name FROM app.users WHERE id = ?");
//!
//! async fn copy(db: &Client<impl CqlService>, user: &User) -> Result<Option<User>, Error> {
//!     db.execute(&INSERT, user).await?;
//!     db.execute(&BY_ID, (user.id,)).await?.maybe_row()
//! }
//! ```
//!
//! # Null, unset, empty
//!
//! [`Option`] is null where it is `None`; to bind null deletes what is there. [`Unset`] leaves it as it is, and
//! [`MaybeUnset`] decides for each request. An empty value, of no bytes, is neither: servers have it of old clients in
//! columns that are no texts. [`MaybeEmpty`] reads and writes it. Around each type of the table there can be an
//! [`Option`] and a [`MaybeUnset`], and [`CqlValue`] holds a value of any type.

pub use bytes::Bytes;
pub use scylla::deserialize::row::DeserializeRow;
pub use scylla::deserialize::value::DeserializeValue;
/// What reads a collection, a vector or a user-defined type element by element, and allocates nothing.
pub use scylla::deserialize::value::{ListlikeIterator, MapIterator, UdtIterator, VectorIterator};
pub use scylla::frame::response::result::{
    CollectionType, ColumnSpec, ColumnType, NativeType, UserDefinedType,
};
pub use scylla::serialize::row::SerializeRow;
pub use scylla::serialize::value::SerializeValue;
pub use scylla::value::{
    Counter, CqlDate, CqlDecimal, CqlDecimalBorrowed, CqlDuration, CqlTime, CqlTimestamp,
    CqlTimeuuid, CqlValue, CqlVarint, CqlVarintBorrowed, Emptiable, MaybeEmpty, MaybeUnset, Unset,
    ValueOverflow,
};
pub use uuid::Uuid;

#[cfg(feature = "bigdecimal-04")]
pub use bigdecimal_04;
#[cfg(feature = "chrono-04")]
pub use chrono_04;
#[cfg(feature = "num-bigint-04")]
pub use num_bigint_04;
#[cfg(feature = "secrecy-10")]
pub use secrecy_10;
#[cfg(feature = "time-03")]
pub use time_03;

/// A row of a result, of a struct: its fields are columns, by their names. The driver's derive, with its
/// [attributes](https://docs.rs/scylla/1/scylla/derive.DeserializeRow.html).
pub use cqlstack_macros::DeserializeRow;
/// A value of a user-defined type that is read, of a struct: its fields are those of the type, by their names. The
/// driver's derive, with its [attributes](https://docs.rs/scylla/1/scylla/derive.DeserializeValue.html).
pub use cqlstack_macros::DeserializeValue;
/// The values of a statement, of a struct: its fields are markers, by their names. The driver's derive, with its
/// [attributes](https://docs.rs/scylla/1/scylla/derive.SerializeRow.html).
pub use cqlstack_macros::SerializeRow;
/// A value of a user-defined type that is bound, of a struct: its fields are those of the type, by their names. The
/// driver's derive, with its [attributes](https://docs.rs/scylla/1/scylla/derive.SerializeValue.html).
pub use cqlstack_macros::SerializeValue;
