//! `duijie plan --diff`: every document against what was written and what
//! the target has, kept so that `run --plan` can send exactly that.

use std::collections::BTreeMap;
use std::path::PathBuf;

use duijie_pipeline::{Delta, DiffEntry, DiffReport, Planned};
use duijie_project::Project;
use serde_json::{Value, json};

use crate::args::{Global, Plan};
use crate::command::{look, run};
use crate::exit::Failure;
use crate::output::Output;

/// Digits of a plan's hash that people are shown and may type.
const SHOWN: usize = 12;

pub(crate) async fn diff(global: &Global, wish: &Plan, output: &Output) -> Result<(), Failure> {
    let mut project = Project::open(&global.folders())?;
    let window = run::window(wish.from.as_deref(), wish.to.as_deref());
    let options = look::options(&mut project, &wish.pipeline, window.as_ref(), output).await?;
    let report = duijie_pipeline::diff(&options, wish.limit).await?;
    let kept = keep(&project, &report.planned)?;
    let text = told(&report, &wish.pipeline);
    output.data(&text, data(&report, &kept));
    Ok(())
}

fn folder(project: &Project) -> PathBuf {
    project.data.join("plans")
}

fn keep(project: &Project, planned: &Planned) -> Result<PathBuf, Failure> {
    let folder = folder(project);
    let file = folder.join(format!("{}.json", planned.hash));
    let failed = |error: std::io::Error| {
        Failure::Environment(format!("cannot write {}: {error}", file.display()))
    };
    std::fs::create_dir_all(&folder).map_err(failed)?;
    let text = serde_json::to_vec(planned).map_err(|error| failed(error.into()))?;
    std::fs::write(&file, text).map_err(failed)?;
    Ok(file)
}

/// The plan whose hash begins so.
pub(crate) fn kept(project: &Project, hash: &str) -> Result<Planned, Failure> {
    let folder = folder(project);
    let entries = std::fs::read_dir(&folder).into_iter().flatten();
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            !hash.is_empty() && name.starts_with(hash)
        })
        .collect();
    let (Some(file), true) = (found.pop(), found.is_empty()) else {
        let many = if found.is_empty() {
            "no"
        } else {
            "more than one"
        };
        return Err(Failure::Argument(format!(
            "{many} plan in {} begins with `{hash}`\n\nhint: `duijie plan <pipeline> --diff` makes \
             one and tells its hash",
            folder.display()
        )));
    };
    let broken = |reason: String| {
        Failure::Argument(format!(
            "the plan {} cannot be used: {reason}\n\nhint: make it anew with `duijie plan \
             <pipeline> --diff`",
            file.display()
        ))
    };
    let bytes = std::fs::read(&file).map_err(|error| broken(error.to_string()))?;
    let planned: Planned =
        serde_json::from_slice(&bytes).map_err(|error| broken(error.to_string()))?;
    match planned.is_whole() {
        true => Ok(planned),
        false => Err(broken("its hash does not fit what is in it".to_owned())),
    }
}

fn told(report: &DiffReport, pipeline: &str) -> String {
    let from = if report.resumed {
        "checkpoint"
    } else {
        "start"
    };
    let mut text = format!("{} records read from the {from} on", report.read);
    for slice in &report.outline {
        text.push_str(&format!("\n  would read    {slice}"));
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in &report.entries {
        *counts.entry(entry.delta.word()).or_default() += 1;
    }
    for (word, count) in counts {
        text.push_str(&format!("\n  {word:<12}{count:>8}"));
    }
    if report.open_intents > 0 {
        text.push_str(&format!(
            "\n\n{} intents of an earlier run would be settled first",
            report.open_intents
        ));
    }
    text.push('\n');
    for entry in &report.entries {
        line(entry, &mut text);
    }
    if report.cut {
        text.push_str(&format!(
            "\nthe source has more: the plan ends behind {} records, --limit looks further\n",
            report.read
        ));
    }
    let hash = report.planned.hash.get(..SHOWN).unwrap_or_default();
    text.push_str(&format!(
        "\nplan {hash}; nothing was written\n\nhint: `duijie run {pipeline} --plan {hash}` sends \
         exactly this"
    ));
    text
}

fn line(entry: &DiffEntry, text: &mut String) {
    let key = entry.target_key.as_ref().map_or("-", |key| key.as_str());
    let detail = match &entry.delta {
        Delta::Unchanged | Delta::Stale | Delta::Dropped => return,
        Delta::Create | Delta::Update { .. } | Delta::Cancel | Delta::Open => String::new(),
        Delta::Found { id } => format!(": stands there as {id}"),
        Delta::Conflict(why) | Delta::CannotTell(why) | Delta::Hold(why) => format!(": {why}"),
        Delta::DeadLetter { code, message } => format!(": {code} {message}"),
    };
    let word = entry.delta.word();
    text.push_str(&format!("\n{word:<12}{key} ({}){detail}", entry.source_key));
    if let Delta::Update { fields } = &entry.delta {
        for field in fields {
            let shown = |value: &Option<String>| value.clone().unwrap_or("nothing".to_owned());
            let (old, new) = (shown(&field.old), shown(&field.new));
            text.push_str(&format!("\n            {}  {old} -> {new}", field.path));
        }
    }
}

fn data(report: &DiffReport, file: &std::path::Path) -> Value {
    let entry = |entry: &DiffEntry| {
        let mut data = json!({
            "source_key": entry.source_key.as_str(),
            "version": entry.version.as_ref().map(|version| version.as_str()),
            "part": entry.part,
            "target_key": entry.target_key.as_ref().map(|key| key.as_str()),
            "delta": entry.delta.word(),
        });
        let more = match &entry.delta {
            Delta::Update { fields } => {
                let field = |field: &duijie_pipeline::FieldChange| json!({ "path": field.path, "old": field.old, "new": field.new });
                Some(("fields", fields.iter().map(field).collect()))
            }
            Delta::Found { id } => Some(("id", json!(id))),
            Delta::Conflict(why) | Delta::CannotTell(why) | Delta::Hold(why) => {
                Some(("reason", json!(why)))
            }
            Delta::DeadLetter { code, message } => {
                Some(("reason", json!(format!("{code} {message}"))))
            }
            _ => None,
        };
        if let (Some((name, value)), Some(fields)) = (more, data.as_object_mut()) {
            fields.insert(name.to_owned(), value);
        }
        data
    };
    json!({
        "outline": report.outline,
        "resumed": report.resumed,
        "open_intents": report.open_intents,
        "read": report.read,
        "cut": report.cut,
        "entries": report.entries.iter().map(entry).collect::<Value>(),
        "plan": report.planned.hash,
        "file": file,
    })
}
