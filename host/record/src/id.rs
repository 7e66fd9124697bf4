//! Names and identities: one newtype each, so that none is taken for another.

use std::fmt;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// What people call a pipeline. May change without any effect on data.
    PipelineName
}
text_id! {
    /// The stable name under which a pipeline's state lives. Never changes.
    Scope
}
text_id! {
    /// A table, document type or operation of a system.
    Collection
}
text_id! {
    /// The source's identity of a document, equal for all its versions.
    SourceKey
}
text_id! {
    /// The identity of a document in the target, found there again.
    TargetKey
}
text_id! {
    /// Grows with every change of a document; compared bytewise.
    Version
}
text_id! {
    /// One run of one pipeline; sorts by start time.
    RunId
}

/// Where a source goes on: opaque to everyone but the source.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Position(pub Vec<u8>);

impl fmt::Debug for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Position({})", String::from_utf8_lossy(&self.0))
    }
}
