//! What a run comes to.

use duijie_record::RunId;
use duijie_store::RunState;

use crate::Error;

/// `read`, `unchanged` and `dropped` count records; the others documents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub read: u64,
    /// Nothing new about them since an earlier read.
    pub unchanged: u64,
    /// Left out by a transform, or older than what is already there.
    pub dropped: u64,
    pub applied: u64,
    pub rejected: u64,
    pub held: u64,
}

impl Counts {
    pub fn add(&mut self, other: &Counts) {
        self.read += other.read;
        self.unchanged += other.unchanged;
        self.dropped += other.dropped;
        self.applied += other.applied;
        self.rejected += other.rejected;
        self.held += other.held;
    }
}

#[derive(Debug)]
pub enum End {
    /// The source had nothing more.
    Finished,
    /// Stopped on a wish; the next run goes on.
    Stopped,
    /// Everything in flight was settled where it could be; the next run goes
    /// on at the checkpoint.
    Failed(Error),
}

#[derive(Debug)]
pub struct Report {
    pub run: RunId,
    pub started_ms: u64,
    pub ended_ms: u64,
    pub counts: Counts,
    pub end: End,
}

impl Report {
    pub(crate) fn state(&self) -> RunState {
        match &self.end {
            End::Finished => RunState::Finished,
            End::Stopped => RunState::Stopped,
            End::Failed(error) => RunState::Failed(error.to_string()),
        }
    }
}
