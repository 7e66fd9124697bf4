//! `contract::Launch` over the library: the front door of the sandbox.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use duijie_contract::{
    Acknowledge, Bounds, Description, Fault, FaultKind, Fields, Launch, Lookup, Mode, Preview,
    Problem, Role, Source, Steps, Tables, Target, Transform, Unread, Use,
};
use duijie_record::{Collection, Position};

use crate::Error;
use crate::adapter::v0_1;
use crate::allowance::Allowance;
use crate::budget::Account;
use crate::capability::{Capability, Clock, Http, Reach, Secrets, Sessions};
use crate::code::Code;
use crate::compile::Compiler;
use crate::connection::capability;
use crate::engine::Memory;
use crate::guest::{Limits, Running};
use crate::library::{Library, Loaded};
use crate::spans;
use crate::spent::Spent;

/// Everything that a launcher is made of.
pub struct Options {
    /// Where `<connector>.wasm` files lie.
    pub connectors: PathBuf,
    /// Where compiled code is kept.
    pub cache: PathBuf,
    pub compiler: Compiler,
    pub memory: Memory,
    pub limits: Limits,
    pub mode: Mode,
    pub secrets: Arc<Secrets>,
    pub clock: Arc<dyn Clock>,
    pub allowance: Arc<Allowance>,
}

/// The same for a launcher over code that others use as well.
pub struct Over {
    pub connectors: PathBuf,
    pub limits: Limits,
    pub mode: Mode,
    pub secrets: Arc<Secrets>,
    pub clock: Arc<dyn Clock>,
    pub account: Account,
    /// What the tenant may have, whose launcher it is.
    pub allowance: Arc<Allowance>,
}

/// Starts instances of the components in one folder.
pub struct Launcher {
    shared: Arc<Shared>,
    /// Of the run whose launcher it is; each instance counts for itself
    /// otherwise.
    run: Option<Arc<Spent>>,
}

/// What the launchers of all runs share.
struct Shared {
    library: Arc<Library>,
    mode: Mode,
    secrets: Arc<Secrets>,
    clock: Arc<dyn Clock>,
    http: Http,
    sessions: Sessions,
    account: Account,
    connections: Mutex<HashMap<String, Arc<Capability>>>,
}

impl Launcher {
    pub fn new(options: Options) -> Result<Self, Error> {
        let code = Code::new(&options.memory, options.cache, options.compiler)?;
        let over = Over {
            connectors: options.connectors,
            limits: options.limits,
            mode: options.mode,
            secrets: options.secrets,
            clock: options.clock,
            account: Account::default(),
            allowance: options.allowance,
        };
        Self::over(Arc::new(code), over)
    }

    /// Shares nothing with other launchers but compiled code, and budgets of
    /// calls with those that have the same.
    pub fn over(code: Arc<Code>, options: Over) -> Result<Self, Error> {
        let library = Library::new(
            options.connectors,
            code,
            options.clock.clone(),
            options.limits,
            options.allowance,
        );
        let shared = Shared {
            library: Arc::new(library),
            mode: options.mode,
            secrets: options.secrets,
            clock: options.clock,
            http: Http::new(),
            sessions: Sessions::default(),
            account: options.account,
            connections: Mutex::default(),
        };
        Ok(Self {
            shared: Arc::new(shared),
            run: None,
        })
    }

    async fn load(&self, connector: &str) -> Result<Arc<Loaded>, Fault> {
        let loaded = self.shared.library.get(connector).await;
        loaded.map_err(|error| Fault::new(connector, FaultKind::Guest(error.to_string())))
    }

    async fn described<'a>(&self, loaded: &'a Loaded) -> Result<&'a Description, Fault> {
        self.shared.library.describe(loaded).await
    }

    /// An instance that reaches nothing.
    async fn quiet(&self, loaded: &Loaded) -> Result<Running, Fault> {
        self.described(loaded).await?;
        let library = &self.shared.library;
        library.start(loaded, None, &self.spent()).await
    }

    /// An instance that reaches what its connection is granted.
    async fn start(&self, loaded: &Loaded, usage: &Use) -> Result<Running, Fault> {
        let shared = &self.shared;
        let description = self.described(loaded).await?;
        let connection = shared.connection(usage, description)?;
        let reach = Reach::new(connection, shared.clock.clone());
        shared
            .library
            .start(loaded, Some(reach), &self.spent())
            .await
    }

    fn spent(&self) -> Arc<Spent> {
        let run = self.run.clone();
        run.unwrap_or_else(|| Arc::new(Spent::new(Bounds::DEFAULT)))
    }
}

impl Shared {
    /// What all instances of one connection share, made at its first use.
    fn connection(&self, usage: &Use, description: &Description) -> Result<Arc<Capability>, Fault> {
        let name = usage.connection.clone().unwrap_or_default();
        let mut connections = lock(&self.connections);
        if let Some(known) = connections.get(&name) {
            return Ok(known.clone());
        }
        let sessions = self.sessions.pool(&name, description.sessions);
        let made = capability(
            usage,
            description,
            &self.secrets,
            sessions,
            self.mode,
            self.http.clone(),
            &self.account,
        )?;
        connections.insert(name, made.clone());
        Ok(made)
    }
}

#[async_trait]
impl Launch for Launcher {
    async fn describe(&self, connector: &str) -> Result<Description, Fault> {
        let loaded = self.load(connector).await?;
        Ok(self.described(&loaded).await?.clone())
    }

    async fn fields(
        &self,
        connector: &str,
        role: Role,
        collection: &Collection,
    ) -> Result<Option<Fields>, Fault> {
        let loaded = self.load(connector).await?;
        let Some(indices) = loaded.discovery.as_ref() else {
            return Ok(None);
        };
        let running = self.quiet(&loaded).await?;
        v0_1::fields(running, indices, role, collection)
            .await
            .map(Some)
    }

    async fn check(&self, usage: &Use) -> Result<Vec<Problem>, Fault> {
        let loaded = self.load(&usage.connector).await?;
        let mut running = self.quiet(&loaded).await?;
        let unread: Arc<dyn Tables> = Arc::new(Unread(usage.tables.clone()));
        running.store.data_mut().tables = Some(unread).filter(|_| usage.role == Role::Transform);
        v0_1::check(running, &loaded.setup, usage).await
    }

    async fn outline(
        &self,
        usage: &Use,
        position: Option<&Position>,
    ) -> Result<Vec<String>, Fault> {
        let loaded = self.load(&usage.connector).await?;
        let indices = loaded.source.as_ref().ok_or_else(|| lacks(usage))?;
        let running = self.quiet(&loaded).await?;
        v0_1::outline(running, indices, usage, position).await
    }

    async fn source(
        &self,
        usage: &Use,
        position: Option<&Position>,
    ) -> Result<Box<dyn Source>, Fault> {
        let loaded = self.load(&usage.connector).await?;
        let indices = loaded.source.as_ref().ok_or_else(|| lacks(usage))?;
        let running = self.start(&loaded, usage).await?;
        let source = v0_1::open_source(running, indices, usage, position).await?;
        Ok(spans::source(&usage.connector, source))
    }

    async fn transform(
        &self,
        usage: &Use,
        tables: &Arc<dyn Tables>,
    ) -> Result<Box<dyn Transform>, Fault> {
        let loaded = self.load(&usage.connector).await?;
        let indices = loaded.transform.as_ref().ok_or_else(|| lacks(usage))?;
        let mut running = self.quiet(&loaded).await?;
        running.store.data_mut().tables = Some(tables.clone());
        let transform = v0_1::open_transform(running, indices, usage).await?;
        Ok(spans::transform(&usage.connector, transform))
    }

    async fn target(&self, usage: &Use) -> Result<Box<dyn Target>, Fault> {
        let loaded = self.load(&usage.connector).await?;
        let indices = loaded.target.as_ref().ok_or_else(|| lacks(usage))?;
        let running = self.start(&loaded, usage).await?;
        let target = v0_1::open_target(running, indices, usage).await?;
        Ok(spans::target(&usage.connector, target))
    }

    async fn lookup(&self, usage: &Use) -> Result<Option<Box<dyn Lookup>>, Fault> {
        let loaded = self.load(&usage.connector).await?;
        let Some(indices) = loaded.lookup.as_ref() else {
            return Ok(None);
        };
        let running = self.start(&loaded, usage).await?;
        let lookup = v0_1::find(running, indices, usage)?;
        Ok(Some(spans::lookup(&usage.connector, lookup)))
    }

    async fn steps(&self, usage: &Use) -> Result<Option<Box<dyn Steps>>, Fault> {
        let loaded = self.load(&usage.connector).await?;
        let Some(indices) = loaded.steps.as_ref() else {
            return Ok(None);
        };
        let running = self.start(&loaded, usage).await?;
        let steps = v0_1::open_steps(running, indices, usage)?;
        Ok(Some(spans::steps(&usage.connector, steps)))
    }

    async fn acknowledge(&self, usage: &Use) -> Result<Option<Box<dyn Acknowledge>>, Fault> {
        let loaded = self.load(&usage.connector).await?;
        let Some(indices) = loaded.acknowledge.as_ref() else {
            return Ok(None);
        };
        let running = self.start(&loaded, usage).await?;
        v0_1::open_acknowledge(running, indices, usage).map(Some)
    }

    fn bounded(&self, bounds: Bounds) -> Option<Arc<dyn Launch>> {
        Some(Arc::new(Self {
            shared: self.shared.clone(),
            run: Some(Arc::new(Spent::new(bounds))),
        }))
    }

    fn take_previews(&self) -> Vec<Preview> {
        let connections = lock(&self.shared.connections);
        connections
            .values()
            .flat_map(|known| known.take_previews())
            .collect()
    }
}

fn lacks(usage: &Use) -> Fault {
    let role: Role = usage.role;
    Fault::new(
        &usage.connector,
        FaultKind::Guest(format!("it is no {role}")),
    )
}

/// A panic elsewhere leaves the map whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
