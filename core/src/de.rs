//! Settings as people write them in files.

use std::fmt;

use scylla::frame::types::{Consistency, SerialConsistency};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

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

pub(crate) fn consistency<'de, D: Deserializer<'de>>(from: D) -> Result<Consistency, D::Error> {
    from.deserialize_str(OneOf(&LEVELS))
}

pub(crate) fn serial<'de, D: Deserializer<'de>>(from: D) -> Result<SerialConsistency, D::Error> {
    from.deserialize_str(OneOf(&SERIAL))
}

/// A list, or a text with commas between the items: the environment has no lists.
struct List;

impl<'de> Visitor<'de> for List {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of texts, or a text with commas between its items")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<String>, E> {
        if text.trim().is_empty() {
            return Ok(Vec::new());
        }
        // A URL with a password in it, which nobody would know in its parts.
        if text.contains('@') {
            return Ok(vec![text.to_owned()]);
        }
        Ok(text.split(',').map(|item| item.trim().to_owned()).collect())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Vec<String>, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(items))
    }
}

pub(crate) fn list<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    from.deserialize_any(List)
}

/// The same for settings that may be left out, or be `null`.
pub(crate) mod optional {
    use super::{Consistency, Deserialize, Deserializer, SerialConsistency};

    struct Level(Consistency);

    impl<'de> Deserialize<'de> for Level {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            super::consistency(from).map(Self)
        }
    }

    struct Serial(SerialConsistency);

    impl<'de> Deserialize<'de> for Serial {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            super::serial(from).map(Self)
        }
    }

    pub(crate) fn consistency<'de, D>(from: D) -> Result<Option<Consistency>, D::Error>
    where
        D: Deserializer<'de>,
    {
        Ok(Option::<Level>::deserialize(from)?.map(|Level(level)| level))
    }

    pub(crate) fn serial<'de, D>(from: D) -> Result<Option<SerialConsistency>, D::Error>
    where
        D: Deserializer<'de>,
    {
        Ok(Option::<Serial>::deserialize(from)?.map(|Serial(level)| level))
    }
}
