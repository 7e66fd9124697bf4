//! The connector folder: components by name, each read, checked, compiled
//! and linked once per process, then instantiated as often as needed.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use duijie_contract::{Bounds, Description, Fault, Role};
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;
use wasmtime::component::{InstancePre, Linker};

use crate::Error;
use crate::adapter::{SUPPORTED, v0_1};
use crate::allowance::Allowance;
use crate::cache::hex;
use crate::capability::{Clock, Reach};
use crate::code::Code;
use crate::guest::{Guest, Limits, Running, Terms, fault};
use crate::inspect::{Border, border};
use crate::place::{places, weight};
use crate::spent::Spent;
use crate::turn::Meter;

/// A component ready to be instantiated.
pub(crate) struct Loaded {
    pre: InstancePre<Guest>,
    pub(crate) setup: v0_1::SetupIndices,
    pub(crate) source: Option<v0_1::SourceIndices>,
    pub(crate) transform: Option<v0_1::TransformIndices>,
    pub(crate) target: Option<v0_1::TargetIndices>,
    pub(crate) lookup: Option<v0_1::LookupIndices>,
    pub(crate) steps: Option<v0_1::StepsIndices>,
    pub(crate) discovery: Option<v0_1::DiscoveryIndices>,
    pub(crate) acknowledge: Option<v0_1::AcknowledgeIndices>,
    connector: String,
    digest: String,
    imports: Vec<String>,
    /// Places that an instance takes.
    weight: u32,
    description: OnceCell<(Description, Arc<str>)>,
}

pub(crate) struct Library {
    folder: PathBuf,
    code: Arc<Code>,
    clock: Arc<dyn Clock>,
    limits: Limits,
    allowance: Arc<Allowance>,
    loaded: Mutex<HashMap<String, Arc<Loaded>>>,
}

impl Library {
    pub(crate) fn new(
        folder: PathBuf,
        code: Arc<Code>,
        clock: Arc<dyn Clock>,
        limits: Limits,
        allowance: Arc<Allowance>,
    ) -> Self {
        Self {
            folder,
            code,
            clock,
            limits,
            allowance,
            loaded: Mutex::default(),
        }
    }

    /// What is loaded stays the same for as long as this library lives,
    /// whatever becomes of the file. Reading and compiling are done off the
    /// threads that runs share.
    pub(crate) async fn get(self: &Arc<Self>, connector: &str) -> Result<Arc<Loaded>, Error> {
        if let Some(known) = self.loaded().get(connector) {
            return Ok(known.clone());
        }
        // Neither is ever closed. The tenant's own comes first: whoever waits
        // for that takes nothing of the others'.
        let own = self.allowance.compiling.clone().acquire_owned().await.ok();
        let shared = self.code.sandbox.compiling.clone();
        let shared = shared.acquire_owned().await.ok();
        let (library, name) = (self.clone(), connector.to_owned());
        let fresh = tokio::task::spawn_blocking(move || {
            let fresh = library.fresh(&name);
            drop((own, shared));
            fresh
        });
        fresh.await.unwrap_or_else(|died| {
            Err(Error::Compile {
                connector: connector.to_owned(),
                reason: died.to_string(),
            })
        })
    }

    fn fresh(&self, connector: &str) -> Result<Arc<Loaded>, Error> {
        // Someone may have had it loaded since.
        if let Some(known) = self.loaded().get(connector) {
            return Ok(known.clone());
        }
        let bytes = self.read(connector)?;
        let digest = hex(&Sha256::digest(&bytes));
        let load = || self.load(connector, &digest, &bytes);
        let fresh = self.code.get(connector, &digest, load)?;
        self.loaded().insert(connector.to_owned(), fresh.clone());
        Ok(fresh)
    }

    /// A panic elsewhere leaves the map whole.
    fn loaded(&self) -> MutexGuard<'_, HashMap<String, Arc<Loaded>>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn load(&self, connector: &str, digest: &str, bytes: &[u8]) -> Result<Loaded, Error> {
        let border = border(connector, bytes)?;
        check_border(connector, &border)?;
        let Code { sandbox, cache, .. } = self.code.as_ref();
        let engine = &sandbox.engine;
        let component = cache.load(engine, connector, digest, bytes)?;
        let refused = |error: wasmtime::Error| Error::Refused {
            connector: connector.to_owned(),
            reason: format!("{error:#}"),
        };
        let mut linker = Linker::new(engine);
        let has = |interface: &str| border.exported(interface).is_some();
        match networked(&border) {
            true => v0_1::link_network(&mut linker),
            false => v0_1::link_quiet(&mut linker),
        }
        .map_err(refused)?;
        if has("duijie:transform/transform") {
            v0_1::link_tables(&mut linker).map_err(refused)?;
        }
        let pre = linker.instantiate_pre(&component).map_err(refused)?;
        Ok(Loaded {
            setup: v0_1::SetupIndices::new(&pre).map_err(refused)?,
            source: has("duijie:source/source")
                .then(|| v0_1::SourceIndices::new(&pre))
                .transpose()
                .map_err(refused)?,
            transform: has("duijie:transform/transform")
                .then(|| v0_1::TransformIndices::new(&pre))
                .transpose()
                .map_err(refused)?,
            target: has("duijie:target/target")
                .then(|| v0_1::TargetIndices::new(&pre))
                .transpose()
                .map_err(refused)?,
            lookup: has("duijie:target/lookup")
                .then(|| v0_1::LookupIndices::new(&pre))
                .transpose()
                .map_err(refused)?,
            steps: has("duijie:steps/steps")
                .then(|| v0_1::StepsIndices::new(&pre))
                .transpose()
                .map_err(refused)?,
            discovery: has("duijie:discovery/discovery")
                .then(|| v0_1::DiscoveryIndices::new(&pre))
                .transpose()
                .map_err(refused)?,
            acknowledge: has("duijie:acknowledge/acknowledge")
                .then(|| v0_1::AcknowledgeIndices::new(&pre))
                .transpose()
                .map_err(refused)?,
            pre,
            connector: connector.to_owned(),
            digest: digest.to_owned(),
            imports: border.imports,
            weight: weight(&component),
            description: OnceCell::new(),
        })
    }

    fn read(&self, connector: &str) -> Result<Vec<u8>, Error> {
        // A connector's name is a file name, never a way to another folder.
        let plain = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
        let place = self.folder.join(format!("{connector}.wasm"));
        if connector.is_empty() || !connector.chars().all(plain) || !place.exists() {
            return Err(Error::NotFound {
                connector: connector.to_owned(),
                folder: self.folder.display().to_string(),
            });
        }
        std::fs::read(&place).map_err(|error| Error::Read {
            place: place.display().to_string(),
            reason: error.to_string(),
        })
    }

    /// An instance of the component. Without reach it has no network, no
    /// session and no secret.
    pub(crate) async fn start(
        &self,
        loaded: &Loaded,
        reach: Option<Reach>,
        run: &Arc<Spent>,
    ) -> Result<Running, Fault> {
        let connector = match loaded.description.get() {
            Some((_, name)) => name.clone(),
            None => loaded.connector.as_str().into(),
        };
        if run.over().is_some() {
            return Err(fault(&connector, run, ""));
        }
        let sandbox = &self.code.sandbox;
        let pool = &sandbox.places;
        let places = places(&connector, loaded.weight, &self.allowance, pool).await?;
        let lane = sandbox.lane.clone();
        let terms = Terms {
            connector,
            clock: self.clock.clone(),
            limits: self.limits,
            meter: Arc::new(Meter::new(self.allowance.clone(), run.clone(), lane)),
            places,
        };
        Running::start(&loaded.pre, reach, terms).await
    }

    /// What the component says of itself, asked once per process.
    pub(crate) async fn describe<'a>(&self, loaded: &'a Loaded) -> Result<&'a Description, Fault> {
        let ask = || async {
            let unbound = Arc::new(Spent::new(Bounds::DEFAULT));
            let running = self.start(loaded, None, &unbound).await?;
            let mut said = v0_1::describe(running, &loaded.setup).await?;
            said.digest.clone_from(&loaded.digest);
            said.imports.clone_from(&loaded.imports);
            said.lookup = loaded.lookup.is_some();
            if loaded.steps.is_none() {
                said.steps.clear();
            }
            for collection in &mut said.collections {
                let source = collection.role == Role::Source;
                collection.draining &= source && loaded.acknowledge.is_some();
            }
            said.roles = [
                (Role::Source, loaded.source.is_some()),
                (Role::Transform, loaded.transform.is_some()),
                (Role::Target, loaded.target.is_some()),
            ]
            .into_iter()
            .filter_map(|(role, exported)| exported.then_some(role))
            .collect();
            let name = format!("{} {}", said.name, said.version).into();
            Ok((said, name))
        };
        let (said, _) = loaded.description.get_or_try_init(ask).await?;
        Ok(said)
    }
}

/// Refuses versions that this host does not speak and imports that no
/// connector gets, by name, before anything is compiled.
fn check_border(connector: &str, border: &Border) -> Result<(), Error> {
    const ROLES: [&str; 8] = [
        "duijie:setup/setup",
        "duijie:source/source",
        "duijie:transform/transform",
        "duijie:target/target",
        "duijie:target/lookup",
        "duijie:steps/steps",
        "duijie:discovery/discovery",
        "duijie:acknowledge/acknowledge",
    ];
    for interface in ROLES {
        if let Some(version) = border.exported(interface)
            && !version.starts_with("0.1.")
        {
            return Err(Error::UnsupportedInterface {
                connector: connector.to_owned(),
                found: format!("`{interface}@{version}`"),
                supported: SUPPORTED.to_owned(),
            });
        }
    }
    if border.exported("duijie:setup/setup").is_none() {
        return Err(Error::UnsupportedInterface {
            connector: connector.to_owned(),
            found: "no `duijie:setup/setup`".to_owned(),
            supported: SUPPORTED.to_owned(),
        });
    }
    let roles = (networked(border), transforms(border));
    let unknown: Vec<_> = border
        .imports
        .iter()
        .filter(|name| !is_offered(name, roles))
        .cloned()
        .collect();
    match unknown.is_empty() {
        true => Ok(()),
        false => Err(Error::UnknownImports {
            connector: connector.to_owned(),
            imports: unknown,
        }),
    }
}

/// Whether one of its roles talks to a system.
fn networked(border: &Border) -> bool {
    let has = |interface: &str| border.exported(interface).is_some();
    has("duijie:source/source") || has("duijie:target/target")
}

fn transforms(border: &Border) -> bool {
    border.exported("duijie:transform/transform").is_some()
}

/// The imports that `v0_1` links.
fn is_offered(import: &str, (networked, transforms): (bool, bool)) -> bool {
    let Some((interface, version)) = import.split_once('@') else {
        return false;
    };
    let offered = match interface {
        "duijie:types/types" | "duijie:host/log" => true,
        "duijie:host/clock"
        | "duijie:host/http"
        | "duijie:host/random"
        | "duijie:host/session"
        | "duijie:host/sign" => networked,
        "duijie:host/tables" => transforms,
        _ => false,
    };
    offered && version.starts_with("0.1.")
}
