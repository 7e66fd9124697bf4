//! What a run tells while it goes on: progress for people, never state.

use std::time::Duration;

use duijie_record::{RunId, SourceKey, TargetKey};
use duijie_store::HoldKind;

use crate::Counts;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'run> {
    Started {
        run: &'run RunId,
        /// Whether it goes on at a checkpoint.
        resumed: bool,
    },
    /// Intents that an earlier run left open are settled first.
    Recovering { intents: usize, documents: usize },
    /// A batch came from the source.
    Read { records: usize },
    /// Documents are durable in the state told; all counts so far.
    Settled { counts: &'run Counts },
    /// All outcomes of a source batch are durable, so long after its records
    /// began to be made documents. Not told of one that had nothing to send.
    Batch { took: Duration },
    /// A call is tried again after a wait.
    Waiting {
        what: &'static str,
        reason: &'run str,
        wait: Duration,
    },
    Rejected {
        source_key: &'run SourceKey,
        code: &'run str,
        message: &'run str,
    },
    Held {
        source_key: &'run SourceKey,
        target_key: &'run TargetKey,
        reason: &'run str,
    },
    /// Held because something is wrong in the target that nobody may repair
    /// but a person.
    Alarm {
        source_key: &'run SourceKey,
        target_key: &'run TargetKey,
        kind: HoldKind,
        reason: &'run str,
    },
    /// The source does not take word of what became of a record: it comes
    /// again.
    NotAcknowledged {
        source_key: &'run SourceKey,
        reason: &'run str,
    },
    /// All that the source gives now it gave before in this run: it waits for
    /// a person, or the source took no word of it.
    ComesAgain { records: usize },
    /// Everything up to a position is durable.
    Checkpoint,
    Ended {
        run: &'run RunId,
        counts: &'run Counts,
    },
}

/// Called from the tasks of a run: must not block.
pub trait Observer: Send + Sync {
    fn event(&self, event: Event<'_>);
}

/// Watches nothing.
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _event: Event<'_>) {}
}
