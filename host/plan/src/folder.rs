//! What must hold between the files of a folder.

use std::collections::BTreeMap;

use duijie_diagnostic::{Code, Diagnostic};
use duijie_manifest::{Connection, Document, Pipeline};

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
