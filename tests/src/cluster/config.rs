//! What Cassandra is told: its yaml, its logging, its flags.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;

use super::lease::{CQL, STORAGE};

const TOKENS: usize = 8;

/// The packages that Cassandra reaches into, from its own `jvm17-server.options`.
const EXPORTS: [&str; 10] = [
    "java.base/jdk.internal.misc",
    "java.base/jdk.internal.ref",
    "java.base/sun.nio.ch",
    "java.management.rmi/com.sun.jmx.remote.internal.rmi",
    "java.rmi/sun.rmi.registry",
    "java.rmi/sun.rmi.server",
    "java.rmi/sun.rmi.transport.tcp",
    "java.sql/java.sql",
    "jdk.attach/sun.tools.attach",
    "jdk.unsupported/sun.misc",
];
const OPENS: [&str; 16] = [
    "java.base/java.io",
    "java.base/java.lang",
    "java.base/java.lang.module",
    "java.base/java.lang.reflect",
    "java.base/java.nio",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "java.base/jdk.internal.loader",
    "java.base/jdk.internal.math",
    "java.base/jdk.internal.module",
    "java.base/jdk.internal.ref",
    "java.base/jdk.internal.reflect",
    "java.base/jdk.internal.util.jar",
    "java.base/sun.nio.ch",
    "jdk.management/com.sun.management.internal",
];

/// One appender, on standard output, which the wrapper appends to the node's log.
const LOGBACK: &str = r#"<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%-5level [%thread] %date{ISO8601} %F:%L - %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="out"/></root>
</configuration>
"#;

/// Settings of all nodes of a cluster.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) name: String,
    pub(super) heap_mib: u32,
    pub(super) full_jit: bool,
    pub(super) yaml: BTreeMap<String, String>,
    /// By node, from 0.
    pub(super) node_yaml: BTreeMap<usize, BTreeMap<String, String>>,
}

/// Settings of one node.
#[derive(Debug)]
pub(super) struct NodeSettings<'a> {
    /// From 0.
    pub(super) index: usize,
    /// All nodes' addresses.
    pub(super) addresses: &'a [Ipv4Addr],
    pub(super) datacenter: &'a str,
    /// The node's own.
    pub(super) folder: &'a Path,
}

/// Writes the node's files and returns the command that runs it.
pub(super) fn prepare(
    settings: &Settings,
    node: &NodeSettings<'_>,
    java: &Path,
    jars: &Path,
) -> io::Result<Vec<OsString>> {
    fs::create_dir_all(node.folder)?;
    fs::write(node.folder.join("cassandra.yaml"), yaml(settings, node))?;
    fs::write(node.folder.join("logback.xml"), LOGBACK)?;
    let rack = format!("dc={}\nrack=rack1\n", node.datacenter);
    fs::write(node.folder.join("rackdc.properties"), rack)?;
    Ok(command(settings, node.folder, java, jars))
}

fn yaml(settings: &Settings, node: &NodeSettings<'_>) -> String {
    let folder = node.folder.display();
    let address = node.addresses[node.index];
    // Each node is a seed: all can start at once, and each can start again while the others are down.
    let seeds: Vec<String> =
        node.addresses.iter().map(|address| format!("{address}:{STORAGE}")).collect();
    let seeds = format!(
        "[{{class_name: org.apache.cassandra.locator.SimpleSeedProvider, parameters: [{{seeds: \"{}\"}}]}}]",
        seeds.join(",")
    );
    let mut all: BTreeMap<&str, String> = BTreeMap::from([
        ("cluster_name", settings.name.clone()),
        ("num_tokens", TOKENS.to_string()),
        ("initial_token", tokens(node.index, node.addresses.len())),
        ("partitioner", "org.apache.cassandra.dht.Murmur3Partitioner".into()),
        ("data_file_directories", format!("[\"{folder}/data\"]")),
        ("commitlog_directory", format!("\"{folder}/commitlog\"")),
        ("saved_caches_directory", format!("\"{folder}/saved_caches\"")),
        ("hints_directory", format!("\"{folder}/hints\"")),
        ("cdc_raw_directory", format!("\"{folder}/cdc\"")),
        ("commitlog_sync", "periodic".into()),
        ("commitlog_sync_period", "10000ms".into()),
        ("seed_provider", seeds),
        ("listen_address", address.to_string()),
        ("rpc_address", address.to_string()),
        ("native_transport_port", CQL.to_string()),
        ("storage_port", STORAGE.to_string()),
        ("endpoint_snitch", "GossipingPropertyFileSnitch".into()),
        ("hinted_handoff_enabled", "true".into()),
        ("memtable_heap_space", "64MiB".into()),
        ("memtable_offheap_space", "64MiB".into()),
        ("concurrent_reads", "16".into()),
        ("concurrent_writes", "16".into()),
        // A dropped keyspace of a test is not worth a copy.
        ("auto_snapshot", "false".into()),
    ]);
    let own = settings.node_yaml.get(&node.index);
    for (key, value) in settings.yaml.iter().chain(own.into_iter().flatten()) {
        all.insert(key, value.clone());
    }
    let mut text = String::new();
    for (key, value) in all {
        // Writing to a `String` never fails.
        let _ = writeln!(text, "{key}: {value}");
    }
    text
}

/// Tokens are spread evenly and dealt in turn. Random ones could meet when nodes start at once.
fn tokens(index: usize, nodes: usize) -> String {
    let step = (1_i128 << 64) / (TOKENS * nodes) as i128;
    let tokens: Vec<String> = (0..TOKENS)
        .map(|turn| (i128::from(i64::MIN) + step * (turn * nodes + index) as i128).to_string())
        .collect();
    tokens.join(",")
}

fn command(settings: &Settings, folder: &Path, java: &Path, jars: &Path) -> Vec<OsString> {
    let mut command = vec![
        java.as_os_str().to_owned(),
        // The heap grows when it is used: a node of a test takes half the memory, and starts as fast.
        "-Xms64m".into(),
        format!("-Xmx{}m", settings.heap_mib).into(),
        "-Xss512k".into(),
        "-XX:+UseSerialGC".into(),
        "-XX:+ExitOnOutOfMemoryError".into(),
    ];
    if !settings.full_jit {
        command.push("-XX:TieredStopAtLevel=1".into());
    }
    for (flag, packages) in [("--add-exports", &EXPORTS[..]), ("--add-opens", &OPENS[..])] {
        command.extend(packages.iter().map(|name| format!("{flag}={name}=ALL-UNNAMED").into()));
    }
    let file = |name: &str| format!("file://{}", folder.join(name).display());
    let properties = [
        ("cassandra.config", file("cassandra.yaml")),
        ("cassandra-rackdc.properties", file("rackdc.properties")),
        ("logback.configurationFile", file("logback.xml")),
        ("cassandra-foreground", "yes".into()),
        ("cassandra.storagedir", folder.display().to_string()),
        ("cassandra.logdir", folder.display().to_string()),
        ("cassandra.ring_delay_ms", "2000".into()),
        ("cassandra.skip_wait_for_gossip_to_settle", "0".into()),
        ("cassandra.superuser_setup_delay_ms", "0".into()),
        ("cassandra.shutdown_announce_in_ms", "100".into()),
        ("io.netty.tryReflectionSetAccessible", "true".into()),
        ("jdk.attach.allowAttachSelf", "true".into()),
    ];
    command.extend(properties.map(|(key, value)| format!("-D{key}={value}").into()));
    command.push("-cp".into());
    command.push(jars.join("*").into_os_string());
    command.push("org.apache.cassandra.service.CassandraDaemon".into());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        let yaml = BTreeMap::from([("concurrent_reads".to_owned(), "2".to_owned())]);
        let node_yaml = BTreeMap::from([(
            1,
            BTreeMap::from([("concurrent_writes".to_owned(), "3".to_owned())]),
        )]);
        Settings { name: "a-test".into(), heap_mib: 256, full_jit: false, yaml, node_yaml }
    }

    #[test]
    fn no_two_nodes_share_a_token() {
        let dealt: Vec<String> = (0..3).map(|node| tokens(node, 3)).collect();
        let mut all: Vec<i64> = dealt.join(",").split(',').map(|t| t.parse().unwrap()).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 24);
        assert_eq!(all[0], i64::MIN);
    }

    #[test]
    fn a_setting_of_the_caller_replaces_ours() {
        let addresses = [Ipv4Addr::new(127, 100, 9, 1), Ipv4Addr::new(127, 100, 9, 2)];
        let folder = Path::new("/nowhere");
        let node = NodeSettings { index: 1, addresses: &addresses, datacenter: "dc1", folder };
        let text = yaml(&settings(), &node);
        assert!(text.contains("concurrent_reads: 2\n") && !text.contains("concurrent_reads: 16"));
        assert!(text.contains("concurrent_writes: 3\n"));
        assert!(text.contains("listen_address: 127.100.9.2\n"));
        assert!(text.contains("seeds: \"127.100.9.1:7000,127.100.9.2:7000\""));
    }

    #[test]
    fn the_heap_and_the_compiler_are_flags() {
        let folder = Path::new("/nowhere");
        let mut settings = settings();
        let fast = command(&settings, folder, Path::new("java"), folder);
        assert!(fast.contains(&"-Xmx256m".into()));
        assert!(fast.contains(&"-XX:TieredStopAtLevel=1".into()));
        settings.full_jit = true;
        let full = command(&settings, folder, Path::new("java"), folder);
        assert!(!full.contains(&"-XX:TieredStopAtLevel=1".into()));
    }
}
