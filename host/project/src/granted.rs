//! The lock file of a project: `duijie.lock`, what its pipelines were
//! granted. Read before anything of a pipeline runs, written by `grant` only.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

use duijie_component::{Launcher, Limits};
use duijie_contract::Launch as _;
use duijie_diagnostic::Diagnostic;
use duijie_manifest::{Document, Pipeline};
use duijie_plan::{Ask, Lock, Plan, ask, ungranted};

use crate::{Error, Project, wire};

const FILE: &str = "duijie.lock";

pub fn place(project: &Project) -> PathBuf {
    project.root.join(FILE)
}

/// `None` where the folder has no lock. A project with a data folder of its
/// own then grants whatever its manifests and connections name; a tenant's
/// grants nothing.
pub fn read(project: &Project) -> Result<Option<Lock>, Error> {
    let place = place(project);
    let text = match fs::read_to_string(&place) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(Error::Read {
                place,
                reason: error.to_string(),
            });
        }
    };
    Lock::parse(&text).map(Some).map_err(|reason| {
        Error::Refused(format!(
            "{} cannot be understood: {}\n\nhint: bring it back from a copy; or move it away and \
             `duijie grant` all pipelines anew",
            place.display(),
            reason.trim_end()
        ))
    })
}

/// Whole or not at all, also when the power is cut.
pub fn write(project: &Project, lock: &Lock) -> Result<(), Error> {
    let place = place(project);
    let failed = |reason: String| Error::Write {
        place: place.clone(),
        reason,
    };
    let text = lock.text().map_err(failed)?;
    let aside = place.with_extension("lock.part");
    let replaced = || {
        let mut file = File::create(&aside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&aside, &place)?;
        File::open(&project.root)?.sync_all()
    };
    replaced().map_err(|error: std::io::Error| failed(error.to_string()))
}

/// What the stages of a plan ask for, in their order.
pub async fn asked(launcher: &Launcher, plan: &Plan) -> Result<Vec<Ask>, Error> {
    let limits = limits();
    let mut asked = Vec::new();
    for (_, stage) in wire::stages(plan) {
        // Known since the plan was made, and of the same component.
        let description = launcher.describe(&stage.usage.connector).await?;
        asked.push(ask(stage, &description, &limits));
    }
    Ok(asked)
}

/// What of a pipeline goes beyond the lock of its folder.
pub async fn problems(
    project: &Project,
    launcher: &Launcher,
    document: &Document<Pipeline>,
    plan: &Plan,
) -> Result<Vec<Diagnostic>, Error> {
    let lock = match read(project)? {
        Some(lock) => lock,
        None if project.needs_lock() => Lock::default(),
        None => return Ok(Vec::new()),
    };
    let asked = asked(launcher, plan).await?;
    let name = plan.name.as_str();
    let command = match &project.tenant {
        Some(tenant) => format!("duijie grant {name} --tenant {tenant}"),
        None => format!("duijie grant {name}"),
    };
    Ok(ungranted(document, name, &lock, &asked, &command))
}

/// What any one instance may use up.
pub fn limits() -> BTreeMap<String, u64> {
    let Limits {
        memory_bytes,
        handed_over_bytes,
        cpu,
        deadline,
        log_lines,
    } = Limits::DEFAULT;
    let mebibytes = |bytes: usize| u64::try_from(bytes >> 20).unwrap_or(u64::MAX);
    [
        ("memory_mib", mebibytes(memory_bytes)),
        ("handed_over_a_call_mib", mebibytes(handed_over_bytes)),
        ("processor_a_call_s", cpu.as_secs()),
        ("call_s", deadline.as_secs()),
        ("log_lines_a_call", u64::from(log_lines)),
    ]
    .map(|(name, most)| (name.to_owned(), most))
    .into()
}
