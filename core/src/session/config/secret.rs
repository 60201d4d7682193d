//! Secrets from settings: read from text, and shown by no error.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::session::config::credentials::Password;

/// Takes text only. Serde's own words for anything else would show it, and so would those of a format that is
/// asked for text: it is asked for whatever there is.
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

    fn visit_char<E: Error>(self, _: char) -> Result<Password, E> {
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
        from.deserialize_any(Secret)
    }
}
