//! Compares `cqlstack-syntax` with Cassandra's own lexer and parser.

mod compare;
mod lexer;
mod mutate;
mod statements;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use cqlstack_tests::oracle::Oracle;

/// Compares cqlstack-syntax with Cassandra's own lexer and parser.
///
/// Cassandra's jars come from the cache of the test fixture (fetched by Maven the first time); its
/// parser runs in a Java 17 process of its own, without a server.
///
/// Exit codes: 0 they agree, 1 they do not, 2 wrong usage, 3 the comparison could not be made.
#[derive(Parser)]
#[command(name = "agreement")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Statements of public test suites: accepted or refused, kind, number of markers.
    ///
    /// Fails if less than 99.5 % agree, if a statement that Cassandra accepts is refused, or if a
    /// difference is not explained in tests/corpus/differences.jsonl.
    Corpus {
        /// Files with one statement a line, as JSON strings, or as they are if the name does not end
        /// in .jsonl [default: tests/corpus]
        files: Vec<PathBuf>,
    },
    /// Those statements with tokens left out, doubled, swapped and replaced.
    Mutate(Bounds),
    /// Soup of pieces between which lexers differ, token by token.
    Lexer(Bounds),
}

#[derive(Args)]
struct Bounds {
    /// For how long.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// The same seed makes the same texts.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Bounds {
    fn duration(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    fn random(&self) -> fastrand::Rng {
        fastrand::Rng::with_seed(self.seed)
    }
}

type Outcome = Result<bool, Box<dyn std::error::Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Cli::parse().command).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("agreement: {error}");
            ExitCode::from(3)
        }
    }
}

async fn run(command: Command) -> Outcome {
    let mut oracle = Oracle::start().await?;
    match command {
        Command::Corpus { files } => statements::compare(&mut oracle, &files).await,
        Command::Mutate(bounds) => mutate::mutate(&mut oracle, &bounds).await,
        Command::Lexer(bounds) => lexer::lexer(&mut oracle, &bounds).await,
    }
}
