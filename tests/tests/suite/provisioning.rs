//! Fetching Cassandra: two processes at once, and one that was killed half-way.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::{scratch, soon};

fn throwaway(cache: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_throwaway"))
        .env("CQLSTACK_CACHE", cache)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn works(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    said
}

/// Whether any process has the cache on its command line.
fn maven_runs_for(cache: &Path) -> bool {
    let cache = cache.to_string_lossy();
    std::fs::read_dir("/proc").unwrap().any(|entry| {
        let command = std::fs::read(entry.unwrap().path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&command).contains(&*cache)
    })
}

#[test]
fn of_two_at_once_one_fetches_and_both_work() {
    let cache = scratch("at-once");
    let (first, second) = (throwaway(&cache), throwaway(&cache));
    let said = [works(first), works(second)];
    let fetched = said.iter().filter(|said| said.contains("fetching")).count();
    assert_eq!(fetched, 1);
    std::fs::remove_dir_all(&cache).unwrap();
}

#[test]
fn after_one_that_was_killed_half_way_the_next_one_works() {
    let cache = scratch("half-way");
    for files in [1, 40, 200] {
        let mut killed = throwaway(&cache);
        let half_way = format!("{files} files");
        let mut lines = BufReader::new(killed.stderr.take().unwrap()).lines();
        // Fewer are left to fetch after the first was killed.
        let reached = lines.any(|line| line.unwrap().ends_with(&half_way));
        killed.kill().unwrap();
        killed.wait().unwrap();
        assert!(reached || files > 1);
        // It ends with the process that started it.
        soon("Maven lives on", || !maven_runs_for(&cache));
    }
    works(throwaway(&cache));
    let version = std::fs::read_dir(&cache).unwrap().next().unwrap().unwrap();
    let left = std::fs::read_dir(version.path()).unwrap();
    let names: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().contains("unfinished")), "{names:?}");
    std::fs::remove_dir_all(&cache).unwrap();
}
