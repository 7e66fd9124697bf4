//! `duijie tables list|show`: value tables, and who filled them when.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use duijie_admin::Request;
use duijie_plan::Plan;
use duijie_project::{Project, state, state::tables::filled};
use duijie_record::{RunId, Scope};
use duijie_store::{Change, Claim, Fill, Store, TableRow};
use serde_json::{Value, json};

use crate::args::{Global, Tables};
use crate::command::waiting;
use crate::exit::Failure;
use crate::moment;
use crate::output::Output;

pub(crate) async fn tables(global: &Global, wish: &Tables, output: &Output) -> Result<(), Failure> {
    let project = Project::open(&global.folders())?;
    match wish {
        Tables::List => list(&project, output).await,
        Tables::Show {
            table,
            limit,
            after,
        } => {
            let page = Request::Table {
                name: table.clone(),
                limit: *limit,
                after: after.clone(),
            };
            show(&project, page, table, output).await
        }
    }
}

/// The tables of a project by name, and which pipeline fills each.
fn filling(project: &Project) -> impl Iterator<Item = (&str, &str)> {
    let pipelines = project.pipelines.iter();
    pipelines.filter_map(|document| {
        let target = document.low.target.as_ref()?;
        Some((target.table.as_deref()?, document.low.pipeline.as_deref()?))
    })
}

async fn list(project: &Project, output: &Output) -> Result<(), Failure> {
    let found = filled(project).await?;
    let mut text = String::new();
    for one in &found {
        writeln!(text, "{}", head(project, one)).unwrap_or_default();
    }
    let names: BTreeSet<&str> = found.iter().map(|one| word(one, "table")).collect();
    let unfilled = filling(project).filter(|(table, _)| !names.contains(table));
    let unfilled: Vec<(&str, &str)> = unfilled.collect();
    for (table, pipeline) in &unfilled {
        let line =
            format!("{table}\n  never filled; `{pipeline}` fills it: `duijie run {pipeline}`");
        writeln!(text, "{line}").unwrap_or_default();
    }
    if text.is_empty() {
        "no pipeline fills a value table: write `target: {table: <name>, key: <field>}`"
            .clone_into(&mut text);
    }
    let never = unfilled.into_iter();
    let never = never.map(|(table, pipeline)| json!({ "table": table, "pipeline": pipeline }));
    let never: Vec<Value> = never.collect();
    output.data(
        text.trim_end(),
        json!({ "tables": found, "never_filled": never }),
    );
    Ok(())
}

async fn show(
    project: &Project,
    page: Request,
    table: &str,
    output: &Output,
) -> Result<(), Failure> {
    let found = match state::is_there(project) {
        true => state::query(project, page).await?,
        false => Value::Null,
    };
    if found.is_null() {
        return Err(Failure::Argument(missing(project, table).await?));
    }
    let mut text = head(project, &found);
    for row in list_of(&found, "page") {
        write!(text, "\n\n{}", word(row, "key")).unwrap_or_default();
        let fields = row.get("fields").and_then(Value::as_object);
        for (column, value) in fields.into_iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            write!(text, "\n  {column}: {value}").unwrap_or_default();
        }
    }
    if let Some(next) = found.get("next").and_then(Value::as_str) {
        write!(text, "\n\nmore: --after '{next}'").unwrap_or_default();
    }
    output.data(&text, found);
    Ok(())
}

async fn missing(project: &Project, table: &str) -> Result<String, Failure> {
    let mut pipelines = filling(project);
    if let Some((_, pipeline)) = pipelines.find(|(filled, _)| *filled == table) {
        return Ok(format!(
            "the value table `{table}` was never filled\n\nhint: `duijie run {pipeline}` fills it"
        ));
    }
    let known = filled(project).await?;
    let known: Vec<&str> = known.iter().map(|one| word(one, "table")).collect();
    Ok(match known.as_slice() {
        [] => format!("there is no value table `{table}`\n\nhint: none was filled yet"),
        known => format!(
            "there is no value table `{table}`\n\nhint: there are: {}",
            known.join(", ")
        ),
    })
}

fn head(project: &Project, one: &Value) -> String {
    let number = |name: &str| one.get(name).and_then(Value::as_u64).unwrap_or_default();
    let columns = list_of(one, "columns").iter().filter_map(Value::as_str);
    format!(
        "{}\n  rows         {}\n  columns      {}\n  filled       {} by {} (run {})\n  digest       {}",
        word(one, "table"),
        number("rows"),
        columns.collect::<Vec<_>>().join(", "),
        moment::write(number("filled_ms")),
        waiting::pipeline_of(project, word(one, "scope")),
        word(one, "run"),
        word(one, "digest"),
    )
}

/// Copies the tables that a plan reads out of the process that owns them.
pub(crate) async fn copy(
    project: &Project,
    plan: &Plan,
    store: &dyn Store,
    claim: &Claim,
) -> Result<(), Failure> {
    let tables = plan.transforms.iter().flat_map(|stage| &stage.usage.tables);
    for table in tables {
        let mut after = None;
        loop {
            let page = Request::Table {
                name: table.clone(),
                limit: usize::MAX,
                after: after.take(),
            };
            let found = state::query(project, page).await?;
            if found.is_null() {
                break;
            }
            let rows = list_of(&found, "page").iter();
            let mut changes: Vec<Change> = rows.map(|one| row(table, one)).collect();
            changes.push(Change::Fill(Fill {
                table: table.clone(),
                scope: Scope::from(word(&found, "scope")),
                run: RunId::from(word(&found, "run")),
                at_ms: found.get("filled_ms").and_then(Value::as_u64).unwrap_or(0),
            }));
            store.commit(claim, changes).await?;
            after = found.get("next").and_then(Value::as_str).map(str::to_owned);
            if after.is_none() {
                break;
            }
        }
    }
    Ok(())
}

fn row(table: &str, one: &Value) -> Change {
    let fields = one.get("fields").and_then(Value::as_object);
    let fields = fields.into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Change::TableRow(TableRow {
        table: table.to_owned(),
        key: word(one, "key").to_owned(),
        fields: fields
            .map(|(column, value)| (column.clone(), text(value)))
            .collect(),
    })
}

fn word<'a>(within: &'a Value, name: &str) -> &'a str {
    within.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn list_of<'a>(within: &'a Value, name: &str) -> &'a [Value] {
    let list = within.get(name).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}
