//! The quickstart, as a newcomer runs it, and as Prometheus and a shell see it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cqlstack_tests::scrape::{Scrape, promtool};
use rustix::process::{Pid, Signal, kill_process};

const USERS: u32 = 500;
const PATIENCE: Duration = Duration::from_secs(120);

/// The quickstart under way; ended with the test, however that ends.
struct Quickstart(Child);

impl Drop for Quickstart {
    fn drop(&mut self) {
        // As Ctrl-C does, so that it takes its node along.
        let _ = kill_process(Pid::from_child(&self.0), Signal::INT);
        let _ = self.0.wait();
    }
}

impl Quickstart {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quickstart"));
        let users = USERS.to_string();
        command.args(["--users", &users]).args(arguments).stdout(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    /// What it prints up to the line that has this.
    fn read_until(&mut self, part: &str) -> String {
        let mut printed = String::new();
        for line in BufReader::new(self.0.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            printed += &line;
            printed += "\n";
            if line.contains(part) {
                return printed;
            }
        }
        panic!("it ended before `{part}`:\n{printed}");
    }

    fn exit_code(&mut self) -> i32 {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code().unwrap();
            }
            assert!(Instant::now() < until, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn it_prints_its_figures_serves_them_and_ends_at_ctrl_c() {
    let mut quickstart = Quickstart::start(&["--serve", "127.0.0.1:0"]);
    let printed = quickstart.read_until("/metrics and /healthz");

    let text = &printed[printed.find("# HELP").unwrap()..printed.find("http://").unwrap()];
    let scrape = Scrape::parse(text).unwrap();
    let users = u64::from(USERS);
    // One is read again after it was renamed.
    for (name, queries) in [("insert_user", users), ("user_by_id", users + 1)] {
        assert!(printed.contains(&format!("\n{name} ")), "{printed}");
        let of = |metric| scrape.sum(metric, &[("statement", name)]);
        assert_eq!(of("cassandra_queries_total"), queries);
        assert_eq!(of("cassandra_query_duration_seconds_count"), queries);
        assert_eq!(of("cassandra_query_errors_total"), 0);
        assert_eq!(of("cassandra_queries_in_flight"), 0);
    }
    let total = |metric| scrape.sum(metric, &[]);
    // Three for the keyspace and the tables, one page of all users, two reads and four batches.
    assert_eq!(total("cassandra_queries_total"), 2 * users + 10);
    assert_eq!(total("cassandra_query_duration_seconds_count"), 2 * users + 10);
    assert_eq!(total("cassandra_cache_prepares_total"), 9);
    for (batch, errors) in [("register", 0), ("rename", 0), ("rename_two", 1), ("unregister", 0)] {
        let of = |metric| scrape.sum(metric, &[("statement", batch)]);
        assert_eq!(of("cassandra_queries_total"), 1, "{batch}");
        assert_eq!(of("cassandra_query_errors_total"), errors, "{batch}");
    }
    assert!(printed.contains("refused: rename_two: statement 0 (set_name) by (id)"), "{printed}");
    assert_ne!(promtool(text).unwrap(), Some(false));

    let url = printed.lines().last().unwrap();
    let address = url.strip_prefix("http://").unwrap().split('/').next().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains("cassandra_queries_total{statement=\"insert_user\"} 500"), "{answer}");

    kill_process(Pid::from_child(&quickstart.0), Signal::INT).unwrap();
    assert_eq!(quickstart.exit_code(), 0);
}
