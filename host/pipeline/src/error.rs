//! Why a run could not go on.

use std::time::Duration;

use duijie_contract::Fault;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] duijie_store::Error),
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The manifest says `on_rejected: stop`.
    #[error("`{source_key}` was refused with `{code}`: {message}")]
    Rejected {
        source_key: String,
        code: String,
        message: String,
    },
    /// The tries of one run are used up, and nothing shows that any of these
    /// documents took effect. None of them is held: the next run sends them.
    #[error(
        "{connector}: {documents} of `{collection}` could not be written, tries: {tries}, the last reason: {reason}"
    )]
    GivenUp {
        connector: String,
        collection: String,
        documents: usize,
        tries: u32,
        reason: String,
    },
    /// The state under this scope was made with another target.
    #[error(
        "the state of scope `{scope}` belongs to `{bound}`, and the plan writes to `{target}`: give the pipeline a `scope` of its own, or write to `{bound}` again"
    )]
    OtherTarget {
        scope: String,
        bound: String,
        target: String,
    },
    /// Nothing was read.
    #[error("the value table `{table}` was never filled: run the pipeline that fills it first")]
    TableNeverFilled { table: String },
    /// The store holds an intent whose documents do not fit it.
    #[error(
        "intent {intent} names {entries} documents, but its segment holds {lines}: the store is damaged, restore it from a backup"
    )]
    Segment {
        intent: u64,
        entries: usize,
        lines: usize,
    },
    /// Rows of that time may be gone, and what they stood for would be sent
    /// again.
    #[error(
        "the window begins {days} days ago, and the ledger knows {kept_days}: what was sent before would be sent again; begin later, or lengthen `retention.ledger` before rows are dropped"
    )]
    WindowTooOld { days: u64, kept_days: u64 },
    /// All the others were replayed.
    #[error("{} could not be replayed: {}", left.len(), told(left))]
    NotReplayed { left: Vec<Left> },
    /// Its batch was not sent; everything before it is done.
    #[error(
        "the document `{part}` of `{source_key}` {differs}: nothing from there on was sent, make the plan anew with `plan --diff`"
    )]
    NotPlanned {
        source_key: String,
        part: String,
        differs: String,
    },
    /// Nothing was sent.
    #[error("the plan no longer holds, as {what}: make it anew with `plan --diff`")]
    PlanStale { what: &'static str },
    /// What came was sent.
    #[error(
        "{documents} documents of the plan never came, the first of `{source_key}`: the source has changed since, make the plan anew with `plan --diff`"
    )]
    PlanUnmet {
        documents: usize,
        source_key: String,
    },
    /// The manifest lost its `group` while records wait.
    #[error(
        "records wait in the group `{group}`, and the manifest has no `group`: put it back until they are sent, or give the pipeline a `scope` of its own"
    )]
    MembersWait { group: String },
    /// A plan of documents is made of records that are read one by one.
    #[error(
        "documents of groups cannot be planned one by one yet: `plan` shows what the first records would become"
    )]
    GroupsNotPlanned,
    /// It would be asked for what a run has yet to acknowledge.
    #[error(
        "the source hands out what waits there and shows nothing again: there is nothing to compare with"
    )]
    NotReadAgain,
    #[error(
        "neither a hold nor a dead letter waits under `{source_key}`, part `{part}`: list them to see what does"
    )]
    NothingWaits { source_key: String, part: String },
    #[error("`{source_key}`, part `{part}` cannot be decided so: {why}")]
    Undecidable {
        source_key: String,
        part: String,
        why: String,
    },
    #[error("this is not the JSON of one document: {reason}")]
    NotJson { reason: String },
    /// What was in flight is settled; the next run goes on at the checkpoint.
    #[error(
        "the run took over {most:?}, the most that one may take: raise `limits.run.time` of the pipeline if it needs longer"
    )]
    RunTooLong { most: Duration },
    /// A task of the pipeline died; what was durable stays so.
    #[error("a stage of the pipeline died: {0}; report this as a bug and run again")]
    Stage(String),
}

/// What a replay could not go on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    pub source_key: String,
    pub part: String,
    pub why: &'static str,
}

/// The first few in words.
fn told(left: &[Left]) -> String {
    const TOLD: usize = 5;
    let mut lines: Vec<String> = left
        .iter()
        .take(TOLD)
        .map(|one| format!("`{}` part `{}`: {}", one.source_key, one.part, one.why))
        .collect();
    if left.len() > TOLD {
        lines.push(format!("and {} more", left.len() - TOLD));
    }
    lines.join("; ")
}
