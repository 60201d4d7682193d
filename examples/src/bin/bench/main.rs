//! The benchmark harness: ours and others' in one run, in turns, as ratios.

mod arguments;
mod bench;
mod connect;
mod figures;
mod header;
mod hosts;
mod load;
mod process;
mod report;
mod rounds;
mod scenarios;
mod side;
mod sides;
mod sockets;
mod table;
mod threads;
mod valgrind;
mod values;

use std::process::ExitCode;

use clap::Parser;
use cqlstack_examples::Failure;

use arguments::Arguments;
use bench::Bench;

/// Of the exit codes.
const BOUND_MISSED: u8 = 3;

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    if arguments.list {
        for scenario in scenarios::ALL {
            println!("{:<14} {}", scenario.name, scenario.about);
        }
        return Ok(ExitCode::SUCCESS);
    }
    if let ([scenario], Some(side)) = (&arguments.scenarios[..], &arguments.probe) {
        let probe = scenario.probe.ok_or("this scenario has no sides to run alone")?;
        probe(side, arguments.requests)?;
        return Ok(ExitCode::SUCCESS);
    }
    let chosen = arguments.scenarios.clone();
    for scenario in &chosen {
        arguments.check(scenario)?;
    }
    let mut bench = Bench::new(arguments)?;
    for scenario in chosen {
        bench.begin(scenario)?;
        (scenario.run)(&mut bench)?;
    }
    for missed in bench.missed() {
        eprintln!("bench: {missed}");
    }
    Ok(if bench.missed().is_empty() { ExitCode::SUCCESS } else { ExitCode::from(BOUND_MISSED) })
}
