//! `duijie check`: everything that is wrong, all at once.

use duijie_contract::Mode;
use duijie_diagnostic::Diagnostic;
use duijie_plan::folder;
use duijie_project::{Project, granted, wire};
use serde_json::json;

use crate::exit::Failure;
use crate::output::Output;

pub(crate) async fn check(
    mut project: Project,
    named: &[String],
    output: &Output,
) -> Result<(), Failure> {
    let launcher = wire::launcher(&project, Mode::Preview)?;
    let documents = match named {
        [] => project.pipelines.clone(),
        named => named
            .iter()
            .map(|name| project.pipeline(name))
            .collect::<Result<_, _>>()?,
    };
    let mut problems = match named {
        [] => project.problems.clone(),
        _ => documents
            .iter()
            .flat_map(|document| project.problems_of(&document.file))
            .collect(),
    };
    for document in &documents {
        let (plan, found) = wire::resolved(&project, &launcher, document, None).await?;
        problems.extend(found);
        if let Some(plan) = &plan {
            problems.extend(granted::problems(&project, &launcher, document, plan).await?);
        }
    }
    problems.extend(folder(&project.pipelines, &project.connections));
    problems.dedup();
    if problems.iter().any(Diagnostic::is_error) {
        return Err(project.refuse(problems).into());
    }
    if !problems.is_empty() && !output.is_json() {
        output.problems(&problems, &project.sources);
    }
    if documents.is_empty() {
        return Err(Failure::Argument(format!(
            "there is no pipeline in {}\n\nhint: put a manifest into pipelines/, or see `duijie quickstart`",
            project.root.display()
        )));
    }
    let names: Vec<_> = documents
        .iter()
        .filter_map(|document| document.low.pipeline.as_deref())
        .collect();
    output.data(
        &format!("nothing is wrong with {}", names.join(", ")),
        json!({ "pipelines": names }),
    );
    Ok(())
}
