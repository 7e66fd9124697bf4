//! `duijie plan`: what a run would do. Reads, logs in, writes nothing.

use duijie_contract::{Launch as _, Mode};
use duijie_plan::{explain, explain_json};

use crate::args::Global;
use crate::exit::Failure;
use crate::output::Output;
use crate::project::Project;
use crate::wire;

pub(crate) async fn plan(
    global: &Global,
    named: &str,
    records: usize,
    output: &Output,
) -> Result<(), Failure> {
    let mut project = Project::open(global)?;
    let document = project.pipeline(named)?;
    let launcher = wire::launcher(&project, Mode::Preview)?;
    let (plan, warnings) = wire::plan(&project, &launcher, &document).await?;
    if !warnings.is_empty() && !output.is_json() {
        output.problems(&warnings, &project.sources);
    }
    let outline = launcher.outline(&plan.source.usage, None).await?;
    let _ = records;
    output.data(&explain(&plan, &outline), explain_json(&plan, &outline));
    Ok(())
}
