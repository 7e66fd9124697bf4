//! What the connector says of itself, and what is wrong with settings.

use duijie_sdk::{Collection, Description, Guarantee, Problem, Recipe, Role, Settings, Title};

use crate::client::recipe;
use crate::operation::Operation;
use crate::query::{MOST_ROWS, Reading};
use crate::settings::{Connection, Pipeline};
use crate::steps;
use crate::table::{self, Known};
use crate::tree::quote_all;

pub(crate) fn describe() -> Description {
    let written = table::all().filter(|known| !known.number.is_empty());
    Description {
        connection: include_str!("../schema/connection.json").to_owned(),
        pipeline: vec![
            (
                Role::Source,
                include_str!("../schema/source.json").to_owned(),
            ),
            (
                Role::Target,
                include_str!("../schema/pipeline.json").to_owned(),
            ),
        ],
        collections: table::all()
            .map(source)
            .chain(written.map(target))
            .collect(),
        other_collections: true,
        recipes: recipes(),
        egress: vec!["{base_url}".to_owned()],
        sessions: 4,
        extra: format!("{{\"steps\":{}}}", quote_all(steps::NAMES)),
        ..Description::new(
            "kingdee",
            env!("CARGO_PKG_VERSION"),
            Title::new("Kingdee K/3 Cloud", "金蝶云星空"),
        )
    }
}

fn source(known: Known) -> Collection {
    Collection {
        max_records: MOST_ROWS as u32,
        ..Collection::source(known.name, Title::new(known.en, known.zh), &[known.id])
    }
}

/// The form's rules keep numbers unique; an administrator may have lifted that
/// of a form, which a manifest says by asking for less.
fn target(known: Known) -> Collection {
    Collection {
        role: Role::Target,
        key: vec![known.number.to_owned()],
        guarantee: Guarantee::UniqueKey,
        settle_ms: 3000,
        max_records: 100,
        max_bytes: 1024 * 1024,
        ..source(known)
    }
}

/// The first 24 bytes of what the system adds to the app id's second part,
/// since that part decodes to 24, stand in `with`. The vendor encodes the hex
/// text of its MACs, not the MAC.
fn recipes() -> Vec<Recipe> {
    [
        (
            recipe::LOGIN,
            r#"{"hex":{"sha256":{"sort":[{"setting":"acct_id"},{"setting":"username"},{"setting":"app_id"},{"secret":"app_secret"},{"time":"unix-seconds"}]}}}"#,
        ),
        (
            recipe::API,
            r#"{"base64":{"hex":{"hmac-sha256":{"key":{"base64":{"xor":{"base64-decode":{"split":{"setting":"app_id"},"at":"_","take":1}},"with":"0054f397c6234378b09ca7d3"}},"over":{"concat":[{"text":"POST\n"},{"input":"path"},{"text":"\n\nx-api-nonce:"},{"time":"unix-seconds"},{"text":"\nx-api-timestamp:"},{"time":"unix-seconds"},{"text":"\n"}]}}}}}"#,
        ),
        (
            recipe::KD,
            r#"{"base64":{"hex":{"hmac-sha256":{"key":{"secret":"app_secret"},"over":{"concat":[{"setting":"app_id"},{"input":"appdata"}]}}}}}"#,
        ),
    ]
    .map(|(name, steps)| Recipe::new(name, steps))
    .into()
}

pub(crate) fn check(role: Role, settings: &Settings, collection: &str) -> Vec<Problem> {
    if role == Role::Source {
        return Reading::resolve(settings, collection)
            .err()
            .unwrap_or_default();
    }
    let (_, mut problems) = Connection::read(&settings.connection);
    let (pipeline, of_pipeline) = Pipeline::read(&settings.pipeline);
    if of_pipeline.is_empty() {
        problems.extend(pipeline_problems(&pipeline, collection));
    }
    problems.extend(of_pipeline);
    problems
}

fn pipeline_problems(pipeline: &Pipeline, collection: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(known) = table::known(collection) {
        let other = pipeline.key.as_ref().is_some_and(|key| key != known.number);
        if other {
            let message = format!("only `{}` is unique in `{collection}`", known.number);
            problems.push(Problem::new("/pipeline/key", message).hint("leave `key` out"));
        }
        if known.number.is_empty() {
            let message = format!("`{collection}` is only read");
            problems.push(Problem::new("", message));
        }
    }
    problems.extend(Operation::of(pipeline).err());
    let wrapped = |field: &str| pipeline.wrap.iter().any(|(name, _)| name == field);
    let twice = pipeline.flex.iter().filter(|(field, _)| wrapped(field));
    problems.extend(twice.map(|(field, _)| {
        Problem::new(
            &format!("/pipeline/wrap/{field}"),
            format!("`{field}` stands in `wrap` and in `flex`"),
        )
        .hint("keep one of them")
    }));
    problems
}

#[cfg(test)]
mod tests;
