//! Sends what waits, by a run of its pipeline in this process.

use duijie_admin::Wanted;
use duijie_pipeline::{Pick, Purpose};
use duijie_project::{Project, state::waiting::Waiting, wire};
use duijie_store::Error;

use crate::args::Global;
use crate::command::run::{self, Start};
use crate::command::waiting::{self, Ask};
use crate::exit::Failure;
use crate::output::Output;

pub(crate) struct Wish<'a> {
    pub(crate) ask: Ask,
    /// What they are called.
    pub(crate) words: &'a str,
    pub(crate) wanted: Wanted,
    pub(crate) pick: &'a dyn Fn(&Waiting) -> Pick,
}

pub(crate) async fn replay(
    global: &Global,
    mut project: Project,
    wish: Wish<'_>,
    output: &Output,
) -> Result<(), Failure> {
    if !duijie_project::state::is_there(&project) {
        return Err(waiting::nothing(wish.words));
    }
    let store = wire::store(&project).map_err(owned)?;
    let rows = waiting::rows_here(&store, wish.ask, wish.wanted).await?;
    let scope = waiting::scope(&rows, wish.words)?;
    let named = project
        .pipelines
        .iter()
        .find(|document| document.low.scope.as_deref() == Some(&scope));
    let Some(named) = named.map(|document| document.file.clone()) else {
        return Err(Failure::Argument(format!(
            "no pipeline of {} has the scope `{scope}`\n\nhint: put its manifest back, or name \
             its project with --project",
            global.project.join("pipelines").display()
        )));
    };
    let document = project.pipeline(&named)?;
    let picks: Vec<Pick> = rows.iter().map(wish.pick).collect();
    let start = Start {
        document,
        store: Some(store),
        purpose: Purpose::Replay(picks),
        window: None,
        by_schedule: false,
    };
    run::start(&project, start, output).await
}

/// A run under way cannot do it: it has the data folder to itself.
fn owned(error: Error) -> Failure {
    match error {
        Error::InUse { .. } => Failure::Environment(format!(
            "{error}\n\nhint: sending starts a run of its own: stop the other one (Ctrl-C loses \
             nothing), do this, and start it again"
        )),
        other => other.into(),
    }
}
