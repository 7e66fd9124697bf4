//! `duijie runs`: the latest runs of a pipeline, newest first.

use duijie_admin::Request;
use duijie_project::{Project, state};
use serde_json::Value;

use crate::args::Global;
use crate::exit::Failure;
use crate::moment;
use crate::output::Output;

pub(crate) async fn runs(
    global: &Global,
    named: &str,
    limit: usize,
    output: &Output,
) -> Result<(), Failure> {
    let mut project = Project::open(&global.folders())?;
    let document = project.pipeline(named)?;
    let Some(scope) = document.low.scope.clone() else {
        return Err(project.refuse(project.problems_of(&document.file)).into());
    };
    let found = state::query(&project, Request::Runs { scope, limit }).await?;
    let rows = found.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut text = format!(
        "{:<24} {:<20} {:<9} {:>8} {:>8} {:>9} {:>8} {:>6}  purpose",
        "run", "started", "state", "read", "applied", "unchanged", "rejected", "held"
    );
    for row in rows {
        text.push('\n');
        text.push_str(&line(row));
    }
    if rows.is_empty() {
        "no run yet".clone_into(&mut text);
    }
    output.data(&text, found);
    Ok(())
}

fn line(row: &Value) -> String {
    let word = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| row.get(name).and_then(Value::as_u64).unwrap_or_default();
    let mut text = format!(
        "{:<24} {:<20} {:<9} {:>8} {:>8} {:>9} {:>8} {:>6}  {}",
        word("run"),
        moment::write(number("started_ms")),
        word("state"),
        number("read"),
        number("applied"),
        number("unchanged"),
        number("rejected"),
        number("held"),
        word("purpose")
    );
    if !word("reason").is_empty() {
        text.push_str("\n  ");
        text.push_str(word("reason"));
    }
    text
}
