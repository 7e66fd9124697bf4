//! Finds `${secret:NAME}`: in the environment as `DUIJIE_SECRET_<NAME>`, else
//! in `secrets.env` of the folder, else in the secret store. Writes nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::key::{FILE_VARIABLE, VARIABLE};
use super::{Secret, SecretError, Vault, file};
use crate::capability::nearest;

const FILE: &str = "secrets.env";

/// Looks up an environment variable.
pub(super) type Environment = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// That of this process.
pub(super) fn process() -> Environment {
    Box::new(|name| std::env::var(name).ok())
}

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provider {
    /// This environment variable.
    Environment(String),
    File,
    /// Set at this Unix millisecond.
    Store {
        set_ms: u64,
    },
}

/// The secrets of one project, or of one tenant.
pub struct Secrets {
    /// `None` for tenants: a variable belongs to who runs the process.
    environment: Option<Environment>,
    place: PathBuf,
    file: BTreeMap<String, Secret>,
    store: Option<(Vault, String)>,
}

impl Secrets {
    /// Environment and `secrets.env` of a project folder. The file is read
    /// once; it is refused when anyone but its owner could read or write it.
    pub fn open(project: &Path) -> Result<Self, SecretError> {
        Self::with_environment(project, Some(process()))
    }

    /// `secrets.env` of a tenant's folder, and nothing of the environment,
    /// which is not the tenant's.
    pub fn of_tenant(folder: &Path) -> Result<Self, SecretError> {
        Self::with_environment(folder, None)
    }

    pub(super) fn with_environment(
        folder: &Path,
        environment: Option<Environment>,
    ) -> Result<Self, SecretError> {
        let place = folder.join(FILE);
        let file = match file::read(&place)? {
            Some(text) => file::parse(&place, &text)?,
            None => BTreeMap::new(),
        };
        Ok(Self {
            environment,
            place,
            file,
            store: None,
        })
    }

    /// The same, with what the store holds of this tenant ([`super::OWN`]
    /// outside of `serve`).
    #[must_use]
    pub fn with_store(mut self, vault: Vault, tenant: &str) -> Self {
        self.store = Some((vault, tenant.to_owned()));
        self
    }

    /// The secret of that name; the environment goes before the file, and
    /// the file before the store.
    pub fn get(&self, name: &str) -> Result<Secret, SecretError> {
        check_free(name)?;
        if let Some((_, value)) = self.variable(name) {
            return Ok(Secret::new(value));
        }
        if let Some(secret) = self.file.get(name) {
            return Ok(secret.clone());
        }
        if let Some((vault, tenant)) = &self.store
            && let Some(secret) = vault.get(tenant, name)?
        {
            return Ok(secret);
        }
        let known = self.names()?;
        let known = known.iter().map(String::as_str);
        Err(SecretError::Missing {
            name: name.to_owned(),
            place: self.place.display().to_string(),
            variable: self.environment.is_some().then(|| variable(name)),
            near: nearest(name, known).map(str::to_owned),
        })
    }

    /// Every provider that has it, the one that counts first; needs no key.
    pub fn providers(&self, name: &str) -> Result<Vec<Provider>, SecretError> {
        let mut providers = Vec::new();
        if let Some((variable, _)) = self.variable(name) {
            providers.push(Provider::Environment(variable));
        }
        if self.file.contains_key(name) {
            providers.push(Provider::File);
        }
        let kept = self.kept()?;
        let kept = kept.iter().find(|kept| kept.name == name);
        providers.extend(kept.map(|kept| Provider::Store {
            set_ms: kept.set_ms,
        }));
        Ok(providers)
    }

    /// The names in file and store, sorted. Variables of the environment are
    /// asked for by name only.
    pub fn names(&self) -> Result<Vec<String>, SecretError> {
        let kept = self.kept()?.into_iter().map(|kept| kept.name);
        let mut names: Vec<String> = self.file.keys().cloned().chain(kept).collect();
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    /// The store, where there is one.
    pub fn store(&self) -> Option<&Vault> {
        self.store.as_ref().map(|(vault, _)| vault)
    }

    fn kept(&self) -> Result<Vec<super::Kept>, SecretError> {
        match &self.store {
            Some((vault, tenant)) => vault.list(tenant),
            None => Ok(Vec::new()),
        }
    }

    /// The variable and its value, where it is set to anything.
    fn variable(&self, name: &str) -> Option<(String, String)> {
        let environment = self.environment.as_ref()?;
        let variable = variable(name);
        let value = environment(&variable).filter(|value| !value.is_empty())?;
        Some((variable, value))
    }
}

/// Shells take letters, digits and `_` in a name only.
fn variable(name: &str) -> String {
    let name = name.chars().map(|char| match char {
        'a'..='z' | 'A'..='Z' | '0'..='9' => char.to_ascii_uppercase(),
        _ => '_',
    });
    format!("DUIJIE_SECRET_{}", name.collect::<String>())
}

/// The store's own key is no secret of any connection.
pub(super) fn check_free(name: &str) -> Result<(), SecretError> {
    match variable(name).as_str() {
        VARIABLE | FILE_VARIABLE => Err(SecretError::Reserved {
            name: name.to_owned(),
        }),
        _ => Ok(()),
    }
}
