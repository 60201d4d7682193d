//! One run of a node's JVM, beneath a shell that ends it when its owner is gone.

use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::watch;
use tokio::time::timeout;

use super::home::Home;

/// Its standard input is the lifeline, its output tells the JVM's process id, its error stream is the
/// presence pipe (see `home`), which the JVM holds as descriptor 4.
///
/// A shell gives a background command `/dev/null` as input, hence descriptor 3. The watcher is a
/// process of its own because the shell itself waits for the JVM.
const WRAPPER: &str = r#"
log=$1; shift
exec 3<&0 </dev/null 4>&2
"$@" >>"$log" 2>&1 3<&- &
jvm=$!
echo "$jvm"
exec >&-
{ read -r _ <&3; kill -KILL "$jvm"; } &
watcher=$!
wait "$jvm"
status=$?
kill -KILL "$watcher"
exit "$status"
"#;

/// A process that runs, or ran.
#[derive(Debug)]
pub(super) struct Run {
    pid: Pid,
    ended: watch::Receiver<Option<ExitStatus>>,
}

impl Run {
    /// Starts `command` (a program and its arguments), its output appended to `log`.
    ///
    /// It blocks for the few milliseconds in which the shell starts and tells the process id. Were
    /// that awaited, dropping the future would lose a process that runs.
    pub(super) fn start(home: &Home, log: &Path, command: &[OsString]) -> io::Result<Self> {
        let mut child = Command::new("/bin/sh")
            .args(["-c", WRAPPER, "cqlstack-node"])
            .arg(log)
            .args(command)
            .stdin(home.lifeline()?)
            .stdout(Stdio::piped())
            .stderr(home.presence()?)
            // A Ctrl-C at the terminal is for the owner, which may want to end in order.
            .process_group(0)
            .spawn()?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let pid = line.trim().parse().ok().and_then(Pid::from_raw);
        let (end, ended) = watch::channel(None);
        // A thread, for it belongs to no runtime.
        thread::Builder::new().name("cqlstack-node".into()).spawn(move || {
            if let Ok(status) = child.wait() {
                end.send_replace(Some(status));
            }
        })?;
        let pid = pid.ok_or_else(|| io::Error::other("the shell did not tell the process id"))?;
        Ok(Self { pid, ended })
    }

    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// How it ended, if it has. A JVM that a signal ended has 128 and the signal's number.
    pub(super) fn status(&self) -> Option<ExitStatus> {
        *self.ended.borrow()
    }

    pub(super) fn is_over(&self) -> bool {
        // Without a sender there is no news to come: the thread that attends has ended.
        self.status().is_some() || self.ended.has_changed().is_err()
    }

    /// Sends a signal, if it still runs.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        if self.is_over() {
            return Ok(());
        }
        match kill_process(self.pid, signal) {
            // It ended just now, and its shell is about to tell.
            Err(rustix::io::Errno::SRCH) => Ok(()),
            result => result.map_err(io::Error::from),
        }
    }

    /// Whether each of its threads is stopped, as after SIGSTOP. One that just ends counts as well.
    pub(super) fn stands_still(&self) -> bool {
        let threads = fs::read_dir(format!("/proc/{}/task", self.pid.as_raw_nonzero()));
        threads.into_iter().flatten().flatten().all(|thread| {
            let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            // The state stands behind the name, which is in brackets.
            stat.rsplit_once(") ").is_none_or(|(_, state)| state.starts_with('T'))
        })
    }

    /// Whether it has ended within the time.
    pub(super) async fn ends_within(&self, limit: Duration) -> bool {
        let mut ended = self.ended.clone();
        timeout(limit, ended.wait_for(Option::is_some)).await.is_ok()
    }
}
