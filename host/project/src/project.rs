//! A project folder as it lies on disk: its files read, every problem of
//! form kept. Nothing is resolved here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use duijie_component::{Keys, OWN, Secrets, Vault};
use duijie_diagnostic::{Diagnostic, Sources};
use duijie_manifest::{Connection, Document, Pipeline};

use crate::Error;

/// Where the parts of a project lie; what is not named lies in its root.
#[derive(Debug, Clone)]
pub struct Folders {
    pub root: PathBuf,
    pub connectors: Option<PathBuf>,
    pub data: Option<PathBuf>,
}

impl Folders {
    fn data(&self) -> PathBuf {
        self.within(self.data.as_ref(), "data")
    }

    fn within(&self, given: Option<&PathBuf>, name: &str) -> PathBuf {
        given.cloned().unwrap_or_else(|| self.root.join(name))
    }
}

/// What a folder holds, as far as it could be read.
pub struct Project {
    pub connectors: PathBuf,
    pub data: PathBuf,
    pub pipelines: Vec<Document<Pipeline>>,
    pub connections: Vec<Document<Connection>>,
    pub secrets: Arc<Secrets>,
    pub sources: Sources,
    /// Problems of form, by file as found.
    pub problems: Vec<Diagnostic>,
    pub root: PathBuf,
    /// Whose it is, where its data folder has the state of others as well.
    pub tenant: Option<String>,
}

impl Project {
    pub fn open(folders: &Folders) -> Result<Self, Error> {
        let store = Vault::new(&folders.data(), Keys::of(&folders.root));
        let secrets = Secrets::open(&folders.root)?.with_store(store, OWN);
        Self::with(folders, secrets, None)
    }

    /// The same of a tenant, who gets no secret of this process's environment.
    /// `keys` opens the store that all tenants share.
    pub fn of_tenant(folders: &Folders, tenant: &str, keys: Keys) -> Result<Self, Error> {
        check_own(&folders.root)?;
        let store = Vault::new(&folders.data(), keys);
        let secrets = Secrets::of_tenant(&folders.root)?.with_store(store, tenant);
        Self::with(folders, secrets, Some(tenant))
    }

    fn with(folders: &Folders, secrets: Secrets, tenant: Option<&str>) -> Result<Self, Error> {
        let root = folders.root.clone();
        let mut project = Self {
            connectors: folders.within(folders.connectors.as_ref(), "connectors"),
            data: folders.data(),
            pipelines: Vec::new(),
            connections: Vec::new(),
            secrets: Arc::new(secrets),
            sources: Sources::default(),
            problems: Vec::new(),
            root,
            tenant: tenant.map(str::to_owned),
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

    /// Whether nothing of it runs that was not granted: who writes a tenant's
    /// manifests and who answers for the process need not be the same.
    pub fn needs_lock(&self) -> bool {
        self.tenant.is_some()
    }

    /// The pipeline that a person named, by its name or by its file.
    pub fn pipeline(&mut self, named: &str) -> Result<Document<Pipeline>, Error> {
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
                .filter_map(|document| document.low.pipeline.clone())
                .collect();
            return Err(Error::NoPipeline {
                named: named.to_owned(),
                folder: self.root.join("pipelines"),
                known,
            });
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
    pub fn installed(&self) -> Vec<String> {
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
    pub fn problems_of(&self, pipeline: &str) -> Vec<Diagnostic> {
        let concerns = |problem: &&Diagnostic| {
            problem.place.as_ref().is_none_or(|place| {
                place.file == pipeline
                    || self.pipelines.iter().all(|other| other.file != place.file)
            })
        };
        self.problems.iter().filter(concerns).cloned().collect()
    }

    pub fn refuse(&self, problems: Vec<Diagnostic>) -> Error {
        Error::Problems(problems, self.sources.clone())
    }

    /// No project at all: a folder of components, and a place for what is
    /// compiled on the way.
    pub fn around(connectors: &Path, data: &Path) -> Result<Self, Error> {
        Ok(Self {
            connectors: connectors.to_owned(),
            data: data.to_owned(),
            pipelines: Vec::new(),
            connections: Vec::new(),
            secrets: Arc::new(Secrets::open(data)?),
            sources: Sources::default(),
            problems: Vec::new(),
            root: data.to_owned(),
            tenant: None,
        })
    }
}

/// Refuses links that lead out of a tenant's folder, where another tenant's
/// secrets and connections lie. Nothing of the folder is read before: what
/// cannot be understood of a file is quoted to whoever wrote the link.
pub fn check_own(root: &Path) -> Result<(), Error> {
    let failed = |place: &Path| {
        let place = place.to_owned();
        move |error: std::io::Error| Error::Read {
            place,
            reason: error.to_string(),
        }
    };
    let own = root.canonicalize().map_err(failed(root))?;
    let mut places = vec![
        root.join("secrets.env"),
        root.join("tenant.yaml"),
        root.join("duijie.lock"),
    ];
    for folder in ["pipelines", "connections", "connectors"] {
        let folder = root.join(folder);
        let entries = std::fs::read_dir(&folder).into_iter().flatten();
        places.extend(entries.filter_map(|entry| Some(entry.ok()?.path())));
        places.push(folder);
    }
    for place in places {
        let leads_to = match place.canonicalize() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            leads_to => leads_to.map_err(failed(&place))?,
        };
        if !leads_to.starts_with(&own) {
            return Err(Error::Read {
                place,
                reason: "it is a link that leads out of the tenant's folder".to_owned(),
            });
        }
    }
    Ok(())
}

/// The YAML files of one folder of the project, by name, with the names that
/// messages show.
fn manifests(root: &Path, folder: &str) -> Result<Vec<(String, String)>, Error> {
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

fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|error| Error::Read {
        place: path.to_owned(),
        reason: error.to_string(),
    })
}
