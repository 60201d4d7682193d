//! How a user names a node, before the program knows any.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use uuid::Uuid;

use crate::invalid_config::InvalidConfig;

/// The setting that takes them.
pub(super) const SETTING: &str = "address_translation";

/// A node of a cluster: its host id, as `nodetool status` has it, or the IP address that it says is its own. For
/// [`address_translation`](crate::SessionBuilder::address_translation).
///
/// It is made of a [`Uuid`], an [`IpAddr`] or a [`SocketAddr`], or of the text of one. A port says nothing: nodes
/// do not tell theirs, and the driver takes that of the contact point for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeKey(pub(super) Key);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    HostId(Uuid),
    /// The port is kept so that two keys of an address are noticed.
    Address(IpAddr, Option<u16>),
}

impl From<Uuid> for NodeKey {
    fn from(host_id: Uuid) -> Self {
        Self(Key::HostId(host_id))
    }
}

impl From<IpAddr> for NodeKey {
    fn from(address: IpAddr) -> Self {
        Self(Key::Address(address, None))
    }
}

impl From<SocketAddr> for NodeKey {
    fn from(address: SocketAddr) -> Self {
        Self(Key::Address(address.ip(), Some(address.port())))
    }
}

impl FromStr for NodeKey {
    type Err = InvalidConfig;

    fn from_str(text: &str) -> Result<Self, InvalidConfig> {
        let text = text.trim();
        let address = || text.parse::<SocketAddr>().map(Self::from).ok();
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        let ip = || bare.unwrap_or(text).parse::<IpAddr>().map(Self::from).ok();
        let host_id = || Uuid::try_parse(text).map(Self::from).ok();
        address().or_else(ip).or_else(host_id).ok_or_else(|| {
            let why = "names a node by what is neither an IP address nor a host id";
            InvalidConfig::new(SETTING, why)
        })
    }
}

impl fmt::Display for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Key::HostId(id) => write!(f, "{id}"),
            Key::Address(ip, None) => write!(f, "{ip}"),
            Key::Address(ip, Some(port)) => write!(f, "{}", SocketAddr::new(ip, port)),
        }
    }
}

pub(in crate::session) fn two_addresses(node: NodeKey) -> InvalidConfig {
    let why = format!(
        "leads from {node} to two addresses: a port does not tell nodes apart, name them by their host ids \
         (`nodetool status`)"
    );
    InvalidConfig::new(SETTING, why)
}
