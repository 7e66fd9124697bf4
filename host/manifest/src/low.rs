//! The low form: what stands in a file, as written. Every field may be
//! absent here, since a wrong one is told and then left out; the schema says
//! which are required. Free settings stay in the located tree.

use schemars::JsonSchema;
use serde::{Deserialize, de::IgnoredAny};

use crate::group::Group;
use crate::schedule::Schedule;

/// One pipeline: `pipeline`, `scope`, `source`, `target` and what else it needs.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// What people call it.
    #[schemars(required, length(min = 1, max = 200))]
    pub pipeline: Option<String>,
    /// The stable name under which its state lives and from which document
    /// keys are derived: letters, digits, `.`, `_` and `-`. Never change it once
    /// documents were written.
    #[schemars(required, regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"))]
    pub scope: Option<String>,
    /// Whether schedules start it; true when absent.
    pub enabled: Option<bool>,
    /// When `run --follow` and `serve` start a run, such as `every 5m`.
    pub schedule: Option<Schedule>,
    #[schemars(required)]
    pub source: Option<Source>,
    /// Makes one record of many, before the transforms.
    pub group: Option<Group>,
    /// From source to target, in this order.
    pub transform: Option<Vec<Transform>>,
    #[schemars(required)]
    pub target: Option<Target>,
    /// What happens to a newer version of a document that was already written;
    /// hold when absent.
    pub on_change: Option<OnChange>,
    /// What happens to the others when a record is rejected; continue when absent.
    pub on_rejected: Option<OnRejected>,
    /// What happens when it cannot be told whether a write took effect. Must
    /// be set where the target promises nothing, else hold when absent.
    pub on_unknown: Option<OnUnknown>,
    /// What happens to a later version of a record that lies in the dead
    /// letters; pass when absent.
    pub on_newer: Option<OnNewer>,
    pub retries: Option<Retries>,
    pub limits: Option<Limits>,
    pub retention: Option<Retention>,
    /// Fields of records and documents that are about people, such as
    /// `receiver.mobile`: masked for whoever is not an admin. A list's items
    /// need no index, and a path counts wherever it begins.
    #[schemars(inner(length(min = 1)))]
    pub personal: Option<Vec<String>>,
    /// Whether all that is kept of its records lies encrypted in the data folder,
    /// under the key of the secret store. What was sealed once stays sealed;
    /// false when absent.
    pub sealed: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Name of the component in the connector folder, without `.wasm`.
    #[schemars(required, length(min = 1))]
    pub connector: Option<String>,
    #[schemars(required, length(min = 1))]
    pub connection: Option<String>,
    /// Table, document type or operation of the system.
    #[schemars(required, length(min = 1))]
    pub collection: Option<String>,
    /// What the connector's own schema allows.
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    pub settings: Option<IgnoredAny>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transform {
    /// Name of the component in the connector folder, without `.wasm`.
    #[schemars(required, length(min = 1))]
    pub connector: Option<String>,
    /// Value tables that it may read; other pipelines fill them.
    #[schemars(inner(regex(pattern = r"^[^\s/{}]{1,100}$")))]
    pub tables: Option<Vec<String>>,
    /// What the connector's own schema allows.
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    pub settings: Option<IgnoredAny>,
}

/// A collection of a system, or a value table of the host's own.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "if" = {"required": ["table"]},
    "then" = {"required": ["key"]},
    "else" = {"required": ["connector", "connection", "collection"]}
))]
pub struct Target {
    /// Name of the component in the connector folder, without `.wasm`.
    #[schemars(length(min = 1))]
    pub connector: Option<String>,
    #[schemars(length(min = 1))]
    pub connection: Option<String>,
    /// Table, document type or operation of the system.
    #[schemars(length(min = 1))]
    pub collection: Option<String>,
    /// The value table that the documents are rows of, in place of a connector;
    /// transforms of other pipelines read it.
    #[schemars(regex(pattern = r"^[^\s/{}]{1,100}$"))]
    pub table: Option<String>,
    /// Field of the mapped document that is the target key; what the
    /// collection declares when absent.
    #[schemars(length(min = 1))]
    pub key: Option<String>,
    /// The class that is demanded; refused where the collection gives less.
    pub guarantee: Option<Guarantee>,
    /// How long a sent request may still take effect or stay invisible, such as
    /// `10s`; only longer than what the collection declares.
    pub settle: Option<String>,
    /// What documents are taken through after they were written, in this
    /// order, such as `[submit, audit]`; nothing when absent.
    #[schemars(length(min = 1, max = 8), inner(length(min = 1)))]
    pub steps: Option<Vec<String>>,
    /// What the connector's own schema allows.
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    pub settings: Option<IgnoredAny>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Guarantee {
    None,
    NaturalUpsert,
    Lookup,
    UniqueKey,
    ServerKey,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnChange {
    Hold,
    Update,
    Ignore,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnRejected {
    Continue,
    Stop,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnUnknown {
    Hold,
    Resend,
    Skip,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnNewer {
    Pass,
    Wait,
}

/// Tries of one call that failed in passing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retries {
    /// In all, the first included; 5 when absent.
    #[schemars(range(min = 3, max = 100))]
    pub attempts: Option<u32>,
    /// Such as `1s`, which it is when absent; doubles with each try.
    pub first_wait: Option<String>,
    /// Such as `2m`, which it is when absent.
    pub longest_wait: Option<String>,
    /// All waits of one run together, such as `1h`, which it is when absent.
    pub budget: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Records asked from the source at a time.
    #[schemars(range(min = 1, max = 10000))]
    pub page_records: Option<u32>,
    /// Pages read in advance, and batches that may wait before the target; 4
    /// when absent.
    #[schemars(range(min = 0, max = 64))]
    pub read_ahead: Option<u32>,
    /// Batches in flight at the target; 4 when absent.
    #[schemars(range(min = 1, max = 64))]
    pub writers: Option<u32>,
    /// Records of one batch to the target.
    #[schemars(range(min = 1, max = 10000))]
    pub batch_records: Option<u32>,
    pub run: Option<RunLimits>,
}

/// What one run may use, all of its connectors together. A run that uses more
/// is ended and told as failed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunLimits {
    /// From its begin to its end, such as `7d`, which it is when absent.
    pub time: Option<String>,
    /// Processor time, such as `2h`, which it is when absent.
    pub cpu: Option<String>,
    /// HTTP requests; 1,000,000 when absent.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub calls: Option<u64>,
    /// Bodies of requests, such as `64GiB`, which it is when absent.
    pub sent: Option<String>,
    /// Bodies of answers, such as `64GiB`, which it is when absent.
    pub received: Option<String>,
    /// Lines that are logged; 200,000 when absent.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub log_lines: Option<u64>,
    /// Such as `64MiB`, which it is when absent.
    pub log_bytes: Option<String>,
}

/// How long state is kept. Of several pipelines in one data folder, the one
/// that wants most decides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// How long a record is known not to be written twice; `400d` when absent.
    pub ledger: Option<String>,
    /// How long records, documents and exchanges are kept for `trace`; `30d`
    /// when absent.
    pub evidence: Option<String>,
    /// Such as `4GiB`, which it is when absent; the oldest evidence goes first.
    pub evidence_bytes: Option<String>,
}

/// One connection: `connection`, `connector` and its `settings`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// The name under which pipelines use it.
    #[schemars(required, length(min = 1, max = 200))]
    pub connection: Option<String>,
    /// The connector whose settings these are.
    #[schemars(required, length(min = 1))]
    pub connector: Option<String>,
    /// What the connector's own schema allows. `${secret:NAME}` stands for a
    /// secret.
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    pub settings: Option<IgnoredAny>,
    /// Origins beyond those in the settings that requests may go to, such as
    /// `https://api.example.com`.
    pub allow: Option<Vec<String>>,
    /// Calls a minute that were agreed on for this account, where they are
    /// other than what the connector's system documents.
    #[schemars(range(min = 1, max = 100_000))]
    pub calls_per_minute: Option<u32>,
}
