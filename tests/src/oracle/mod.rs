//! Cassandra's own lexer and parser, in a Java process without a server: what `cqlstack-syntax` is
//! compared with.

use std::io;
use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader, BufWriter};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::cluster::{self, ClusterError};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/oracle/Oracle.java");

/// What to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Is it a statement? `ok KIND MARKERS`, or `no REASON`.
    Parse,
    /// Which tokens has it? `TYPE START END` a line, in UTF-16 units, and `error` where it stops.
    Lex,
}

/// The Java process. It ends with this value, and with this process.
#[derive(Debug)]
pub struct Oracle {
    _java: Child,
    input: BufWriter<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Oracle {
    /// Starts it in a second or two, with Cassandra's jars from the cache.
    ///
    /// # Errors
    ///
    /// As starting a cluster: no JDK 17, no Maven, no network for the first time.
    pub async fn start() -> Result<Self, ClusterError> {
        let (java, jars) = cluster::java_and_jars().await?;
        Self::spawn(&java, &jars).map_err(ClusterError::io(format!("starting {java:?} {SOURCE}")))
    }

    fn spawn(java: &Path, jars: &Path) -> io::Result<Self> {
        let mut java = Command::new(java)
            .args(["-Xss512k", "-XX:+UseSerialGC", "-cp"])
            .arg(jars.join("*"))
            .arg(SOURCE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let (Some(input), Some(output)) = (java.stdin.take(), java.stdout.take()) else {
            return Err(io::Error::other("no pipes"));
        };
        let (input, output) = (BufWriter::new(input), BufReader::new(output));
        Ok(Self { _java: java, input, output })
    }

    /// Asks the same of each text; the answers are in their order.
    ///
    /// # Errors
    ///
    /// Where the process ended, which it does when its Java has no compiler (a JRE).
    pub async fn ask<T: AsRef<str>>(
        &mut self,
        question: Question,
        texts: &[T],
    ) -> Result<Vec<String>, ClusterError> {
        let Self { input, output, .. } = self;
        let asking = async {
            for text in texts {
                let text = text.as_ref();
                input.write_u8(if question == Question::Lex { b'L' } else { b'P' }).await?;
                input.write_u32(u32::try_from(text.len()).map_err(io::Error::other)?).await?;
                input.write_all(text.as_bytes()).await?;
            }
            input.flush().await
        };
        let hearing = async {
            let mut answers = Vec::with_capacity(texts.len());
            for _ in texts {
                let mut answer = vec![0; output.read_u32().await? as usize];
                output.read_exact(&mut answer).await?;
                answers.push(String::from_utf8_lossy(&answer).into_owned());
            }
            Ok(answers)
        };
        let ((), answers) = tokio::try_join!(asking, hearing)
            .map_err(ClusterError::io("asking Cassandra's parser (is this Java a JDK?)"))?;
        Ok(answers)
    }
}
