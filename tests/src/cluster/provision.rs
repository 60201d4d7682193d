//! Fetches Cassandra's jars by Maven into a cache, once a machine and user.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use super::error::{ClusterError, last_lines};
use super::progress::{Listener, Progress};

/// Maven ends when this process does: else a killed one would leave a Maven that writes beside the
/// next one's. The shell leads a process group of its own, and kills all of it at end-of-file.
const TIED: &str = r#"
exec 3<&0 </dev/null
"$@" 3<&- &
maven=$!
{ read -r _ <&3; kill -KILL "-$$"; } &
watcher=$!
wait "$maven"
status=$?
kill -KILL "$watcher"
exit "$status"
"#;

const POM: &str = include_str!("pom.xml");
const VERSION: &str = "5.0.6";
const JARS: &str = "jars";
const UNFINISHED: &str = "unfinished-";
const COPY_PLUGIN: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1";
/// A shell's status for a command that is not there.
const NOT_FOUND: i32 = 127;
/// For Maven, and for another process' Maven. A slow line takes minutes for 66 MB.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// The folder with Cassandra's jars. Only the first call on a machine is slow (15 s on a good line).
pub(super) async fn jars(progress: &Listener) -> Result<PathBuf, ClusterError> {
    let cache = cache_folder()?;
    let jars = cache.join(JARS);
    if is_complete(&jars) {
        return Ok(jars);
    }
    fs::create_dir_all(&cache).map_err(ClusterError::io(format!("creating {cache:?}")))?;
    let lock = exclusive(&cache.join("lock")).await?;
    // Another process may have filled it while this one waited for the lock.
    if !is_complete(&jars) {
        progress.tell(Progress::Fetching { files: 0 });
        fetch(&cache, &jars, progress).await?;
    }
    drop(lock);
    Ok(jars)
}

/// Maven writes beside the final name, so that a broken download is never taken for a whole one.
async fn fetch(cache: &Path, jars: &Path, progress: &Listener) -> Result<(), ClusterError> {
    remove_leftovers(cache).map_err(ClusterError::io(format!("clearing {cache:?}")))?;
    let unfinished = cache.join(format!("{UNFINISHED}{}", uuid::Uuid::new_v4().simple()));
    let pom = cache.join("pom.xml");
    fs::write(&pom, POM.replace("@VERSION@", VERSION))
        .map_err(ClusterError::io(format!("writing {pom:?}")))?;
    run_maven(&pom, &cache.join("repository"), &unfinished, progress).await?;
    let marker = unfinished.join("complete");
    fs::write(&marker, VERSION).map_err(ClusterError::io(format!("writing {marker:?}")))?;
    fs::rename(&unfinished, jars).map_err(ClusterError::io(format!("renaming to {jars:?}")))
}

/// What a killed process left half-way.
fn remove_leftovers(cache: &Path) -> io::Result<()> {
    for entry in fs::read_dir(cache)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == JARS || name.to_string_lossy().starts_with(UNFINISHED) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// The local repository is in the cache too, so that removing the cache removes everything.
async fn run_maven(
    pom: &Path,
    repository: &Path,
    target: &Path,
    progress: &Listener,
) -> Result<(), ClusterError> {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", TIED, "cqlstack-maven", "mvn", "--batch-mode", "--file"])
        .arg(pom)
        .arg(format!("{COPY_PLUGIN}:copy-dependencies"))
        .arg("-DincludeScope=runtime")
        .arg(format!("-Dmaven.repo.local={}", repository.display()))
        .arg(format!("-DoutputDirectory={}", target.display()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0);
    let mut maven = command.spawn().map_err(ClusterError::io("starting mvn"))?;
    // Dropped with this future, which is how a caller that gives up ends Maven.
    let _lifeline = maven.stdin.take();
    let mut written = Vec::new();
    let ended = timeout(PATIENCE, async {
        if let Some(output) = maven.stdout.take() {
            let mut lines = BufReader::new(output).lines();
            let mut files = 0;
            while let Some(line) = lines.next_line().await? {
                if line.contains("Downloaded from") {
                    files += 1;
                    progress.tell(Progress::Fetching { files });
                } else if !line.contains("Downloading from") {
                    written.push(line);
                }
            }
        }
        maven.wait().await
    });
    match ended.await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) if status.code() == Some(NOT_FOUND) => Err(ClusterError::MissingMaven),
        Ok(Ok(status)) => Err(ClusterError::Maven {
            pom: pom.to_owned(),
            status,
            output: last_lines(&written.join("\n")),
        }),
        Ok(Err(error)) => Err(ClusterError::io("running mvn")(error)),
        Err(_) => {
            let step = "fetching Cassandra by Maven (is the network up?)".to_owned();
            Err(ClusterError::Timeout { step, waited: PATIENCE })
        }
    }
}

fn is_complete(jars: &Path) -> bool {
    fs::read_to_string(jars.join("complete")).is_ok_and(|version| version == VERSION)
}

/// Waits for other processes that fetch. The lock ends with the file, and so with the process.
async fn exclusive(path: &Path) -> Result<File, ClusterError> {
    let failed = || ClusterError::io(format!("locking {path:?}"));
    let file = File::create(path).map_err(failed())?;
    let locked = timeout(PATIENCE, async {
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Err(rustix::io::Errno::WOULDBLOCK) => sleep(Duration::from_millis(100)).await,
                done => return done,
            }
        }
    });
    match locked.await {
        Ok(Ok(())) => Ok(file),
        Ok(Err(error)) => Err(failed()(error.into())),
        Err(_) => {
            let step = format!("waiting for the process that holds {path:?}");
            Err(ClusterError::Timeout { step, waited: PATIENCE })
        }
    }
}

/// `CQLSTACK_CACHE` is taken as it is; below the others the fixture has a folder of its own.
fn cache_folder() -> Result<PathBuf, ClusterError> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let own = Path::new("cqlstack");
    let folder = if let Some(cache) = variable("CQLSTACK_CACHE") {
        PathBuf::from(cache)
    } else if let Some(cache) = variable("XDG_CACHE_HOME") {
        Path::new(&cache).join(own)
    } else if let Some(home) = variable("HOME") {
        Path::new(&home).join(".cache").join(own)
    } else {
        return Err(ClusterError::InvalidConfig(
            "no folder to keep Cassandra in: set CQLSTACK_CACHE to one that can be written".into(),
        ));
    };
    Ok(folder.join(format!("cassandra-{VERSION}")))
}
