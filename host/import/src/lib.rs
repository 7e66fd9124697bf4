//! Schemes of another integration platform (Qeasy, 轻易云) become manifests:
//! a scheme's text in, a draft out, with a line for everything that was carried
//! over or was not. Reads no file and runs no connector; which platform is which
//! connector the connectors say themselves, in their schemas.

mod article;
mod draft;
mod group;
mod manifest;
mod metadata;
mod offer;
mod others;
mod report;
mod rules;
mod scheme;
mod source;
#[cfg(test)]
mod tests;
mod unwrapped;
mod value;

pub use draft::{Draft, Wish};
pub use report::{Line, Outcome};

use duijie_contract::Description;

/// Why no manifest can be made at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{file} is no JSON: {reason}")]
    Json { file: String, reason: String },
    #[error(
        "{file} holds no scheme: found neither metadata with `api` and `request` nor the table of an article"
    )]
    NoScheme { file: String },
    #[error("no {side} was found, only {found}")]
    Half {
        side: &'static str,
        found: &'static str,
    },
    #[error("more than one {side} was found: `{first}` and `{second}`")]
    Twice {
        side: &'static str,
        first: String,
        second: String,
    },
    #[error("no connector here is a {side} for {named}")]
    NoConnector {
        side: &'static str,
        named: String,
        known: Vec<String>,
    },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Error::Json { .. } | Error::NoScheme { .. } => String::from(
                "export the scheme's metadata as JSON, or save the article as text with its tables",
            ),
            Error::Half { .. } => String::from(
                "name both files: the metadata that queries and the metadata that writes",
            ),
            Error::Twice { .. } => String::from("name the files of one scheme at a time"),
            Error::NoConnector { side, known, .. } => match known.is_empty() {
                true => String::from("put the connectors into the connector folder"),
                false => format!("choose one with --{side}: {}", known.join(", ")),
            },
        }
    }
}

/// Reads the files of one scheme, with their names for messages. `known` are
/// the connectors at hand.
pub fn qeasy(
    files: &[(String, String)],
    known: &[Description],
    wish: &Wish,
) -> Result<Draft, Error> {
    let mut sides = Vec::new();
    for (file, text) in files {
        sides.extend(scheme::read(file, text)?);
    }
    let scheme = scheme::pair(sides)?;
    draft::draft(&scheme, known, wish)
}
