//! Gives each cluster loopback addresses of its own, across processes and checkouts.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::error::ClusterError;

/// Where clients connect.
pub const CQL: u16 = 9042;
/// Where nodes talk with each other.
pub(super) const STORAGE: u16 = 7000;

/// The same for all processes of a machine, whatever their `TMPDIR` is.
const FOLDER: &str = "/tmp/cqlstack-loopback";

/// The prefix `127.100.B`, held as long as any copy of the file is open. No two clusters of a machine
/// hold the same one.
///
/// For servers that a test makes itself; clusters take theirs.
#[derive(Debug)]
pub struct Lease {
    third: u8,
    lock: File,
}

impl Lease {
    /// Takes a free prefix on which `nodes` nodes can listen.
    ///
    /// It begins anywhere, lest the sessions of a cluster that just ended reconnect to the next one.
    ///
    /// # Errors
    ///
    /// [`ClusterError::NoFreePrefix`], [`ClusterError::Io`].
    pub fn take(nodes: usize) -> Result<Self, ClusterError> {
        let folder = Path::new(FOLDER);
        let failed = |source| ClusterError::Io { what: format!("locking in {folder:?}"), source };
        create_for_everyone(folder).map_err(failed)?;
        let begin = uuid::Uuid::new_v4().as_bytes()[0];
        for step in 0..=u8::MAX {
            let third = begin.wrapping_add(step);
            let file = open(&folder.join(format!("127.100.{third}"))).map_err(failed)?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => continue,
                Err(error) => return Err(failed(error.into())),
            }
            let lease = Self { third, lock: file };
            // A process that knows nothing of the locks may listen there all the same.
            if (0..nodes).all(|node| taken(lease.address(node)).is_none()) {
                return Ok(lease);
            }
        }
        Err(ClusterError::NoFreePrefix { tried: usize::from(u8::MAX) + 1 })
    }

    /// The address of a node, from 0: `127.100.B.1` and so on.
    #[must_use]
    pub fn address(&self, node: usize) -> Ipv4Addr {
        // A cluster has at most four nodes, which the builder has checked.
        let last = u8::try_from(node + 1).unwrap_or(u8::MAX);
        Ipv4Addr::new(127, 100, self.third, last)
    }

    /// Another handle that holds the lease as well, for a process that outlives this one.
    pub(super) fn share(&self) -> io::Result<File> {
        self.lock.try_clone()
    }
}

/// The first of a node's two sockets on which something else listens, if any.
pub(super) fn taken(address: Ipv4Addr) -> Option<SocketAddr> {
    [CQL, STORAGE]
        .map(|port| SocketAddr::from((address, port)))
        .into_iter()
        .find(|&socket| TcpListener::bind(socket).is_err_and(|e| e.kind() == ErrorKind::AddrInUse))
}

/// Users share the prefixes, so they share the folder, as they do `/tmp` itself.
fn create_for_everyone(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o1777).create(folder) {
        // The process' umask took bits away.
        Ok(()) => fs::set_permissions(folder, Permissions::from_mode(0o1777)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// First without creating: in a shared folder Linux lets nobody `O_CREAT` over another user's file.
fn open(path: &Path) -> io::Result<File> {
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            OpenOptions::new().create(true).truncate(false).write(true).open(path)
        }
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_never_share_a_prefix() {
        let leases: Vec<Lease> = (0..8).map(|_| Lease::take(3).unwrap()).collect();
        let mut thirds: Vec<u8> = leases.iter().map(|lease| lease.third).collect();
        thirds.sort_unstable();
        thirds.dedup();
        assert_eq!(thirds.len(), 8);
    }

    #[test]
    fn a_copy_holds_the_lease_after_the_first_is_gone() {
        let lease = Lease::take(1).unwrap();
        let path = Path::new(FOLDER).join(format!("127.100.{}", lease.third));
        let copy = lease.share().unwrap();
        drop(lease);
        let other = open(&path).unwrap();
        let attempt = flock(&other, FlockOperation::NonBlockingLockExclusive);
        assert_eq!(attempt, Err(Errno::WOULDBLOCK));
        drop(copy);
    }

    #[test]
    fn a_listener_makes_its_address_taken() {
        let lease = Lease::take(1).unwrap();
        let address = lease.address(0);
        assert_eq!(taken(address), None);
        let listener = TcpListener::bind((address, STORAGE)).unwrap();
        assert_eq!(taken(address), Some(listener.local_addr().unwrap()));
    }
}
