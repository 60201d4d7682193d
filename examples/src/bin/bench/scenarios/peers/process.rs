//! A program of another driver, which does as it is told by lines of JSON.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::Failure;
use crate::load::{Outcome, Plan, Recorded, Times};
use crate::process;
use crate::sides::{TEXT, USERS};

/// For the JVM, or Python's imports, and a session.
const START: Duration = Duration::from_secs(60);
/// For what is in flight at the end of a run.
const GRACE: Duration = Duration::from_secs(15);

/// A program under way. It ends with this value.
pub(super) struct Peer {
    program: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    /// Its driver and runtime, with their versions.
    pub(super) about: String,
}

#[derive(Deserialize)]
struct Told {
    answered: u64,
    micros: u64,
    cpu_micros: u64,
    errors: std::collections::BTreeMap<String, u64>,
    histogram: Vec<(u64, u64)>,
}

impl Peer {
    /// Starts it with as many threads, or as many as it takes by itself, and waits for its session.
    pub(super) fn start(mut command: Command, node: &str, threads: usize) -> Result<Self, Failure> {
        let mut program = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (Some(input), Some(output)) = (program.stdin.take(), program.stdout.take()) else {
            return Err("it has no pipes".into());
        };
        let (send, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        let mut peer = Self { program, input, lines, about: String::new() };
        let prepare = json!({ "node": node, "text": TEXT, "rows": USERS, "threads": threads });
        let ready = peer.ask(&json!({ "prepare": prepare }), START)?;
        ready["ready"].as_str().ok_or("it does not say what it is")?.clone_into(&mut peer.about);
        Ok(peer)
    }

    fn ask(&mut self, question: &Value, patience: Duration) -> Result<Value, Failure> {
        writeln!(self.input, "{question}")?;
        self.input.flush()?;
        let line = self.lines.recv_timeout(patience);
        let line = line.map_err(|_| format!("it has ended, or is silent for {patience:?}"))?;
        Ok(serde_json::from_str(&line)?)
    }

    pub(super) fn run(&mut self, plan: Plan) -> Result<Outcome, Failure> {
        let micros = u64::try_from(plan.time.as_micros())?;
        let run = json!({ "run": { "micros": micros, "in_flight": plan.in_flight } });
        let told: Told = serde_json::from_value(self.ask(&run, plan.time + GRACE)?)?;
        let mut recorded = Recorded { answered: told.answered, ..Recorded::default() };
        for (micros, count) in told.histogram {
            let time = Duration::from_micros(micros);
            recorded.response.record_many(time, count);
            recorded.good += if time <= plan.slo { count } else { 0 };
        }
        recorded.service = recorded.response.clone();
        let failed = told.errors.values().sum();
        if failed > 0 {
            println!("{}: {:?}", self.about, told.errors);
            recorded.errors.insert("failed", failed);
        }
        let (peak_memory, threads) = process::of_other(self.program.id());
        Ok(Outcome {
            offered: told.answered + failed,
            recorded,
            took: Duration::from_micros(told.micros),
            cpu: Duration::from_micros(told.cpu_micros),
            peak_memory: Some(peak_memory),
            threads: Some(threads),
            lag: Times::default(),
            broken: 0,
        })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn plan() -> Plan {
        let time = Duration::from_millis(1);
        Plan { in_flight: 10, time, rate: None, slo: Duration::from_millis(100) }
    }

    #[test]
    fn what_a_program_tells_of_a_run_becomes_an_outcome() {
        let script = r#"
            read prepare; echo '{"ready": "a driver 1.0"}'
            read run
            echo '{"answered": 5, "micros": 2000, "cpu_micros": 1000, "errors": {"Timeout": 2, "Busy": 1},
                   "histogram": [[80, 4], [200000, 4]]}' | tr -d '\n'; echo
            read end
        "#;
        let mut peer = Peer::start(program(script), "127.0.0.1:9042", 1).unwrap();
        assert_eq!(peer.about, "a driver 1.0");
        let outcome = peer.run(plan()).unwrap();
        assert_eq!((outcome.offered, outcome.recorded.answered, outcome.recorded.good), (8, 5, 4));
        assert_eq!(outcome.recorded.failed_count(), 3);
        assert!(
            (outcome.rate() - 2_500.0).abs() < 1e-6 && (outcome.cpu_micros() - 125.0).abs() < 1e-6
        );
        assert!(
            outcome.recorded.response.millis(99.0) > 190.0
                && outcome.peak_memory.is_some_and(|bytes| bytes > 0)
        );
    }

    #[test]
    fn a_program_that_ends_or_says_something_else_is_an_error() {
        for script in ["exit 1", "read prepare; echo nonsense; read end", "read prepare; echo '{}'"]
        {
            assert!(Peer::start(program(script), "127.0.0.1:9042", 0).is_err(), "{script}");
        }
        let ends = r#"read prepare; echo '{"ready": "a driver"}'"#;
        let mut peer = Peer::start(program(ends), "127.0.0.1:9042", 0).unwrap();
        assert!(peer.run(plan()).is_err());
    }
}
