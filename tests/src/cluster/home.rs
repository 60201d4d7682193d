//! What a cluster owns on the machine, and the promise that none of it survives.
//!
//! Two pipes carry the promise; the kernel closes them however a process ends.
//!
//! - The *lifeline*: only this process holds its writing end. Each node's wrapper reads it, and kills
//!   its JVM at end-of-file.
//! - The *presence*: this process, the wrappers and the JVMs hold its writing end. The sweeper reads
//!   it; end-of-file means that nobody is left, and then it removes the folder. It holds the lease of
//!   the addresses as well, so that nobody takes them before the JVMs are gone.
//!
//! Rust opens pipes and files close-on-exec, so no other child inherits an end.

use std::fs;
use std::io::{self, PipeReader, PipeWriter};
use std::net::Ipv4Addr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use super::error::ClusterError;
use super::lease::Lease;

/// A shell may report a child's end on the presence pipe: lines are read and thrown away.
const SWEEPER: &str = r#"while read -r _; do :; done; rm -rf -- "$1""#;

#[derive(Debug)]
pub(super) struct Home {
    folder: PathBuf,
    lease: Lease,
    lifeline: PipeReader,
    /// `None` only while it is dropped.
    held: Option<Held>,
    swept: Mutex<mpsc::Receiver<()>>,
}

/// The ends that this process holds.
#[derive(Debug)]
struct Held {
    presence: PipeWriter,
    /// Its closing is the signal.
    _alive: PipeWriter,
}

/// From the closing of the lifeline to a machine without JVMs and folder; some 200 ms are seen.
const SWEEP: Duration = Duration::from_secs(10);

impl Home {
    /// A new folder with addresses for so many nodes.
    pub(super) fn new(nodes: usize) -> Result<Self, ClusterError> {
        let lease = Lease::take(nodes)?;
        let folder = std::env::temp_dir().join(format!("cqlstack-{}", uuid::Uuid::new_v4()));
        let failed = |source| ClusterError::Io { what: format!("preparing {folder:?}"), source };
        let (lifeline, alive) = io::pipe().map_err(failed)?;
        let (watched, presence) = io::pipe().map_err(failed)?;
        // The sweeper first: should this process die next, the folder has its keeper.
        let swept = sweep(&folder, watched, &lease).map_err(failed)?;
        fs::create_dir_all(&folder).map_err(failed)?;
        let held = Some(Held { presence, _alive: alive });
        Ok(Self { folder, lease, lifeline, held, swept: Mutex::new(swept) })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a node, from 0, listens.
    pub(super) fn address(&self, node: usize) -> Ipv4Addr {
        self.lease.address(node)
    }

    /// Ends when this process does, or drops the cluster.
    pub(super) fn lifeline(&self) -> io::Result<PipeReader> {
        self.lifeline.try_clone()
    }

    /// As long as it is open, the folder stays.
    pub(super) fn presence(&self) -> io::Result<PipeWriter> {
        let held = self.held.as_ref().ok_or_else(|| io::Error::other("the cluster is gone"))?;
        held.presence.try_clone()
    }
}

/// Waits until nothing is left, since the caller may look, or may end the process next.
impl Drop for Home {
    fn drop(&mut self) {
        drop(self.held.take());
        let swept = self.swept.get_mut().unwrap_or_else(PoisonError::into_inner);
        // An error means that it takes long, or that nobody attends: the sweeper works on by itself.
        let _ = swept.recv_timeout(SWEEP);
    }
}

fn sweep(folder: &Path, watched: PipeReader, lease: &Lease) -> io::Result<mpsc::Receiver<()>> {
    let (done, swept) = mpsc::channel();
    let mut sweeper = Command::new("/bin/sh")
        .args(["-c", SWEEPER, "cqlstack-sweeper"])
        .arg(folder)
        .env("PATH", "/usr/bin:/bin")
        .stdin(watched)
        .stdout(lease.share()?)
        .stderr(Stdio::null())
        // A Ctrl-C at the terminal must not end it before its work.
        .process_group(0)
        .spawn()?;
    thread::Builder::new().name("cqlstack-sweeper".into()).spawn(move || {
        // Its status tells nothing that anybody could act on, but it must not stay as a zombie.
        let _ = sweeper.wait();
        let _ = done.send(());
    })?;
    Ok(swept)
}
