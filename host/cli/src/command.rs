//! One module a command, named by its verb.

mod check;
mod checkpoints;
mod inspect;
mod plan;
mod quickstart;
mod run;
mod runs;
mod state;

use crate::args::{Arguments, Command};
use crate::exit::Failure;
use crate::output::Output;

pub(crate) async fn dispatch(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let global = &arguments.global;
    match &arguments.command {
        Command::Quickstart(wish) => quickstart::quickstart(global, wish, output).await,
        Command::Check { pipelines } => check::check(global, pipelines, output).await,
        Command::Plan { pipeline, records } => plan::plan(global, pipeline, *records, output).await,
        Command::Run { pipeline, follow } => run::run(global, pipeline, *follow, output).await,
        Command::Inspect { component } => inspect::inspect(component, output).await,
        Command::Checkpoints(wish) => checkpoints::checkpoints(global, wish, output).await,
        Command::Runs { pipeline, limit } => runs::runs(global, pipeline, *limit, output).await,
        Command::CompileComponent => Ok(()),
    }
}
