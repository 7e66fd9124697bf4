//! What a person may do to a pipeline or a tenant while the service goes on.
//! Each is durable when it returns.

use std::sync::Arc;

use duijie_record::Scope;
use duijie_schedule::{Key, Tenant};
use duijie_store::{Change, Store as _};

use crate::supervisor::Shared;
use crate::tenants::OF_TENANT;
use crate::{Error, TenantName};

impl Shared {
    pub(crate) fn key(&self, tenant: &TenantName, named: &str) -> Result<Key, Error> {
        let (scope, _) = self.state().named(tenant.as_str(), named)?;
        Ok(Key {
            tenant: Tenant(tenant.to_string()),
            scope,
        })
    }

    /// A run beside the schedule; one that was asked for and has not begun
    /// stands for both.
    pub(crate) async fn ask(&self, key: &Key) -> Result<(), Error> {
        self.change(key, |shared| {
            let mut state = shared.state();
            let known = state.tenants.get(&key.tenant.0);
            if let Some(quota) = known.and_then(|known| known.quotas.beyond()) {
                let tenant = key.tenant.0.clone();
                return Err(Error::Beyond { tenant, quota });
            }
            state.scheduler.ask(key, None)?;
            Ok(())
        })
        .await
    }

    /// `stop` ends the run under way as well; it goes on when it is resumed.
    pub(crate) async fn pause(&self, key: &Key, paused: bool, stop: bool) -> Result<(), Error> {
        self.change(key, |shared| {
            let mut state = shared.state();
            state.scheduler.pause(key, paused)?;
            if let Some(running) = state.running.get(key).filter(|_| stop) {
                running.stop.stop();
            }
            Ok(())
        })
        .await
    }

    pub(crate) async fn pause_tenant(
        &self,
        name: &TenantName,
        paused: bool,
        stop: bool,
    ) -> Result<(), Error> {
        let _storing = self.storing.lock().await;
        self.state().known(name.as_str())?;
        let scope = Scope::from(OF_TENANT);
        let kept = self.kept(name.as_str(), paused);
        self.store_bytes(name.as_str(), &scope, kept.to_bytes())
            .await?;
        let mut state = self.state();
        let known = state.tenants.get_mut(name.as_str());
        let known = known.ok_or_else(|| Error::NoTenant(name.to_string()))?;
        known.paused = paused;
        let held = known.is_held();
        let tenant = Tenant(name.to_string());
        state.scheduler.pause_tenant(&tenant, held);
        let running = state
            .running
            .iter()
            .filter(|(key, _)| stop && key.tenant == tenant);
        running.for_each(|(_, running)| running.stop.stop());
        drop(state);
        self.wake.notify_one();
        Ok(())
    }

    /// Does something with a pipeline's state in the store that needs a claim
    /// of its own; refused while a run of it is under way.
    pub(crate) async fn alone<T>(
        self: &Arc<Self>,
        key: &Key,
        work: impl Future<Output = T>,
    ) -> Result<T, Error> {
        let _storing = self.storing.lock().await;
        {
            let mut state = self.state();
            if state.running.contains_key(key) {
                return Err(Error::AtWork(key.scope.to_string()));
            }
            state.busy = Some(key.clone());
        }
        let _free = Free(self);
        Ok(work.await)
    }

    /// Changes the schedule's state here, then in the store: by the claim of
    /// the run under way, which stores it once more at its end, or by one of
    /// its own.
    async fn change(
        &self,
        key: &Key,
        change: impl FnOnce(&Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let _storing = self.storing.lock().await;
        change(self)?;
        let (bytes, running) = {
            let mut state = self.state();
            let bytes = state.scheduler.state(key)?.to_bytes()?;
            let running = state.running.get_mut(key).map(|running| {
                running.touched = true;
                running.claim.clone()
            });
            if running.is_none() {
                state.busy = Some(key.clone());
            }
            (bytes, running)
        };
        let _free = Free(self);
        let Some(claim) = running else {
            return self.store_bytes(&key.tenant.0, &key.scope, bytes).await;
        };
        let Some(claim) = claim else { return Ok(()) };
        let store = self.store(&key.tenant.0)?;
        match store.commit(&claim, vec![Change::Schedule(bytes)]).await {
            // The run is being put away, and stores it by a claim of its own.
            Err(duijie_store::Error::ClaimLost { .. }) => Ok(()),
            stored => Ok(stored?),
        }
    }
}

/// Lets runs begin again, also where the wish was given up half way.
struct Free<'a>(&'a Shared);

impl Drop for Free<'_> {
    fn drop(&mut self) {
        self.0.state().busy = None;
        self.0.wake.notify_one();
    }
}
