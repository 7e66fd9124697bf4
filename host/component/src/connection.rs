//! From one resolved use of a connector to what its instances may reach.

use std::collections::BTreeMap;
use std::sync::Arc;

use duijie_contract::{Description, Fault, FaultKind, Mode, Use};

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

fn recipes(description: &Description) -> Result<Recipes, String> {
    description
        .recipes
        .iter()
        .map(|recipe| match Recipe::compile(&recipe.steps) {
            Ok(compiled) => Ok((recipe.name.clone(), compiled)),
            Err(error) => Err(format!("recipe `{}` was refused {error}", recipe.name)),
        })
        .collect()
}
