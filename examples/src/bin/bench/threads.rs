//! Which threads a runtime has.

use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::str::FromStr;

use tokio::runtime::{Builder, Runtime};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Threads {
    /// A worker for each core.
    Cores,
    Workers(NonZeroUsize),
    /// All on the thread that runs it.
    Current,
}

impl Threads {
    pub(crate) fn runtime(self) -> io::Result<Runtime> {
        let mut builder = match self {
            Self::Current => Builder::new_current_thread(),
            Self::Cores | Self::Workers(_) => Builder::new_multi_thread(),
        };
        if let Self::Workers(count) = self {
            builder.worker_threads(count.get());
        }
        builder.enable_all().build()
    }
}

impl FromStr for Threads {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "current" => Ok(Self::Current),
            "cores" => Ok(Self::Cores),
            number => match number.parse() {
                Ok(count) => Ok(Self::Workers(count)),
                Err(_) => Err("give a number of threads, `cores` or `current`".to_owned()),
            },
        }
    }
}

impl fmt::Display for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cores => f.write_str("cores"),
            Self::Workers(count) => count.fmt(f),
            Self::Current => f.write_str("current"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_a_number_or_a_word_and_are_written_as_they_are_read() {
        for text in ["cores", "current", "1", "16"] {
            let threads: Threads = text.parse().unwrap();
            assert_eq!(threads.to_string(), text);
            assert!(threads.runtime().is_ok());
        }
        for wrong in ["0", "-1", "many", ""] {
            assert!(wrong.parse::<Threads>().is_err(), "{wrong}");
        }
    }
}
