//! How commands reach the process that owns a data folder: one request and
//! one answer, a JSON line each, over a socket in that folder. Knows no
//! pipeline and no store; whoever serves it brings an `Answer`.

mod client;
mod server;
#[cfg(test)]
mod tests;

pub use client::ask;
pub use server::{Answer, Server};

use std::path::{Path, PathBuf};

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
}

/// The data of an answer, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    Data(serde_json::Value),
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
