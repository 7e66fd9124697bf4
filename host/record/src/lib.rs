//! Plain values that flow from source to target, and the names of things.
//! No I/O, no serialisation: stored and wire forms have types of their own.

mod batch;
mod id;
mod lines;

pub use batch::{
    Acknowledged, Acknowledgement, Action, Change, DocumentBatch, DocumentEntry, Finding,
    FoundDocument, MappedBatch, MappedLine, Outcome, Progress, RecordBatch, RecordEntry, Rejection,
    Resolution, Retry, State, StepEntry, Verdict,
};
pub use id::{Collection, PipelineName, Position, RunId, Scope, SourceKey, TargetKey, Version};
pub use lines::{Lines, line_count};
