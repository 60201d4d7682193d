//! Address translation as people write it in files.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use crate::session::config::node_key::{NodeKey, two_addresses};

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

pub(in crate::session) fn translation<'de, D>(
    from: D,
) -> Result<BTreeMap<NodeKey, SocketAddr>, D::Error>
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
