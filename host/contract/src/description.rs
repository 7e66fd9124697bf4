//! What a connector says of itself (`duijie:setup`), version-neutral.

use std::fmt;

/// What a component can be in a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    Source,
    Transform,
    Target,
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Role::Source => "source",
            Role::Transform => "transform",
            Role::Target => "target",
        })
    }
}

/// How sure the host can be that a write took effect exactly once.
/// Ordered: a later class promises more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Guarantee {
    /// Nothing is promised; the manifest must say what happens in doubt.
    None,
    /// Writing the same document again changes nothing.
    NaturalUpsert,
    /// Documents can be found again by a number that is not unique.
    Lookup,
    /// The target refuses a second document with the same number.
    UniqueKey,
    /// The target refuses a second request that carries the same key.
    ServerKey,
}

impl Guarantee {
    pub const ALL: [Guarantee; 5] = [
        Guarantee::None,
        Guarantee::NaturalUpsert,
        Guarantee::Lookup,
        Guarantee::UniqueKey,
        Guarantee::ServerKey,
    ];

    /// As the manifest writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Guarantee::None => "none",
            Guarantee::NaturalUpsert => "natural-upsert",
            Guarantee::Lookup => "lookup",
            Guarantee::UniqueKey => "unique-key",
            Guarantee::ServerKey => "server-key",
        }
    }
}

impl fmt::Display for Guarantee {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A name for people, in both languages of the house.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title {
    pub en: String,
    pub zh: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectionInfo {
    pub name: String,
    pub role: Role,
    pub title: Title,
    /// The fields that identify a document, in the system's names.
    pub key: Vec<String>,
    pub guarantee: Guarantee,
    /// How long a sent request may still take effect or stay invisible.
    pub settle_ms: u64,
    /// Most records of one batch; 0 means the host's default.
    pub max_records: u32,
    /// Most bytes of one batch; 0 means the host's default.
    pub max_bytes: u32,
    /// For sources: its records come again until each was acknowledged. Never
    /// set where the component does not export `duijie:acknowledge`.
    pub draining: bool,
}

/// A signing recipe, as its JSON text; the host checks and compiles it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    pub name: String,
    pub steps: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    pub name: String,
    pub version: String,
    /// SHA-256 of the component, lower hex; what grants and ledgers refer to.
    pub digest: String,
    pub title: Title,
    /// What the component exports, read from the binary, not from its words.
    pub roles: Vec<Role>,
    /// The interfaces that it imports, read from the binary.
    pub imports: Vec<String>,
    /// Whether it exports `duijie:target/lookup`, read from the binary.
    pub lookup: bool,
    /// Names of the steps that it takes documents through after they were
    /// written, in the order in which they may be taken; empty where it does
    /// not export `duijie:steps/steps`, whatever it says.
    pub steps: Vec<String>,
    /// JSON Schema 2020-12 text of a connection.
    pub connection_schema: String,
    /// JSON Schema 2020-12 text of the settings in a pipeline, by role.
    pub pipeline_schemas: Vec<(Role, String)>,
    pub collections: Vec<CollectionInfo>,
    pub other_collections: bool,
    pub recipes: Vec<Recipe>,
    /// Origins, or `{setting}` for the origin of that connection setting.
    pub egress: Vec<String>,
    pub sessions: u32,
    pub calls_per_minute: u32,
}

impl Description {
    pub fn collection(&self, role: Role, name: &str) -> Option<&CollectionInfo> {
        self.collections
            .iter()
            .find(|collection| collection.role == role && collection.name == name)
    }
}
