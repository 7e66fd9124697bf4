//! `duijie reconcile`: a stretch of the source against what is known of it,
//! and that against what the target shows. Writes nothing.

use duijie_project::{Project, reconciliation};

use crate::args::{Global, Reconcile};
use crate::command::{look, run};
use crate::exit::Failure;
use crate::output::Output;

pub(crate) async fn reconcile(
    global: &Global,
    wish: &Reconcile,
    output: &Output,
) -> Result<(), Failure> {
    let mut project = Project::open(&global.folders())?;
    let window = run::window(Some(&wish.from), Some(&wish.to));
    let options = look::options(&mut project, &wish.pipeline, window.as_ref(), output).await?;
    let found = duijie_pipeline::reconcile(&options).await?;
    output.data(&reconciliation::text(&found), reconciliation::data(&found));
    Ok(())
}
