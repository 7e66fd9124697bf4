//! The resolved form of a pipeline: defaults filled, names checked, every
//! use of a connector complete. What `pipeline` runs and `duijie plan` prints.

use std::time::Duration;

use duijie_contract::{Bounds, Guarantee, Use};
use duijie_record::{PipelineName, Scope};
use duijie_schedule::Schedule;

use crate::Group;

/// What to do with a newer version of a document that was already applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnChange {
    Hold,
    Update,
    Ignore,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRejected {
    Continue,
    Stop,
}

/// What to do when it cannot be told whether a write took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnUnknown {
    Hold,
    Resend,
    Skip,
}

/// What to do with a later version of a record that lies in the dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnNewer {
    /// It is sent; the dead letter goes when it went through.
    Pass,
    /// It takes the record's place in the dead letter and is not sent.
    Wait,
}

/// How long state is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Within it a record that was dealt with is known.
    pub ledger: Duration,
    pub evidence: Duration,
    pub evidence_bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// Tries of one call in all, the first included.
    pub attempts: u32,
    pub first_wait: Duration,
    pub longest_wait: Duration,
    /// All waits of one run together.
    pub budget: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    pub on_change: OnChange,
    pub on_rejected: OnRejected,
    pub on_unknown: OnUnknown,
    pub on_newer: OnNewer,
    pub retries: Retries,
    /// Records asked for at a time.
    pub page_records: u32,
    /// Pages that the source may read in advance, and batches that may wait
    /// before the target.
    pub read_ahead: u32,
    /// Batches in flight at the target.
    pub writers: u32,
    pub retention: Retention,
    /// What one run may use of its connectors.
    pub bounds: Bounds,
    /// From the begin of a run to its end.
    pub longest_run: Duration,
}

/// One use of one component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    pub usage: Use,
    pub version: String,
    /// SHA-256 of the component, lower hex.
    pub digest: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetStage {
    pub stage: Stage,
    /// The value table that the host itself fills; no component takes part then.
    pub table: Option<String>,
    /// The document's field that holds the target key; `None` derives it.
    pub key: Option<String>,
    pub guarantee: Guarantee,
    pub lookup: bool,
    /// How long a sent request may still take effect or stay invisible.
    pub settle: Duration,
    pub max_records: usize,
    pub max_bytes: usize,
    /// What documents are taken through after they were written, in this order.
    pub steps: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub name: PipelineName,
    pub scope: Scope,
    pub enabled: bool,
    /// When `run --follow` and `serve` start a run.
    pub schedule: Option<Schedule>,
    /// SHA-256 of the manifest's text, lower hex.
    pub manifest_digest: String,
    pub source: Stage,
    /// The source's records come again until each was acknowledged: no
    /// positions, and one batch at a time.
    pub drains: bool,
    /// Makes one record of many, before the transforms.
    pub group: Option<Group>,
    pub transforms: Vec<Stage>,
    pub target: TargetStage,
    pub policy: Policy,
    /// Whether what is kept of its records lies encrypted.
    pub sealed: bool,
}
