//! The stored form of one run. It knows nothing of the other values.

use duijie_record::RunId;
use serde::{Deserialize, Serialize};

use crate::{RunRow, RunState};

#[derive(Debug, Serialize, Deserialize)]
enum RunStateV1<'a> {
    Running,
    Finished,
    Stopped,
    Failed(&'a str),
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RunRowV1<'a> {
    run: &'a str,
    started_ms: u64,
    ended_ms: Option<u64>,
    #[serde(borrow)]
    state: RunStateV1<'a>,
    purpose: &'a str,
    manifest_digest: &'a str,
    components: Vec<(&'a str, &'a str)>,
    read: u64,
    unchanged: u64,
    dropped: u64,
    applied: u64,
    rejected: u64,
    held: u64,
}

impl<'a> From<&'a RunRow> for RunRowV1<'a> {
    fn from(row: &'a RunRow) -> Self {
        Self {
            run: &row.run.0,
            started_ms: row.started_ms,
            ended_ms: row.ended_ms,
            state: match &row.state {
                RunState::Running => RunStateV1::Running,
                RunState::Finished => RunStateV1::Finished,
                RunState::Stopped => RunStateV1::Stopped,
                RunState::Failed(reason) => RunStateV1::Failed(reason),
            },
            purpose: &row.purpose,
            manifest_digest: &row.manifest_digest,
            components: row
                .components
                .iter()
                .map(|(name, digest)| (name.as_str(), digest.as_str()))
                .collect(),
            read: row.read,
            unchanged: row.unchanged,
            dropped: row.dropped,
            applied: row.applied,
            rejected: row.rejected,
            held: row.held,
        }
    }
}

impl From<RunRowV1<'_>> for RunRow {
    fn from(stored: RunRowV1<'_>) -> Self {
        Self {
            run: RunId::from(stored.run),
            started_ms: stored.started_ms,
            ended_ms: stored.ended_ms,
            state: match stored.state {
                RunStateV1::Running => RunState::Running,
                RunStateV1::Finished => RunState::Finished,
                RunStateV1::Stopped => RunState::Stopped,
                RunStateV1::Failed(reason) => RunState::Failed(reason.to_owned()),
            },
            purpose: stored.purpose.to_owned(),
            manifest_digest: stored.manifest_digest.to_owned(),
            components: stored
                .components
                .into_iter()
                .map(|(name, digest)| (name.to_owned(), digest.to_owned()))
                .collect(),
            read: stored.read,
            unchanged: stored.unchanged,
            dropped: stored.dropped,
            applied: stored.applied,
            rejected: stored.rejected,
            held: stored.held,
        }
    }
}
