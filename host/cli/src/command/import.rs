//! `duijie import`: a scheme of another platform as a manifest, and a line for
//! everything that became of it. Runs nothing but the connectors' own words.

use std::path::{Path, PathBuf};

use duijie_component::Launcher;
use duijie_contract::{Description, Launch as _, Mode, Role, Use};
use duijie_import::{Draft, Line, Outcome, Wish};
use duijie_project::{Project, wire};
use duijie_record::Collection;
use serde_json::{Value, json};

use crate::args::{Global, Qeasy};
use crate::exit::Failure;
use crate::output::Output;

/// The connector that judges the rules.
const MAPPING: &str = "map";
/// Judgements of one draft; each takes out what it refuses.
const JUDGEMENTS: usize = 8;

pub(crate) async fn qeasy(global: &Global, wish: &Qeasy, output: &Output) -> Result<(), Failure> {
    if let Some(out) = wish.out.as_deref().filter(|out| out.exists()) {
        return Err(Failure::Argument(format!(
            "{} is there already\n\nhint: name another file with --out, or take this one away",
            out.display()
        )));
    }
    let files = wish
        .files
        .iter()
        .map(|path| Ok((path.display().to_string(), read(path)?)));
    let files: Vec<(String, String)> = files.collect::<Result<_, Failure>>()?;
    let project = Project::open(&global.folders())?;
    let launcher = wire::launcher(&project, Mode::Preview)?;
    let known = described(&project, &launcher, output).await;
    let wishes = wishes(&project, wish);
    let refused = |error: duijie_import::Error| {
        Failure::Argument(format!("{error}\n\nhint: {}", error.hint()))
    };
    let mut draft = duijie_import::qeasy(&files, &known, &wishes).map_err(refused)?;
    match known.iter().any(|description| description.name == MAPPING) {
        true => judge(&mut draft, &launcher).await?,
        false => output.note(&format!(
            "the connector `{MAPPING}` is not here: nothing has judged the rules"
        )),
    }
    told(&draft, wish, output)
}

fn read(path: &PathBuf) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::Argument(format!("cannot read {}: {error}", path.display())))
}

/// What the connectors at hand say of themselves; one that cannot is passed over.
async fn described(project: &Project, launcher: &Launcher, output: &Output) -> Vec<Description> {
    let mut known = Vec::new();
    for name in project.installed() {
        match launcher.describe(&name).await {
            Ok(description) => known.push(description),
            Err(fault) => output.note(&format!("the connector `{name}` was passed over: {fault}")),
        }
    }
    known
}

fn wishes(project: &Project, wish: &Qeasy) -> Wish {
    let connections = project.connections.iter().filter_map(|document| {
        let low = &document.low;
        Some((low.connector.clone()?, low.connection.clone()?))
    });
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::fixed(CHINA));
    Wish {
        name: wish.name.clone(),
        source: wish.source.clone(),
        target: wish.target.clone(),
        start: wish.start.clone(),
        today: today.strftime("%Y-%m-%d 00:00:00").to_string(),
        connections: connections.collect(),
    }
}

/// The clock of the systems that schemes are for.
const CHINA: jiff::tz::Offset = jiff::tz::Offset::constant(8);

/// Takes out what the mapping refuses, until it refuses nothing.
async fn judge(draft: &mut Draft, launcher: &Launcher) -> Result<(), Failure> {
    for _ in 0..JUDGEMENTS {
        let usage = Use {
            connector: MAPPING.to_owned(),
            role: Role::Transform,
            connection: None,
            connection_settings: "{}".to_owned(),
            pipeline_settings: draft.mapping(),
            collection: Collection::from(""),
            secrets: Vec::new(),
            allow: Vec::new(),
            tables: draft.tables(),
            grant_place: String::new(),
            calls_per_minute: 0,
        };
        let problems = launcher.check(&usage).await?;
        if problems.is_empty() || !draft.refuse(&problems) {
            return Ok(());
        }
    }
    Ok(())
}

fn told(draft: &Draft, wish: &Qeasy, output: &Output) -> Result<(), Failure> {
    let report = draft.report();
    let manifest = draft.manifest();
    for line in &report {
        output.note(&text(line));
    }
    let count = |outcome: Outcome| report.iter().filter(|line| line.outcome == outcome).count();
    let (carried, changed, left) = (
        count(Outcome::Carried),
        count(Outcome::Changed),
        count(Outcome::Left),
    );
    output.note(&format!(
        "\n{carried} carried over, {changed} with a change, {left} left out"
    ));
    let data = json!({
        "pipeline": draft.name(),
        "out": wish.out,
        "manifest": manifest,
        "carried": carried,
        "changed": changed,
        "left_out": left,
        "report": report.iter().map(as_data).collect::<Vec<_>>(),
    });
    match &wish.out {
        None => output.data(&manifest, data),
        Some(out) => {
            write(out, &manifest)?;
            let text = format!(
                "the manifest is in {}\n\nhint: read it against the report, then `duijie plan {}`",
                out.display(),
                draft.name()
            );
            output.data(&text, data);
        }
    }
    Ok(())
}

fn write(out: &Path, manifest: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::Environment(format!("cannot write {}: {error}", out.display()))
    };
    let mut file = std::fs::File::create_new(out).map_err(failed)?;
    std::io::Write::write_all(&mut file, manifest.as_bytes()).map_err(failed)
}

/// The line, then why and what to do, each on a line of its own.
fn text(line: &Line) -> String {
    let mut text = format!(
        "{:<10} {}: {}",
        line.outcome.as_str(),
        line.place,
        line.what
    );
    for (word, said) in [("because", &line.why), ("hint", &line.todo)] {
        if !said.is_empty() {
            text.push_str(&format!("\n{:11}{word}: {said}", ""));
        }
    }
    text
}

fn as_data(line: &Line) -> Value {
    json!({
        "outcome": line.outcome.as_str(),
        "place": line.place,
        "what": line.what,
        "why": line.why,
        "todo": line.todo,
    })
}
