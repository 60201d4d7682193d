//! The connections of this process to the cluster, as the kernel sees them: the driver tells nobody
//! when one breaks.

use std::collections::BTreeSet;
use std::fs;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

/// How often it is looked.
const EVERY: Duration = Duration::from_millis(250);

/// Which connections are looked at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Which {
    /// Their other end has one of these ports.
    ports: Vec<u16>,
    /// Those that somebody else in this process had before: the fixture, which drops its own when it
    /// lets a node go on.
    others: BTreeSet<u64>,
}

impl Which {
    /// Those to these nodes that are opened from now on.
    pub(crate) fn new_ones_to(nodes: &[String]) -> Self {
        let ports = nodes.iter().filter_map(|node| node.rsplit_once(':')?.1.parse().ok());
        let which = Self { ports: ports.collect(), others: BTreeSet::new() };
        Self { others: which.open(), ..which }
    }
}

/// Looks from now on.
pub(crate) struct Watch {
    stop: Sender<()>,
    thread: JoinHandle<usize>,
}

impl Watch {
    pub(crate) fn begin(which: Which) -> Self {
        let (stop, stopped) = channel();
        let mut before = which.open();
        let thread = spawn(move || {
            let mut broken = 0;
            loop {
                let last = stopped.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout);
                let now = which.open();
                broken += before.difference(&now).count();
                before = now;
                if last {
                    return broken;
                }
            }
        });
        Self { stop, thread }
    }

    /// How many of them went since, and of those that came.
    pub(crate) fn end(self) -> usize {
        let _ = self.stop.send(());
        self.thread.join().unwrap_or_default()
    }
}

impl Which {
    /// The inodes of those that are established now.
    fn open(&self) -> BTreeSet<u64> {
        let ours = ours();
        let mut open = BTreeSet::new();
        for table in ["/proc/self/net/tcp", "/proc/self/net/tcp6"] {
            let text = fs::read_to_string(table).unwrap_or_default();
            let inodes = text.lines().skip(1).filter_map(|line| established(line, &self.ports));
            open.extend(
                inodes.filter(|inode| ours.contains(inode) && !self.others.contains(inode)),
            );
        }
        open
    }
}

/// The inode, if the other end has one of the ports. A line is `sl local remote state ... inode`, with
/// `0100007F:2352` for an address and 01 for established.
fn established(line: &str, ports: &[u16]) -> Option<u64> {
    let fields: Vec<_> = line.split_whitespace().collect();
    let (_, port) = fields.get(2)?.rsplit_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let is_ours = *fields.get(3)? == "01" && ports.contains(&port);
    if is_ours { fields.get(9)?.parse().ok() } else { None }
}

fn ours() -> BTreeSet<u64> {
    let Ok(files) = fs::read_dir("/proc/self/fd") else { return BTreeSet::new() };
    let links = files.flatten().filter_map(|file| fs::read_link(file.path()).ok());
    let inodes = links.filter_map(|link| {
        link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    });
    inodes.collect()
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_connection_that_ends_is_broken() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let before = TcpStream::connect(address).unwrap();
        let which = Which::new_ones_to(&[address.to_string()]);
        let kept = TcpStream::connect(address).unwrap();
        let goes = TcpStream::connect(address).unwrap();
        let watch = Watch::begin(which);
        drop((before, goes));
        assert_eq!(watch.end(), 1);
        drop(kept);
    }

    #[test]
    fn other_ports_and_states_are_not_counted() {
        let line =
            "0: 0100007F:A000 0100007F:2352 01 00000000:00000000 00:00000000 00000000 0 0 77";
        assert_eq!(established(line, &[0x2352]), Some(77));
        assert_eq!(established(line, &[1]), None);
        assert_eq!(established(&line.replace(" 01 ", " 06 "), &[0x2352]), None);
        assert_eq!(established("", &[1]), None);
    }
}
