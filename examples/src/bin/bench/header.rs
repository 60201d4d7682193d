//! What a run was made on.

use std::fmt;
use std::fs;

use serde::Serialize;

use crate::arguments::Arguments;
use crate::scenarios::Scenario;

#[derive(Debug, Serialize)]
pub(crate) struct Header {
    scenario: &'static str,
    command: String,
    cpu: String,
    cores: usize,
    memory_gib: u64,
    kernel: String,
    cqlstack: &'static str,
    scylla_driver: &'static str,
    profile: &'static str,
    settings: String,
}

pub(crate) fn of(scenario: &Scenario, arguments: &Arguments) -> Header {
    let command: Vec<_> = std::env::args().skip(1).collect();
    Header {
        scenario: scenario.name,
        command: format!("bench {}", command.join(" ")),
        cpu: field("/proc/cpuinfo", "model name"),
        cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        memory_gib: field("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0)
            >> 20,
        kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().into(),
        cqlstack: env!("CARGO_PKG_VERSION"),
        scylla_driver: driver(),
        profile: if cfg!(debug_assertions) { "debug" } else { "release" },
        settings: format!("{arguments:?}"),
    }
}

/// The version that this program was built with: the driver does not tell.
fn driver() -> &'static str {
    let lock = include_str!("../../../../Cargo.lock");
    let package = lock.split_once("name = \"scylla\"\nversion = \"");
    package.and_then(|(_, rest)| rest.split('"').next()).unwrap_or("unknown")
}

/// What stands behind `name:` in such a file.
fn field(file: &str, name: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.split_once(':'));
    line.map_or_else(|| "unknown".to_owned(), |(_, value)| value.trim().to_owned())
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            scenario, cpu, cores, memory_gib, kernel, cqlstack, scylla_driver, profile, ..
        } = self;
        writeln!(f, "== {scenario}")?;
        write!(
            f,
            "{cpu}, {cores} cores, {memory_gib} GiB, Linux {kernel}, \
             cqlstack {cqlstack} ({profile}), scylla driver {scylla_driver}"
        )
    }
}
