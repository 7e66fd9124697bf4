//! Dead letters for people: a line each, an error each, or one in full.

use std::collections::BTreeMap;

use duijie_project::{Project, state::waiting::Waiting};
use serde_json::{Value, json};

use crate::args::Filter;
use crate::command::{trace, waiting};
use crate::exit::Failure;
use crate::layout::{indent, pretty};
use crate::moment;
use crate::output::Output;

pub(super) async fn list(
    project: &mut Project,
    filter: &Filter,
    grouped: bool,
    output: &Output,
) -> Result<(), Failure> {
    let wanted = waiting::wanted(project, filter, &[])?;
    let rows = waiting::shown(project, waiting::LETTERS, wanted, filter.personal).await?;
    if grouped {
        groups(project, &rows, output);
        return Ok(());
    }
    let mut text = format!("{} dead letters", rows.len());
    for row in &rows {
        text.push_str(&format!(
            "\n  {}  {}  {}{}  {}: {}",
            row.error,
            moment::write(row.at_ms),
            waiting::name(row),
            if row.edited { " (edited)" } else { "" },
            waiting::pipeline_of(project, &row.scope),
            why(row),
        ));
    }
    output.data(&text, json!({ "dead_letters": rows }));
    Ok(())
}

fn why(row: &Waiting) -> String {
    let field = row.field.as_deref().map(|field| format!(" [{field}]"));
    format!("{}{} {}", row.code, field.unwrap_or_default(), row.message)
}

/// Most letters first.
fn groups(project: &Project, rows: &[Waiting], output: &Output) {
    let mut groups: BTreeMap<(&str, &str), Vec<&Waiting>> = BTreeMap::new();
    for row in rows {
        let group = groups.entry((&row.scope, &row.error)).or_default();
        group.push(row);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.len()));
    let mut text = format!("{} dead letters, {} errors", rows.len(), groups.len());
    let mut data = Vec::new();
    for ((scope, error), rows) in groups {
        let Some(newest) = rows.iter().max_by_key(|row| row.at_ms) else {
            continue;
        };
        text.push_str(&format!(
            "\n  {error} {:>7}  last {} {}  {}: {}",
            rows.len(),
            moment::write(newest.at_ms),
            waiting::name(newest),
            waiting::pipeline_of(project, scope),
            why(newest),
        ));
        data.push(json!({
            "error": error,
            "scope": scope,
            "letters": rows.len(),
            "code": newest.code,
            "field": newest.field,
            "message": newest.message,
            "newest": newest.number(),
            "newest_ms": newest.at_ms,
        }));
    }
    output.data(&text, json!({ "groups": data }));
}

pub(super) async fn show(
    project: &mut Project,
    number: &str,
    filter: &Filter,
    output: &Output,
) -> Result<(), Failure> {
    let mut wanted = waiting::wanted(project, filter, &[number.to_owned()])?;
    wanted.bodies = true;
    let rows = waiting::shown(project, waiting::LETTERS, wanted, filter.personal).await?;
    if rows.is_empty() {
        return Err(waiting::nothing(super::WORDS));
    }
    let texts: Vec<String> = rows.iter().map(|row| page(project, row)).collect();
    output.data(&texts.join("\n"), json!({ "dead_letters": rows }));
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
    line("code", &row.code);
    line("message", &row.message);
    line("field", row.field.as_deref().unwrap_or_default());
    line("error", &row.error);
    line("tries", &row.attempts.to_string());
    line("source key", &row.source_key);
    line("part", &row.part);
    line("version", row.version.as_deref().unwrap_or_default());
    line(
        "since",
        &format!("{} (run {})", moment::write(row.at_ms), row.run),
    );
    let bodies = row.bodies.clone().unwrap_or_default();
    let mut body = |name: &str, body: Option<&str>| {
        if let Some(body) = body {
            text.push_str(&format!("  {name}\n{}", indent(&pretty(body), 4)));
        }
    };
    let record = bodies.record.as_deref();
    body("source record", Some(record.unwrap_or("no longer known")));
    body("refused document", bodies.document.as_deref());
    body("edited", bodies.edited_text.as_deref());
    if let Some(exchange) = bodies.exchange.filter(|exchange| *exchange != Value::Null) {
        text.push_str(&indent(&trace::exchange(&exchange), 2));
    }
    text
}
