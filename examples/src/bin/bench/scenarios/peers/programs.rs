//! The programs of the peers: how they are built, and by which command they run.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Failure;

/// A peer in one of its settings.
pub(super) struct Program {
    pub(super) name: &'static str,
    build: fn() -> Result<Command, Failure>,
    /// None is what it takes by itself.
    pub(super) threads: usize,
    /// Whether a compiler at run time makes it slow at first.
    pub(super) is_compiled_late: bool,
}

pub(super) const ALL: [Program; 6] = [
    Program { name: "Java driver", build: java, threads: 0, is_compiled_late: true },
    Program { name: "Java driver, one thread", build: java, threads: 1, is_compiled_late: true },
    Program { name: "gocql", build: go, threads: 0, is_compiled_late: false },
    Program { name: "gocql, one thread", build: go, threads: 1, is_compiled_late: false },
    Program { name: "Python, asyncio", build: python, threads: 0, is_compiled_late: false },
    Program { name: "cdrs-tokio", build: cdrs, threads: 0, is_compiled_late: false },
];

impl Program {
    /// Builds it, if that was not done before.
    pub(super) fn build(&self) -> Result<Command, Failure> {
        (self.build)()
    }
}

fn source(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(of)
}

/// Below the folder in which cargo builds this program.
fn target(of: &str) -> Result<PathBuf, Failure> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2).ok_or("this program is in no folder of cargo's")?;
    let folder = target.join("peers").join(of);
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Runs a step to its end.
fn step(command: &mut Command) -> Result<(), Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    let ended = command.stdin(Stdio::null()).output().map_err(|error| match error.kind() {
        ErrorKind::NotFound => format!("there is no `{name}`: install it to compare with this one"),
        _ => format!("{name}: {error}"),
    })?;
    if ended.status.success() {
        return Ok(());
    }
    let said = [ended.stdout, ended.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let last: Vec<_> = said.lines().rev().take(10).collect();
    let last: Vec<_> = last.into_iter().rev().collect();
    Err(format!("{name}: {}\n{}", ended.status, last.join("\n")).into())
}

fn java() -> Result<Command, Failure> {
    let folder = target("java")?;
    // Another list of dependencies is another folder, and one that is there has all of them.
    let mut list = DefaultHasher::new();
    include_str!("../../../../../peers/java/pom.xml").hash(&mut list);
    let jars = folder.join(format!("{:016x}", list.finish()));
    if !jars.exists() {
        let copied = folder.join("copied");
        if copied.exists() {
            fs::remove_dir_all(&copied)?;
        }
        let copy = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";
        step(
            Command::new("mvn")
                .args(["-B", "-q", copy, "-DincludeScope=runtime", "-f"])
                .arg(source("java/pom.xml"))
                .arg(format!("-DoutputDirectory={}", copied.display())),
        )?;
        fs::rename(copied, &jars)?;
    }
    step(Command::new("java").arg("-version"))?;
    let mut command = Command::new("java");
    command.arg("-cp").arg(jars.join("*")).arg(source("java/Peer.java"));
    Ok(command)
}

fn go() -> Result<Command, Failure> {
    let program = target("go")?.join("peer");
    step(
        Command::new("go").args(["build", "-o"]).arg(&program).arg(".").current_dir(source("go")),
    )?;
    Ok(Command::new(program))
}

fn python() -> Result<Command, Failure> {
    let environment = target("python")?;
    let python = environment.join("bin/python");
    if !python.exists() {
        step(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
    }
    step(
        Command::new(&python)
            .args(["-m", "pip", "install", "-q", "-r"])
            .arg(source("python/requirements.txt")),
    )?;
    let mut command = Command::new(python);
    command.arg(source("python/peer.py"));
    Ok(command)
}

fn cdrs() -> Result<Command, Failure> {
    let target = target("rust")?;
    step(
        Command::new("cargo")
            .args(["build", "-q", "--release", "--locked", "--manifest-path"])
            .arg(source("rust/Cargo.toml"))
            .arg("--target-dir")
            .arg(&target),
    )?;
    Ok(Command::new(target.join("release/peer")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_installed_is_named_and_what_fails_shows_its_last_lines() {
        let missing = step(&mut Command::new("no-such-toolchain")).unwrap_err().to_string();
        assert!(missing.contains("there is no `no-such-toolchain`: install it"), "{missing}");
        let script = "for n in $(seq 1 30); do echo line $n; done; exit 7";
        let failed = step(Command::new("sh").args(["-c", script])).unwrap_err().to_string();
        assert!(failed.contains("exit status: 7") && failed.contains("line 30"), "{failed}");
        assert!(!failed.contains("line 20\n"), "{failed}");
    }
}
