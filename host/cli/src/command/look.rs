//! What looks at a pipeline's source and target and writes to neither is wired
//! alike, whatever it makes of it.

use std::sync::Arc;

use duijie_contract::Mode;
use duijie_pipeline::{Options, Purpose, Silent, SystemClock};
use duijie_plan::Window;
use duijie_project::{Project, wire};

use crate::command::run;
use crate::exit::Failure;
use crate::output::Output;

/// `window` is a stretch of the source; without one it is all that a run would
/// read. Warnings are told.
pub(crate) async fn options(
    project: &mut Project,
    pipeline: &str,
    window: Option<&Window>,
    output: &Output,
) -> Result<Options, Failure> {
    let document = project.pipeline(pipeline)?;
    let launcher = wire::launcher(project, Mode::Preview)?;
    let (plan, warnings) = wire::plan(project, &launcher, &document, window).await?;
    if !warnings.is_empty() && !output.is_json() {
        output.problems(&warnings, &project.sources);
    }
    Ok(Options {
        plan: Arc::new(plan),
        launch: launcher,
        store: wire::store(project)?,
        clock: Arc::new(SystemClock),
        observer: Arc::new(Silent),
        seed: 0,
        checkpoint_every: 1,
        purpose: window.map_or(Purpose::Live, run::backfill),
    })
}
