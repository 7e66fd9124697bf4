//! What a connector tells of the documents in its collections.

use crate::Title;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldKind {
    Text,
    Integer,
    Decimal,
    Boolean,
    DateTime,
    Date,
    Object,
    /// Its fields, if any, are those of each of its lines.
    List,
    Any,
    Other(String),
}

impl FieldKind {
    pub fn as_str(&self) -> &str {
        match self {
            FieldKind::Text => "text",
            FieldKind::Integer => "integer",
            FieldKind::Decimal => "decimal",
            FieldKind::Boolean => "boolean",
            FieldKind::DateTime => "date-time",
            FieldKind::Date => "date",
            FieldKind::Object => "object",
            FieldKind::List => "list",
            FieldKind::Any => "any",
            FieldKind::Other(name) => name,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldInfo {
    /// Names joined by dots from the document's root; `details.spec_no` is a
    /// field of each line of the list `details`.
    pub path: String,
    pub kind: FieldKind,
    /// Empty where there is none in that language.
    pub title: Title,
    /// Inside a list, of each line.
    pub required: bool,
    /// In characters.
    pub max_length: Option<u32>,
}

/// What must hold between fields of a document that is written, by paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldRule {
    /// At least one is not blank.
    OneOf(Vec<String>),
    When {
        path: String,
        /// `None` for any value that is not blank.
        equals: Option<String>,
        required: Vec<String>,
    },
    /// In words.
    Other(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    pub fields: Vec<FieldInfo>,
    pub rules: Vec<FieldRule>,
}
