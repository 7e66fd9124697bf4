//! Takes away: a tenant with all that is known of it, or what one record held.

use std::sync::Arc;

use duijie_admin::Erased;
use duijie_project::state::erase::{Place, erase};
use duijie_record::Scope;
use duijie_schedule::Key;
use duijie_store::{Embedded, Store as _, TenantStore};

use crate::supervisor::Shared;
use crate::{Error, Home, TenantName};

/// Of all time, erasing records of one tenant takes one part in so many.
const ERASING_SHARE: u64 = 20;

/// Takes away the folder, the secrets wherever they lie, and all that the
/// store has. No run of the tenant may be under way. Done again after it was
/// cut short, it does the rest.
pub async fn remove(home: &Home, store: Option<&Embedded>, name: &TenantName) -> Result<(), Error> {
    let Some(store) = store else {
        return home.remove(name);
    };
    check_there(home, store, name)?;
    home.remove(name).or_else(there_no_more)?;
    Ok(store.forget_tenant(name.as_str()).await?)
}

impl Shared {
    /// Refused while anything of it is at work; a comparison is broken off.
    pub(crate) async fn remove(&self, name: &TenantName) -> Result<(), Error> {
        let _storing = self.storing.lock().await;
        self.end_comparing(name).await;
        self.check_still(name)?;
        let (home, store) = (&self.options.home, &self.options.store);
        check_there(home, store, name)?;
        // A reload on the way finds no folder, and what it began before ends
        // here.
        self.let_go(name.as_str());
        home.remove(name).or_else(there_no_more)?;
        self.let_go(name.as_str());
        self.end_comparing(name).await;
        self.check_still(name)?;
        // One that began on the way may have told what it found.
        home.forget_reports(name)?;
        Ok(store.forget_tenant(name.as_str()).await?)
    }

    fn check_still(&self, name: &TenantName) -> Result<(), Error> {
        let state = self.state();
        let at_work = |key: &&Key| key.tenant.0 == name.as_str();
        let runs = state.running.keys().chain(state.next.keys());
        let comparing = state.comparing.iter().map(|comparing| &comparing.key);
        match runs.chain(comparing).find(at_work) {
            Some(key) => Err(Error::AtWork(key.scope.to_string())),
            None => Ok(()),
        }
    }

    pub(crate) async fn erase(self: &Arc<Self>, key: &Key, number: &str) -> Result<Erased, Error> {
        let begun_ms = self.now_ms();
        self.check_erased(key, begun_ms)?;
        let store: Arc<TenantStore> = self.store(&key.tenant.0)?;
        let place = Place {
            whole: &self.options.store,
            outer: Scope(format!("{}/{}", key.tenant.0, key.scope)),
            store: store.as_ref(),
            scope: key.scope.clone(),
        };
        let erased = self.alone(key, erase(&place, number)).await?;
        let ended_ms = self.now_ms();
        let took_ms = ended_ms.saturating_sub(begun_ms);
        if let Some(known) = self.state().tenants.get_mut(&key.tenant.0) {
            let rest_ms = took_ms.saturating_mul(ERASING_SHARE);
            known.erases_from_ms = ended_ms.saturating_add(rest_ms);
        }
        Ok(erased?)
    }

    /// Everybody's commits wait while a record is erased, so that no tenant may
    /// do it all the time.
    fn check_erased(&self, key: &Key, now_ms: u64) -> Result<(), Error> {
        let from_ms = self.state().known(&key.tenant.0)?.erases_from_ms;
        match from_ms.saturating_sub(now_ms) {
            0 => Ok(()),
            wait_ms => Err(Error::TooSoon {
                seconds: wait_ms.div_ceil(1_000),
            }),
        }
    }
}

fn there_no_more(error: Error) -> Result<(), Error> {
    match error {
        Error::NoTenant(_) => Ok(()),
        error => Err(error),
    }
}

/// Whether there is anything to take away.
fn check_there(home: &Home, store: &Embedded, name: &TenantName) -> Result<(), Error> {
    let prefix = format!("{name}/");
    let scopes = store.scopes()?;
    let known = scopes
        .iter()
        .any(|scope| scope.as_str().starts_with(&prefix));
    match known || home.tenant(name).exists() {
        true => Ok(()),
        false => Err(Error::NoTenant(name.to_string())),
    }
}
