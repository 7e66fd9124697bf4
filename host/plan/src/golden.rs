//! Runs the cases of `tests/golden/manifest`: a patch in, the text that a
//! person reads out. What a patch can say is in the README there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use duijie_contract::{CollectionInfo, Description, Guarantee, Problem, Role, Title};
use duijie_diagnostic::{Diagnostic, Sources, Style, render};
use duijie_manifest::Document;
use serde::Deserialize;

use crate::{Inputs, StageAt, Window, explain, explain_json, refusals, resolve};

#[derive(Default)]
pub(crate) struct Case {
    pub(crate) files: BTreeMap<String, String>,
    without_secrets: Vec<String>,
    refused: Vec<(StageAt, Problem)>,
    window: Option<Window>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    name: String,
    version: String,
    roles: Vec<String>,
    lookup: bool,
    #[serde(default)]
    steps: Vec<String>,
    connection_schema: serde_json::Value,
    pipeline_schemas: BTreeMap<String, serde_json::Value>,
    collections: Vec<DescribedCollection>,
    #[serde(default)]
    other_collections: bool,
    egress: Vec<String>,
    #[serde(default)]
    sessions: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DescribedCollection {
    name: String,
    role: String,
    key: Vec<String>,
    #[serde(default)]
    guarantee: String,
    #[serde(default)]
    settle_ms: u64,
    max_records: Option<u32>,
    max_bytes: Option<u32>,
    #[serde(default)]
    draining: bool,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/manifest")
}

fn names(folder: &Path, ending: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names
        .filter_map(|name| name.strip_suffix(ending).map(str::to_owned))
        .collect();
    names.sort();
    names
}

fn role(name: &str) -> Role {
    let roles = [Role::Source, Role::Transform, Role::Target];
    roles
        .into_iter()
        .find(|role| role.to_string() == name)
        .unwrap()
}

fn title() -> Title {
    Title {
        en: String::new(),
        zh: String::new(),
    }
}

/// Names of the connectors that are described for the cases.
fn connectors() -> Vec<String> {
    let files = std::fs::read_dir(folder().join("good/connectors")).unwrap();
    let name = |file: std::io::Result<std::fs::DirEntry>| file.unwrap().file_name();
    files
        .map(|file| name(file).to_string_lossy().replace(".json", ""))
        .collect()
}

pub(crate) fn description(name: &str) -> Description {
    let path = folder().join(format!("good/connectors/{name}.json"));
    let given: Described = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let collection = |given: DescribedCollection| CollectionInfo {
        name: given.name,
        role: role(&given.role),
        title: title(),
        key: given.key,
        guarantee: Guarantee::ALL
            .into_iter()
            .find(|class| class.as_str() == given.guarantee)
            .unwrap_or(Guarantee::None),
        settle_ms: given.settle_ms,
        max_records: given.max_records.unwrap_or(0),
        max_bytes: given.max_bytes.unwrap_or(0),
        draining: given.draining,
    };
    Description {
        digest: format!("{:02x}", given.name.len()).repeat(32),
        name: given.name,
        version: given.version,
        title: title(),
        roles: given.roles.iter().map(|name| role(name)).collect(),
        imports: Vec::new(),
        lookup: given.lookup,
        steps: given.steps,
        connection_schema: given.connection_schema.to_string(),
        pipeline_schemas: given
            .pipeline_schemas
            .iter()
            .map(|(name, schema)| (role(name), schema.to_string()))
            .collect(),
        collections: given.collections.into_iter().map(collection).collect(),
        other_collections: given.other_collections,
        recipes: Vec::new(),
        egress: given.egress,
        sessions: given.sessions,
        calls_per_minute: 0,
    }
}

/// The good files with the patch applied.
pub(crate) fn read_case(patch: &str) -> Case {
    let mut case = Case::default();
    for name in names(&folder().join("good"), ".yaml") {
        let name = format!("{name}.yaml");
        let text = std::fs::read_to_string(folder().join("good").join(&name)).unwrap();
        case.files.insert(name, text);
    }
    let mut file = String::new();
    let (mut old, mut new) = (String::new(), String::new());
    let mut lines = patch.lines();
    while let Some(line) = lines.next() {
        let (mark, rest) = line.split_at(line.len().min(1));
        if !new.is_empty() && mark != "+" {
            change(case.files.get_mut(&file).unwrap(), &mut old, &mut new);
        }
        match mark {
            "@" => file = rest.trim().to_owned(),
            "-" => old.push_str(&format!("{rest}\n")),
            "+" => new.push_str(&format!("{rest}\n")),
            "=" => {
                let text: String = lines.by_ref().map(|line| format!("{line}\n")).collect();
                case.files.insert(rest.trim().to_owned(), text);
            }
            "!" => directive(rest.trim(), &mut case),
            _ => assert_eq!(
                mark, "#",
                "a line of a patch begins with none of #@-+=!: {line}"
            ),
        }
    }
    if !new.is_empty() {
        change(case.files.get_mut(&file).unwrap(), &mut old, &mut new);
    }
    case
}

fn change(text: &mut String, old: &mut String, new: &mut String) {
    assert_eq!(text.matches(old.as_str()).count(), 1, "found once: {old}");
    *text = text.replacen(old.as_str(), new, 1);
    old.clear();
    new.clear();
}

fn directive(text: &str, case: &mut Case) {
    match text.split_once(' ').unwrap() {
        ("without-secret", name) => case.without_secrets.push(name.to_owned()),
        ("window", rest) => {
            let (from, to) = rest.split_once(" | ").unwrap();
            case.window = Some(Window {
                from: from.to_owned(),
                to: to.to_owned(),
            });
        }
        ("refuse", rest) => {
            let mut parts = rest.splitn(3, '|').map(str::trim);
            let (stage, at) = parts.next().unwrap().split_once(' ').unwrap();
            let stage = match stage {
                "source" => StageAt::Source,
                "target" => StageAt::Target,
                _ => {
                    StageAt::Transform(stage["transform[".len()..stage.len() - 1].parse().unwrap())
                }
            };
            let problem = Problem {
                at: at.to_owned(),
                message: parts.next().unwrap().to_owned(),
                hint: parts
                    .next()
                    .filter(|hint| !hint.is_empty())
                    .map(str::to_owned),
            };
            case.refused.push((stage, problem));
        }
        (other, _) => panic!("no such directive: {other}"),
    }
}

/// Rendered problems and the plan's text, either may be empty.
pub(crate) fn outcome(case: &Case) -> (String, String) {
    let mut sources = Sources::default();
    for (name, text) in &case.files {
        sources.add(name, text);
    }
    let (pipeline, mut problems) =
        Document::pipeline("pipeline.yaml", &case.files["pipeline.yaml"]);
    let mut connections = Vec::new();
    for (name, text) in case
        .files
        .iter()
        .filter(|(name, _)| *name != "pipeline.yaml")
    {
        let (document, of_form) = Document::connection(name, text);
        connections.extend(document);
        problems.extend(of_form);
    }
    let described = connectors().into_iter();
    let described = described.map(|name| (name.clone(), description(&name)));
    let mut plan_text = String::new();
    if let Some(pipeline) = &pipeline {
        let inputs = Inputs {
            pipeline,
            connections: &connections,
            descriptions: &described.collect(),
            installed: &[],
            has_secret: &|name| !case.without_secrets.iter().any(|missing| missing == name),
            window: case.window.as_ref(),
            any_settle: false,
        };
        let (plan, found) = resolve(&inputs);
        problems.extend(found);
        if let Some(plan) = &plan {
            for stage in [StageAt::Source, StageAt::Transform(0), StageAt::Target] {
                let refused = case.refused.iter().filter(|(at, _)| *at == stage);
                let refused: Vec<Problem> = refused.map(|(_, problem)| problem.clone()).collect();
                problems.extend(refusals(&inputs, stage, &refused));
            }
            let outline = ["2025-10-01 00:00:00 to 2025-10-31 00:00:00".to_owned()];
            let data = serde_json::to_string_pretty(&explain_json(plan, &outline)).unwrap();
            plan_text = format!("{}\n{data}\n", explain(plan, &outline));
        }
    }
    if problems.iter().any(Diagnostic::is_error) {
        plan_text.clear();
    }
    problems.sort_by_key(|problem| {
        let file = problem
            .place
            .as_ref()
            .map(|place| place.file != "pipeline.yaml");
        (file, problem.place.clone())
    });
    (render(&problems, &sources, Style::PLAIN), plan_text)
}

#[test]
fn every_case_reads_as_it_did() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    let all = names(&folder(), ".patch");
    for name in &all {
        let patch = std::fs::read_to_string(folder().join(format!("{name}.patch"))).unwrap();
        let (problems, plan) = outcome(&read_case(&patch));
        assert!(
            !problems.is_empty() || !plan.is_empty(),
            "{name} says nothing"
        );
        for (ending, text) in [("err", problems), ("plan", plan)] {
            let path = folder().join(format!("{name}.{ending}"));
            let known = std::fs::read_to_string(&path).unwrap_or_default();
            if known == text {
                continue;
            }
            wrong.push(format!("{name}.{ending} is now:\n{text}"));
            if bless && text.is_empty() {
                std::fs::remove_file(&path).unwrap();
            } else if bless {
                std::fs::write(&path, text).unwrap();
            }
        }
    }
    for ending in [".err", ".plan"] {
        for name in names(&folder(), ending) {
            assert!(all.contains(&name), "{name}{ending} has no patch");
        }
    }
    assert!(bless || wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Everything that the cases answer, in one text.
pub(crate) fn answers() -> String {
    let names = [".err", ".plan"].map(|ending| {
        let names = names(&folder(), ending).into_iter();
        names.map(move |name| folder().join(format!("{name}{ending}")))
    });
    names
        .into_iter()
        .flatten()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect()
}

#[test]
fn no_answer_shows_a_secret_typed_in_the_open() {
    assert!(!answers().contains("hunter2"));
}
