//! What a connector's own `check` found, shown where the admin wrote it.

use duijie_contract::{Problem, Role};
use duijie_diagnostic::{Diagnostic, Place};
use duijie_manifest::{Document, Node};

use crate::{Inputs, code};

/// Which stage of the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StageAt {
    Source,
    /// By index.
    Transform(usize),
    Target,
}

impl StageAt {
    pub fn role(self) -> Role {
        match self {
            StageAt::Source => Role::Source,
            StageAt::Transform(_) => Role::Transform,
            StageAt::Target => Role::Target,
        }
    }

    fn pointer(self) -> String {
        match self {
            StageAt::Source => "/source".to_owned(),
            StageAt::Transform(index) => format!("/transform/{index}"),
            StageAt::Target => "/target".to_owned(),
        }
    }
}

/// Located diagnostics. A pointer counts from the two parts of the settings
/// (`/connection/base_url`, `/pipeline/rules/2/value`) or, without either,
/// from the part that has such a field, the pipeline's first.
pub fn refusals(inputs: &Inputs<'_>, stage: StageAt, problems: &[Problem]) -> Vec<Diagnostic> {
    let at = stage.pointer();
    let document = inputs.pipeline;
    let names = document.node.pointer(&at);
    let text = |key: &str| names.and_then(|node| node.get(key)).and_then(Node::text);
    let connector = text("connector").unwrap_or_default();
    let version = inputs.descriptions.get(connector);
    let version = version.map_or("", |description| description.version.as_str());
    let connection = text("connection").and_then(|name| {
        let mut all = inputs.connections.iter();
        all.find(|document| document.low.connection.as_deref() == Some(name))
    });
    let pipeline_settings = format!("{at}/settings");
    let mut told: Vec<Diagnostic> = problems
        .iter()
        .map(|problem| {
            let place = match connection_pointer(
                problem,
                document,
                &pipeline_settings,
                connection.map(|known| &known.node),
            ) {
                Some(pointer) => {
                    connection.map(|known| place(known, &format!("/settings{pointer}")))
                }
                None => {
                    let pointer = problem
                        .at
                        .strip_prefix("/pipeline")
                        .filter(|rest| rest.is_empty() || rest.starts_with('/'));
                    let pointer = pointer.unwrap_or(&problem.at);
                    Some(place(document, &format!("{pipeline_settings}{pointer}")))
                }
            };
            let message = format!("{connector} {version}: {}", problem.message);
            let mut diagnostic = Diagnostic::error(code::REFUSED_SETTING, message);
            diagnostic.place = place;
            diagnostic.hint = problem.hint.clone();
            diagnostic
        })
        .collect();
    told.sort_by_key(|problem| problem.place.clone());
    told
}

/// The pointer into the connection's settings, if it is one.
fn connection_pointer<'p, T>(
    problem: &'p Problem,
    document: &Document<T>,
    pipeline_settings: &str,
    connection: Option<&Node>,
) -> Option<&'p str> {
    let at = problem.at.as_str();
    if let Some(rest) = at.strip_prefix("/connection")
        && (rest.is_empty() || rest.starts_with('/'))
    {
        return Some(rest);
    }
    let first = at.split('/').nth(1)?;
    let has = |node: Option<&Node>| node.is_some_and(|node| node.get(first).is_some());
    let in_pipeline = has(document.node.pointer(pipeline_settings));
    let in_connection = has(connection.and_then(|node| node.pointer("/settings")));
    (in_connection && !in_pipeline).then_some(at)
}

fn place<T>(document: &Document<T>, pointer: &str) -> Place {
    document.place(pointer)
}
