//! A project folder as it lies on disk: its files read, every problem of
//! form kept. Nothing is resolved here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use duijie_component::{Keys, OWN, Secrets, Vault};
use duijie_diagnostic::{Diagnostic, Sources};
use duijie_manifest::{Connection, Document, Pipeline};

use crate::args::Global;
use crate::exit::Failure;

pub(crate) struct Project {
    pub(crate) connectors: PathBuf,
    pub(crate) data: PathBuf,
    pub(crate) pipelines: Vec<Document<Pipeline>>,
    pub(crate) connections: Vec<Document<Connection>>,
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) sources: Sources,
    /// Problems of form, by file as found.
    pub(crate) problems: Vec<Diagnostic>,
    pub(crate) root: PathBuf,
}

impl Project {
    pub(crate) fn open(global: &Global) -> Result<Self, Failure> {
        let root = global.project.clone();
        let within =
            |given: &Option<PathBuf>, name: &str| given.clone().unwrap_or_else(|| root.join(name));
        let data = within(&global.data, "data");
        let store = Vault::new(&data, Keys::of(&root));
        let mut project = Self {
            connectors: within(&global.connectors, "connectors"),
            data,
            pipelines: Vec::new(),
            connections: Vec::new(),
            secrets: Arc::new(Secrets::open(&root)?.with_store(store, OWN)),
            sources: Sources::default(),
            problems: Vec::new(),
            root,
        };
        for (file, text) in manifests(&project.root, "connections")? {
            project.sources.add(&file, &text);
            let (document, problems) = Document::connection(&file, &text);
            project.connections.extend(document);
            project.problems.extend(problems);
        }
        for (file, text) in manifests(&project.root, "pipelines")? {
            project.add_pipeline(&file, &text);
        }
        Ok(project)
    }

    fn add_pipeline(&mut self, file: &str, text: &str) {
        self.sources.add(file, text);
        let (document, problems) = Document::pipeline(file, text);
        self.pipelines.extend(document);
        self.problems.extend(problems);
    }

    /// The pipeline that a person named, by its name or by its file.
    pub(crate) fn pipeline(&mut self, named: &str) -> Result<Document<Pipeline>, Failure> {
        let by_name = |document: &&Document<Pipeline>| {
            document.low.pipeline.as_deref() == Some(named) || document.file == named
        };
        if let Some(document) = self.pipelines.iter().find(by_name) {
            return Ok(document.clone());
        }
        let path = [PathBuf::from(named), self.root.join(named)]
            .into_iter()
            .find(|path| path.is_file());
        let Some(path) = path else {
            let known: Vec<_> = self
                .pipelines
                .iter()
                .filter_map(|document| document.low.pipeline.as_deref())
                .collect();
            return Err(Failure::Argument(format!(
                "there is no pipeline `{named}` in {}\n\nhint: {}",
                self.root.join("pipelines").display(),
                match known.is_empty() {
                    true => "put a manifest there, or name another project with --project".into(),
                    false => format!("it has: {}", known.join(", ")),
                }
            )));
        };
        let text = read(&path)?;
        let file = path.display().to_string();
        self.add_pipeline(&file, &text);
        match self.pipelines.iter().find(|document| document.file == file) {
            Some(document) => Ok(document.clone()),
            None => Err(self.refuse(self.problems_of(&file))),
        }
    }

    /// Names of the components at hand.
    pub(crate) fn installed(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.connectors).into_iter().flatten();
        let mut names: Vec<String> = entries
            .filter_map(|entry| {
                let name = entry.ok()?.file_name().into_string().ok()?;
                Some(name.strip_suffix(".wasm")?.to_owned())
            })
            .collect();
        names.sort();
        names
    }

    /// Problems of form that concern this pipeline: those of its own file
    /// and of the connections, but not of other pipelines.
    pub(crate) fn problems_of(&self, pipeline: &str) -> Vec<Diagnostic> {
        let concerns = |problem: &&Diagnostic| {
            problem.place.as_ref().is_none_or(|place| {
                place.file == pipeline
                    || self.pipelines.iter().all(|other| other.file != place.file)
            })
        };
        self.problems.iter().filter(concerns).cloned().collect()
    }

    pub(crate) fn refuse(&self, problems: Vec<Diagnostic>) -> Failure {
        Failure::Input(problems, self.sources.clone())
    }
}

/// The YAML files of one folder of the project, by name, with the names that
/// messages show.
fn manifests(root: &Path, folder: &str) -> Result<Vec<(String, String)>, Failure> {
    let Ok(entries) = std::fs::read_dir(root.join(folder)) else {
        return Ok(Vec::new());
    };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml" || extension == "yml")
        })
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            Ok((format!("{folder}/{name}"), read(path)?))
        })
        .collect()
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::Environment(format!("cannot read {}: {error}", path.display())))
}
