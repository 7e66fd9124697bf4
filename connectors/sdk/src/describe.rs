//! What a connector says of itself; the shapes are those of `duijie:setup`.

use crate::bindings::setup::exports::duijie::setup::setup;

pub use setup::{Collection, Description, Guarantee, Recipe, Role};

pub type Title = setup::Title;

impl Title {
    pub fn new(en: &str, zh: &str) -> Self {
        Self {
            en: en.to_owned(),
            zh: zh.to_owned(),
        }
    }
}

impl Recipe {
    /// `steps` is an expression in the form of docs/recipes.md.
    pub fn new(name: &str, steps: &str) -> Self {
        Self {
            name: name.to_owned(),
            steps: steps.to_owned(),
        }
    }
}

impl Collection {
    /// A collection to read from, with nothing promised and the host's limits.
    pub fn source(name: &str, title: Title, key: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            role: Role::Source,
            title,
            key: key.iter().map(|&field| field.to_owned()).collect(),
            guarantee: Guarantee::None,
            settle_ms: 0,
            max_records: 0,
            max_bytes: 0,
            extra: "{}".to_owned(),
        }
    }

    /// The same, whose records come again until [`crate::Acknowledge`] has
    /// acknowledged each: it is not read ahead and needs no positions.
    #[must_use]
    pub fn draining(self) -> Self {
        Self {
            extra: r#"{"acknowledge":true}"#.to_owned(),
            ..self
        }
    }
}

impl Description {
    /// A connector with no settings, no collections and no network; fill in
    /// what it has by struct update.
    pub fn new(name: &str, version: &str, title: Title) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            title,
            connection: r#"{"type":"object","additionalProperties":false}"#.to_owned(),
            pipeline: Vec::new(),
            collections: Vec::new(),
            other_collections: false,
            recipes: Vec::new(),
            egress: Vec::new(),
            sessions: 0,
            calls_per_minute: 0,
            extra: "{}".to_owned(),
        }
    }
}
