//! From one resolved use of a connector to what its instances may reach.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use duijie_contract::{Description, Fault, FaultKind, Mode, Use};

use serde_json::Value;

use crate::budget::Account;
use crate::capability::{
    Capability, CapabilityOptions, Http, Limits, Pool, Recipe, Recipes, Secrets,
};

/// Builds the capability that all instances of one connection share.
pub(crate) fn capability(
    usage: &Use,
    description: &Description,
    secrets: &Secrets,
    sessions: Pool,
    mode: Mode,
    http: Http,
    account: &Account,
) -> Result<Arc<Capability>, Fault> {
    let fault = |reason: String| Fault::new(&usage.connector, FaultKind::NotSent(reason));
    let mut held = BTreeMap::new();
    for (setting, name) in &usage.secrets {
        let secret = secrets
            .get(name)
            .map_err(|error| fault(error.to_string()))?;
        held.insert(setting.clone(), secret);
    }
    Capability::new(CapabilityOptions {
        connection: usage.connection.clone().unwrap_or_default(),
        secrets: held,
        settings: plain(&usage.connection_settings).map_err(fault)?,
        recipes: recipes(description).map_err(fault)?,
        allow: usage.allow.clone(),
        grant_place: usage.grant_place.clone(),
        sessions,
        mode,
        limits: Limits::default(),
        calls_per_minute: usage.calls_per_minute,
        http,
        account: account.clone(),
    })
    .map_err(|error| fault(error.to_string()))
}

/// Settings that a recipe may use: texts as they are, numbers and booleans
/// as they were written.
fn plain(settings: &str) -> Result<BTreeMap<String, String>, String> {
    let settings: BTreeMap<String, &serde_json::value::RawValue> =
        serde_json::from_str(settings).map_err(|error| format!("settings: {error}"))?;
    let text = |raw: &str| match raw.as_bytes().first() {
        Some(b'"') => serde_json::from_str(raw).ok(),
        Some(b'{' | b'[') | None => None,
        Some(_) => Some(raw.to_owned()),
    };
    Ok(settings
        .into_iter()
        .filter_map(|(name, raw)| Some((name, text(raw.get())?)))
        .collect())
}

/// The recipes, where each may be run.
pub(crate) fn recipes(description: &Description) -> Result<Recipes, String> {
    let schema = serde_json::from_str(&description.connection_schema).unwrap_or_default();
    let compile = |recipe: &duijie_contract::Recipe| {
        let refused = |reason: String| format!("recipe `{}` was refused {reason}", recipe.name);
        let compiled =
            Recipe::compile(&recipe.steps).map_err(|error| refused(error.to_string()))?;
        let chosen = |setting: &&String| is_chosen(&schema, setting);
        match compiled.sorted.iter().find(chosen) {
            None => Ok((recipe.name.clone(), compiled)),
            Some(setting) => Err(refused(format!(
                "since it sorts the setting `{setting}`, whose value the connector's own schema \
                 gives: where a secret sorts beside a chosen text shows what it is"
            ))),
        }
    };
    description.recipes.iter().map(compile).collect()
}

/// Whether a schema gives a setting its value, or lets a person choose among
/// given ones only.
fn is_chosen(schema: &Value, setting: &str) -> bool {
    let given = |property: &Value| {
        let names = [
            "default", "const", "enum", "$ref", "anyOf", "allOf", "oneOf",
        ];
        names.iter().any(|name| property.get(name).is_some())
    };
    match schema {
        Value::Object(fields) => {
            let properties = fields.get("properties");
            properties
                .and_then(|properties| properties.get(setting))
                .is_some_and(given)
                || fields.values().any(|inner| is_chosen(inner, setting))
        }
        Value::Array(items) => items.iter().any(|inner| is_chosen(inner, setting)),
        _ => false,
    }
}
