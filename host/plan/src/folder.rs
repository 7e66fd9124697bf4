//! What must hold between the files of a folder.

use std::collections::{BTreeMap, BTreeSet};

use duijie_diagnostic::{Code, Diagnostic};
use duijie_manifest::{Connection, Document, Pipeline, Schedule};

use crate::code;

/// Names that stand twice. Two pipelines of one scope would share their
/// checkpoints and their document keys.
pub fn folder(
    pipelines: &[Document<Pipeline>],
    connections: &[Document<Connection>],
) -> Vec<Diagnostic> {
    let scopes = pipelines
        .iter()
        .map(|document| (document, document.low.scope.as_deref()));
    let mut problems = twice(scopes, "scope", code::DUPLICATE_SCOPE);
    let names = pipelines
        .iter()
        .map(|document| (document, document.low.pipeline.as_deref()));
    problems.extend(twice(names, "pipeline", code::DUPLICATE_NAME));
    problems.extend(filled_twice(pipelines));
    let names = connections
        .iter()
        .map(|document| (document, document.low.connection.as_deref()));
    problems.extend(twice(names, "connection", code::DUPLICATE_NAME));
    problems.extend(others(pipelines));
    problems
}

/// Two pipelines that fill one table would take each other's rows away.
fn filled_twice(pipelines: &[Document<Pipeline>]) -> Vec<Diagnostic> {
    let mut first: BTreeMap<&str, &Document<Pipeline>> = BTreeMap::new();
    let mut problems = Vec::new();
    for document in pipelines {
        let target = document.low.target.as_ref();
        let Some(table) = target.and_then(|target| target.table.as_deref()) else {
            continue;
        };
        let Some(earlier) = first.get(table) else {
            first.insert(table, document);
            continue;
        };
        let message = format!("two pipelines fill the value table `{table}`");
        problems.push(
            Diagnostic::error(code::DUPLICATE_TABLE, message)
                .at(document.place("/target/table"))
                .label(earlier.place("/target/table"), "and here")
                .hint("give each a table of its own, or make one pipeline of them"),
        );
    }
    problems
}

/// What schedules say of other pipelines: that they are there, and that none
/// comes after itself.
fn others(pipelines: &[Document<Pipeline>]) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let mut after: BTreeMap<&str, &[String]> = BTreeMap::new();
    let known = pipelines.iter().filter_map(|it| it.low.pipeline.as_deref());
    let known: Vec<&str> = known.collect();
    for document in pipelines {
        let Some(Schedule::Rules(rules)) = &document.low.schedule else {
            continue;
        };
        let finished = rules
            .only_if
            .as_ref()
            .and_then(|it| it.finished_today.as_deref());
        let both = [
            ("/schedule/after", rules.after.as_deref()),
            ("/schedule/only_if/finished_today", finished),
        ];
        for (pointer, names) in both {
            for (index, name) in names.unwrap_or_default().iter().enumerate() {
                if !known.contains(&name.as_str()) {
                    let place = document.place(&format!("{pointer}/{index}"));
                    let message = format!("there is no pipeline `{name}`");
                    let problem = Diagnostic::error(code::UNKNOWN_PIPELINE, message).at(place);
                    problems.push(problem.nearest(name, &known, "pipelines here"));
                }
            }
        }
        if let (Some(name), Some(names)) = (&document.low.pipeline, rules.after.as_deref()) {
            after.insert(name, names);
        }
    }
    problems.extend(pipelines.iter().filter_map(|it| after_itself(it, &after)));
    problems
}

fn after_itself(
    document: &Document<Pipeline>,
    after: &BTreeMap<&str, &[String]>,
) -> Option<Diagnostic> {
    let own = document.low.pipeline.as_deref()?;
    let mut seen = BTreeSet::new();
    let mut open = vec![own];
    while let Some(name) = open.pop() {
        for next in after.get(name).copied().unwrap_or_default() {
            if next == own {
                let message = format!("pipeline `{own}` begins after itself");
                let problem = Diagnostic::error(code::AFTER_ITSELF, message)
                    .at(document.place("/schedule/after"))
                    .hint("let one of them begin by `every` or `cron`");
                return Some(problem);
            }
            if seen.insert(next.as_str()) {
                open.push(next);
            }
        }
    }
    None
}

fn twice<'a, T: 'a>(
    named: impl Iterator<Item = (&'a Document<T>, Option<&'a str>)>,
    what: &str,
    code: Code,
) -> Vec<Diagnostic> {
    let mut first: BTreeMap<&str, &Document<T>> = BTreeMap::new();
    let mut problems = Vec::new();
    for (document, name) in named {
        let Some(name) = name else { continue };
        let Some(earlier) = first.get(name) else {
            first.insert(name, document);
            continue;
        };
        let pointer = format!("/{what}");
        problems.push(
            Diagnostic::error(code, format!("`{what}: {name}` stands in two files"))
                .at(document.place(&pointer))
                .label(earlier.place(&pointer), "and here")
                .hint("give one of them another name"),
        );
    }
    problems
}
