//! The folder that a service works in: `serve.yaml`, `connectors/`, a folder
//! for each tenant, and the one data folder. Reads and lays out; runs nothing.

use std::path::{Path, PathBuf};

use duijie_component::{Keys, OWN, Secrets, Vault};
use duijie_diagnostic::{Diagnostic, Sources};
use duijie_manifest::{Alert, Document, Otlp, Serve, Tls};
use duijie_plan::Retention;
use duijie_project::{Folders, Project, reconciliation, sealer, wire};
use duijie_record::Scope;

use crate::{Error, TenantName};

/// What the whole process may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    pub listen: String,
    /// Runs at a time, of all tenants.
    pub runs: u32,
    /// How long the store keeps what it has.
    pub retention: Retention,
    /// Whom to tell of what goes wrong, of all tenants.
    pub alerts: Vec<Alert>,
    /// What the HTTP interface speaks TLS with.
    pub tls: Option<Tls>,
    /// Where spans of runs go.
    pub otlp: Option<Otlp>,
}

/// Where everything of a service lies.
#[derive(Debug, Clone)]
pub struct Home {
    root: PathBuf,
    connectors: PathBuf,
    data: PathBuf,
}

impl Home {
    /// What is not named lies in the root.
    pub fn new(root: &Path, connectors: Option<&Path>, data: Option<&Path>) -> Self {
        let within = |given: Option<&Path>, name: &str| {
            given.map_or_else(|| root.join(name), Path::to_owned)
        };
        Self {
            root: root.to_owned(),
            connectors: within(connectors, "connectors"),
            data: within(data, "data"),
        }
    }

    pub fn data(&self) -> &Path {
        &self.data
    }

    /// What opens the store of secrets that the tenants share.
    pub(crate) fn keys(&self) -> Keys {
        Keys::of(&self.root)
    }

    /// How the store of all tenants is opened, to keep so long.
    pub fn store_options(&self, kept: Retention) -> duijie_store::Options {
        duijie_store::Options {
            sealer: Some(sealer(&Vault::new(&self.data, self.keys()))),
            ..wire::keeping(kept)
        }
    }

    /// Those of the process itself: `secrets.env` beside `serve.yaml`, the
    /// environment, and the store.
    pub(crate) fn secrets(&self) -> Result<Secrets, Error> {
        let vault = Vault::new(&self.data, self.keys());
        Ok(Secrets::open(&self.root)?.with_store(vault, OWN))
    }

    /// A path of `serve.yaml`, from its folder.
    pub fn path(&self, named: &str) -> PathBuf {
        self.root.join(named)
    }

    pub fn tenant(&self, name: &TenantName) -> PathBuf {
        self.tenants().join(name.as_str())
    }

    /// A tenant's own connectors, where it has a folder for them, or else those
    /// of all.
    pub(crate) fn connectors(&self, name: &TenantName) -> PathBuf {
        let own = self.tenant(name).join("connectors");
        match own.is_dir() {
            true => own,
            false => self.connectors.clone(),
        }
    }

    /// What lies in a tenant's folder, and where the rest of it lies.
    pub fn project(&self, name: &TenantName) -> Result<Project, Error> {
        let folders = Folders {
            root: self.tenant(name),
            connectors: Some(self.connectors(name)),
            data: Some(self.data.clone()),
        };
        if !folders.root.is_dir() {
            return Err(Error::NoTenant(name.to_string()));
        }
        Ok(Project::of_tenant(&folders, name.as_str(), self.keys())?)
    }

    /// `serve.yaml`, with what is absent filled in.
    pub fn limits(&self) -> Result<Limits, Error> {
        let low = match read(&self.root.join("serve.yaml"))? {
            Some(text) => whole("serve.yaml", &text, Document::serve("serve.yaml", &text))?,
            None => Serve::default(),
        };
        Ok(Limits {
            listen: low.listen.unwrap_or_else(|| "127.0.0.1:7373".to_owned()),
            runs: low.runs.unwrap_or(16),
            retention: Retention::wanted(low.retention.as_ref()),
            alerts: low.alerts.unwrap_or_default(),
            tls: low.tls,
            otlp: low.otlp,
        })
    }

    /// Folders whose names are those of tenants, in order.
    pub fn names(&self) -> Result<Vec<TenantName>, Error> {
        let folder = self.tenants();
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(place(&folder)(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(place(&folder))?;
            // A link could lead to the folder of another tenant.
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let name = entry.file_name();
            match name.to_str().map(TenantName::parse) {
                Some(Ok(name)) if is_folder => names.push(name),
                _ => tracing::warn!(?name, "there is something among the tenants that is none"),
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Lays out a tenant's folder, for its owner only.
    pub fn add(&self, name: &TenantName) -> Result<PathBuf, Error> {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = self.tenant(name);
        if folder.exists() {
            return Err(Error::TenantIsThere(name.to_string()));
        }
        for part in ["pipelines", "connections"] {
            let part = folder.join(part);
            std::fs::create_dir_all(&part).map_err(place(&part))?;
        }
        let owner_only = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(&folder, owner_only).map_err(place(&folder))?;
        let config = folder.join("tenant.yaml");
        let text = "enabled: true\nquotas:\n  runs: 4 # at a time\n";
        std::fs::write(&config, text).map_err(place(&config))?;
        Ok(folder)
    }

    /// Takes a tenant's folder away, and its secrets wherever they lie.
    pub fn remove(&self, name: &TenantName) -> Result<(), Error> {
        let vault = Vault::new(&self.data, self.keys());
        if vault.exists() {
            vault.forget(name.as_str())?;
        }
        self.forget_reports(name)?;
        let folder = self.tenant(name);
        match std::fs::remove_dir_all(&folder) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(Error::NoTenant(name.to_string()))
            }
            Err(error) => Err(place(&folder)(error)),
        }
    }

    /// Where the latest comparison of a pipeline is told.
    pub(crate) fn report(&self, tenant: &str, scope: &Scope) -> Result<PathBuf, Error> {
        let outer = format!("{tenant}/{scope}");
        let place = reconciliation::place(&self.data, &outer);
        place.ok_or_else(|| Error::Scope(scope.to_string()))
    }

    /// All of a tenant's.
    pub(crate) fn forget_reports(&self, name: &TenantName) -> Result<(), Error> {
        let folder = self.data.join(reconciliation::FOLDER).join(name.as_str());
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(place(&folder)(error))
            }
            _ => Ok(()),
        }
    }

    /// Whether anything of the scope was ever sealed; so too where nobody can
    /// say.
    pub(crate) fn is_sealed(&self, tenant: &str, scope: &Scope) -> bool {
        let sealer = sealer(&Vault::new(&self.data, self.keys()));
        sealer
            .is_sealed(&format!("{tenant}/{scope}"))
            .unwrap_or(true)
    }

    fn tenants(&self) -> PathBuf {
        self.root.join("tenants")
    }
}

/// The text of a file, where there is one.
pub(crate) fn read(path: &Path) -> Result<Option<String>, Error> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(place(path)(error)),
    }
}

/// A document that nothing is wrong with.
pub(crate) fn whole<T>(
    file: &str,
    text: &str,
    (document, problems): (Option<Document<T>>, Vec<Diagnostic>),
) -> Result<T, Error> {
    match document {
        Some(document) if !problems.iter().any(Diagnostic::is_error) => Ok(document.low),
        _ => {
            let mut sources = Sources::default();
            sources.add(file, text);
            Err(Error::Problems(problems, sources))
        }
    }
}

pub(crate) fn place(at: &Path) -> impl Fn(std::io::Error) -> Error + use<> {
    let place = at.to_owned();
    move |error| Error::Place {
        place: place.clone(),
        reason: error.to_string(),
    }
}
