//! A tenant's folder as it lies on disk now, and what of it must be known
//! while nothing of it runs. Manifests are read again when a run begins.

use std::path::Path;

use duijie_component::Quota;
use duijie_diagnostic::Diagnostic;
use duijie_manifest::{Alert, Document, Pipeline, Quotas, Tenant};
use duijie_plan::amount_of_bytes;
use duijie_project::personal::Personal;
use duijie_project::{Project, check_own};
use duijie_record::{PipelineName, Scope};
use duijie_schedule::{Key, Schedule, Share};
use duijie_store::Fingerprint;

use crate::comparison::Nightly;
use crate::home::{read, whole};
use crate::quota::Wanted;
use crate::{Error, Home, TenantName};

/// Runs of a tenant at a time, where its file does not say.
const RUNS: u32 = 4;

/// What a tenant may have, and its pipelines.
pub(crate) struct Loaded {
    pub(crate) enabled: bool,
    pub(crate) share: Share,
    pub(crate) quotas: Wanted,
    /// What its guests may have together.
    pub(crate) guests: Quota,
    pub(crate) found: Vec<Found>,
    /// What is wrong with the form of its files, a line each.
    pub(crate) problems: Vec<String>,
    pub(crate) project: Project,
    /// When its pipelines are compared.
    pub(crate) nightly: Nightly,
    /// Whom to tell of what goes wrong with it.
    pub(crate) alerts: Vec<Alert>,
    /// Of all connections: what a launcher is made of.
    pub(crate) connections: Fingerprint,
}

/// One pipeline, as its manifest says.
pub(crate) struct Found {
    pub(crate) name: PipelineName,
    pub(crate) scope: Scope,
    pub(crate) enabled: bool,
    pub(crate) schedule: Option<Schedule>,
    /// Of its manifest and the tenant's connections.
    pub(crate) print: Fingerprint,
    pub(crate) sound: bool,
    pub(crate) personal: Personal,
}

impl Loaded {
    /// The manifest of one of its pipelines.
    pub(crate) fn document(&self, key: &Key) -> Result<&Document<Pipeline>, Error> {
        let scope = key.scope.as_str();
        let mut documents = self.project.pipelines.iter();
        let found = documents.find(|document| document.low.scope.as_deref() == Some(scope));
        found.ok_or_else(|| Error::NoPipeline {
            tenant: key.tenant.0.clone(),
            named: scope.to_owned(),
        })
    }
}

pub(crate) fn load(home: &Home, name: &TenantName) -> Result<Loaded, Error> {
    let root = home.tenant(name);
    if !root.is_dir() {
        return Err(Error::NoTenant(name.to_string()));
    }
    check_own(&root)?;
    let low = tenant(&root.join("tenant.yaml"))?;
    let nightly = Nightly::of(low.reconcile.as_ref()).map_err(Error::Reconcile)?;
    let quotas = low.quotas.unwrap_or_default();
    let wanted = Wanted::of(&quotas);
    let project = home.project(name)?;
    let twice = duijie_plan::folder(&project.pipelines, &project.connections);
    let texts: Vec<&str> = project
        .connections
        .iter()
        .flat_map(|document| [document.file.as_str(), "\0", document.text.as_str(), "\0"])
        .collect();
    let connections = texts.concat();
    let documents = project.pipelines.iter();
    let found = documents.filter_map(|document| found(document, &connections, &twice));
    let problems = project.problems.iter().chain(&twice);
    let problems = problems
        .filter(|problem| problem.is_error())
        .map(ToString::to_string);
    Ok(Loaded {
        problems: problems.collect(),
        enabled: low.enabled.unwrap_or(true),
        share: Share {
            weight: quotas.weight.unwrap_or(1),
            runs: usize::try_from(quotas.runs.unwrap_or(RUNS)).unwrap_or(usize::MAX),
        },
        quotas: wanted,
        guests: guests(&quotas),
        found: found.collect(),
        connections: Fingerprint::of(connections.as_bytes()),
        project,
        nightly,
        alerts: low.alerts.unwrap_or_default(),
    })
}

/// What a tenant's guests may have together where its file does not say.
const MEMORY: usize = 512 << 20;
const CPU_PERCENT: u32 = 100;
/// Instances for each of its runs: a source, transforms, and for each writer a
/// target, a look-up and steps.
const INSTANCES_A_RUN: u32 = 16;

fn guests(quotas: &Quotas) -> Quota {
    let bytes = quotas.memory.as_deref().and_then(amount_of_bytes);
    let bytes = bytes.and_then(|bytes| usize::try_from(bytes).ok());
    Quota {
        memory_bytes: bytes.unwrap_or(MEMORY),
        cpu_percent: quotas.cpu.unwrap_or(CPU_PERCENT),
        instances: quotas.runs.unwrap_or(RUNS).saturating_mul(INSTANCES_A_RUN),
    }
}

fn tenant(path: &Path) -> Result<Tenant, Error> {
    const FILE: &str = "tenant.yaml";
    match read(path)? {
        Some(text) => whole(FILE, &text, Document::tenant(FILE, &text)),
        None => Ok(Tenant::default()),
    }
}

/// `None` for what has neither a name nor a scope to be known by.
fn found(document: &Document<Pipeline>, connections: &str, twice: &[Diagnostic]) -> Option<Found> {
    let low = &document.low;
    let told = |problem: &Diagnostic| {
        let mut places = problem.place.iter();
        places.any(|place| place.file == document.file)
    };
    let text = [document.text.as_str(), "\0", connections].concat();
    let (schedule, wrong) = duijie_plan::schedule_of(document);
    Some(Found {
        name: PipelineName(low.pipeline.clone()?),
        scope: Scope(low.scope.clone()?),
        enabled: low.enabled.unwrap_or(true),
        sound: document.sound && !twice.iter().any(told) && wrong.is_empty(),
        personal: Personal::of(low),
        schedule,
        print: Fingerprint::of(text.as_bytes()),
    })
}
