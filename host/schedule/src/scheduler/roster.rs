//! Who takes part: tenants and pipelines that come, change and go.

use super::{Declared, Scheduler};
use crate::entry::Entry;
use crate::schedule::{When, millis};
use crate::share::Share;
use crate::state::State;
use crate::{Error, Key, Tenant};

impl Scheduler {
    /// Without this a tenant has a weight of 1 and no limit of its own.
    pub fn share(&mut self, tenant: &Tenant, share: Share) {
        let at = self.shares.place(tenant);
        self.shares.set(at, share);
    }

    /// Nothing of a paused tenant begins, as if each of its pipelines were
    /// paused; what goes on ends by itself. That it is paused is the caller's to
    /// store.
    pub fn pause_tenant(&mut self, tenant: &Tenant, paused: bool) {
        let at = self.shares.place(tenant);
        self.shares.pause(at, paused);
        let entries = self.entries.iter_mut().flatten();
        for entry in entries.filter(|entry| entry.tenant == at) {
            entry.held = paused;
        }
        self.settle_tenant(at);
    }

    /// Adds a pipeline with what was stored of it, or takes its new manifest,
    /// when `stored` counts for nothing. A run that had begun and not ended is
    /// begun again.
    pub fn declare(
        &mut self,
        declared: Declared,
        stored: Option<State>,
        now_ms: u64,
    ) -> Result<(), Error> {
        let tenant = self.shares.place(&declared.key.tenant);
        let named = self.shares.get(tenant);
        let held = named.is_some_and(|sharer| sharer.paused);
        let named = named.and_then(|sharer| sharer.names.get(&declared.name).copied());
        let id = self.index.get(&declared.key).copied();
        if named.is_some() && named != id {
            return Err(Error::Twice(declared.name));
        }
        let elsewhere = |entry: &mut Entry| entry.tenant != tenant;
        if id.and_then(|id| self.entry(id)).is_some_and(elsewhere) {
            return Err(Error::Off(declared.key));
        }
        let id = match id {
            Some(id) => id,
            None => self.add(&declared, tenant, stored, now_ms),
        };
        let every = declared.schedule.as_ref();
        let jitter_ms = every.map_or(0, |schedule| millis(schedule.jitter));
        let offset_ms = spread(&declared.key, self.seed) % jitter_ms.saturating_add(1);
        if let Some(entry) = self.entry(id) {
            let old = std::mem::replace(&mut entry.name, declared.name.clone());
            entry.enabled = declared.enabled;
            entry.removed = false;
            entry.held = held;
            entry.declare(declared.schedule, offset_ms, now_ms);
            if let Some(names) = self.shares.names(tenant) {
                names.remove(&old);
                names.insert(declared.name, id);
            }
        }
        self.with_others(id, |entry, others| entry.hear(others, true));
        self.settle_tenant(tenant);
        Ok(())
    }

    fn add(
        &mut self,
        declared: &Declared,
        tenant: usize,
        stored: Option<State>,
        now_ms: u64,
    ) -> usize {
        let grid = declared.schedule.as_ref().map(|schedule| &schedule.when);
        let fresh = stored.is_none();
        let mut state = stored.unwrap_or_else(|| State::new(now_ms));
        if fresh && matches!(grid, Some(When::Every(_))) {
            state.seen_ms = now_ms.saturating_sub(1);
        }
        let key = declared.key.clone();
        let mut entry = Entry::new(key.clone(), declared.name.clone(), tenant, state);
        entry.back(now_ms, 0);
        let id = match self.free.pop() {
            Some(id) => id,
            None => {
                self.entries.push(None);
                self.entries.len() - 1
            }
        };
        if let Some(slot) = self.entries.get_mut(id) {
            *slot = Some(entry);
        }
        self.index.insert(key, id);
        id
    }

    /// Its stored state is the caller's to remove or to keep.
    pub fn remove(&mut self, key: &Key) {
        let Some(id) = self.index.get(key).copied() else {
            return;
        };
        let running = self.entry(id).map(|entry| {
            entry.removed = true;
            entry.running
        });
        self.settle(id);
        if running == Some(false) {
            self.drop(id);
        }
    }

    pub(super) fn drop(&mut self, id: usize) {
        if let Some(entry) = self.entries.get_mut(id).and_then(Option::take) {
            self.index.remove(&entry.key);
            if let Some(names) = self.shares.names(entry.tenant) {
                names.remove(&entry.name);
            }
            self.shares.vacate(entry.tenant);
            self.free.push(id);
        }
    }

    /// With all its pipelines; nothing of it is left once their runs have
    /// ended, and until then none of that name is taken again.
    pub fn remove_tenant(&mut self, tenant: &Tenant) {
        let all = self.index.keys().filter(|key| key.tenant == *tenant);
        let keys: Vec<Key> = all.cloned().collect();
        keys.iter().for_each(|key| self.remove(key));
        self.shares.leave(tenant);
    }
}

/// A number that is always the same for one pipeline: FNV-1a.
fn spread(key: &Key, seed: u64) -> u64 {
    let text = [key.tenant.0.as_bytes(), &[0], key.scope.as_str().as_bytes()];
    let bytes = text.into_iter().flatten();
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325 ^ seed, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash ^ (hash >> 32)
}
