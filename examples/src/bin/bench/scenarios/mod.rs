//! What can be measured: a file each.

mod batch;
mod first_use;
mod instructions;
mod layers;
mod many;
mod paced;
mod peers;
mod rate;
mod runtimes;
mod stalled;
mod stream;
mod syntax;
mod throughput;
mod warm_up;
mod workload;

use std::fmt;

use crate::Failure;
use crate::bench::Bench;

type Probe = fn(&str, u32) -> Result<(), Failure>;

/// One of them.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn(&mut Bench) -> Result<(), Failure>,
    /// Makes so many requests on a side of this name, for callgrind.
    pub(crate) probe: Option<Probe>,
    /// Options that would have no effect.
    pub(crate) without: &'static [&'static str],
}

pub(crate) static ALL: &[Scenario] = &[
    throughput::SCENARIO,
    layers::SCENARIO,
    runtimes::SCENARIO,
    peers::SCENARIO,
    instructions::SCENARIO,
    rate::SCENARIO,
    stalled::SCENARIO,
    many::SCENARIO,
    stream::SCENARIO,
    batch::SCENARIO,
    warm_up::SCENARIO,
    first_use::SCENARIO,
    syntax::SCENARIO,
    workload::SCENARIO,
];

pub(crate) fn by_name(name: &str) -> Result<&'static Scenario, String> {
    ALL.iter().find(|scenario| scenario.name == name).ok_or_else(|| {
        let names: Vec<_> = ALL.iter().map(|scenario| scenario.name).collect();
        format!("there is: {}", names.join(", "))
    })
}

impl fmt::Debug for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
