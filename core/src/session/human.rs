//! Settings as people write them in files.

use std::fmt;
use std::time::Duration;

use scylla::frame::types::{Consistency, SerialConsistency};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::credentials::Password;

const LEVELS: [(&str, Consistency); 11] = [
    ("ANY", Consistency::Any),
    ("ONE", Consistency::One),
    ("TWO", Consistency::Two),
    ("THREE", Consistency::Three),
    ("QUORUM", Consistency::Quorum),
    ("ALL", Consistency::All),
    ("LOCAL_QUORUM", Consistency::LocalQuorum),
    ("EACH_QUORUM", Consistency::EachQuorum),
    ("SERIAL", Consistency::Serial),
    ("LOCAL_SERIAL", Consistency::LocalSerial),
    ("LOCAL_ONE", Consistency::LocalOne),
];

const SERIAL: [(&str, SerialConsistency); 2] =
    [("SERIAL", SerialConsistency::Serial), ("LOCAL_SERIAL", SerialConsistency::LocalSerial)];

/// A text that stands for one of some values.
struct OneOf<'v, T>(&'v [(&'static str, T)]);

impl<T: Copy> Visitor<'_> for OneOf<'_, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one of ")?;
        for (index, (name, _)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{name}")?;
        }
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        let found = self.0.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        found
            .map(|(_, value)| *value)
            .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }
}

pub(super) fn consistency<'de, D: Deserializer<'de>>(from: D) -> Result<Consistency, D::Error> {
    from.deserialize_str(OneOf(&LEVELS))
}

pub(super) fn serial<'de, D: Deserializer<'de>>(from: D) -> Result<SerialConsistency, D::Error> {
    from.deserialize_str(OneOf(&SERIAL))
}

/// Serde's own words for what is not text show it.
struct Secret;

impl Secret {
    fn no_text<E: Error>() -> Result<Password, E> {
        Err(E::custom(
            "it is no text: write it in quotes, those of the environment's value included",
        ))
    }
}

impl<'de> Visitor<'de> for Secret {
    type Value = Password;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Password, E> {
        Ok(text.into())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Password, E> {
        Ok(text.into())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Password, E> {
        Self::no_text()
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Password, E> {
        Self::no_text()
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<Password, E> {
        Self::no_text()
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Password, E> {
        Self::no_text()
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<Password, E> {
        Self::no_text()
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Password, E> {
        Self::no_text()
    }

    fn visit_bytes<E: Error>(self, _: &[u8]) -> Result<Password, E> {
        Self::no_text()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Password, A::Error> {
        Self::no_text()
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Password, A::Error> {
        Self::no_text()
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_string(Secret)
    }
}

/// `250ms`, `1.5s` is not one: `1s 500ms`.
struct Time;

impl Visitor<'_> for Time {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number with a unit, as in \"250ms\", \"10s\", \"1m 30s\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Duration, E> {
        let wrong = |_| E::invalid_value(serde::de::Unexpected::Str(text), &self);
        humantime::parse_duration(text).map_err(wrong)
    }
}

pub(super) fn duration<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    from.deserialize_str(Time)
}

/// The same for settings that may be left out.
pub(super) mod optional {
    use super::{Consistency, Deserializer, Duration, SerialConsistency};

    pub(crate) fn consistency<'de, D>(from: D) -> Result<Option<Consistency>, D::Error>
    where
        D: Deserializer<'de>,
    {
        super::consistency(from).map(Some)
    }

    pub(crate) fn serial<'de, D>(from: D) -> Result<Option<SerialConsistency>, D::Error>
    where
        D: Deserializer<'de>,
    {
        super::serial(from).map(Some)
    }

    pub(crate) fn duration<'de, D>(from: D) -> Result<Option<Duration>, D::Error>
    where
        D: Deserializer<'de>,
    {
        super::duration(from).map(Some)
    }
}
