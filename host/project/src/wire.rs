//! Joins the crates: a launcher over the connector folder, a plan out of the
//! project's files, the store of its data folder.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use duijie_component::{
    Account, Allowance, Code, Compiler, Launcher, Limits, Memory, Over, Quota, SecretError,
};
use duijie_contract::{Description, Launch as _, Mode};
use duijie_diagnostic::Diagnostic;
use duijie_manifest::{Document, Pipeline};
use duijie_pipeline::Clock as _;
use duijie_plan::{
    Inputs, Plan, Retention, StageAt, Window, folder, refusals, resolve, unready_tables,
};
use duijie_store::Embedded;

use crate::seals::sealer;
use crate::state::tables;
use crate::{Error, Project, granted};

/// Instances at once in one process that runs one pipeline.
const INSTANCES: u32 = 64;

struct HostClock;

impl duijie_component::Clock for HostClock {
    fn now_ms(&self) -> u64 {
        duijie_pipeline::SystemClock.now_ms()
    }
}

/// An engine for so many instances at once. Components are compiled by this
/// same program, whose hidden command for it is `compile-component`.
pub fn code(data: &Path, instances: u32) -> Result<Arc<Code>, Error> {
    let program = std::env::current_exe().map_err(|error| Error::Program(error.to_string()))?;
    let compiler = Compiler::Child {
        program,
        arguments: vec!["compile-component".to_owned()],
    };
    let memory = Memory::Pooled { instances };
    let code = Code::new(&memory, data.join("compiled"), compiler)?;
    Ok(Arc::new(code))
}

/// Starts components of the project, with an engine of its own.
pub fn launcher(project: &Project, mode: Mode) -> Result<Arc<Launcher>, Error> {
    let code = code(&project.data, INSTANCES)?;
    let allowance = Allowance::new(Quota::NONE);
    launcher_over(code, project, mode, Account::default(), allowance)
}

/// The same over an engine that other projects use as well, within what the
/// project's tenant may have.
pub fn launcher_over(
    code: Arc<Code>,
    project: &Project,
    mode: Mode,
    account: Account,
    allowance: Arc<Allowance>,
) -> Result<Arc<Launcher>, Error> {
    let over = Over {
        connectors: project.connectors.clone(),
        limits: Limits::DEFAULT,
        mode,
        secrets: project.secrets.clone(),
        clock: Arc::new(HostClock),
        account,
        allowance,
    };
    Ok(Arc::new(Launcher::over(code, over)?))
}

pub fn store(project: &Project) -> Result<Arc<Embedded>, duijie_store::Error> {
    Ok(Arc::new(Embedded::open(
        &project.data,
        &store_options(project),
    )?))
}

/// Keeps as long as the pipeline that wants most.
pub fn store_options(project: &Project) -> duijie_store::Options {
    let wanted = project.pipelines.iter();
    let wanted = wanted.map(|document| Retention::wanted(document.low.retention.as_ref()));
    let kept = wanted
        .reduce(Retention::longer)
        .unwrap_or(Retention::DEFAULT);
    duijie_store::Options {
        sealer: project.secrets.store().map(sealer),
        ..keeping(kept)
    }
}

/// Keeps so long.
pub fn keeping(kept: Retention) -> duijie_store::Options {
    let millis = |length: Duration| u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
    duijie_store::Options {
        evidence_bytes: kept.evidence_bytes,
        evidence_ms: millis(kept.evidence),
        ledger_ms: millis(kept.ledger),
        ..duijie_store::Options::default()
    }
}

/// The plan of a pipeline, and what to warn of; or everything that is wrong.
pub async fn plan(
    project: &Project,
    launcher: &Launcher,
    document: &Document<Pipeline>,
    window: Option<&Window>,
) -> Result<(Plan, Vec<Diagnostic>), Error> {
    let (plan, found) = resolved(project, launcher, document, window).await?;
    let mut problems = project.problems_of(&document.file);
    problems.extend(found);
    problems.extend(folder(&project.pipelines, &project.connections));
    if let Some(plan) = &plan {
        problems.extend(granted::problems(project, launcher, document, plan).await?);
    }
    match plan {
        Some(plan) if !problems.iter().any(Diagnostic::is_error) => Ok((plan, problems)),
        _ => Err(project.refuse(problems)),
    }
}

/// Everything about one pipeline: its resolution, and what its connectors
/// say of their settings.
pub async fn resolved(
    project: &Project,
    launcher: &Launcher,
    document: &Document<Pipeline>,
    window: Option<&Window>,
) -> Result<(Option<Plan>, Vec<Diagnostic>), Error> {
    let installed = project.installed();
    let descriptions = descriptions(launcher, document, &installed).await?;
    let has_secret =
        |name: &str| !matches!(project.secrets.get(name), Err(SecretError::Missing { .. }));
    let inputs = Inputs {
        pipeline: document,
        connections: &project.connections,
        descriptions: &descriptions,
        installed: &installed,
        has_secret: &has_secret,
        window,
        any_settle: cfg!(feature = "chaos"),
    };
    let (plan, mut problems) = resolve(&inputs);
    problems.extend(unready(project, document).await);
    if let Some(plan) = &plan {
        for (at, stage) in stages(plan) {
            for (_, name) in &stage.usage.secrets {
                project.secrets.get(name)?;
            }
            let found = launcher.check(&stage.usage).await?;
            problems.extend(refusals(&inputs, at, &found));
        }
    }
    let refused = problems.iter().any(Diagnostic::is_error);
    Ok((plan.filter(|_| !refused), problems))
}

/// Tables that the pipeline reads and that are not there yet.
async fn unready(project: &Project, document: &Document<Pipeline>) -> Vec<Diagnostic> {
    let mut transforms = document.low.transform.iter().flatten();
    if project.tenant.is_some() || transforms.all(|transform| transform.tables.is_none()) {
        return Vec::new();
    }
    let filled = tables::names(project).await;
    unready_tables(document, &project.pipelines, &|table| {
        filled.as_ref().is_none_or(|filled| filled.contains(table))
    })
}

/// The components of a plan.
pub fn stages(plan: &Plan) -> Vec<(StageAt, &duijie_plan::Stage)> {
    let mut stages = vec![(StageAt::Source, &plan.source)];
    let transforms = plan.transforms.iter().enumerate();
    stages.extend(transforms.map(|(index, stage)| (StageAt::Transform(index), stage)));
    if plan.target.table.is_none() {
        stages.push((StageAt::Target, &plan.target.stage));
    }
    stages
}

/// What the connectors that a manifest names say of themselves.
async fn descriptions(
    launcher: &Launcher,
    document: &Document<Pipeline>,
    installed: &[String],
) -> Result<BTreeMap<String, Description>, Error> {
    let low = &document.low;
    let source = low.source.iter().map(|stage| &stage.connector);
    let transforms = low.transform.iter().flatten().map(|stage| &stage.connector);
    let target = low.target.iter().map(|stage| &stage.connector);
    let names: Vec<&String> = source.chain(transforms).chain(target).flatten().collect();
    let mut found = BTreeMap::new();
    for name in names {
        if installed.contains(name) && !found.contains_key(name) {
            found.insert(name.clone(), launcher.describe(name).await?);
        }
    }
    Ok(found)
}
