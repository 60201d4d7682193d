//! Finds the Java 17 that runs Cassandra.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::error::ClusterError;

/// Cassandra 5 runs on 11 and 17. The fixture's flags are those for 17.
const WANTED: u32 = 17;
/// Where Linux distributions install JDKs beside each other; another folder can be named.
const INSTALLED: &str = "/usr/lib/jvm";
const INSTALLED_VARIABLE: &str = "CQLSTACK_JVMS";
const PATIENCE: Duration = Duration::from_secs(30);

/// The first Java 17 of: `JAVA_HOME`, `PATH`, the JDKs that are installed in the system's folder.
pub(super) async fn java() -> Result<PathBuf, ClusterError> {
    let mut found = String::new();
    let installed = std::env::var_os(INSTALLED_VARIABLE).unwrap_or_else(|| INSTALLED.into());
    let java_home = std::env::var_os("JAVA_HOME");
    for java in candidates(java_home.as_deref(), Path::new(&installed)) {
        match version_of(&java).await {
            Ok(Some(WANTED)) => return Ok(java),
            // Writing to a `String` never fails.
            Ok(Some(other)) => drop(write!(found, "; {} is Java {other}", java.display())),
            Ok(None) => drop(write!(found, "; {} does not tell its version", java.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => drop(write!(found, "; {}: {error}", java.display())),
        }
    }
    Err(ClusterError::MissingJava { found })
}

fn candidates(java_home: Option<&OsStr>, installed: &Path) -> Vec<PathBuf> {
    let home = java_home.filter(|home| !home.is_empty()).map(Path::new);
    let mut beside: Vec<PathBuf> = fs::read_dir(installed)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin/java")))
        .filter(|java| java.to_string_lossy().contains("17") && java.exists())
        .collect();
    beside.sort();
    home.map(|home| home.join("bin/java"))
        .into_iter()
        .chain([PathBuf::from("java")])
        .chain(beside)
        .collect()
}

async fn version_of(java: &Path) -> std::io::Result<Option<u32>> {
    let asked = Command::new(java).arg("-version").kill_on_drop(true).output();
    let Output { stderr, .. } = timeout(PATIENCE, asked).await??;
    Ok(major_version(&String::from_utf8_lossy(&stderr)))
}

/// The major version in what `java -version` writes: `openjdk version "17.0.15" 2025-04-15`, or
/// `java version "1.8.0_402"` before 9. Other lines, as for `JAVA_TOOL_OPTIONS`, may come first.
fn major_version(text: &str) -> Option<u32> {
    let quoted = text.lines().find_map(|line| line.split_once("version \""))?.1;
    let mut parts = quoted.split(|c: char| !c.is_ascii_digit());
    match parts.next()?.parse().ok()? {
        1 => parts.next()?.parse().ok(),
        major => Some(major),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_all_ages_are_read() {
        assert_eq!(major_version("openjdk version \"17.0.15\" 2025-04-15\nOpenJDK"), Some(17));
        assert_eq!(major_version("java version \"1.8.0_402\""), Some(8));
        assert_eq!(major_version("openjdk version \"24\" 2025-03-18"), Some(24));
        let noisy = "Picked up JAVA_TOOL_OPTIONS: -Xint\nopenjdk version \"21-ea\"";
        assert_eq!(major_version(noisy), Some(21));
        assert_eq!(major_version("no idea"), None);
        assert_eq!(major_version("version \"\""), None);
    }

    #[test]
    fn java_home_goes_before_the_path_and_the_path_before_what_is_installed() {
        let nowhere = Path::new("/nowhere");
        let with_home = candidates(Some(OsStr::new("/opt/jdk")), nowhere);
        assert_eq!(with_home, [Path::new("/opt/jdk/bin/java"), Path::new("java")]);
        assert_eq!(candidates(Some(OsStr::new("")), nowhere), [Path::new("java")]);
        assert_eq!(candidates(None, nowhere), [Path::new("java")]);
    }
}
