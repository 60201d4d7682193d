//! Settings as people write them in files.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use scylla::frame::types::{Consistency, SerialConsistency};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::translation::{NodeKey, two_addresses};

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

pub(super) fn list<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    from.deserialize_any(List)
}

/// A map, or a text such as `10.0.0.1=127.0.0.1:19042, 10.0.0.2=127.0.0.1:29042`.
struct Translation;

impl<'de> Visitor<'de> for Translation {
    type Value = BTreeMap<NodeKey, SocketAddr>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a map, or a text with commas, from host ids or addresses of nodes to `address:port`",
        )
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        let wrong = || E::invalid_value(serde::de::Unexpected::Str(text), &self);
        let mut pairs = BTreeMap::new();
        let is_empty = text.trim().is_empty();
        for pair in text.split(',').filter(|_| !is_empty) {
            let (node, to) = pair.split_once('=').ok_or_else(wrong)?;
            let node = node.parse().map_err(E::custom)?;
            let to = to.trim().parse().map_err(|_| wrong())?;
            insert(&mut pairs, node, to)?;
        }
        Ok(pairs)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = BTreeMap::new();
        while let Some((node, to)) = map.next_entry()? {
            insert(&mut pairs, node, to)?;
        }
        Ok(pairs)
    }
}

fn insert<E: Error>(
    pairs: &mut BTreeMap<NodeKey, SocketAddr>,
    node: NodeKey,
    to: SocketAddr,
) -> Result<(), E> {
    match pairs.insert(node, to) {
        Some(before) if before != to => Err(E::custom(two_addresses(node))),
        _ => Ok(()),
    }
}

pub(super) fn translation<'de, D>(from: D) -> Result<BTreeMap<NodeKey, SocketAddr>, D::Error>
where
    D: Deserializer<'de>,
{
    from.deserialize_any(Translation)
}

impl<'de> Deserialize<'de> for NodeKey {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// The same for settings that may be left out, or be `null`.
pub(super) mod optional {
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
