//! `duijie grant`: shows what pipelines ask for and writes it into the lock
//! of the folder. Runs nothing of a connector but its description, without
//! network and secrets.

use std::collections::BTreeSet;

use duijie_contract::Mode;
use duijie_diagnostic::Diagnostic;
use duijie_pipeline::{Clock as _, SystemClock};
use duijie_plan::{Ask, Granted, Lock, beyond, told};
use duijie_project::{Project, granted, wire};
use serde_json::{Value, json};

use super::open;
use crate::args::{Global, Grant};
use crate::exit::Failure;
use crate::moment;
use crate::output::Output;

/// One pipeline's grant beside what it had.
struct Asked {
    pipeline: String,
    uses: Vec<Ask>,
    /// `None` where nothing was granted before.
    differences: Option<Vec<String>>,
}

pub(crate) async fn grant(global: &Global, wish: &Grant, output: &Output) -> Result<(), Failure> {
    let mut project = open(global, &wish.tenant)?;
    let documents = match wish.pipelines.as_slice() {
        [] => project.pipelines.clone(),
        named => named
            .iter()
            .map(|name| project.pipeline(name))
            .collect::<Result<_, _>>()?,
    };
    let before = granted::read(&project)?;
    let mut lock = before.clone().unwrap_or_default();
    let launcher = wire::launcher(&project, Mode::Preview)?;
    let mut all = Vec::new();
    for document in &documents {
        let (plan, found) = wire::resolved(&project, &launcher, document, None).await?;
        let mut problems = project.problems_of(&document.file);
        problems.extend(found);
        let plan = match plan {
            Some(plan) if !problems.iter().any(Diagnostic::is_error) => plan,
            _ => return Err(project.refuse(problems).into()),
        };
        let uses = granted::asked(&launcher, &plan).await?;
        let known = lock.pipelines.get(plan.name.as_str());
        all.push(Asked {
            pipeline: plan.name.to_string(),
            differences: known.map(|known| words(known, &uses)),
            uses,
        });
    }
    if all.is_empty() {
        return Err(Failure::Argument(format!(
            "there is no pipeline in {} to grant anything to\n\nhint: put a manifest into pipelines/",
            project.root.display()
        )));
    }
    let gone = match wish.pipelines.is_empty() {
        true => forget(&mut lock, &all),
        false => Vec::new(),
    };
    for asked in &all {
        let granted = Granted {
            at: moment::write(SystemClock.now_ms()),
            uses: asked.uses.clone(),
        };
        // What is granted as it was keeps its date.
        let as_it_was = lock.pipelines.get(&asked.pipeline);
        if as_it_was.is_none_or(|known| known.uses != asked.uses) {
            lock.pipelines.insert(asked.pipeline.clone(), granted);
        }
    }
    if !wish.show && before.as_ref() != Some(&lock) {
        granted::write(&project, &lock)?;
    }
    tell(&project, wish, &all, &gone, output);
    Ok(())
}

fn words(known: &Granted, uses: &[Ask]) -> Vec<String> {
    beyond(known, uses)
        .into_iter()
        .flat_map(|(_, words)| words)
        .collect()
}

/// Drops what was granted to pipelines that are not there any more.
fn forget(lock: &mut Lock, all: &[Asked]) -> Vec<String> {
    let there: BTreeSet<&str> = all.iter().map(|asked| asked.pipeline.as_str()).collect();
    let names = lock.pipelines.keys();
    let gone: Vec<String> = names
        .filter(|name| !there.contains(name.as_str()))
        .cloned()
        .collect();
    lock.pipelines.retain(|name, _| !gone.contains(name));
    gone
}

fn tell(project: &Project, wish: &Grant, all: &[Asked], gone: &[String], output: &Output) {
    let mut text = String::new();
    for asked in all {
        text.push_str(&format!("pipeline {}\n\n", asked.pipeline));
        text.push_str(&told(&asked.uses));
        match asked.differences.as_deref() {
            None => text.push_str("\nnothing was granted to it before\n\n"),
            Some([]) => text.push_str("\nno more than was granted before\n\n"),
            Some(words) => {
                text.push_str("\nbeyond what was granted before:\n");
                for word in words {
                    text.push_str(&format!("  {word}\n"));
                }
                text.push('\n');
            }
        }
    }
    for name in gone {
        text.push_str(&format!("pipeline `{name}` is not there any more\n"));
    }
    let place = granted::place(project).display().to_string();
    text.push_str(&match wish.show {
        true => format!("nothing was written; without --show it goes to {place}"),
        false => format!("granted: written to {place}"),
    });
    let pipelines = all.iter().map(|asked| {
        json!({
            "pipeline": asked.pipeline,
            "uses": asked.uses,
            "was_granted": asked.differences.is_some(),
            "beyond": asked.differences.as_deref().unwrap_or_default(),
        })
    });
    let data = json!({
        "file": place,
        "written": !wish.show,
        "pipelines": pipelines.collect::<Value>(),
        "gone": gone,
    });
    output.data(&text, data);
}
