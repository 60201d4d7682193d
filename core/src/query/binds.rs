//! A trait and a function for each simple CQL type, so that the compiler says what goes into it.
//!
//! `query!` calls the function with an argument: what the compiler has to say of it, it says there. The functions are no
//! macro's, since the compiler shows the line of the one that was called.

use super::bind::BindAs;
use super::row::BoundRow;
use super::types;

macro_rules! traits {
    ($($kind:ident $binds:ident $message:literal, $label:literal, $note:literal;)*) => {$(
        #[doc = concat!("A value of the CQL type `", stringify!($kind), "`.")]
        #[diagnostic::on_unimplemented(message = $message, label = $label, note = $note)]
        pub trait $binds: BindAs<types::$kind> {}

        #[diagnostic::do_not_recommend]
        impl<T: BindAs<types::$kind> + ?Sized> $binds for T {}

    )*};
}

traits! {
    ascii BindsAscii
        "`{Self}` cannot be bound to `ascii`",
        "`ascii` takes `&str`, `String`, `Cow<str>`, `Box<str>` or `Arc<str>`",
        "`ascii` takes `&str`, `String`, `Cow<str>`, `Box<str>` or `Arc<str>`, each also in an `Option`; or a `CqlValue`";
    bigint BindsBigint
        "`{Self}` cannot be bound to `bigint`",
        "`bigint` takes `i64`",
        "`bigint` takes `i64`, each also in an `Option`; or a `CqlValue`";
    blob BindsBlob
        "`{Self}` cannot be bound to `blob`",
        "`blob` takes `&[u8]`, `Vec<u8>`, `[u8; N]` or `Bytes`",
        "`blob` takes `&[u8]`, `Vec<u8>`, `[u8; N]` or `Bytes`, each also in an `Option`; or a `CqlValue`";
    boolean BindsBoolean
        "`{Self}` cannot be bound to `boolean`",
        "`boolean` takes `bool`",
        "`boolean` takes `bool`, each also in an `Option`; or a `CqlValue`";
    counter BindsCounter
        "`{Self}` cannot be bound to `counter`",
        "`counter` takes `Counter`",
        "`counter` takes `Counter`, each also in an `Option`; or a `CqlValue`";
    date BindsDate
        "`{Self}` cannot be bound to `date`",
        "`date` takes `CqlDate`, `chrono::NaiveDate` or `time::Date`",
        "`date` takes `CqlDate`, `chrono::NaiveDate` or `time::Date`, each also in an `Option`; or a `CqlValue`";
    decimal BindsDecimal
        "`{Self}` cannot be bound to `decimal`",
        "`decimal` takes `CqlDecimal`, `CqlDecimalBorrowed` or `bigdecimal::BigDecimal`",
        "`decimal` takes `CqlDecimal`, `CqlDecimalBorrowed` or `bigdecimal::BigDecimal`, each also in an `Option`; or a `CqlValue`";
    double BindsDouble
        "`{Self}` cannot be bound to `double`",
        "`double` takes `f64`",
        "`double` takes `f64`, each also in an `Option`; or a `CqlValue`";
    duration BindsDuration
        "`{Self}` cannot be bound to `duration`",
        "`duration` takes `CqlDuration`",
        "`duration` takes `CqlDuration`, each also in an `Option`; or a `CqlValue`";
    float BindsFloat
        "`{Self}` cannot be bound to `float`",
        "`float` takes `f32`",
        "`float` takes `f32`, each also in an `Option`; or a `CqlValue`";
    inet BindsInet
        "`{Self}` cannot be bound to `inet`",
        "`inet` takes `IpAddr`",
        "`inet` takes `IpAddr`, each also in an `Option`; or a `CqlValue`";
    int BindsInt
        "`{Self}` cannot be bound to `int`",
        "`int` takes `i32`",
        "`int` takes `i32`, each also in an `Option`; or a `CqlValue`";
    smallint BindsSmallint
        "`{Self}` cannot be bound to `smallint`",
        "`smallint` takes `i16`",
        "`smallint` takes `i16`, each also in an `Option`; or a `CqlValue`";
    text BindsText
        "`{Self}` cannot be bound to `text`",
        "`text` takes `&str`, `String`, `Cow<str>`, `Box<str>`, `Arc<str>` or `SecretString`",
        "`text` takes `&str`, `String`, `Cow<str>`, `Box<str>`, `Arc<str>` or `SecretString`, each also in an `Option`; or a `CqlValue`";
    time BindsTime
        "`{Self}` cannot be bound to `time`",
        "`time` takes `CqlTime`, `chrono::NaiveTime` or `time::Time`",
        "`time` takes `CqlTime`, `chrono::NaiveTime` or `time::Time`, each also in an `Option`; or a `CqlValue`";
    timestamp BindsTimestamp
        "`{Self}` cannot be bound to `timestamp`",
        "`timestamp` takes `CqlTimestamp`, `chrono::DateTime<Utc>` or `time::OffsetDateTime`",
        "`timestamp` takes `CqlTimestamp`, `chrono::DateTime<Utc>` or `time::OffsetDateTime`, each also in an `Option`; or a `CqlValue`";
    timeuuid BindsTimeuuid
        "`{Self}` cannot be bound to `timeuuid`",
        "`timeuuid` takes `CqlTimeuuid`",
        "`timeuuid` takes `CqlTimeuuid`, each also in an `Option`; or a `CqlValue`";
    tinyint BindsTinyint
        "`{Self}` cannot be bound to `tinyint`",
        "`tinyint` takes `i8`",
        "`tinyint` takes `i8`, each also in an `Option`; or a `CqlValue`";
    uuid BindsUuid
        "`{Self}` cannot be bound to `uuid`",
        "`uuid` takes `Uuid`",
        "`uuid` takes `Uuid`, each also in an `Option`; or a `CqlValue`";
    varint BindsVarint
        "`{Self}` cannot be bound to `varint`",
        "`varint` takes `CqlVarint`, `CqlVarintBorrowed` or `num_bigint::BigInt`",
        "`varint` takes `CqlVarint`, `CqlVarintBorrowed` or `num_bigint::BigInt`, each also in an `Option`; or a `CqlValue`";
}

/// Adds a value of the type `ascii`.
#[inline]
pub fn ascii<T: BindsAscii + ?Sized>(value: &T, row: &mut BoundRow) {
    value.put(row);
}

/// Adds a value of the type `bigint`.
#[inline]
pub fn bigint<T: BindsBigint + ?Sized>(value: &T, row: &mut BoundRow) {
    value.put(row);
}

/// Adds a value of the type `blob`.
#[inline]
pub fn blob<T: BindsBlob + ?Sized>(value: &T, row: &mut BoundRow) {
    value.put(row);
}

/// Adds a value of the type `boolean`.
#[inline]
pub fn boolean<T: BindsBoolean + ?Sized>(value: &T, row: &mut BoundRow) {
    value.put(row);
}

/// Adds a value of the type `counter`.
#[inline]
pub fn counter<T: BindsCounter + ?Sized>(value: &T, row: &mut BoundRow) {
    value.put(row);
}

/// Adds a value of the type `date`.
#[inline]
pub fn date<T: BindsDate + ?Sized>(value: &T, row: &mut BoundRow) {
    value.put(row);
}

/// Adds a value of the type `decimal`.
#[inline]
pub fn decimal<T: BindsDecimal + ?Sized>(value: &T, row: &mut BoundRow) {
    value.put(row);
}

/// Adds a value of the type `double`.
#[inline]
pub fn double<T: BindsDouble + ?Sized>(value: &T, row: &mut BoundRow) {
    value.put(row);
}

/// Adds a value of the type `duration`.
#[inline]
pub fn duration<T: BindsDuration + ?Sized>(value: &T, row: &mut BoundRow) {
    value.put(row);
}

/// Adds a value of the type `float`.
#[inline]
pub fn float<T: BindsFloat + ?Sized>(value: &T, row: &mut BoundRow) {
    value.put(row);
}

/// Adds a value of the type `inet`.
#[inline]
pub fn inet<T: BindsInet + ?Sized>(value: &T, row: &mut BoundRow) {
    value.put(row);
}

/// Adds a value of the type `int`.
#[inline]
pub fn int<T: BindsInt + ?Sized>(value: &T, row: &mut BoundRow) {
    value.put(row);
}

/// Adds a value of the type `smallint`.
#[inline]
pub fn smallint<T: BindsSmallint + ?Sized>(value: &T, row: &mut BoundRow) {
    value.put(row);
}

/// Adds a value of the type `text`.
#[inline]
pub fn text<T: BindsText + ?Sized>(value: &T, row: &mut BoundRow) {
    value.put(row);
}

/// Adds a value of the type `time`.
#[inline]
pub fn time<T: BindsTime + ?Sized>(value: &T, row: &mut BoundRow) {
    value.put(row);
}

/// Adds a value of the type `timestamp`.
#[inline]
pub fn timestamp<T: BindsTimestamp + ?Sized>(value: &T, row: &mut BoundRow) {
    value.put(row);
}

/// Adds a value of the type `timeuuid`.
#[inline]
pub fn timeuuid<T: BindsTimeuuid + ?Sized>(value: &T, row: &mut BoundRow) {
    value.put(row);
}

/// Adds a value of the type `tinyint`.
#[inline]
pub fn tinyint<T: BindsTinyint + ?Sized>(value: &T, row: &mut BoundRow) {
    value.put(row);
}

/// Adds a value of the type `uuid`.
#[inline]
pub fn uuid<T: BindsUuid + ?Sized>(value: &T, row: &mut BoundRow) {
    value.put(row);
}

/// Adds a value of the type `varint`.
#[inline]
pub fn varint<T: BindsVarint + ?Sized>(value: &T, row: &mut BoundRow) {
    value.put(row);
}
