//! In place of encryption, where the feature is off: nobody can ask for it.

use scylla::client::session_builder::SessionBuilder as DriverBuilder;

use crate::invalid_config::InvalidConfig;

/// Nothing: the feature `tls` is off.
#[derive(Debug, Clone)]
pub enum Tls {}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Tls {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        let why = "this program was built without the feature `tls` of cqlstack-core";
        Err(serde::de::Error::custom(why))
    }
}

impl Tls {
    pub(in crate::session) fn encrypt(
        &self,
        _builder: DriverBuilder,
    ) -> Result<DriverBuilder, InvalidConfig> {
        match *self {}
    }
}
