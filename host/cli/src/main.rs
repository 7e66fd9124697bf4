//! The `duijie` binary: the only place that joins all crates of the host.

mod args;
mod command;
mod exit;
mod layout;
mod memory;
mod moment;
mod output;
mod progress;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;

use args::{Arguments, Command};
use exit::Failure;
use output::Output;

/// How long a thread stays that reads files and has nothing to do. Those of a
/// wave of runs would else be there for the next, and each holds memory.
const IDLE: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    memory::keep_no_core();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return exit::usage(&error),
    };
    // A service begins its log when it knows where its spans go.
    if !matches!(arguments.command, Command::Serve(_)) {
        output::start_log(None);
    }
    let output = Output::new(arguments.global.json);
    let ended = start(&arguments, &output);
    exit::code(&output, ended)
}

fn start(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    if let Command::CompileComponent = arguments.command {
        return duijie_component::compile_child().map_err(Failure::Run);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_keep_alive(IDLE)
        .build()
        .map_err(|error| Failure::Environment(format!("cannot start: {error}")))?;
    runtime.block_on(command::dispatch(arguments, output))
}
