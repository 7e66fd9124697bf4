//! One module a command, named by its verb.

mod backup;
mod check;
mod checkpoints;
mod collections;
mod dead_letters;
mod diff;
mod doctor;
mod erase;
mod forecast;
mod grant;
mod holds;
mod import;
mod inspect;
mod look;
mod plan;
mod quickstart;
mod reconcile;
mod replay;
mod restore;
mod run;
mod runs;
mod secrets;
mod serve;
pub(crate) mod tables;
mod tenants;
mod trace;
mod waiting;

use duijie_project::Project;
use duijie_serve::TenantName;

use crate::args::{Arguments, Command, Global, Import};
use crate::exit::Failure;
use crate::output::Output;

pub(crate) async fn dispatch(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let global = &arguments.global;
    match &arguments.command {
        Command::Quickstart(wish) => quickstart::quickstart(global, wish, output).await,
        Command::Check { pipelines, tenant } => {
            check::check(open(global, tenant)?, pipelines, output).await
        }
        Command::Plan(wish) if wish.diff => diff::diff(global, wish, output).await,
        Command::Plan(wish) => {
            let shown = plan::Shown {
                records: wish.records,
                forecast: wish.forecast,
            };
            plan::plan(global, &wish.pipeline, shown, output).await
        }
        Command::Run(wish) => run::run(global, wish, output).await,
        Command::Reconcile(wish) => reconcile::reconcile(global, wish, output).await,
        Command::Inspect { component } => inspect::inspect(component, output).await,
        Command::Import(Import::Qeasy(wish)) => import::qeasy(global, wish, output).await,
        Command::Collections {
            connector,
            collection,
        } => collections::collections(global, connector, collection.as_deref(), output).await,
        Command::Checkpoints(wish) => checkpoints::checkpoints(global, wish, output).await,
        Command::Runs { pipeline, limit } => runs::runs(global, pipeline, *limit, output).await,
        Command::Holds(wish) => holds::holds(global, wish, output).await,
        Command::DeadLetters(wish) => dead_letters::dead_letters(global, wish, output).await,
        Command::Trace { number, personal } => {
            trace::trace(global, number, *personal, output).await
        }
        Command::Tables(wish) => tables::tables(global, wish, output).await,
        Command::Secrets { wish, tenant } => {
            secrets::secrets(|| open(global, tenant), wish, output)
        }
        Command::Grant(wish) => grant::grant(global, wish, output).await,
        Command::Doctor => doctor::doctor(global, output),
        Command::Backup {
            folder,
            without_evidence,
        } => backup::backup(global, folder, !without_evidence, output).await,
        Command::Restore { folder } => restore::restore(global, folder, output).await,
        Command::Forget { scope, yes } => erase::forget(global, scope, *yes, output).await,
        Command::Erase(wish) => erase::erase(global, wish, output).await,
        Command::Serve(wish) => serve::serve(global, wish, output).await,
        Command::Tenants(wish) => tenants::tenants(global, wish, output).await,
        Command::Tokens(wish) => tenants::tokens(global, wish, output),
        Command::CompileComponent => Ok(()),
    }
}

/// The project, or what one tenant has in the folder of a service.
fn open(global: &Global, tenant: &Option<String>) -> Result<Project, Failure> {
    Ok(match tenant {
        Some(tenant) => global.home().project(&TenantName::parse(tenant)?)?,
        None => Project::open(&global.folders())?,
    })
}
