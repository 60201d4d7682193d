//! A process that writes what it is told to: `races::a_writer`.

use std::env;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// A process that writes.
pub(super) struct Writer {
    _child: Child,
    to: ChildStdin,
    from: Lines<BufReader<ChildStdout>>,
}

impl Writer {
    pub(super) async fn start(
        points: &[String],
        keyspace: &str,
        timestamps: &str,
        shift_ms: i64,
    ) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["races::a_writer", "--exact", "--ignored", "--nocapture"])
            .env("RACES_POINTS", points.join(","))
            .env("RACES_KEYSPACE", keyspace)
            .env("RACES_TIMESTAMPS", timestamps)
            .env("RACES_SHIFT_MS", shift_ms.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let to = child.stdin.take().unwrap();
        let from = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut writer = Self { _child: child, to, from };
        writer.answer().await;
        writer
    }

    async fn answer(&mut self) -> String {
        let answered = async {
            loop {
                let line = self.from.next_line().await.unwrap().expect("it goes on");
                if let Some(answer) = line.strip_prefix("answer ") {
                    return answer.to_owned();
                }
            }
        };
        timeout(Duration::from_secs(240), answered).await.expect("it answers")
    }

    pub(super) async fn ask(&mut self, line: String) -> String {
        self.to.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        self.answer().await
    }
}
