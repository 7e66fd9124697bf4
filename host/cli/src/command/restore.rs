//! `duijie restore`: state back from a backup. From then on every document is
//! looked up before it is first sent, until a run has gone through.

use std::path::Path;

use duijie_pipeline::{Clock as _, SystemClock};
use duijie_project::{Project, wire};
use duijie_store::Embedded;
use serde_json::json;

use crate::args::Global;
use crate::exit::Failure;
use crate::output::Output;

pub(crate) async fn restore(global: &Global, from: &Path, output: &Output) -> Result<(), Failure> {
    let project = Project::open(&global.folders())?;
    let options = wire::store_options(&project);
    Embedded::restore(from, &project.data, &options, SystemClock.now_ms()).await?;
    let text = format!(
        "the state of {} is in {}\n\nhint: what was written since the backup is not known here: \
         the next run of each pipeline looks every document up before it sends it, and holds \
         what the target cannot tell",
        from.display(),
        project.data.display()
    );
    output.data(&text, json!({ "folder": project.data }));
    Ok(())
}
