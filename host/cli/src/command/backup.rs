//! `duijie backup`: a copy of the state, taken where it is open.

use std::path::Path;

use duijie_admin::Request;
use duijie_project::{Project, state};
use serde_json::json;

use crate::args::Global;
use crate::exit::Failure;
use crate::output::Output;

pub(crate) async fn backup(
    global: &Global,
    to: &Path,
    evidence: bool,
    output: &Output,
) -> Result<(), Failure> {
    let project = Project::open(&global.folders())?;
    if !state::is_there(&project) {
        return Err(Failure::Argument(format!(
            "there is no state in {} to back up\n\nhint: the first run makes it; name another \
             folder with --data",
            project.data.display()
        )));
    }
    // The process that owns the folder may work in another one.
    let to = std::path::absolute(to)
        .map_err(|error| Failure::Argument(format!("cannot find {}: {error}", to.display())))?;
    let request = Request::Backup {
        to: to.clone(),
        evidence,
    };
    state::query(&project, request).await?;
    let text = format!(
        "the state is in {}\n\nhint: manifests, connections and secrets are files of your own: \
         keep them as well; `duijie restore {}` brings the state back",
        to.display(),
        to.display()
    );
    output.data(&text, json!({ "folder": to, "evidence": evidence }));
    Ok(())
}
