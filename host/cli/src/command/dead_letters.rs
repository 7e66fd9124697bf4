//! `duijie dead-letters`: what was refused, seen, edited, sent again or given
//! up.

mod edit;
mod list;

use duijie_admin::Decision;
use duijie_pipeline::{Pick, What};
use duijie_project::{Project, state::waiting::Waiting};
use duijie_record::SourceKey;
use serde_json::json;

use crate::args::waiting::Chosen;
use crate::args::{DeadLetters, Filter, Global};
use crate::command::{replay, waiting};
use crate::exit::Failure;
use crate::output::Output;

const WORDS: &str = "dead letters";

pub(crate) async fn dead_letters(
    global: &Global,
    wish: &DeadLetters,
    output: &Output,
) -> Result<(), Failure> {
    let mut project = Project::open(&global.folders())?;
    match wish {
        DeadLetters::List { filter, grouped } => {
            list::list(&mut project, filter, *grouped, output).await
        }
        DeadLetters::Show { number, filter } => {
            list::show(&mut project, number, filter, output).await
        }
        DeadLetters::Edit {
            number,
            filter,
            document,
        } => edit::edit(&mut project, number, filter, document.as_deref(), output).await,
        DeadLetters::Replay(chosen) => again(global, project, chosen, output).await,
        DeadLetters::Discard(chosen) => discard(&mut project, chosen, output).await,
        DeadLetters::Export { filter } => export(&mut project, filter, output).await,
    }
}

async fn again(
    global: &Global,
    mut project: Project,
    chosen: &Chosen,
    output: &Output,
) -> Result<(), Failure> {
    let wanted = waiting::wanted(&mut project, &chosen.filter, &chosen.numbers)?;
    waiting::chosen(&wanted, chosen.all)?;
    let pick = |row: &Waiting| Pick {
        source_key: SourceKey(row.source_key.clone()),
        part: row.part.clone(),
        what: match row.edited {
            true => What::AsEdited,
            false => What::Again,
        },
    };
    let wish = replay::Wish {
        ask: waiting::LETTERS,
        words: WORDS,
        wanted,
        pick: &pick,
    };
    replay::replay(global, project, wish, output).await
}

async fn discard(project: &mut Project, chosen: &Chosen, output: &Output) -> Result<(), Failure> {
    let wanted = waiting::wanted(project, &chosen.filter, &chosen.numbers)?;
    waiting::chosen(&wanted, chosen.all)?;
    let rows = waiting::rows(project, waiting::LETTERS, wanted).await?;
    if rows.is_empty() {
        return Err(waiting::nothing(WORDS));
    }
    waiting::decide(project, &rows, &Decision::Discard).await?;
    let text = format!(
        "{} discarded: not sent again unless their content changes at the source",
        rows.len()
    );
    output.data(&text, json!({ "discarded": rows }));
    Ok(())
}

/// Lines whatever the form: there may be more than one object could hold.
async fn export(project: &mut Project, filter: &Filter, output: &Output) -> Result<(), Failure> {
    let mut wanted = waiting::wanted(project, filter, &[])?;
    wanted.bodies = true;
    waiting::each_page(project, waiting::LETTERS, wanted, |rows| {
        for mut row in rows {
            let bodies = row.bodies.take().unwrap_or_default();
            let mut line = serde_json::to_string(&row).unwrap_or_default();
            line.truncate(line.len().saturating_sub(1));
            let texts = [
                ("record", bodies.record),
                ("document", bodies.document),
                ("edited", bodies.edited_text),
            ];
            for (name, text) in texts {
                // As it was kept, so that its digits stay.
                let text = text.as_deref().unwrap_or("null");
                line.push_str(&format!(",\"{name}_json\":{text}"));
            }
            let exchange = bodies.exchange.unwrap_or_default();
            line.push_str(&format!(",\"exchange\":{exchange}}}"));
            output.line(&line);
        }
    })
    .await
}
