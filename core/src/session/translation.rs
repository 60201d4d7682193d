//! Nodes that are reached at other addresses than they say.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use async_trait::async_trait;
use scylla::errors::TranslationError;
use scylla::policies::address_translator::{AddressTranslator, UntranslatedPeer};

/// For whom there is no other address, its own is right.
///
/// The driver tells a node's own IP address with the port of the contact point, which may be another one than
/// the node's: where no pair has both, the only one of the IP address is meant.
pub(super) struct Translation(pub(super) BTreeMap<SocketAddr, SocketAddr>);

#[async_trait]
impl AddressTranslator for Translation {
    async fn translate_address(
        &self,
        node: &UntranslatedPeer,
    ) -> Result<SocketAddr, TranslationError> {
        Ok(self.translate(node.untranslated_address()))
    }
}

impl Translation {
    fn translate(&self, own: SocketAddr) -> SocketAddr {
        if let Some(other) = self.0.get(&own) {
            return *other;
        }
        let mut of_ip = self.0.iter().filter(|(node, _)| node.ip() == own.ip());
        match (of_ip.next(), of_ip.next()) {
            (Some((_, other)), None) => *other,
            _ => own,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_decides_only_where_a_host_has_several_nodes() {
        let [one, other, alone] =
            ["10.0.0.1:1", "10.0.0.1:2", "10.0.0.2:1"].map(|it| it.parse().unwrap());
        let [to_one, to_other, to_alone] =
            ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"].map(|it| it.parse().unwrap());
        let pairs = [(one, to_one), (other, to_other), (alone, to_alone)];
        let translation = Translation(pairs.into());
        let said = ["10.0.0.1:1", "10.0.0.1:2", "10.0.0.1:7", "10.0.0.2:7", "10.0.0.3:1"];
        let [first, second, neither, only, unknown] = said.map(|it| it.parse().unwrap());
        assert_eq!(translation.translate(first), to_one);
        assert_eq!(translation.translate(second), to_other);
        assert_eq!(translation.translate(neither), neither);
        assert_eq!(translation.translate(only), to_alone);
        assert_eq!(translation.translate(unknown), unknown);
    }
}
