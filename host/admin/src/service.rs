//! What the HTTP interface asks of a service. It knows names and texts only;
//! what stands behind them is the service's.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Decision, Item, Wanted};

/// Who calls was checked before; that a name exists was not.
#[async_trait::async_trait]
pub trait Service: Send + Sync + 'static {
    /// Whether it has begun, and does not end.
    fn is_ready(&self) -> bool;
    /// Prometheus text, of one tenant or of all.
    fn metrics(&self, tenant: Option<&str>) -> String;
    fn tenants(&self) -> Vec<TenantView>;
    fn tenant(&self, tenant: &str) -> Result<TenantView, Refusal>;
    fn pipelines(&self, tenant: &str) -> Result<Vec<PipelineView>, Refusal>;

    async fn runs(&self, at: At<'_>, limit: usize) -> Result<Value, Refusal>;
    async fn checkpoint(&self, at: At<'_>) -> Result<Value, Refusal>;
    /// `wanted.scope` is not read. Personal fields are masked unless `clear`.
    async fn waiting(
        &self,
        tenant: &str,
        pipeline: Option<&str>,
        kind: Kind,
        wanted: Wanted,
        clear: bool,
    ) -> Result<Value, Refusal>;
    /// The latest comparison of source and target.
    async fn reconciliation(&self, at: At<'_>) -> Result<Value, Refusal>;
    /// Personal fields are masked unless `clear`.
    async fn trace(&self, tenant: &str, number: &str, clear: bool) -> Result<Value, Refusal>;

    async fn run(&self, at: At<'_>) -> Result<(), Refusal>;
    /// Compares source and target as soon as it may.
    async fn reconcile(&self, at: At<'_>) -> Result<(), Refusal>;
    async fn pause(&self, at: At<'_>, pause: Pause) -> Result<(), Refusal>;
    async fn pause_tenant(&self, tenant: &str, pause: Pause) -> Result<(), Refusal>;
    async fn decide(&self, at: At<'_>, items: Vec<Item>, decision: Decision)
    -> Result<(), Refusal>;
    async fn reset_checkpoint(&self, at: At<'_>) -> Result<(), Refusal>;
    async fn reload(&self, tenant: &str) -> Result<Reloaded, Refusal>;
    /// Takes the tenant away with all that is known of it.
    async fn remove(&self, tenant: &str) -> Result<(), Refusal>;
    /// Takes away what a record held; that it was dealt with stays known.
    async fn erase(&self, at: At<'_>, number: &str) -> Result<Erased, Refusal>;
}

/// One pipeline of one tenant, as a caller named it.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    pub tenant: &'a str,
    pub pipeline: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Holds,
    DeadLetters,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// Nothing begins any more; with `stop` what goes on ends as well, with all
    /// that is in flight settled.
    Pause {
        stop: bool,
    },
    Resume,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TenantView {
    pub tenant: String,
    pub enabled: bool,
    pub paused: bool,
    pub pipelines: usize,
    pub runs_active: usize,
    /// Why its folder could not be taken over the last time, or which quota of
    /// it is used up.
    pub problem: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PipelineView {
    pub pipeline: String,
    pub scope: String,
    pub enabled: bool,
    pub paused: bool,
    /// Whether its manifest is one that can be run.
    pub sound: bool,
    /// The run under way.
    pub running: Option<RunningView>,
    pub last: Option<LastView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RunningView {
    /// `None` while it prepares.
    pub run: Option<String>,
    pub cause: String,
    pub since_ms: u64,
    pub read: u64,
    pub applied: u64,
    pub rejected: u64,
    pub held: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LastView {
    pub run: Option<String>,
    pub ended_ms: u64,
    /// `None` where it ended well, or was stopped.
    pub failure: Option<String>,
}

/// What a reload found to differ, by the pipelines' names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reloaded {
    pub added: Vec<String>,
    pub changed: Vec<String>,
    pub removed: Vec<String>,
    pub problems: Vec<String>,
}

/// What was taken away of one record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Erased {
    /// Source keys of the records that the number named.
    pub records: Vec<String>,
    /// Lines of kept records, documents and exchanges that were written over.
    pub lines: u64,
    /// Holds and dead letters that ended.
    pub discarded: u64,
}

/// Why a wish was not fulfilled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub why: Why,
    pub message: String,
    /// What to do next; may be empty.
    pub hint: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    NotFound,
    /// What was asked for cannot be.
    Invalid,
    /// Not now.
    Conflict,
    /// It went wrong here.
    Failed,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}
