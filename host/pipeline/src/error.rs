//! Why a run could not go on.

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
    /// The store holds an intent whose documents do not fit it.
    #[error(
        "intent {intent} names {entries} documents, but its segment holds {lines}: the store is damaged, restore it from a backup"
    )]
    Segment {
        intent: u64,
        entries: usize,
        lines: usize,
    },
    /// A task of the pipeline died; what was durable stays so.
    #[error("a stage of the pipeline died: {0}; report this as a bug and run again")]
    Stage(String),
}
