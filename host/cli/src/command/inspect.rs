//! `duijie inspect`: what a component really imports, and what it asks for.

use std::path::Path;

use duijie_component::inspect as read_border;
use duijie_contract::{Description, Launch as _, Mode};
use duijie_plan::{recipes, secret_settings};
use duijie_project::{Project, granted, wire};
use serde_json::{Value, json};

use crate::exit::Failure;
use crate::output::Output;

pub(crate) async fn inspect(component: &Path, output: &Output) -> Result<(), Failure> {
    let name = component.file_stem().unwrap_or_default().to_string_lossy();
    let bytes = std::fs::read(component).map_err(|error| {
        Failure::Argument(format!("cannot read {}: {error}", component.display()))
    })?;
    let border = read_border(&name, &bytes)?;
    let folder = match component.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let aside = std::env::temp_dir().join(format!("duijie-inspect-{}", std::process::id()));
    let project = Project::around(folder, &aside)?;
    let described = async {
        let launcher = wire::launcher(&project, Mode::Preview)?;
        Ok::<_, Failure>(launcher.describe(&name).await?)
    }
    .await;
    std::fs::remove_dir_all(&aside).ok();
    let description = described?;
    let text = text(&description, &border.imports, &border.exports);
    output.data(&text, data(&description, &border.imports, &border.exports));
    Ok(())
}

fn text(description: &Description, imports: &[String], exports: &[String]) -> String {
    let mut text = format!(
        "{} {}  {} {}\nsha256   {}\n",
        description.name,
        description.version,
        description.title.en,
        description.title.zh,
        description.digest
    );
    let mut line = |name: &str, value: &str| {
        text.push_str(&format!("{name:<9}{value}\n"));
    };
    let roles: Vec<_> = description.roles.iter().map(ToString::to_string).collect();
    line("roles", &roles.join(", "));
    line("exports", &exports.join(", "));
    line("imports", &imports.join(", "));
    line(
        "egress",
        match description.egress.is_empty() {
            true => "nothing".to_owned(),
            false => hosts(description).join(", "),
        }
        .as_str(),
    );
    for setting in secret_settings(&description.connection_schema) {
        line("secret", &use_of(&setting, description));
    }
    let recipes: Vec<_> = description
        .recipes
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    line("recipes", &recipes.join(", "));
    let limits: Vec<_> = granted::limits()
        .into_iter()
        .map(|(name, most)| format!("{name} {most}"))
        .collect();
    line("limits", &limits.join(", "));
    line("sessions", &description.sessions.to_string());
    if description.calls_per_minute > 0 {
        line(
            "a minute",
            &format!("{} calls", description.calls_per_minute),
        );
    }
    for collection in &description.collections {
        let value = format!(
            "{} {} ({}, key {}, guarantee {})",
            collection.role,
            collection.name,
            collection.title.zh,
            collection.key.join("+"),
            collection.guarantee
        );
        line("offers", &value);
    }
    text
}

/// Where its requests may go, before there is a connection.
fn hosts(description: &Description) -> Vec<String> {
    let host = |pattern: &String| {
        let setting = pattern.strip_prefix('{');
        match setting.and_then(|rest| rest.strip_suffix('}')) {
            Some(setting) => format!("the origin in setting `{setting}`"),
            None => format!("{pattern} (if the connection allows it)"),
        }
    };
    description.egress.iter().map(host).collect()
}

fn use_of(setting: &str, description: &Description) -> String {
    let recipes = recipes(setting, description);
    match recipes.is_empty() {
        true => format!("{setting}: put into requests"),
        false => format!(
            "{setting}: signs by {}, may be put into requests",
            recipes.join(", ")
        ),
    }
}

fn data(description: &Description, imports: &[String], exports: &[String]) -> Value {
    let roles: Vec<_> = description.roles.iter().map(ToString::to_string).collect();
    let collections: Vec<_> = description
        .collections
        .iter()
        .map(|collection| {
            json!({
                "name": collection.name,
                "role": collection.role.to_string(),
                "title": {"en": collection.title.en, "zh": collection.title.zh},
                "key": collection.key,
                "guarantee": collection.guarantee.as_str(),
            })
        })
        .collect();
    json!({
        "name": description.name,
        "version": description.version,
        "digest": description.digest,
        "roles": roles,
        "imports": imports,
        "exports": exports,
        "egress": description.egress,
        "secrets": secret_settings(&description.connection_schema),
        "secret_uses": secret_settings(&description.connection_schema)
            .iter()
            .map(|setting| json!({ "setting": setting, "recipes": recipes(setting, description) }))
            .collect::<Value>(),
        "limits": granted::limits(),
        "calls_per_minute": description.calls_per_minute,
        "recipes": description.recipes.iter().map(|one| &one.name).collect::<Vec<_>>(),
        "sessions": description.sessions,
        "collections": collections,
    })
}
