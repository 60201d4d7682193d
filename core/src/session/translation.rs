//! Nodes that are reached at other addresses than they say.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use async_trait::async_trait;
use scylla::errors::TranslationError;
use scylla::policies::address_translator::{AddressTranslator, UntranslatedPeer};

/// For whom there is no other address, its own is right.
pub(super) struct Translation(pub(super) BTreeMap<SocketAddr, SocketAddr>);

#[async_trait]
impl AddressTranslator for Translation {
    async fn translate_address(
        &self,
        node: &UntranslatedPeer,
    ) -> Result<SocketAddr, TranslationError> {
        let own = node.untranslated_address();
        Ok(self.0.get(&own).copied().unwrap_or(own))
    }
}
