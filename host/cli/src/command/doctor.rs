//! `duijie doctor`: whether project and state are sound, part by part, and
//! what to do where one is not. Repairs nothing.

use duijie_admin::{Request, ask};
use duijie_diagnostic::Diagnostic;
use duijie_project::{Project, wire};
use duijie_store::{Embedded, Error, Found, Sizes, Store as _, examine};
use serde_json::{Value, json};

use crate::args::Global;
use crate::command::waiting;
use crate::exit::Failure;
use crate::output::Output;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Health {
    Fine,
    /// It works; a person has something to see to.
    Look,
    Damaged,
}

struct Part {
    name: String,
    health: Health,
    found: String,
}

pub(crate) fn doctor(global: &Global, output: &Output) -> Result<(), Failure> {
    let project = Project::open(&global.folders())?;
    let mut parts = vec![manifests(&project), connectors(&project)];
    parts.extend(secrets(&project));
    parts.extend(scopes(&project));
    let sizes = state(&project, &mut parts);
    let sound = parts.iter().all(|part| part.health != Health::Damaged);
    let mut lines: Vec<String> = parts.iter().map(told).collect();
    lines.extend(sizes.as_ref().map(sized));
    let text = lines.join("\n");
    if !sound {
        return Err(Failure::Environment(format!(
            "something is damaged\n\n{text}\n\nhint: keep a copy of {}, move it away, then \
             `duijie restore <backup>`; what was written since the backup is looked up before \
             anything is sent",
            project.data.display()
        )));
    }
    output.data(
        &text,
        json!({
            "sound": sound,
            "parts": parts.iter().map(data).collect::<Value>(),
            "sizes": sizes.as_ref().map(sizes_data),
        }),
    );
    Ok(())
}

fn manifests(project: &Project) -> Part {
    let wrong = project.problems.iter().filter(|one| one.is_error()).count();
    let found = match wrong {
        0 => format!(
            "{} pipelines, {} connections",
            project.pipelines.len(),
            project.connections.len()
        ),
        _ => format!("{wrong} problems: `duijie check` tells them"),
    };
    let sound = !project.problems.iter().any(Diagnostic::is_error);
    part("manifests", sound, found)
}

fn connectors(project: &Project) -> Part {
    let installed = project.installed();
    let named = project.pipelines.iter().flat_map(|document| {
        let low = &document.low;
        let ends = [
            low.source
                .as_ref()
                .and_then(|stage| stage.connector.clone()),
            low.target
                .as_ref()
                .and_then(|stage| stage.connector.clone()),
        ];
        let transforms = low.transform.iter().flatten();
        let transforms = transforms.map(|stage| stage.connector.clone());
        ends.into_iter().chain(transforms).flatten()
    });
    let missing: std::collections::BTreeSet<String> =
        named.filter(|name| !installed.contains(name)).collect();
    let folder = project.connectors.display();
    let found = match missing.is_empty() {
        true => format!("{} in {folder}", installed.len()),
        false => {
            let missing: Vec<String> = missing.iter().map(|name| format!("`{name}`")).collect();
            format!("{folder} has no {}: put it there", missing.join(", "))
        }
    };
    part("connectors", missing.is_empty(), found)
}

/// Of a store that is there: whether the key at hand opens all of it.
fn secrets(project: &Project) -> Option<Part> {
    let vault = project.secrets.store().filter(|vault| vault.exists())?;
    let found = vault.verify();
    let sound = found.is_ok();
    let found = match found {
        Ok(count) => format!("{count} in {}", vault.place().display()),
        Err(error) => error.to_string(),
    };
    Some(part("secrets", sound, found))
}

/// Whether the key at hand opens the keys of all scopes that are sealed.
fn scopes(project: &Project) -> Option<Part> {
    let vault = project.secrets.store()?.scopes();
    let found = vault.exists().then(|| vault.verify())?;
    let sound = found.is_ok();
    let found = match found {
        Ok(count) => format!("{count} in {}", vault.place().display()),
        Err(error) => error.to_string(),
    };
    Some(part("sealed scopes", sound, found))
}

fn part(name: &str, sound: bool, found: String) -> Part {
    Part {
        name: name.to_owned(),
        health: if sound { Health::Fine } else { Health::Look },
        found,
    }
}

/// The state of the data folder, and of each scope in it.
fn state(project: &Project, parts: &mut Vec<Part>) -> Option<Sizes> {
    let folder = project.data.display();
    if !Embedded::exists(&project.data) {
        parts.push(part(
            "state",
            true,
            format!("none in {folder} yet: the first run makes it"),
        ));
        return None;
    }
    let looked = match examine(&project.data, wire::store_options(project).sealer) {
        Ok(found) => found,
        Err(Error::InUse { .. }) => {
            parts.push(in_use(project));
            return None;
        }
        Err(error) => {
            parts.push(damaged(&error));
            return None;
        }
    };
    let sound = looked.iter().all(|found| found.damage.is_none());
    parts.extend(looked.iter().map(looked_at));
    // Only what was found sound is opened, as any command would.
    let opened = sound.then(|| pipelines(project))?;
    match opened {
        Ok((sizes, scopes)) => {
            parts.extend(scopes);
            Some(sizes)
        }
        Err(error) => {
            parts.push(damaged(&error));
            None
        }
    }
}

fn pipelines(project: &Project) -> Result<(Sizes, Vec<Part>), Error> {
    let store = wire::store(project)?;
    let scopes = store.scopes()?;
    let scopes = scopes
        .iter()
        .map(|scope| match waits(project, &store, scope) {
            Err(error @ Error::Sealed { .. }) => {
                let name = waiting::pipeline_of(project, scope.as_str());
                Ok(part(&name, false, error.to_string()))
            }
            told => told,
        });
    Ok((store.sizes()?, scopes.collect::<Result<_, _>>()?))
}

fn damaged(error: &Error) -> Part {
    Part {
        name: "state".to_owned(),
        health: Health::Damaged,
        found: error.to_string(),
    }
}

/// Without evidence nothing is lost but what `trace` would show.
fn looked_at(found: &Found) -> Part {
    let Some(damage) = &found.damage else {
        let bytes = megabytes(found.bytes);
        let holds = match found.holds.as_str() {
            "" => bytes,
            holds => format!("{holds}, {bytes}"),
        };
        return part(found.part, true, format!("{holds} in {}", found.place));
    };
    let hint = found.hint.map(|hint| format!("; {hint}"));
    Part {
        name: found.part.to_owned(),
        health: match found.part {
            "evidence" => Health::Look,
            _ => Health::Damaged,
        },
        found: format!("{damage}{}", hint.unwrap_or_default()),
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000)
}

/// It is sound enough for the process that has it open, if that one answers.
fn in_use(project: &Project) -> Part {
    let question = Request::Runs {
        scope: String::new(),
        limit: 0,
    };
    let answers = matches!(ask(&project.data, &question), Ok(Some(_)));
    let found = match answers {
        true => "in use by a running pipeline, which answers: stop it to have the state looked at",
        false => "in use by a process that does not answer: it is starting, ending, or hangs",
    };
    part("state", answers, found.to_owned())
}

fn waits(project: &Project, store: &Embedded, scope: &duijie_record::Scope) -> Result<Part, Error> {
    let holds = store.holds(scope)?;
    let alarms = holds.iter().filter(|hold| hold.kind.is_alarm()).count();
    let counts = [
        (alarms, "alarms (`holds list`)"),
        (holds.len() - alarms, "held (`holds list`)"),
        (
            store.dead_letters(scope)?.len(),
            "dead letters (`dead-letters list`)",
        ),
        (
            store.open_intents(scope)?.len(),
            "open intents (the next run settles them)",
        ),
        (store.lanes(scope)?.len(), "unfinished backfills"),
    ];
    let mut found: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{count} {words}"))
        .collect();
    if let Some(caution) = store.caution(scope)? {
        found.push(format!("caution: {}", caution.reason));
    }
    let nothing = found.is_empty();
    if nothing {
        found.push("nothing waits".to_owned());
    }
    let name = waiting::pipeline_of(project, scope.as_str());
    Ok(part(&name, nothing, found.join(", ")))
}

fn told(part: &Part) -> String {
    let word = match part.health {
        Health::Fine => "fine",
        Health::Look => "look",
        Health::Damaged => "DAMAGED",
    };
    format!("{word:<8} {}: {}", part.name, part.found)
}

fn data(part: &Part) -> Value {
    json!({
        "part": part.name,
        "health": match part.health {
            Health::Fine => "fine",
            Health::Look => "look",
            Health::Damaged => "damaged",
        },
        "found": part.found,
    })
}

fn sized(sizes: &Sizes) -> String {
    format!(
        "\n{} rows of the ledger in memory, {} in the long ledger; {} holds, {} dead letters, \
         {} open intents, {} rows of value tables",
        sizes.fresh_rows,
        sizes.long_rows,
        sizes.holds,
        sizes.dead_letters,
        sizes.open_intents,
        sizes.table_rows
    )
}

fn sizes_data(sizes: &Sizes) -> Value {
    json!({
        "fresh_rows": sizes.fresh_rows,
        "long_rows": sizes.long_rows,
        "dead_letters": sizes.dead_letters,
        "holds": sizes.holds,
        "open_intents": sizes.open_intents,
        "table_rows": sizes.table_rows,
        "database_bytes": sizes.database_bytes,
        "long_bytes": sizes.long_bytes,
        "document_bytes": sizes.document_bytes,
        "evidence_bytes": sizes.evidence_bytes,
    })
}
