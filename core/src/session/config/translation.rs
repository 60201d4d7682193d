//! Nodes that are reached at other addresses than they say, and those to which no password may be sent.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use scylla::cluster::metadata::Peer;
use scylla::cluster::{Node, NodeAddr};
use scylla::errors::{CustomTranslationError, TranslationError};
use scylla::policies::address_translator::{AddressTranslator, UntranslatedPeer};
use scylla::policies::host_filter::HostFilter;
use uuid::Uuid;

use crate::error::ErrorKind;
use crate::invalid_config::InvalidConfig;
use crate::lock::lock;
use crate::session::config::SessionConfig;
use crate::session::config::contact_point::IsTrusted;
use crate::session::config::node_key::{Key, NodeKey, SETTING, two_addresses};

/// Where a node says that it is, at the port of the contact point.
pub(in crate::session) fn own_address(node: &Node) -> SocketAddr {
    SocketAddr::new(node.address.ip(), node.address.port())
}

/// Where each node is reached, and which of them may be logged in to.
pub(in crate::session) struct Translation {
    host_ids: BTreeMap<Uuid, SocketAddr>,
    addresses: BTreeMap<IpAddr, SocketAddr>,
    /// Tells the addresses to which a password may go, if it may not go to all.
    is_trusted: Option<IsTrusted>,
    /// Where the driver was told to connect to, for as long as the session is built.
    learned: Mutex<Option<BTreeSet<SocketAddr>>>,
}

impl Translation {
    pub(in crate::session) fn new(config: &SessionConfig) -> Result<Self, InvalidConfig> {
        let (mut hosts, mut addresses) = (BTreeMap::new(), BTreeMap::new());
        for (node @ NodeKey(key), to) in &config.address_translation {
            if to.port() == 0 || to.ip().is_unspecified() {
                let why = format!("leads to {to}, where no node can be reached");
                return Err(InvalidConfig::new(SETTING, why));
            }
            let before = match *key {
                Key::HostId(id) => hosts.insert(id, *to),
                Key::Address(ip, _) => addresses.insert(ip, *to),
            };
            if before.is_some_and(|before| before != *to) {
                return Err(two_addresses(*node));
            }
        }
        if let Some(node) = config.translated_twice {
            return Err(two_addresses(node));
        }
        let is_trusted = config.is_plaintext().then(|| Arc::clone(&config.is_trusted));
        let learned = Mutex::new(Some(BTreeSet::new()));
        Ok(Self { host_ids: hosts, addresses, is_trusted, learned })
    }

    /// Where a node is reached that says this of itself.
    fn reached_at(&self, host_id: Uuid, own: SocketAddr) -> SocketAddr {
        let named = self.host_ids.get(&host_id);
        *named.or_else(|| self.addresses.get(&own.ip())).unwrap_or(&own)
    }

    /// Where the driver connects to.
    pub(in crate::session) fn address(&self, node: &Node) -> SocketAddr {
        let own = own_address(node);
        match node.address {
            // A contact point.
            NodeAddr::Untranslatable(_) => own,
            _ => self.reached_at(node.host_id, own),
        }
    }

    /// The error of a node that is not connected to, since the password would go there as it is.
    pub(in crate::session) fn refusal(&self, node: &Node) -> Option<ErrorKind> {
        let refused = self.refused_at(node.host_id, node.address);
        refused.map(|node| ErrorKind::UnencryptedPassword { node })
    }

    /// Where a node would be reached, if no password may go there. A contact point was looked at before.
    fn refused_at(&self, host_id: Uuid, own: NodeAddr) -> Option<SocketAddr> {
        let NodeAddr::Translatable(own) = own else { return None };
        Some(self.reached_at(host_id, own)).filter(|address| self.refuses(*address))
    }

    /// The addresses of nodes that contact points told of, while the session is built.
    pub(in crate::session) fn learned(&self) -> Vec<SocketAddr> {
        self.noted().iter().flatten().copied().collect()
    }

    /// Ends that: nobody asks for them any more.
    pub(in crate::session) fn forget_learned(&self) {
        *self.noted() = None;
    }

    fn noted(&self) -> MutexGuard<'_, Option<BTreeSet<SocketAddr>>> {
        lock(&self.learned)
    }

    fn refuses(&self, address: SocketAddr) -> bool {
        self.is_trusted.as_ref().is_some_and(|is_trusted| !is_trusted(address.ip()))
    }
}

/// The driver asks of each node that another one told of, and does not try those that are not accepted.
impl HostFilter for Translation {
    fn accept(&self, peer: &Peer) -> bool {
        self.refused_at(peer.host_id, peer.address).is_none()
    }
}

/// The driver asks for each connection to a node that another one told of, that for control included. The last
/// to be asked before a password is sent: it refuses what the filter has let through.
#[async_trait]
impl AddressTranslator for Translation {
    async fn translate_address(
        &self,
        node: &UntranslatedPeer,
    ) -> Result<SocketAddr, TranslationError> {
        let address = self.reached_at(node.host_id(), node.untranslated_address());
        if let Some(learned) = &mut *self.noted() {
            learned.insert(address);
        }
        if self.refuses(address) {
            let refusal = ErrorKind::UnencryptedPassword { node: address };
            return Err(TranslationError::Custom(CustomTranslationError::new(Refused(refusal))));
        }
        Ok(address)
    }
}

/// What the driver was told, if it was told.
pub(in crate::session) fn refusal_in(error: &CustomTranslationError) -> Option<ErrorKind> {
    error.downcast_ref::<Refused>().map(|refused| refused.0.clone())
}

#[derive(Debug, Clone)]
struct Refused(ErrorKind);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl std::error::Error for Refused {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::config::credentials::Source;

    fn config(pairs: &[(&str, &str)]) -> SessionConfig {
        let pairs = pairs.iter().map(|(node, to)| (node.parse().unwrap(), to.parse().unwrap()));
        SessionConfig { address_translation: pairs.collect(), ..SessionConfig::default() }
    }

    fn here(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    const ONE: &str = "3a6f5a43-1b52-4a51-8f31-b1a54b1fd4a1";
    const OTHER: &str = "92e1b2a0-3e5c-4b6b-9f2e-2f9d7c0a1b2c";

    fn reached(translation: &Translation, id: &str, own: &str) -> String {
        let id = Uuid::try_parse(id).unwrap();
        translation.reached_at(id, own.parse().unwrap()).to_string()
    }

    #[test]
    fn a_node_is_known_by_its_host_id_or_its_address_and_the_port_says_nothing() {
        let pairs = [
            ("10.0.0.1:9042", "127.0.0.1:1"),
            ("10.0.0.2", "127.0.0.1:2"),
            ("[2001:db8::1]:9042", "127.0.0.1:3"),
            ("2001:db8::2", "127.0.0.1:4"),
            (OTHER, "127.0.0.1:5"),
        ];
        let translation = Translation::new(&config(&pairs)).unwrap();
        for (own, to) in [
            ("10.0.0.1:9042", "127.0.0.1:1"),
            ("10.0.0.1:19042", "127.0.0.1:1"),
            ("10.0.0.2:19042", "127.0.0.1:2"),
            ("[2001:db8::1]:19042", "127.0.0.1:3"),
            ("[2001:db8::2]:19042", "127.0.0.1:4"),
            ("10.0.0.3:9042", "10.0.0.3:9042"),
        ] {
            assert_eq!(reached(&translation, ONE, own), to);
        }
        // By its id wherever it says it is, also where it says that it is another.
        for own in ["10.0.0.1:9042", "10.0.0.9:1"] {
            assert_eq!(reached(&translation, OTHER, own), "127.0.0.1:5");
        }
    }

    #[test]
    fn what_can_lead_nowhere_is_refused() {
        for pairs in [
            &[("10.0.0.1", "127.0.0.1:0")][..],
            &[("10.0.0.1", "0.0.0.0:9042")],
            &[("10.0.0.1", "[::]:9042")],
            &[("10.0.0.1:1", "127.0.0.1:1"), ("10.0.0.1:2", "127.0.0.1:2")],
            &[("10.0.0.1", "127.0.0.1:1"), ("10.0.0.1:2", "127.0.0.1:2")],
        ] {
            let refused = Translation::new(&config(pairs)).map(drop).unwrap_err();
            assert_eq!(refused.setting, SETTING);
        }
        for key in ["10.0.0.1", ONE] {
            let pairs = [1, 2].map(|port| (key.parse::<NodeKey>().unwrap(), here(port)));
            let twice = crate::Session::builder().address_translation(pairs);
            let refused = Translation::new(&twice.into_config()).map(drop).unwrap_err();
            assert!(refused.why.contains(key), "{refused}");
        }
        let twice = [("10.0.0.1:1", "127.0.0.1:1"), ("10.0.0.1", "127.0.0.1:1")];
        assert!(Translation::new(&config(&twice)).is_ok());
        for text in ["", "a", "10.0.0.1:", "10.0.0.1:99999", "10.0.0", "3a6f5a43"] {
            assert_eq!(text.parse::<NodeKey>().unwrap_err().setting, SETTING, "{text}");
        }
    }

    fn asked(config: &SessionConfig, own: &str) -> Result<String, String> {
        let translation = Translation::new(config).unwrap();
        let address = translation.reached_at(Uuid::nil(), own.parse().unwrap());
        if translation.refuses(address) {
            Err(address.to_string())
        } else {
            Ok(address.to_string())
        }
    }

    #[test]
    fn a_password_goes_to_this_machine_only_unless_it_is_encrypted_or_allowed() {
        let plain = config(&[("10.0.0.1", "127.0.0.1:1"), ("127.0.0.9", "10.0.0.9:1")]);
        let login = |config: &SessionConfig| SessionConfig {
            user: Some("ada".to_owned()),
            password: Some("hush".into()),
            ..config.clone()
        };
        let with_password = login(&plain);
        let provided =
            SessionConfig { provider: Some(Source::new(|| Err("none".into()))), ..plain.clone() };
        let outside =
            ["10.0.0.2:9042", "[2001:db8::1]:9042", "[::ffff:10.0.0.2]:9042", "0.0.0.0:1"];
        for config in [&with_password, &provided] {
            for own in outside {
                assert_eq!(asked(config, own), Err(own.to_owned()));
            }
            assert_eq!(asked(config, "127.0.0.9:9042"), Err("10.0.0.9:1".to_owned()));
            for own in ["127.0.0.2:9042", "[::1]:9042", "[::ffff:127.0.0.1]:9042"] {
                assert_eq!(asked(config, own), Ok(own.to_owned()));
            }
            assert_eq!(asked(config, "10.0.0.1:9042"), Ok("127.0.0.1:1".to_owned()));
        }
        let allowed = SessionConfig { allow_unencrypted_password: true, ..with_password };
        for config in [&plain, &allowed] {
            assert!(outside.iter().all(|own| asked(config, own).is_ok()));
        }
    }
}
