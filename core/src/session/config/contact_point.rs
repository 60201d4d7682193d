//! Contact points as they are written: `host`, `host:port`, `[::1]:9042`.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use scylla::client::session_builder::SessionBuilder as DriverBuilder;
use tokio::net::lookup_host;
use tokio::time::timeout;

use crate::invalid_config::InvalidConfig;

const SETTING: &str = "contact_points";
const DEFAULT_PORT: u16 = 9042;
/// What would be right.
const FORMS: &str = "write `host`, `host:port`, `10.0.0.1:9042` or `[::1]:9042`";

/// A contact point whose form is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::session) struct ContactPoint {
    host: Host,
    port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Address(IpAddr),
    Name(String),
}

/// Which part of a contact point is wrong.
#[derive(Debug, PartialEq, Eq)]
enum Fault {
    Empty,
    Several,
    Scheme,
    Unshowable,
    Port,
    Address,
    Ambiguous(Ipv6Addr),
    Name,
}

impl ContactPoint {
    /// All of them.
    pub(in crate::session) fn parse_all(points: &[String]) -> Result<Vec<Self>, InvalidConfig> {
        if points.is_empty() {
            return Err(InvalidConfig::new(SETTING, format!("names no node: {FORMS}")));
        }
        let parsed = points.iter().enumerate().map(|(index, point)| {
            Self::parse(point.trim()).map_err(|fault| fault.of(index, point.trim()))
        });
        parsed.collect()
    }

    fn parse(point: &str) -> Result<Self, Fault> {
        if point.is_empty() {
            return Err(Fault::Empty);
        }
        // Of a URL, or of what somebody took for one.
        if point.contains(['@', '?', '#', '=', '%', '&', '\\']) {
            return Err(Fault::Unshowable);
        }
        if point.contains([',', ';']) || point.contains(char::is_whitespace) {
            return Err(Fault::Several);
        }
        if point.contains('/') {
            return Err(Fault::Scheme);
        }
        if let Some(rest) = point.strip_prefix('[') {
            let (address, rest) = rest.split_once(']').ok_or(Fault::Address)?;
            let address: Ipv6Addr = address.parse().map_err(|_| Fault::Address)?;
            let port = match rest.strip_prefix(':') {
                Some(port) => parse_port(port)?,
                None if rest.is_empty() => DEFAULT_PORT,
                None => return Err(Fault::Address),
            };
            return Ok(Self { host: Host::Address(address.into()), port });
        }
        if point.matches(':').count() > 1 {
            let address: Ipv6Addr = point.parse().map_err(|_| Fault::Address)?;
            // Somebody may have meant a port by the last part.
            if let Some((host, port)) = point.rsplit_once(':')
                && port.len() >= 4
                && port.bytes().all(|byte| byte.is_ascii_digit())
                && host.parse::<Ipv6Addr>().is_ok()
            {
                return Err(Fault::Ambiguous(address));
            }
            return Ok(Self { host: Host::Address(address.into()), port: DEFAULT_PORT });
        }
        let (host, port) = match point.split_once(':') {
            Some((host, port)) => (host, parse_port(port)?),
            None => (point, DEFAULT_PORT),
        };
        let host = match host.parse() {
            Ok(address) => Host::Address(address),
            Err(_) => Host::Name(parse_name(host)?.to_owned()),
        };
        Ok(Self { host, port })
    }

    /// Whether a password may be sent there as it is. A resolver may lead a name anywhere.
    pub(in crate::session) fn is_trusted(&self, is_trusted: &IsTrusted) -> bool {
        match &self.host {
            Host::Address(address) => is_trusted(*address),
            Host::Name(name) => is_localhost(name),
        }
    }

    /// `localhost` is this machine, whatever a resolver says (RFC 6761, 6.3): a password may go there as it is.
    pub(in crate::session) fn add_to(&self, builder: DriverBuilder) -> DriverBuilder {
        let at = |address| SocketAddr::new(address, self.port);
        match &self.host {
            Host::Address(address) => builder.known_node_addr(at(*address)),
            Host::Name(name) if is_localhost(name) => builder
                .known_node_addr(at([127, 0, 0, 1].into()))
                .known_node_addr(at(Ipv6Addr::LOCALHOST.into())),
            Host::Name(name) => builder.known_node(format!("{name}:{}", self.port)),
        }
    }

    /// What the resolver says, if it is a name that has no address, within this time.
    pub(in crate::session) async fn unresolved(&self, within: Duration) -> Option<String> {
        let name = match &self.host {
            Host::Name(name) if !is_localhost(name) => name,
            _ => return None,
        };
        match timeout(within, lookup_host((name.as_str(), self.port))).await {
            Ok(Ok(mut addresses)) => {
                addresses.next().is_none().then(|| format!("`{name}` has no address"))
            }
            Ok(Err(error)) => Some(format!("`{name}` has no address: {error}")),
            Err(_) => Some(format!("`{name}` got no address within {within:.1?}")),
        }
    }
}

impl fmt::Display for ContactPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Address(address) => write!(f, "{}", SocketAddr::new(*address, self.port)),
            Host::Name(name) => write!(f, "{name}:{}", self.port),
        }
    }
}

/// Whether what is sent to an address stays on this machine.
pub(in crate::session) type IsTrusted = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// Whether what is sent to this address stays on this machine. `::ffff:127.0.0.1` is sent to 127.0.0.1.
pub(in crate::session) fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

fn is_localhost(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost")
}

fn parse_port(port: &str) -> Result<u16, Fault> {
    let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let port = is_number.then(|| port.parse().ok()).flatten();
    port.filter(|port| *port > 0).ok_or(Fault::Port)
}

/// A host name (RFC 1123), with the underscores that container networks have. A number at its end is that of an
/// IPv4 address with a mistake.
fn parse_name(name: &str) -> Result<&str, Fault> {
    let labels = name.strip_suffix('.').unwrap_or(name);
    let is_label = |label: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=63).contains(&label.len())
            && label.bytes().all(plain)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if labels.len() > 253 || !labels.split('.').all(is_label) {
        return Err(Fault::Name);
    }
    let last = labels.rsplit('.').next().unwrap_or(labels);
    if last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::Address);
    }
    Ok(name)
}

impl Fault {
    fn of(&self, index: usize, point: &str) -> InvalidConfig {
        let what = match self {
            Self::Empty => "is empty".to_owned(),
            Self::Several => "is more than one: make each an item of the list".to_owned(),
            Self::Scheme => "is a URL or a path, and not a host".to_owned(),
            Self::Unshowable => {
                "is no host and no address, and is not shown: it may hold a password".to_owned()
            }
            Self::Port => "has no port from 1 to 65535 after its colon".to_owned(),
            Self::Address => "is no IP address and no host name".to_owned(),
            Self::Ambiguous(address) => {
                let (host, port) = point.rsplit_once(':').unwrap_or((point, ""));
                format!("can be read in two ways: write `[{host}]:{port}`, or `[{address}]`")
            }
            Self::Name => "is no host name of letters, digits, `-`, `_` and dots".to_owned(),
        };
        let nth = index + 1;
        let item = match shown(point) {
            Some(shown) if !shown.is_empty() => format!("has as item {nth} `{shown}`, which"),
            _ => format!("has an item {nth} that"),
        };
        InvalidConfig::new(SETTING, format!("{item} {what}: {FORMS}"))
    }
}

/// What may be shown of it: hosts and ports. Where a port belongs, anything else may be a password.
fn shown(point: &str) -> Option<String> {
    let is_host = |text: &str| parse_name(text).is_ok() || text.parse::<IpAddr>().is_ok();
    let hosts = point.strip_prefix("cassandra://").unwrap_or(point);
    if hosts.split(',').all(|point| ContactPoint::parse(point.trim()).is_ok()) {
        return Some(point.to_owned());
    }
    let of_ipv6 = |text: &str| {
        let plain = |c: char| c.is_ascii_hexdigit() && !c.is_ascii_uppercase() || ":[]".contains(c);
        text.contains("::") && text.chars().all(plain)
    };
    match point.rsplit_once(':') {
        _ if point.len() > 100 => None,
        _ if of_ipv6(point) || point.bytes().all(|byte| b"0123456789.".contains(&byte)) => {
            Some(point.to_owned())
        }
        Some((host, port)) if host.is_empty() || is_host(host) || of_ipv6(host) => {
            let is_port = port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
            Some(if is_port { point.to_owned() } else { format!("{host}:…") })
        }
        _ => None,
    }
}

/// What of contact points may be in a log, whatever is in them.
pub(in crate::session) fn shown_all(points: &[String]) -> Vec<String> {
    let shown = points.iter().map(|point| match ContactPoint::parse(point.trim()) {
        Ok(point) => point.to_string(),
        Err(_) => "…".to_owned(),
    });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn parsed(point: &str) -> ContactPoint {
        ContactPoint::parse_all(&[point.to_owned()]).unwrap().remove(0)
    }

    fn refused(point: &str) -> String {
        let points = ["fine".to_owned(), point.to_owned()];
        let refused = ContactPoint::parse_all(&points).unwrap_err();
        assert_eq!(refused.setting, SETTING);
        assert!(refused.why.contains("item 2") && refused.why.contains(FORMS), "{refused}");
        refused.why
    }

    #[test]
    fn the_port_is_9042_unless_there_is_one() {
        for (point, read) in [
            ("cassandra-1", "cassandra-1:9042"),
            (" cassandra-1:19042\t", "cassandra-1:19042"),
            ("cassandra.svc.cluster.local.", "cassandra.svc.cluster.local.:9042"),
            ("my_node_1", "my_node_1:9042"),
            ("10.0.0.1", "10.0.0.1:9042"),
            ("10.0.0.1:1", "10.0.0.1:1"),
            ("10.0.0.1:65535", "10.0.0.1:65535"),
            ("[::1]", "[::1]:9042"),
            ("[::1]:19042", "[::1]:19042"),
            ("::1", "[::1]:9042"),
            ("2001:db8::1", "[2001:db8::1]:9042"),
            ("2001:db8::9042", "[2001:db8::9042]:9042"),
            ("[::ffff:10.0.0.1]:1", "[::ffff:10.0.0.1]:1"),
        ] {
            assert_eq!(parsed(point).to_string(), read);
        }
    }

    #[test]
    fn another_form_is_refused_with_the_item_and_what_would_be_right() {
        for (point, part) in [
            ("", "is empty"),
            (" ", "is empty"),
            ("a:9042,b:9042", "`a:9042,b:9042`, which is more than one"),
            ("a:9042 b:9042", "that is more than one"),
            ("a;b", "that is more than one"),
            ("127.0.0.1:99999", "`127.0.0.1:99999`, which has no port"),
            ("a:", "`a:`, which has no port"),
            ("a:0", "`a:0`, which has no port"),
            ("a:+9042", "has no port"),
            ("a:-1", "has no port"),
            ("[::1]:", "`[::1]:`, which has no port"),
            (":9042", "`:9042`, which is no host name"),
            ("cassandra://a:9042", "`cassandra://a:9042`, which is a URL"),
            ("http://a", "is a URL or a path"),
            ("a/b", "is a URL or a path"),
            ("127.0.0.1.1", "is no IP address"),
            ("256.0.0.1", "is no IP address"),
            ("127.1", "is no IP address"),
            ("010.0.0.1:9042", "is no IP address"),
            ("[::1", "is no IP address"),
            ("[::1]9042", "is no IP address"),
            ("[10.0.0.1]", "is no IP address"),
            ("[]", "is no IP address"),
            ("::1::2", "is no IP address"),
            ("::1:9042", "write `[::1]:9042`, or `[::1:9042]`"),
            ("2001:db8::1:9043", "write `[2001:db8::1]:9043`, or `[2001:db8::1:9043]`"),
            ("-a", "is no host name"),
            ("a..b", "is no host name"),
            ("kö", "is no host name"),
        ] {
            let why = refused(point);
            assert!(why.contains(part), "{point}: {why}");
        }
        refused(&"a".repeat(64));
        refused(&"a.".repeat(200));
        refused(&"é".repeat(10_000));
        let none = ContactPoint::parse_all(&[]).unwrap_err();
        assert!(none.setting == SETTING && none.why.contains("names no node"));
    }

    #[test]
    fn what_may_be_a_password_is_not_shown() {
        for point in [
            "cassandra://app:hush@a:9042/ks",
            "app:hush@a",
            "a:9042?password=hush",
            "a:9042;password=hush",
            "app:hush",
            "cassandra://app:hush",
            "a:9042/hush",
            "a:9042,app:hush",
            "app:hush,a:9042",
            "app:7201930",
            "cassandra://app:7201930",
            "a:9042 hush",
            "a:9042;app;hush",
            "a\nhush",
            "hush\u{7}",
            "https://a/hush",
            "hush/a",
        ] {
            let shown = format!("{} {:?}", refused(point), shown_all(&[point.to_owned()]));
            assert!(!shown.contains("hush") && !shown.contains("72019"), "{shown}");
            assert!(!shown.contains(char::is_control), "{shown}");
        }
    }

    fn stays_here(point: &str) -> bool {
        let is_trusted: IsTrusted = Arc::new(is_loopback);
        parsed(point).is_trusted(&is_trusted)
    }

    #[test]
    fn loopback_is_told_from_the_network() {
        for point in [
            "127.0.0.1",
            "127.3.2.1:9042",
            "localhost:9042",
            "LocalHost",
            "::1",
            "[::1]:9042",
            "[::ffff:127.0.0.1]:9042",
        ] {
            assert!(stays_here(point), "{point}");
        }
        for point in [
            "10.0.0.1:9042",
            "0.0.0.0",
            "[::]",
            "cassandra-1",
            "localhost.evil:9042",
            "localhost.",
            "[2001:db8::1]:9042",
            "[::ffff:10.0.0.1]:9042",
            "[::127.0.0.1]",
        ] {
            assert!(!stays_here(point), "{point}");
        }
    }
}
