//! Who is next among the tenants that wait for one budget. Each stands in the
//! line once, however many calls it waits with, and a call that it gets moves
//! it behind those that had fewer.

use std::collections::BTreeMap;

/// Who was told to wait and does not come back within this is no longer
/// waited for.
const PATIENCE_MS: u64 = 2_000;
/// Who asked for nothing for so long joins anew.
const MEMORY_MS: u64 = 60_000;

#[derive(Debug, Clone, Copy, Default)]
struct Standing {
    /// Calls granted, counted from where the line stood when it joined.
    turns: u64,
    /// Waits, until then at least.
    waits_ms: Option<u64>,
    seen_ms: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Line {
    tenants: BTreeMap<String, Standing>,
    /// Where the tenant stood that was granted a call last.
    floor: u64,
}

impl Line {
    /// Tenants that wait and come before this one.
    pub(crate) fn before(&mut self, tenant: &str, now_ms: u64) -> u32 {
        for standing in self.tenants.values_mut() {
            let given_up = |until: u64| until.saturating_add(PATIENCE_MS) < now_ms;
            standing.waits_ms = standing.waits_ms.filter(|until| !given_up(*until));
        }
        self.tenants
            .retain(|_, one| one.waits_ms.is_some() || one.seen_ms + MEMORY_MS > now_ms);
        let mine = self.place(tenant);
        let others = self.tenants.iter().filter(|(name, standing)| {
            standing.waits_ms.is_some() && (standing.turns, name.as_str()) < (mine, tenant)
        });
        u32::try_from(others.count()).unwrap_or(u32::MAX)
    }

    /// Who has not waited before joins where the line stands.
    fn place(&self, tenant: &str) -> u64 {
        let standing = self.tenants.get(tenant);
        standing.map_or(0, |it| it.turns).max(self.floor)
    }

    /// Whether another tenant waits, or did so or called a moment ago.
    pub(crate) fn is_contended(&self, tenant: &str) -> bool {
        self.tenants.keys().any(|name| name != tenant)
    }

    pub(crate) fn granted(&mut self, tenant: &str, now_ms: u64) {
        let place = self.place(tenant);
        self.floor = place;
        let standing = self.tenants.entry(tenant.to_owned()).or_default();
        standing.turns = place + 1;
        standing.waits_ms = None;
        standing.seen_ms = now_ms;
    }

    pub(crate) fn waits(&mut self, tenant: &str, until_ms: u64) {
        let place = self.place(tenant);
        let standing = self.tenants.entry(tenant.to_owned()).or_default();
        standing.turns = place;
        standing.waits_ms = Some(until_ms);
    }

    pub(crate) fn back(&mut self, by_ms: u64) {
        for standing in self.tenants.values_mut() {
            standing.waits_ms = standing.waits_ms.map(|until| until.saturating_sub(by_ms));
            standing.seen_ms = standing.seen_ms.saturating_sub(by_ms);
        }
    }

    pub(crate) fn is_waiting(&self, now_ms: u64) -> bool {
        let waits = |it: &Standing| it.waits_ms.is_some_and(|ms| ms + PATIENCE_MS >= now_ms);
        self.tenants.values().any(waits)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.tenants.len()
    }
}
