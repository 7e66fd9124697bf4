//! `duijie checkpoints show|reset`: where the next run of a pipeline goes on.

use duijie_admin::Request;
use duijie_contract::{Launch as _, Mode};
use duijie_project::{Project, state, wire};
use duijie_record::Position;
use serde_json::{Value, json};

use crate::args::{Checkpoints, Global};
use crate::exit::Failure;
use crate::moment;
use crate::output::Output;

pub(crate) async fn checkpoints(
    global: &Global,
    wish: &Checkpoints,
    output: &Output,
) -> Result<(), Failure> {
    match wish {
        Checkpoints::Show { pipeline } => show(global, pipeline, output).await,
        Checkpoints::Reset { pipeline } => reset(global, pipeline, output).await,
    }
}

async fn show(global: &Global, named: &str, output: &Output) -> Result<(), Failure> {
    let mut project = Project::open(&global.folders())?;
    let document = project.pipeline(named)?;
    let launcher = wire::launcher(&project, Mode::Preview)?;
    let (plan, _) = wire::plan(&project, &launcher, &document, None).await?;
    let scope = plan.scope.0.clone();
    let found = state::query(&project, Request::Checkpoint { scope }).await?;
    let checkpoint = found.get("checkpoint").cloned().unwrap_or_default();
    let position = position(&found);
    let next = launcher
        .outline(&plan.source.usage, position.as_ref())
        .await?;
    let mut text = match checkpoint.get("at_ms").and_then(Value::as_u64) {
        Some(at) => format!(
            "{}: everything before is done since {} (run {})",
            plan.name,
            moment::write(at),
            checkpoint
                .get("run")
                .and_then(Value::as_str)
                .unwrap_or_default()
        ),
        None => format!(
            "{}: no checkpoint yet, the next run begins at the start",
            plan.name
        ),
    };
    if let Some(caution) = found.get("caution").and_then(Value::as_str) {
        text.push_str("\ncaution: ");
        text.push_str(caution);
        text.push_str("; what the ledger does not know is looked up before it is sent");
    }
    for slice in &next {
        text.push_str("\nnext: ");
        text.push_str(slice);
    }
    output.data(
        &text,
        json!({
            "pipeline": plan.name.as_str(),
            "checkpoint": checkpoint,
            "caution": found.get("caution"),
            "next": next,
        }),
    );
    Ok(())
}

async fn reset(global: &Global, named: &str, output: &Output) -> Result<(), Failure> {
    let mut project = Project::open(&global.folders())?;
    let document = project.pipeline(named)?;
    let Some(scope) = document.low.scope.clone() else {
        return Err(project.refuse(project.problems_of(&document.file)).into());
    };
    state::query(&project, Request::ResetCheckpoint { scope }).await?;
    output.data(
        "the next run begins at the start; what was written is known and is not written twice, \
         and what is not known is looked up before it is sent",
        Value::Null,
    );
    Ok(())
}

pub(crate) fn position(found: &Value) -> Option<Position> {
    let bytes = found.get("checkpoint")?.get("position")?.as_array()?;
    let byte = |value: &Value| u8::try_from(value.as_u64()?).ok();
    Some(Position(bytes.iter().filter_map(byte).collect()))
}
