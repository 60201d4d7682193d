//! Counts instructions and allocations by running this program under valgrind: an allocator that
//! counts would slow down what is timed, and the more the more it allocates.

use std::process::Command;

use crate::Failure;
use crate::rounds::median;

/// What a request costs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) instructions: f64,
    /// Enlarged ones included.
    pub(crate) allocations: f64,
    pub(crate) bytes: f64,
}

/// Name, unit, and where it stands.
type Metric = (&'static str, &'static str, fn(Counts) -> f64);

impl Counts {
    pub(crate) const METRICS: [Metric; 3] = [
        ("instructions", "1", |counts| counts.instructions),
        ("allocations", "1", |counts| counts.allocations),
        ("allocated", "bytes", |counts| counts.bytes),
    ];
}

/// What to run: a side of a scenario, on these nodes if it wants some.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Probe<'p> {
    pub(crate) scenario: &'p str,
    pub(crate) side: &'p str,
    pub(crate) nodes: &'p [String],
}

impl Probe<'_> {
    /// As [`per_request`](Self::per_request), where there is nothing to tell without.
    pub(crate) fn needed_per_request(&self, requests: u32, rounds: u32) -> Result<Counts, Failure> {
        let counts = self.per_request(requests, rounds)?;
        counts.ok_or_else(|| "this wants valgrind: install the package of that name".into())
    }

    /// The medians of several rounds of (I(2N) - I(N)) / N, so that what comes before the first
    /// request does not count; none where there is no valgrind.
    pub(crate) fn per_request(
        &self,
        requests: u32,
        rounds: u32,
    ) -> Result<Option<Counts>, Failure> {
        let mut instructions = Vec::new();
        for _ in 0..rounds {
            let Some(once) = self.callgrind(requests)? else { return Ok(None) };
            let Some(twice) = self.callgrind(requests * 2)? else { return Ok(None) };
            instructions.push(difference(once, twice, requests));
        }
        // They hardly differ from run to run.
        let requests = requests.min(2_000);
        let Some([allocations, bytes]) = self.memcheck(requests)? else { return Ok(None) };
        let Some([more, more_bytes]) = self.memcheck(requests * 2)? else { return Ok(None) };
        Ok(Some(Counts {
            instructions: median(instructions),
            allocations: difference(allocations, more, requests),
            bytes: difference(bytes, more_bytes, requests),
        }))
    }

    /// The instructions of the whole process.
    ///
    /// `==123== Collected : 456`
    pub(crate) fn callgrind(&self, requests: u32) -> Result<Option<u64>, Failure> {
        let options = ["--tool=callgrind", "--callgrind-out-file=/dev/null"];
        let Some(said) = self.run(&options, requests)? else { return Ok(None) };
        let collected = said.lines().find_map(|line| line.split_once("Collected :"));
        Ok(Some(number(collected.map(|(_, count)| count))?))
    }

    /// `==123==   total heap usage: 4,567 allocs, 4,560 frees, 1,234,567 bytes allocated`
    fn memcheck(&self, requests: u32) -> Result<Option<[u64; 2]>, Failure> {
        let options = ["--tool=memcheck", "--leak-check=no", "--undef-value-errors=no"];
        let Some(said) = self.run(&options, requests)? else { return Ok(None) };
        let total = said.lines().find_map(|line| line.split_once("total heap usage:"));
        let mut parts = total.map_or("", |(_, rest)| rest).split(" allocs, ");
        let allocations = number(parts.next())?;
        let bytes = parts.next().and_then(|rest| rest.split_once(" frees, "));
        Ok(Some([allocations, number(bytes.and_then(|(_, bytes)| bytes.split(" bytes").next()))?]))
    }

    fn run(&self, options: &[&str], requests: u32) -> Result<Option<String>, Failure> {
        let output = Command::new("valgrind")
            .args(options)
            .arg(std::env::current_exe()?)
            .args([self.scenario, "--probe", self.side, "--requests", &requests.to_string()])
            .env("CASSANDRA_NODES", self.nodes.join(","))
            .env("RUST_BACKTRACE", "0")
            .output();
        let output = match output {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            output => output?,
        };
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            return Err(format!("under valgrind {} failed:\n{said}", self.side).into());
        }
        Ok(Some(said))
    }
}

fn number(text: Option<&str>) -> Result<u64, Failure> {
    let digits = text.map(|text| text.trim().replace(',', ""));
    let number = digits.and_then(|digits| digits.parse().ok());
    Ok(number.ok_or("valgrind did not say what it counted")?)
}

#[allow(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
fn difference(once: u64, twice: u64, requests: u32) -> f64 {
    (twice as f64 - once as f64) / f64::from(requests)
}
