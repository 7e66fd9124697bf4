//! Which holds or dead letters a person means: a filter in words turned into
//! a question, and the rows that answer it.

use std::collections::BTreeMap;
use std::sync::Arc;

use duijie_admin::{Decision, Item, Request, Wanted};
use duijie_pipeline::{Clock as _, SystemClock};
use duijie_project::{
    Project, personal, state,
    state::waiting::{Page, Waiting},
};
use duijie_store::Embedded;

use crate::args::Filter;
use crate::exit::Failure;
use crate::moment;

/// The question for what waits.
pub(crate) type Ask = fn(Wanted) -> Request;

pub(crate) const HOLDS: Ask = |wanted| Request::Holds { wanted };
pub(crate) const LETTERS: Ask = |wanted| Request::DeadLetters { wanted };

pub(crate) fn wanted(
    project: &mut Project,
    filter: &Filter,
    numbers: &[String],
) -> Result<Wanted, Failure> {
    let scope = match &filter.pipeline {
        Some(named) => {
            let document = project.pipeline(named)?;
            let Some(scope) = document.low.scope.clone() else {
                return Err(project.refuse(project.problems_of(&document.file)).into());
            };
            Some(scope)
        }
        None => None,
    };
    Ok(Wanted {
        scope,
        numbers: [numbers, &filter.key].concat(),
        part: filter.part.clone(),
        why: filter.error.clone(),
        since_ms: time("--since", filter.since.as_deref())?,
        until_ms: time("--until", filter.until.as_deref())?,
        bodies: false,
        after: None,
    })
}

fn time(option: &str, text: Option<&str>) -> Result<Option<u64>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let read = moment::read(text, SystemClock.now_ms());
    read.map(Some).ok_or_else(|| {
        Failure::Argument(format!(
            "`{option}` is `{text}`, expected a moment\n\nhint: such as `2025-10-01`, \
             `2025-10-01 12:00:00`, or so long ago: `2h`, `3d`"
        ))
    })
}

/// Every row, of the process that owns the data folder, or of the store.
pub(crate) async fn rows(
    project: &Project,
    ask: Ask,
    wanted: Wanted,
) -> Result<Vec<Waiting>, Failure> {
    let mut rows = Vec::new();
    each_page(project, ask, wanted, |page| rows.extend(page)).await?;
    Ok(rows)
}

/// Every row as people see it: personal fields are masked unless `clear`.
pub(crate) async fn shown(
    project: &Project,
    ask: Ask,
    mut wanted: Wanted,
    clear: bool,
) -> Result<Vec<Waiting>, Failure> {
    let of = personal::of(&project.pipelines);
    let bodies = wanted.bodies;
    // A message may have what only the record tells to be personal.
    wanted.bodies |= !clear && personal::is_any(&of);
    let mut rows = rows(project, ask, wanted).await?;
    if !clear {
        let mut found = serde_json::json!({ "rows": rows, "more": false });
        personal::mask(&mut found, &of);
        rows = read(found)?.rows;
    }
    if !bodies {
        rows.iter_mut().for_each(|row| row.bodies = None);
    }
    Ok(rows)
}

pub(crate) async fn each_page(
    project: &Project,
    ask: Ask,
    mut wanted: Wanted,
    mut take: impl FnMut(Vec<Waiting>),
) -> Result<(), Failure> {
    if !state::is_there(project) {
        return Ok(());
    }
    loop {
        let found = state::query(project, ask(wanted.clone())).await?;
        let page = read(found)?;
        let last = page.rows.last().map(|row| (row.scope.clone(), row.item()));
        let more = page.more && last.is_some();
        take(page.rows);
        if !more {
            return Ok(());
        }
        wanted.after = last;
    }
}

/// Every row of a store that is open here.
pub(crate) async fn rows_here(
    store: &Arc<Embedded>,
    ask: Ask,
    mut wanted: Wanted,
) -> Result<Vec<Waiting>, Failure> {
    let mut rows: Vec<Waiting> = Vec::new();
    loop {
        let page = read(state::query_here(store, ask(wanted.clone())).await?)?;
        rows.extend(page.rows);
        wanted.after = rows.last().map(|row| (row.scope.clone(), row.item()));
        if !page.more || wanted.after.is_none() {
            return Ok(rows);
        }
    }
}

fn read(found: serde_json::Value) -> Result<Page, Failure> {
    serde_json::from_value(found).map_err(|error| {
        Failure::Environment(format!(
            "the process that owns the data folder answers in another form: {error}\n\n\
             hint: it is another version of duijie: use its own binary"
        ))
    })
}

/// Refuses to do something with all that waits when nobody said so.
pub(crate) fn chosen(wanted: &Wanted, all: bool) -> Result<(), Failure> {
    let narrowed = !wanted.numbers.is_empty()
        || wanted.why.is_some()
        || wanted.since_ms.is_some()
        || wanted.until_ms.is_some()
        || wanted.part.is_some();
    if narrowed || all {
        return Ok(());
    }
    Err(Failure::Argument(
        "it is not said which ones\n\nhint: name numbers, narrow by --error, --since or --until, \
         or say --all"
            .to_owned(),
    ))
}

/// The only scope of the rows: what is done with them is done by one pipeline.
pub(crate) fn scope(rows: &[Waiting], what: &str) -> Result<String, Failure> {
    let scopes: std::collections::BTreeSet<&str> =
        rows.iter().map(|row| row.scope.as_str()).collect();
    let mut scopes = scopes.into_iter();
    match (scopes.next(), scopes.next()) {
        (Some(only), None) => Ok(only.to_owned()),
        (Some(first), Some(second)) => Err(Failure::Argument(format!(
            "these {what} are of several pipelines (scopes `{first}` and `{second}`)\n\n\
             hint: name one with --pipeline"
        ))),
        (None, _) => Err(nothing(what)),
    }
}

pub(crate) fn nothing(what: &str) -> Failure {
    Failure::Argument(format!(
        "there are no such {what}\n\nhint: `duijie {} list` shows all of them, `duijie trace \
         <number>` what became of a document",
        what.replace(' ', "-")
    ))
}

/// Decides without a send, a scope at a time.
pub(crate) async fn decide(
    project: &Project,
    rows: &[Waiting],
    decision: &Decision,
) -> Result<(), Failure> {
    let mut scopes: BTreeMap<&str, Vec<Item>> = BTreeMap::new();
    for row in rows {
        scopes.entry(&row.scope).or_default().push(row.item());
    }
    for (scope, items) in scopes {
        let request = Request::Decide {
            scope: scope.to_owned(),
            items,
            decision: decision.clone(),
        };
        state::query(project, request).await?;
    }
    Ok(())
}

/// Source key, number and part, as people name a document.
pub(crate) fn name(row: &Waiting) -> String {
    let mut text = row.number().to_owned();
    if row.source_key != text {
        text.push_str(&format!(" ({})", row.source_key));
    }
    if !row.part.is_empty() {
        text.push_str(&format!(" part {}", row.part));
    }
    text
}

/// The pipeline of a scope, where the project has one.
pub(crate) fn pipeline_of(project: &Project, scope: &str) -> String {
    let mut documents = project.pipelines.iter();
    let found = documents.find(|document| document.low.scope.as_deref() == Some(scope));
    let name = found.and_then(|document| document.low.pipeline.clone());
    name.unwrap_or_else(|| format!("(scope {scope})"))
}
