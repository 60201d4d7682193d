//! The throwaway cluster itself.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use cqlstack_core::{Client, Session, Statement};
use cqlstack_tests::cluster::{Cluster, ClusterError};

use crate::support::{run, scratch, soon};

fn lives(pid: &str) -> bool {
    Path::new("/proc").join(pid).exists()
}

/// Whether each thread is stopped: the letter behind the name, which is in brackets.
fn stands_still(pid: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    threads.flatten().all(|thread| {
        let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap();
        stat.rsplit_once(") ").unwrap().1.starts_with('T')
    })
}

/// A keeper of clusters in a process of its own, its data below a folder of its own.
struct Throwaway {
    child: Child,
    folder: PathBuf,
    /// Addresses and process ids of the nodes.
    nodes: Vec<(String, String)>,
}

impl Throwaway {
    fn start(name: &str, nodes: usize) -> Self {
        let folder = scratch(name);
        let mut child = Command::new(env!("CARGO_BIN_EXE_throwaway"))
            .arg(nodes.to_string())
            .env("TMPDIR", &folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().take(nodes);
        let nodes = lines
            .map(|line| {
                let line = line.unwrap();
                let (address, pid) = line.split_once(' ').unwrap();
                (address.to_owned(), pid.to_owned())
            })
            .collect();
        Self { child, folder, nodes }
    }

    fn leaves_nothing(&self) {
        for (_, pid) in &self.nodes {
            soon("a node lives on", || !lives(pid));
        }
        soon("a data folder is left", || {
            std::fs::read_dir(&self.folder).is_ok_and(|mut entries| entries.next().is_none())
        });
        std::fs::remove_dir(&self.folder).unwrap();
    }
}

#[test]
#[cfg_attr(not(feature = "heavy"), ignore = "it starts nodes of its own: in `.ci/run heavy`")]
fn nothing_is_left_after_the_end_of_the_process_that_started_it() {
    let mut keeper = Throwaway::start("ends", 1);
    assert_eq!(keeper.nodes.len(), 1);
    // End of file on its standard input.
    drop(keeper.child.stdin.take());
    assert!(keeper.child.wait().unwrap().success());
    // At once: the process had waited for it.
    assert!(!lives(&keeper.nodes[0].1));
    keeper.leaves_nothing();
}

#[test]
fn nothing_is_left_after_the_death_of_the_process_that_started_it() {
    let mut keeper = Throwaway::start("dies", 1);
    // A frozen node handles no signal but SIGKILL.
    let frozen = Command::new("kill").args(["-STOP", &keeper.nodes[0].1]).status();
    assert!(frozen.unwrap().success());
    keeper.child.kill().unwrap();
    keeper.child.wait().unwrap();
    keeper.leaves_nothing();
}

#[tokio::test]
async fn a_node_is_stopped_killed_frozen_resumed_and_started_again() {
    let cluster = Cluster::builder().start().await.unwrap();
    let node = cluster.node(0).unwrap();
    let points = cluster.contact_points();
    let connects = || async {
        let builder = Session::builder().contact_points(&points);
        let session = builder.build_timeout(Duration::from_secs(5)).build().await;
        session.is_ok()
    };
    let first = node.pid().unwrap();
    for _ in 0..50 {
        node.freeze().await.unwrap();
        assert!(stands_still(first));
        node.resume().await.unwrap();
    }
    node.freeze().await.unwrap();
    assert!(!connects().await);
    node.resume().await.unwrap();
    assert!(connects().await);
    node.kill().await.unwrap();
    assert!(!node.is_running() && !connects().await);
    node.start().await.unwrap();
    assert!(connects().await);
    assert_ne!(node.pid(), Some(first));
    node.stop().await.unwrap();
    assert!(!node.is_running());
    assert!(matches!(node.freeze().await, Err(ClusterError::NotRunning { node: 0 })));
}

#[tokio::test]
#[cfg_attr(not(feature = "heavy"), ignore = "it starts nodes of its own: in `.ci/run heavy`")]
async fn data_survives_a_restart_of_its_node() {
    let cluster = Cluster::shared_three().await.unwrap();
    let name = cluster.keyspace(1).await.unwrap().name().to_owned();
    cluster.run(format!("CREATE TABLE {name}.t (k int PRIMARY KEY)")).await.unwrap();
    for k in 0..10 {
        cluster.run(format!("INSERT INTO {name}.t (k) VALUES ({k})")).await.unwrap();
    }
    for node in cluster.nodes() {
        node.restart().await.unwrap();
    }
    cluster.settled().await.unwrap();
    let session = Session::builder().contact_points(cluster.contact_points()).build();
    let db = Client::new(session.await.unwrap());
    let count = run(&db, &format!("SELECT count(*) FROM {name}.t")).await;
    assert_eq!(count.value::<i64>().unwrap(), 10);
}

#[tokio::test]
#[cfg_attr(not(feature = "heavy"), ignore = "it starts nodes of its own: in `.ci/run heavy`")]
async fn settings_are_for_all_nodes_or_for_one() {
    let cluster = Cluster::builder()
        .nodes(2)
        .yaml("concurrent_reads", "5")
        .node_yaml(1, "concurrent_reads", "6")
        .start()
        .await
        .unwrap();
    let settings =
        Statement::new("SELECT value FROM system_views.settings WHERE name = 'concurrent_reads'");
    let session = Session::builder().contact_points(cluster.contact_points()).build();
    let db = Client::new(session.await.unwrap());
    let mut seen = std::collections::BTreeMap::new();
    while seen.len() < 2 {
        let answer = db.request(&settings).await.unwrap();
        seen.insert(answer.coordinator().unwrap(), answer.value::<String>().unwrap());
    }
    let expected = [(cluster.nodes()[0].address(), "5"), (cluster.nodes()[1].address(), "6")];
    assert!(expected.iter().all(|(node, value)| seen[node] == *value), "{seen:?}");
}

#[tokio::test]
async fn a_node_that_does_not_start_shows_the_end_of_its_log() {
    let error = Cluster::builder().yaml("no_such_setting", "1").start().await.unwrap_err();
    assert!(matches!(error, ClusterError::NodeEnded { .. }));
    assert!(error.to_string().contains("no_such_setting"), "{error}");
}

/// Runs the keeper with this program search path and an empty cache, and returns what it says.
fn complaint(name: &str, path: &Path) -> String {
    let cache = scratch(name);
    let output = Command::new(env!("CARGO_BIN_EXE_throwaway"))
        .env("PATH", path)
        .env("CQLSTACK_CACHE", &cache)
        .env("CQLSTACK_JVMS", path)
        .env_remove("JAVA_HOME")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    std::fs::remove_dir_all(&cache).unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    println!("{said}");
    said
}

/// A `java` that says that it is of this version.
fn fake_java(folder: &Path, version: &str) {
    let java = folder.join("java");
    let mut file = std::fs::File::create(&java).unwrap();
    write!(file, "#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n").unwrap();
    std::fs::set_permissions(&java, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn without_jdk_or_maven_the_error_has_the_command_that_installs_them() {
    let folder = scratch("tools");
    let nothing = complaint("no-java", &folder);
    fake_java(&folder, "11.0.2");
    let other = complaint("other-java", &folder);
    fake_java(&folder, "17.0.15");
    let no_maven = complaint("no-maven", &folder);
    for said in [&nothing, &other, &no_maven] {
        for command in ["apt-get install", "dnf install", "brew install"] {
            assert!(said.contains(command), "{said}");
        }
    }
    assert!(other.contains("java is Java 11"), "{other}");
    assert!(no_maven.contains("no Maven"), "{no_maven}");
    std::fs::remove_dir_all(&folder).unwrap();
}
