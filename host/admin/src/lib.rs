//! How people reach a process that works for them. Commands reach the one that
//! owns a data folder over a socket in it, one request and one answer, a JSON
//! line each; whoever serves it brings an `Answer`. Others reach a service of
//! many tenants over HTTP, with tokens; that one brings a `Service`. Knows no
//! pipeline and no store.

mod audit;
mod client;
pub mod http;
mod server;
mod service;
#[cfg(test)]
mod tests;
mod token;

pub use client::ask;
pub use server::{Answer, Server};
pub use service::{
    At, Erased, Kind, LastView, Pause, PipelineView, Refusal, Reloaded, RunningView, Service,
    TenantView, Why,
};
pub use token::{EVERY, Role, Token, TokenError, Tokens};

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest line that either side reads.
const MAX_LINE: u64 = 16 << 20;

/// What a command asks of the running process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Request {
    /// Where a scope's next run goes on.
    Checkpoint { scope: String },
    /// Makes a scope's next run begin at the start.
    ResetCheckpoint { scope: String },
    /// The latest runs of a scope, newest first.
    Runs { scope: String, limit: usize },
    /// Documents that wait for a person.
    Holds { wanted: Wanted },
    /// Records and documents that were refused.
    DeadLetters { wanted: Wanted },
    /// Ends the wait of holds or dead letters without a send: all or none.
    Decide {
        scope: String,
        items: Vec<Item>,
        decision: Decision,
    },
    /// Puts a person's text in the place of what a dead letter would send.
    Edit {
        scope: String,
        item: Item,
        text: String,
    },
    /// What is known of a number, of whichever side.
    Trace { number: String },
    /// Every value table that was filled, without its rows.
    Tables,
    /// One value table and a page of its rows, those after the key `after`.
    Table {
        name: String,
        limit: usize,
        after: Option<String>,
    },
    /// Copies the state into a folder that is empty or not there.
    Backup { to: PathBuf, evidence: bool },
}

/// Which of those that wait; what is absent or empty asks for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    pub scope: Option<String>,
    /// Source keys, target keys or ids of the target.
    pub numbers: Vec<String>,
    pub part: Option<String>,
    /// Why it waits: a kind, an error's fingerprint or code, or words of it.
    pub why: Option<String>,
    /// Unix milliseconds, of the last time that it was put there.
    pub since_ms: Option<u64>,
    pub until_ms: Option<u64>,
    /// Whether records, documents and exchanges come along.
    pub bodies: bool,
    /// The last row of the page before: an answer has a bounded length.
    pub after: Option<(String, Item)>,
}

/// What tells one that waits from the others of its scope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Item {
    pub source_key: String,
    pub part: String,
}

/// What a person says of a document that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// It stands in the target.
    Applied { id: Option<String> },
    /// This version is never sent.
    Discard,
    /// What stands in the target stays as it is.
    Keep,
}

/// The data of an answer, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    Data(serde_json::Value),
    /// What was asked for cannot be: the person has to ask for something else.
    Refused(String),
    /// It went wrong here.
    Error(String),
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the socket {} cannot be opened: {reason}", .place.display())]
    Socket { place: PathBuf, reason: String },
    #[error("the process that owns {} answered nothing that can be read: {reason}", .place.display())]
    Answer { place: PathBuf, reason: String },
}

/// Where the socket of a data folder lies.
fn socket(data: &Path) -> PathBuf {
    data.join("control.sock")
}
