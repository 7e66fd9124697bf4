//! `duijie holds list|show|resolve`: documents that wait for a person.

use duijie_admin::{Decision, Wanted};
use duijie_pipeline::{Pick, What};
use duijie_project::{Project, state::waiting::Waiting};
use duijie_record::SourceKey;
use serde_json::json;

use crate::args::waiting::{Resolve, Way};
use crate::args::{Filter, Global, Holds};
use crate::command::{replay, waiting};
use crate::exit::Failure;
use crate::layout::{indent, pretty};
use crate::moment;
use crate::output::Output;

pub(crate) async fn holds(global: &Global, wish: &Holds, output: &Output) -> Result<(), Failure> {
    let mut project = Project::open(&global.folders())?;
    match wish {
        Holds::List { filter } => list(&mut project, filter, output).await,
        Holds::Show { number, filter } => show(&mut project, number, filter, output).await,
        Holds::Resolve(wish) => resolve(global, project, wish, output).await,
    }
}

async fn list(project: &mut Project, filter: &Filter, output: &Output) -> Result<(), Failure> {
    let wanted = waiting::wanted(project, filter, &[])?;
    let rows = waiting::shown(project, waiting::HOLDS, wanted, filter.personal).await?;
    let mut text = format!("{} held", rows.len());
    for row in &rows {
        text.push_str(&format!(
            "\n{}{:<9} {}  {} {}  {}: {}",
            if row.alarm { "! " } else { "  " },
            row.code,
            moment::write(row.at_ms),
            row.action.as_deref().unwrap_or_default(),
            waiting::name(row),
            waiting::pipeline_of(project, &row.scope),
            row.message,
        ));
    }
    if rows.iter().any(|row| row.alarm) {
        text.push_str("\n\n! the target has something that only a person can put right");
    }
    output.data(&text, json!({ "holds": rows }));
    Ok(())
}

async fn show(
    project: &mut Project,
    number: &str,
    filter: &Filter,
    output: &Output,
) -> Result<(), Failure> {
    let mut wanted = waiting::wanted(project, filter, &[number.to_owned()])?;
    wanted.bodies = true;
    let rows = waiting::shown(project, waiting::HOLDS, wanted, filter.personal).await?;
    if rows.is_empty() {
        return Err(waiting::nothing("holds"));
    }
    let texts: Vec<String> = rows.iter().map(|row| page(project, row)).collect();
    output.data(&texts.join("\n"), json!({ "holds": rows }));
    Ok(())
}

fn page(project: &Project, row: &Waiting) -> String {
    let mut text = format!("{} of {}\n", row.number(), row.scope);
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            text.push_str(&format!("  {name:<13}{value}\n"));
        }
    };
    line("pipeline", &waiting::pipeline_of(project, &row.scope));
    line("kind", &row.code);
    line("reason", &row.message);
    line("not done", row.action.as_deref().unwrap_or_default());
    line("source key", &row.source_key);
    line("part", &row.part);
    line("version", row.version.as_deref().unwrap_or_default());
    line("target id", row.target_id.as_deref().unwrap_or_default());
    line(
        "since",
        &format!("{} (run {})", moment::write(row.at_ms), row.run),
    );
    let bodies = row.bodies.clone().unwrap_or_default();
    for (name, body) in [
        ("source record", bodies.record),
        ("held document", bodies.document),
    ] {
        let body = body.as_deref().map_or("no longer known".to_owned(), pretty);
        text.push_str(&format!("  {name}\n{}", indent(&body, 4)));
    }
    text.push_str(&format!("  what can be done\n{}", indent(ways(row), 4)));
    text
}

/// What a person may do, by why it waits.
fn ways(row: &Waiting) -> &'static str {
    match row.code.as_str() {
        "conflict" | "twice" => {
            "look at the target first: it has something else under this number, or more than one\n\
             put it right there, then\n\
             --applied --id ID  where the right document stands there\n\
             --send             where none stands there any more\n\
             --discard          where this version is not wanted"
        }
        "doubt" | "caution" => {
            "look in the target whether it stands there, then\n\
             --applied --id ID  where it does\n\
             --send             where it does not\n\
             --discard          where it is not wanted"
        }
        "locked" => {
            "the target does not let it be changed\n\
             unlock it there (unaudit), then --send; or --keep what stands there"
        }
        "late" => {
            "its group was sent before it came\n\
             --send     sends it as a further document of its group\n\
             --discard  leaves it out, for instance where you changed the document by hand"
        }
        _ => {
            "--send     changes what stands in the target\n\
             --keep     leaves it as it is\n\
             --again    maps the record again and decides anew\n\
             --applied  where it was changed there by hand"
        }
    }
}

async fn resolve(
    global: &Global,
    mut project: Project,
    wish: &Resolve,
    output: &Output,
) -> Result<(), Failure> {
    let wanted = waiting::wanted(&mut project, &wish.filter, &wish.numbers)?;
    waiting::chosen(&wanted, wish.all)?;
    match sent(&wish.way) {
        Some(what) => send(global, project, wanted, what, output).await,
        None => decide(&project, wanted, wish, output).await,
    }
}

fn sent(way: &Way) -> Option<What> {
    match () {
        () if way.send => Some(What::Resend),
        () if way.again => Some(What::Again),
        () => None,
    }
}

async fn send(
    global: &Global,
    project: Project,
    wanted: Wanted,
    what: What,
    output: &Output,
) -> Result<(), Failure> {
    let pick = |row: &Waiting| Pick {
        source_key: SourceKey(row.source_key.clone()),
        part: row.part.clone(),
        what,
    };
    let wish = replay::Wish {
        ask: waiting::HOLDS,
        words: "holds",
        wanted,
        pick: &pick,
    };
    replay::replay(global, project, wish, output).await
}

async fn decide(
    project: &Project,
    wanted: Wanted,
    wish: &Resolve,
    output: &Output,
) -> Result<(), Failure> {
    let rows = waiting::rows(project, waiting::HOLDS, wanted).await?;
    if rows.is_empty() {
        return Err(waiting::nothing("holds"));
    }
    if wish.id.is_some() && rows.len() > 1 {
        return Err(Failure::Argument(format!(
            "`--id` names one document, {} are meant\n\nhint: name one by its number, and by --part",
            rows.len()
        )));
    }
    let (decision, said) = match () {
        () if wish.way.applied => (
            Decision::Applied {
                id: wish.id.clone(),
            },
            "taken as applied",
        ),
        () if wish.way.keep => (Decision::Keep, "left as it is in the target"),
        () => (Decision::Discard, "never sent in this version"),
    };
    waiting::decide(project, &rows, &decision).await?;
    let lines: Vec<String> = rows
        .iter()
        .map(|row| format!("{}: {said}", waiting::name(row)))
        .collect();
    output.data(&lines.join("\n"), json!({ "resolved": rows }));
    Ok(())
}
