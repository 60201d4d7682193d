//! The benchmark harness on a real Cassandra that freezes: what misleads in other harnesses
//! (coordinated omission, errors that are left out) is told here.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::process::{Command, Output};

use serde_json::Value;

struct Run {
    output: Output,
    lines: Vec<Value>,
}

/// Runs it to its end. It starts a Cassandra of its own, since it is to freeze.
fn bench(name: &str, arguments: &[&str]) -> Run {
    let json = std::env::temp_dir().join(format!("cqlstack-{name}-{}.jsonl", std::process::id()));
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(arguments)
        .args(["--json".as_ref(), json.as_os_str()])
        .env_remove("CASSANDRA_NODES")
        .output()
        .unwrap();
    let text = fs::read_to_string(&json).unwrap_or_default();
    fs::remove_file(&json).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    Run { output, lines }
}

impl Run {
    fn of(&self, side: &str, metric: &str) -> f64 {
        let line = self.lines.iter().find(|line| line["side"] == side && line["metric"] == metric);
        line.unwrap_or_else(|| panic!("{side}, {metric}: {}", self.said()))["ours"]
            .as_f64()
            .unwrap()
    }

    fn said(&self) -> String {
        let Output { status, stdout, stderr } = &self.output;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        format!("{status}\n{}{}", text(stdout), text(stderr))
    }
}

/// C71.
#[test]
fn who_was_due_while_the_server_was_frozen_has_waited() {
    let run = bench(
        "frozen",
        &[
            "rate",
            "--capacity",
            "3000",
            "--at",
            "0.5",
            "--seconds",
            "5",
            "--in-flight",
            "10",
            "--freeze",
            "2,1",
        ],
    );
    assert_eq!(run.output.status.code(), Some(0), "{}", run.said());
    for side in ["driver", "full stack"] {
        let told = || format!("{side}\n{}", run.said());
        // A fifth of all was due meanwhile; ten of 7,500 were in flight.
        assert!(run.of(side, "response p99") >= 500.0, "{}", told());
        assert!(run.of(side, "service p99") < 300.0, "{}", told());
        assert!(run.of(side, "goodput") < run.of(side, "operations"), "{}", told());
    }
    // The header says what it was made on.
    assert!(run.lines[0]["cpu"].is_string() && run.lines[1]["cassandra"] == "5.0.6");
}

/// C73.
#[test]
fn errors_have_a_class_and_times_and_a_missed_bound_an_exit_code() {
    let run = bench(
        "errors",
        &[
            "rate",
            "--capacity",
            "300",
            "--at",
            "1",
            "--seconds",
            "5",
            "--in-flight",
            "1000",
            "--timeout",
            "500",
            "--freeze",
            "1,2.5",
            "--max-p99",
            "400",
            "--max-errors",
            "0.9",
        ],
    );
    assert_eq!(run.output.status.code(), Some(3), "{}", run.said());
    assert!(run.of("driver", "failed and undone") > 0.1, "{}", run.said());
    assert!(run.of("driver", "p99 of failed") >= 500.0, "{}", run.said());
    assert!(run.said().contains(" timeout"), "{}", run.said());
    // The stack sends again what it may.
    let failed = |side| run.of(side, "failed and undone");
    assert!(failed("full stack") < failed("driver"), "{}", run.said());
    for side in ["driver", "full stack"] {
        assert!(run.of(side, "goodput") < run.of(side, "offered"), "{}", run.said());
    }
    let missed = String::from_utf8_lossy(&run.output.stderr);
    assert!(
        missed.contains("full stack: p99 ") && !missed.contains("of all requests failed"),
        "{missed}"
    );
}

#[test]
fn wrong_arguments_and_a_list_need_no_server() {
    for (arguments, code, part) in [
        (&["--list"][..], 0, "throughput"),
        (&["nothing"], 2, "there is: throughput, layers"),
        (&[], 2, "SCENARIO"),
        (&["workload", "--values", "uid"], 2, "uuid[:N]"),
        (
            &["workload", "--statement", "SELECT a FROM t", "--weight", "1", "--weight", "2"],
            1,
            "1 statements",
        ),
        (&["workload", "--reads", "0", "--writes", "0"], 1, "no weight"),
        (&["rate", "--at=-1"], 2, "give 0.001"),
        (&["throughput", "--threads", "many"], 2, "a number of threads, `cores` or `current`"),
        (&["rate", "--freeze", "1"], 2, "two numbers"),
        (&["peers", "--timeout", "5"], 1, "`--timeout` has no effect on `peers`"),
        (&["throughput", "runtimes", "--threads", "2"], 1, "no effect on `runtimes`"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_bench")).args(arguments).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(part), "{arguments:?}: {said}");
    }
}
