//! What the one who runs the service wrote: `serve.yaml`, and a `tenant.yaml`
//! for each tenant. The low forms only; what is absent is filled in by `serve`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Alert, Retention};

/// `serve.yaml`: the process.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Serve {
    /// Where the HTTP interface listens; `127.0.0.1:7373` when absent.
    #[schemars(length(min = 1))]
    pub listen: Option<String>,
    /// Runs at a time, of all tenants; 16 when absent.
    #[schemars(range(min = 1, max = 2000))]
    pub runs: Option<u32>,
    /// How long state is kept, of all tenants; a pipeline that wants its ledger
    /// for longer does not run.
    pub retention: Option<Retention>,
    /// Whom to tell of what goes wrong, of all tenants.
    #[schemars(length(max = 16))]
    pub alerts: Option<Vec<Alert>>,
    /// What the HTTP interface speaks TLS with; plain HTTP when absent.
    pub tls: Option<Tls>,
    /// Whom to send spans of runs; nobody when absent.
    pub otlp: Option<Otlp>,
}

/// A collector that speaks OTLP over HTTP, with protobuf.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Otlp {
    /// Such as `http://127.0.0.1:4318`; `/v1/traces` is put behind it.
    #[schemars(required, length(min = 1))]
    pub endpoint: Option<String>,
}

/// Files in PEM, beside `serve.yaml` where they are not absolute.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate, and those between it and a known one behind it.
    #[schemars(required, length(min = 1))]
    pub certificate: Option<String>,
    /// Its private key, which not everybody may read.
    #[schemars(required, length(min = 1))]
    pub key: Option<String>,
}

/// `tenant.yaml`: what one tenant may have.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    /// Whether anything of it runs; true when absent.
    pub enabled: Option<bool>,
    pub quotas: Option<Quotas>,
    /// Whom to tell of what goes wrong with it.
    #[schemars(length(max = 16))]
    pub alerts: Option<Vec<Alert>>,
    /// When all of its pipelines are compared, source with target; only when
    /// asked for, when absent.
    pub reconcile: Option<Reconcile>,
}

/// Comparisons by the clock.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reconcile {
    /// Such as `30 3 * * *`.
    #[schemars(required)]
    pub cron: Option<String>,
    /// Whose clocks; `Asia/Shanghai` when absent.
    pub zone: Option<String>,
    /// How much of the source is read; `1d` when absent.
    pub window: Option<String>,
    /// How long before now the window ends, so that runs had time for what is
    /// in it; `1h` when absent.
    pub settle: Option<String>,
}

/// What a tenant may have of the process.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quotas {
    /// Runs at a time; 4 when absent.
    #[schemars(range(min = 1, max = 2000))]
    pub runs: Option<u32>,
    /// Turns that it gets beside one of weight 1, where several wait; 1 when absent.
    #[schemars(range(min = 1, max = 1000))]
    pub weight: Option<u32>,
    /// Requests that its connectors may make, such as `100000/day` or
    /// `5000/hour`, each from one whole hour or midnight in UTC to the next; no
    /// limit when absent.
    #[schemars(regex(pattern = r"^[1-9][0-9]{0,11}/(hour|day)$"))]
    pub requests: Option<String>,
    /// What its part of the data folder may take, such as `2GiB`; no limit when
    /// absent.
    #[schemars(regex(pattern = r"^[0-9]{1,12} ?([KMGT]i?B)?$"))]
    pub disk: Option<String>,
    /// Memory of all connectors at work together, such as `512MiB`, which it
    /// is when absent.
    #[schemars(regex(pattern = r"^[1-9][0-9]{0,11} ?(KB|MB|GB|KiB|MiB|GiB)$"))]
    pub memory: Option<String>,
    /// Processor time, in hundredths of one core; 100 when absent.
    #[schemars(range(min = 1, max = 100_000))]
    pub cpu: Option<u32>,
}
