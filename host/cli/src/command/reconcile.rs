//! `duijie reconcile`: a stretch of the source against what is known of it,
//! and that against what the target shows. Writes nothing.

use std::sync::Arc;

use duijie_contract::Mode;
use duijie_pipeline::{Options, Purpose, Silent, SystemClock};
use duijie_project::{Project, reconciliation, wire};

use crate::args::{Global, Reconcile};
use crate::command::run;
use crate::exit::Failure;
use crate::output::Output;

pub(crate) async fn reconcile(
    global: &Global,
    wish: &Reconcile,
    output: &Output,
) -> Result<(), Failure> {
    let mut project = Project::open(&global.folders())?;
    let document = project.pipeline(&wish.pipeline)?;
    let launcher = wire::launcher(&project, Mode::Preview)?;
    let window = run::window(Some(&wish.from), Some(&wish.to));
    let (plan, warnings) = wire::plan(&project, &launcher, &document, window.as_ref()).await?;
    if !warnings.is_empty() && !output.is_json() {
        output.problems(&warnings, &project.sources);
    }
    let options = Options {
        plan: Arc::new(plan),
        launch: launcher,
        store: wire::store(&project)?,
        clock: Arc::new(SystemClock),
        observer: Arc::new(Silent),
        seed: 0,
        checkpoint_every: 1,
        purpose: window.as_ref().map_or(Purpose::Live, run::backfill),
    };
    let found = duijie_pipeline::reconcile(&options).await?;
    output.data(&reconciliation::text(&found), reconciliation::data(&found));
    Ok(())
}
