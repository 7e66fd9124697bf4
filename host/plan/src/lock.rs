//! What was granted to the pipelines of a folder, as its lock file holds it,
//! and what of a plan goes beyond it. Where the file lies is not its business.

#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;

use duijie_contract::{Description, Role};
use duijie_diagnostic::Diagnostic;
use duijie_manifest::{Document, Pipeline};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Stage, code};
pub use words::told;

const VERSION: u32 = 1;

const HEAD: &str = "\
# What `duijie grant` wrote down: which components the pipelines of this folder
# run, and what each may do. A component that changed, or that asks for more,
# does not run until it is granted again. Keep it with the manifests.

";

/// A lock file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    version: u32,
    /// By name of the pipeline.
    #[serde(default)]
    pub pipelines: BTreeMap<String, Granted>,
}

impl Default for Lock {
    fn default() -> Self {
        Self {
            version: VERSION,
            pipelines: BTreeMap::new(),
        }
    }
}

/// What one pipeline was granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Granted {
    /// When, for people.
    pub at: String,
    pub uses: Vec<Ask>,
}

/// What one use of a component asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// `source`, `transform` or `target`.
    pub role: String,
    pub connector: String,
    pub version: String,
    /// SHA-256 of the component, lower hex.
    pub component: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    pub imports: Vec<String>,
    /// Egress as the component declares it.
    pub egress: Vec<String>,
    /// Origins that this comes to with the connection.
    pub may_call: Vec<String>,
    pub secrets: Vec<SecretUse>,
    /// Numbers that it may use up, by name; the unit ends the name.
    pub limits: BTreeMap<String, u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretUse {
    pub setting: String,
    pub secret: String,
    /// Recipes that sign with it. It may be put into requests in any case.
    pub recipes: Vec<String>,
}

impl Lock {
    /// The reason is one for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lock: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        match lock.version {
            VERSION => Ok(lock),
            found => Err(format!("it has version {found}, expected {VERSION}")),
        }
    }

    pub fn text(&self) -> Result<String, String> {
        let text = toml::to_string(self).map_err(|error| error.to_string())?;
        Ok(format!("{HEAD}{text}"))
    }
}

/// What a stage asks for; `limits` are the host's.
pub fn ask(stage: &Stage, description: &Description, limits: &BTreeMap<String, u64>) -> Ask {
    let usage = &stage.usage;
    let secrets = usage.secrets.iter().map(|(setting, secret)| SecretUse {
        setting: setting.clone(),
        secret: secret.clone(),
        recipes: recipes(setting, description),
    });
    let mut limits = limits.clone();
    if usage.role != Role::Transform {
        limits.insert("sessions".to_owned(), u64::from(description.sessions));
    }
    Ask {
        role: usage.role.to_string(),
        connector: usage.connector.clone(),
        version: stage.version.clone(),
        component: stage.digest.clone(),
        connection: usage.connection.clone(),
        imports: sorted(&description.imports),
        egress: sorted(&description.egress),
        may_call: sorted(&usage.allow),
        secrets: secrets.collect(),
        limits,
    }
}

fn sorted(texts: &[String]) -> Vec<String> {
    let mut texts = texts.to_vec();
    texts.sort_unstable();
    texts
}

/// Names of the recipes that sign with a secret setting.
pub fn recipes(setting: &str, description: &Description) -> Vec<String> {
    let named = description.recipes.iter();
    let signing = named.filter(|recipe| {
        let steps = serde_json::from_str(&recipe.steps).unwrap_or_default();
        signs_with(&steps, setting)
    });
    signing.map(|recipe| recipe.name.clone()).collect()
}

fn signs_with(steps: &Value, setting: &str) -> bool {
    match steps {
        Value::Object(fields) => {
            fields.get("secret").and_then(Value::as_str) == Some(setting)
                || fields.values().any(|inner| signs_with(inner, setting))
        }
        Value::Array(items) => items.iter().any(|inner| signs_with(inner, setting)),
        _ => false,
    }
}

/// One difference a line, by use; empty where nothing goes beyond the grant.
/// Asking for less is no difference, another component always is.
pub fn beyond(granted: &Granted, asked: &[Ask]) -> Vec<(usize, Vec<String>)> {
    let compare = |(index, ask): (usize, &Ask)| {
        let earlier = asked.iter().take(index);
        let nth = earlier.filter(|earlier| earlier.role == ask.role).count();
        let mut known = granted.uses.iter().filter(|known| known.role == ask.role);
        let words = words::beyond(known.nth(nth), ask);
        (!words.is_empty()).then_some((index, words))
    };
    asked.iter().enumerate().filter_map(compare).collect()
}

/// What does not run, located at the connectors in the pipeline's file.
/// `asked` is in the order of the stages; `command` grants it.
pub fn ungranted(
    document: &Document<Pipeline>,
    name: &str,
    lock: &Lock,
    asked: &[Ask],
    command: &str,
) -> Vec<Diagnostic> {
    let again = format!("look at it with `{command} --show`, then `{command}`");
    let Some(granted) = lock.pipelines.get(name) else {
        let message = format!("nothing is granted to pipeline `{name}` in `duijie.lock`");
        return vec![
            Diagnostic::error(code::NOT_GRANTED, message)
                .at(document.place("/pipeline"))
                .hint(again),
        ];
    };
    let differences = beyond(granted, asked).into_iter();
    differences
        .map(|(index, words)| {
            let at = match index.checked_sub(1) {
                None => "/source/connector".to_owned(),
                Some(_) if index + 1 == asked.len() => "/target/connector".to_owned(),
                Some(transform) => format!("/transform/{transform}/connector"),
            };
            let message = format!(
                "this is not what was granted on {}: {}",
                granted.at,
                words.join("; ")
            );
            Diagnostic::error(code::CHANGED_GRANT, message)
                .at(document.place(&at))
                .hint(again.clone())
        })
        .collect()
}
