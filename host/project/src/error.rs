//! Why something could not be done with a project. Whoever tells a person
//! adds what can be done about it where he is.

use std::path::PathBuf;

use duijie_contract::Fault;
use duijie_diagnostic::{Diagnostic, Sources};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "there is no pipeline `{named}` in {}\n\nhint: {}",
        .folder.display(),
        hint(.known)
    )]
    NoPipeline {
        named: String,
        folder: PathBuf,
        known: Vec<String>,
    },
    /// Located problems in what a person wrote.
    #[error("{}", first(.0))]
    Problems(Vec<Diagnostic>, Sources),
    #[error("cannot read {}: {reason}", .place.display())]
    Read { place: PathBuf, reason: String },
    #[error("cannot write {}: {reason}", .place.display())]
    Write { place: PathBuf, reason: String },
    #[error("cannot find this program: {0}")]
    Program(String),
    /// What was asked for cannot be.
    #[error("{0}")]
    Refused(String),
    /// The process that owns the data folder failed with it.
    #[error("{0}")]
    Answer(String),
    #[error(transparent)]
    Admin(#[from] duijie_admin::Error),
    #[error(transparent)]
    Secret(#[from] duijie_component::SecretError),
    #[error(transparent)]
    Component(#[from] duijie_component::Error),
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error(transparent)]
    Store(#[from] duijie_store::Error),
}

/// The first in words, and how many others there are.
fn first(problems: &[Diagnostic]) -> String {
    let errors = problems.iter().filter(|problem| problem.is_error());
    let mut errors = errors.map(ToString::to_string);
    let first = errors.next().unwrap_or_default();
    match errors.count() {
        0 => first,
        others => format!("{first}; and {others} more that `duijie check` tells"),
    }
}

fn hint(known: &[String]) -> String {
    match known.is_empty() {
        true => "put a manifest there, or name another project with --project".to_owned(),
        false => format!("it has: {}", known.join(", ")),
    }
}
