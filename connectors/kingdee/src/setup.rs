//! What the connector says of itself, and what is wrong with settings.

use duijie_sdk::{
    Collection, Description, Fault, Guarantee, Problem, Recipe, Role, Settings, Title,
};
use serde_json::{Value, json};

use crate::client::recipe;
use crate::settings::{Connection, Pipeline};
use crate::steps;

/// What the system adds to the app id's second part: its first 24 bytes, since
/// that part decodes to 24.
const XOR_KEY: &str = "0054f397c6234378b09ca7d3";

pub(crate) fn describe() -> Description {
    Description {
        connection: include_str!("../schema/connection.json").to_owned(),
        pipeline: vec![(
            Role::Target,
            include_str!("../schema/pipeline.json").to_owned(),
        )],
        collections: vec![Collection {
            name: "SAL_OUTSTOCK".to_owned(),
            role: Role::Target,
            title: Title::new("Sales outbound bill", "销售出库单"),
            key: vec!["FBillNo".to_owned()],
            guarantee: Guarantee::UniqueKey,
            settle_ms: 3000,
            max_records: 100,
            max_bytes: 1024 * 1024,
            extra: "{}".to_owned(),
        }],
        other_collections: true,
        recipes: recipes(),
        egress: vec!["{base_url}".to_owned()],
        sessions: 4,
        extra: json!({ "steps": steps::NAMES }).to_string(),
        ..Description::new(
            "kingdee",
            env!("CARGO_PKG_VERSION"),
            Title::new("Kingdee K/3 Cloud", "金蝶云星空"),
        )
    }
}

fn recipes() -> Vec<Recipe> {
    let login = json!({"hex": {"sha256": {"sort": [
        {"setting": "acct_id"}, {"setting": "username"}, {"setting": "app_id"},
        {"secret": "app_secret"}, {"time": "unix-seconds"},
    ]}}});
    let client_secret = json!({"base64": {
        "xor": {"base64-decode": {"split": {"setting": "app_id"}, "at": "_", "take": 1}},
        "with": XOR_KEY,
    }});
    let api = hex_mac(
        client_secret,
        json!({"concat": [
            {"text": "POST\n"}, {"input": "path"},
            {"text": "\n\nx-api-nonce:"}, {"time": "unix-seconds"},
            {"text": "\nx-api-timestamp:"}, {"time": "unix-seconds"}, {"text": "\n"},
        ]}),
    );
    let kd = hex_mac(
        json!({"secret": "app_secret"}),
        json!({"concat": [{"setting": "app_id"}, {"input": "appdata"}]}),
    );
    [(recipe::LOGIN, login), (recipe::API, api), (recipe::KD, kd)]
        .map(|(name, steps)| Recipe::new(name, &steps.to_string()))
        .into()
}

/// The vendor encodes the hex text of its MACs, not the MAC.
fn hex_mac(key: Value, over: Value) -> Value {
    json!({"base64": {"hex": {"hmac-sha256": {"key": key, "over": over}}}})
}

pub(crate) fn check(settings: &Settings, collection: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    match settings.connection::<Connection>() {
        Ok(connection) => problems.extend(connection.faults().into_iter().map(|fault| {
            Problem::new(&format!("/connection{}", fault.at), fault.message).hint(fault.hint)
        })),
        Err(fault) => problems.extend(told(fault)),
    }
    match settings.pipeline::<Pipeline>() {
        Ok(pipeline) => problems.extend(pipeline_problems(&pipeline, collection)),
        Err(fault) => problems.extend(told(fault)),
    }
    problems
}

fn told(fault: Fault) -> Vec<Problem> {
    match fault {
        Fault::InvalidSettings(problems) => problems,
        other => vec![Problem::new("", format!("{other:?}"))],
    }
}

fn pipeline_problems(pipeline: &Pipeline, collection: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    if collection == "SAL_OUTSTOCK" && pipeline.key.as_ref().is_some_and(|key| key != "FBillNo") {
        problems.push(
            Problem::new(
                "/pipeline/key",
                "only `FBillNo` is unique in `SAL_OUTSTOCK`",
            )
            .hint("leave `key` out"),
        );
    }
    let twice = pipeline
        .flex
        .keys()
        .filter(|field| pipeline.wrap.contains_key(*field));
    problems.extend(twice.map(|field| {
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
