//! Manifests taken over while the service goes on: what differs from what is
//! known is told, and only what differs begins anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use duijie_admin::Reloaded;
use duijie_alert::{Cause, Event, Kind};
use duijie_component::{Allowance, Quota};
use duijie_record::Scope;
use duijie_schedule::{Declared, Key, State as Stored, Tenant};
use duijie_store::Store as _;
use tokio::sync::Semaphore;

use crate::comparison::Nightly;
use crate::load::{Found, Loaded, load};
use crate::metrics::Totals;
use crate::quota::{Kept, Standing, Turn};
use crate::state::{Known, Pipeline, State};
use crate::supervisor::Shared;
use crate::{Error, TenantName};

/// Where it stands whether a tenant is paused and what it has spent: no pipeline has an empty scope.
pub(crate) const OF_TENANT: &str = "";

impl Shared {
    /// Off the threads that runs share: it reads files and judges their form.
    /// Each thread that did keeps some of what it freed, so that few of them
    /// do, however many runs begin at once.
    pub(crate) async fn load(self: &Arc<Self>, name: &TenantName) -> Result<Loaded, Error> {
        let own = self.state().tenants.get(name.as_str()).map(Known::reading);
        // Neither is ever closed. The tenant's own comes first: whoever waits
        // for that takes nothing of the others'.
        let own = match own {
            Some(own) => own.acquire_owned().await.ok(),
            None => None,
        };
        let permits = (own, self.reading.clone().acquire_owned().await.ok());
        let (shared, name) = (self.clone(), name.clone());
        let loading = tokio::task::spawn_blocking(move || {
            let loaded = load(&shared.options.home, &name);
            drop(permits);
            loaded
        });
        loading.await.unwrap_or_else(|died| {
            Err(Error::Place {
                place: "the tenant's folder".into(),
                reason: died.to_string(),
            })
        })
    }

    /// Every tenant that has a folder; those whose folder went are let go of.
    pub(crate) async fn reload_all(self: &Arc<Self>) -> Result<BTreeMap<String, Reloaded>, Error> {
        let names = self.options.home.names()?;
        let gone: Vec<String> = {
            let there: BTreeSet<&str> = names.iter().map(TenantName::as_str).collect();
            let state = self.state();
            let known = state.tenants.keys();
            known
                .filter(|name| !there.contains(name.as_str()))
                .cloned()
                .collect()
        };
        let mut told = BTreeMap::new();
        for name in gone {
            told.insert(name.clone(), self.let_go(&name));
        }
        for name in names {
            let reloaded = self.reload(&name).await.unwrap_or_else(|error| Reloaded {
                problems: vec![error.to_string()],
                ..Reloaded::default()
            });
            if reloaded != Reloaded::default() {
                told.insert(name.to_string(), reloaded);
            }
        }
        Ok(told)
    }

    /// A folder that cannot be read leaves the tenant as it was.
    pub(crate) async fn reload(self: &Arc<Self>, name: &TenantName) -> Result<Reloaded, Error> {
        let loaded = self.load(name).await;
        if matches!(loaded, Err(Error::NoTenant(_))) {
            let known = self.state().tenants.contains_key(name.as_str());
            return match known {
                true => Ok(self.let_go(name.as_str())),
                false => Err(Error::NoTenant(name.to_string())),
            };
        }
        let applied = loaded.and_then(|loaded| self.apply(name, &loaded, None));
        if let Err(error) = &applied {
            tracing::warn!(tenant = %name, %error, "a tenant's folder was not taken over");
            self.alerts.happened(&Event {
                cause: of_folder(name),
                at_ms: self.now_ms(),
                count: 1,
                detail: error.to_string(),
                run: None,
            });
            let mut state = self.state();
            let known = state
                .tenants
                .entry(name.to_string())
                .or_insert_with(Known::new);
            known.problem = Some(error.to_string());
        }
        applied
    }

    /// Makes the schedule know what was loaded. A run of what has changed is
    /// stopped and goes on by the new manifest, but for `except`, which has it
    /// already.
    pub(crate) fn apply(
        &self,
        name: &TenantName,
        loaded: &Loaded,
        except: Option<&Key>,
    ) -> Result<Reloaded, Error> {
        let stored = self.stored(name, loaded)?;
        let now_ms = self.now_ms();
        let mut told = Reloaded {
            problems: loaded.problems.clone(),
            ..Reloaded::default()
        };
        told.problems.extend(self.alert_of(name, loaded));
        let mut state = self.state();
        let (turn, compared_anew) = known_anew(&mut state, name, loaded, stored.kept, now_ms);
        let declared = declared_anew(
            &mut state, name, loaded, stored.of, now_ms, except, &mut told,
        );
        drop(state);
        self.tell_turns(turn, now_ms);
        declared?;
        self.alerts.ended(&of_folder(name), now_ms);
        self.wake.notify_one();
        if compared_anew {
            self.compare.notify_one();
        }
        Ok(told)
    }

    /// Takes over whom to tell; what of it cannot be told.
    fn alert_of(&self, name: &TenantName, loaded: &Loaded) -> Vec<String> {
        let secrets = &loaded.project.secrets;
        let wrong = self
            .alerts
            .configure(name.as_str(), "tenant.yaml", &loaded.alerts, secrets);
        for wrong in &wrong {
            tracing::warn!(tenant = %name, wrong, "an alert cannot be told");
        }
        wrong
    }

    /// What the store has of what the schedule does not know yet.
    fn stored(&self, name: &TenantName, loaded: &Loaded) -> Result<StoredOf, Error> {
        let store = self.store(name.as_str())?;
        let (new, fresh): (Vec<&Scope>, bool) = {
            let state = self.state();
            let known = state.tenants.get(name.as_str());
            let declared = |scope: &Scope| {
                known
                    .and_then(|known| known.pipelines.get(scope))
                    .is_some_and(|pipeline| pipeline.declared)
            };
            let scopes = loaded.found.iter().map(|found| &found.scope);
            (
                scopes.filter(|scope| !declared(scope)).collect(),
                known.is_none(),
            )
        };
        let mut of = BTreeMap::new();
        for scope in new {
            if let Some(bytes) = store.schedule(scope)? {
                of.insert(scope.clone(), Stored::from_bytes(&bytes)?);
            }
        }
        let kept = match fresh {
            true => store.schedule(&Scope::from(OF_TENANT))?,
            false => None,
        };
        let kept = kept.map(|bytes| Kept::of(&bytes));
        Ok(StoredOf { of, kept })
    }

    pub(crate) fn let_go(&self, name: &str) -> Reloaded {
        let mut state = self.state();
        let tenant = Tenant(name.to_owned());
        let scopes: Vec<Scope> = state
            .tenants
            .get(name)
            .map(|known| known.pipelines.keys().cloned().collect())
            .unwrap_or_default();
        let mut told = Reloaded::default();
        for scope in &scopes {
            told.removed.extend(remove(&mut state, &tenant, scope));
        }
        state.scheduler.remove_tenant(&tenant);
        state.tenants.remove(name);
        state.comparisons.forget(&tenant);
        state.budgets.forget(name);
        self.alerts.forget(name);
        told
    }
}

fn of_folder(name: &TenantName) -> Cause {
    Cause {
        kind: Kind::Folder,
        tenant: name.to_string(),
        pipeline: None,
    }
}

/// What of the tenant itself is other than before: whether it came within its
/// quotas or beyond one, and whether it is compared at other times.
fn known_anew(
    state: &mut State,
    name: &TenantName,
    loaded: &Loaded,
    kept: Option<Kept>,
    now_ms: u64,
) -> (Option<Turn>, bool) {
    let tenants = &mut state.tenants;
    let known = tenants.entry(name.to_string()).or_insert_with(Known::new);
    let anew = known
        .launcher
        .as_ref()
        .is_some_and(|(of, _)| *of != loaded.connections);
    if anew {
        known.launcher = None;
    }
    known.problem = None;
    let compared_anew = known.nightly != loaded.nightly;
    if compared_anew {
        known.nightly = loaded.nightly.clone();
        known.compared_next_ms = known.nightly.next(now_ms);
    }
    let was_held = known.is_held();
    known.enabled = loaded.enabled;
    known.allowance.set(loaded.guests);
    if let Some(kept) = &kept {
        known.paused = kept.paused;
    }
    let held = known.is_held();
    if held != was_held {
        let tenant = Tenant(name.to_string());
        state.scheduler.pause_tenant(&tenant, held);
    }
    let wants = |standing: &mut Standing| standing.want(&loaded.quotas);
    let turn = state.change_standing(name.as_str(), wants);
    state.budgets.allow(name.as_str(), loaded.quotas.requests);
    if let Some(spent) = kept.and_then(|kept| kept.spent) {
        state.budgets.restore(name.as_str(), spent);
    }
    (turn, compared_anew)
}

/// Makes the schedule know its pipelines.
fn declared_anew(
    state: &mut State,
    name: &TenantName,
    loaded: &Loaded,
    mut stored: BTreeMap<Scope, Stored>,
    now_ms: u64,
    except: Option<&Key>,
    told: &mut Reloaded,
) -> Result<(), Error> {
    let tenant = Tenant(name.to_string());
    let there: BTreeSet<&Scope> = loaded.found.iter().map(|found| &found.scope).collect();
    let known = state.tenants.get(name.as_str()).into_iter();
    let gone = known.flat_map(|known| known.pipelines.keys());
    let gone: Vec<Scope> = gone
        .filter(|scope| !there.contains(scope))
        .cloned()
        .collect();
    for scope in gone {
        told.removed.extend(remove(state, &tenant, &scope));
    }
    state.scheduler.share(&tenant, loaded.share);
    for found in &loaded.found {
        let stored = stored.remove(&found.scope);
        declare(state, &tenant, found, stored, now_ms, except, told)?;
    }
    Ok(())
}

struct StoredOf {
    of: BTreeMap<Scope, Stored>,
    /// Of a tenant that was not known.
    kept: Option<Kept>,
}

/// Its name, where it was there.
fn remove(state: &mut State, tenant: &Tenant, scope: &Scope) -> Option<String> {
    let key = Key {
        tenant: tenant.clone(),
        scope: scope.clone(),
    };
    state.scheduler.remove(&key);
    if let Some(running) = state.running.get(&key) {
        running.stop.stop();
    }
    state.comparisons.remove(&key);
    if let Some(comparing) = state.comparing.as_ref().filter(|one| one.key == key) {
        comparing.stop.stop();
    }
    let known = state.tenants.get_mut(&tenant.0)?;
    let removed = known.pipelines.remove(scope)?;
    Some(removed.name.to_string())
}

fn declare(
    state: &mut State,
    tenant: &Tenant,
    found: &Found,
    stored: Option<Stored>,
    now_ms: u64,
    except: Option<&Key>,
    told: &mut Reloaded,
) -> Result<(), Error> {
    let name = found.name.to_string();
    let key = Key {
        tenant: tenant.clone(),
        scope: found.scope.clone(),
    };
    let known = state.tenants.get_mut(&tenant.0);
    let before = known.and_then(|known| known.pipelines.get_mut(&found.scope));
    let (declared, last) = match before {
        Some(before) if before.print == found.print && before.sound == found.sound => return Ok(()),
        Some(before) => {
            told.changed.push(name.clone());
            (before.declared, before.last.take())
        }
        None => {
            told.added.push(name.clone());
            (false, None)
        }
    };
    if found.sound {
        let declared = Declared {
            key: key.clone(),
            name: found.name.clone(),
            enabled: found.enabled,
            schedule: found.schedule.clone(),
        };
        state.scheduler.declare(declared, stored, now_ms)?;
        let running = state.running.get(&key).filter(|_| except != Some(&key));
        if let Some(running) = running {
            running.stop.stop();
        }
    }
    let pipeline = Pipeline {
        name: found.name.clone(),
        enabled: found.enabled,
        print: found.print,
        personal: found.personal.clone(),
        sound: found.sound,
        declared: declared || found.sound,
        last,
    };
    if let Some(known) = state.tenants.get_mut(&tenant.0) {
        known.pipelines.insert(found.scope.clone(), pipeline);
    }
    Ok(())
}

impl Known {
    fn new() -> Self {
        Self {
            enabled: true,
            paused: false,
            pipelines: BTreeMap::new(),
            launcher: None,
            totals: Totals::default(),
            allowance: Allowance::new(Quota::NONE),
            nightly: Nightly::default(),
            compared_next_ms: None,
            erases_from_ms: 0,
            problem: None,
            quotas: Standing::default(),
            reading: Arc::new(Semaphore::new(1)),
        }
    }

    fn reading(&self) -> Arc<Semaphore> {
        self.reading.clone()
    }
}
