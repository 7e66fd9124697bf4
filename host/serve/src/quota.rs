//! What each tenant may have of requests and of the disk. Requests are counted
//! where they leave, the disk is measured now and then; who has had all of it
//! begins nothing until there is more.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use duijie_alert::{Cause, Event, Kind};
use duijie_component::{CallLimit, Counted};
use duijie_manifest::Quotas;
use duijie_record::Scope;
use duijie_schedule::Tenant;
use tokio::task::JoinSet;

use crate::state::State;
use crate::supervisor::Shared;
use crate::tenants::OF_TENANT;
use crate::{Error, TenantName};

#[cfg(test)]
mod tests;

/// How often what was spent is stored; a crash forgets as much.
const STORE_EVERY_MS: u64 = 60_000;
/// How often the disk is measured, where that is quick.
const MEASURE_EVERY_MS: u64 = 600_000;
/// Of all time, measuring takes one part in so many.
const MEASURE_SHARE: u64 = 50;

/// What a tenant's file asks for. What is absent has no limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) requests: Option<CallLimit>,
    disk: Option<u64>,
}

impl Wanted {
    /// The form of both was checked with the file.
    pub(crate) fn of(low: &Quotas) -> Self {
        Self {
            requests: low.requests.as_deref().and_then(CallLimit::parse),
            disk: low.disk.as_deref().and_then(duijie_plan::amount_of_bytes),
        }
    }
}

/// How a tenant stands.
#[derive(Default)]
pub(crate) struct Standing {
    requests: Option<CallLimit>,
    /// Why nothing may be requested, and until when.
    spent: Option<(String, u64)>,
    stored: Option<Counted>,
    disk: Option<u64>,
    measured: Option<u64>,
}

impl Standing {
    pub(crate) fn want(&mut self, wanted: &Wanted) {
        self.disk = wanted.disk;
        if self.requests != wanted.requests {
            self.requests = wanted.requests;
            self.spent = None;
        }
    }

    /// Why nothing of it begins.
    pub(crate) fn beyond(&self) -> Option<String> {
        if let Some((reason, _)) = &self.spent {
            return Some(reason.clone());
        }
        let (disk, measured) = self.disk.zip(self.measured)?;
        (measured > disk).then(|| {
            format!(
                "its part of the data folder has {measured} bytes, and `quotas.disk` of \
                 tenant.yaml allows {disk}"
            )
        })
    }

    pub(crate) fn disk_bytes(&self) -> Option<u64> {
        self.measured
    }
}

impl State {
    /// Lets go of those who have requests again.
    fn more(&mut self, now_ms: u64) -> Vec<Turn> {
        let due = self.spent_until_ms.iter();
        let due = due.filter(|(_, until_ms)| **until_ms <= now_ms);
        let due: Vec<String> = due.map(|(name, _)| name.clone()).collect();
        let more = due.into_iter().filter_map(|name| {
            self.spent_until_ms.remove(&name);
            self.change_standing(&name, |standing| {
                standing.spent = standing
                    .spent
                    .take()
                    .filter(|(_, until_ms)| *until_ms > now_ms);
            })
        });
        more.collect()
    }

    /// What is under way would go on to write.
    fn stop_beyond(&self, turn: &Turn) {
        let running = self.running.iter();
        let own = running.filter(|(key, _)| turn.beyond.is_some() && key.tenant.0 == turn.tenant);
        own.for_each(|(_, running)| running.stop.stop());
    }

    fn measured(&mut self, owned: &BTreeMap<String, u64>) -> Vec<Turn> {
        let names: Vec<String> = self.tenants.keys().cloned().collect();
        let measured = names.iter().filter_map(|name| {
            let bytes = owned.get(name).copied().unwrap_or_default();
            self.change_standing(name, |standing| standing.measured = Some(bytes))
        });
        measured.collect()
    }

    pub(crate) fn change_standing(
        &mut self,
        name: &str,
        change: impl FnOnce(&mut Standing),
    ) -> Option<Turn> {
        let known = self.tenants.get_mut(name)?;
        let was_beyond = known.quotas.beyond().is_some();
        let was_held = known.is_held();
        change(&mut known.quotas);
        let (beyond, held) = (known.quotas.beyond(), known.is_held());
        if held != was_held {
            self.scheduler.pause_tenant(&Tenant(name.to_owned()), held);
        }
        (beyond.is_some() != was_beyond).then(|| Turn {
            tenant: name.to_owned(),
            beyond,
        })
    }
}

/// A tenant that came within its quotas, or beyond one.
pub(crate) struct Turn {
    tenant: String,
    beyond: Option<String>,
}

/// What is kept of a tenant beside its pipelines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) paused: bool,
    pub(crate) spent: Option<Counted>,
}

impl Kept {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let paused = bytes.first() == Some(&1);
        let numbers = bytes.get(1..).unwrap_or_default().as_chunks::<8>().0;
        let spent = match numbers {
            [from_ms, calls] => Some(Counted {
                from_ms: u64::from_be_bytes(*from_ms),
                calls: u64::from_be_bytes(*calls),
            }),
            _ => None,
        };
        Self { paused, spent }
    }

    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = vec![u8::from(self.paused)];
        if let Some(spent) = self.spent {
            bytes.extend(spent.from_ms.to_be_bytes());
            bytes.extend(spent.calls.to_be_bytes());
        }
        bytes
    }
}

/// When to look after what.
#[derive(Default)]
pub(crate) struct Watch {
    store_ms: u64,
    /// Shared with the task that measures; no other begins meanwhile.
    measure_ms: Arc<AtomicU64>,
}

impl Watch {
    pub(crate) fn look(&mut self, shared: &Arc<Shared>, tasks: &mut JoinSet<()>) {
        let now_ms = shared.now_ms();
        let more = shared.state().more(now_ms);
        shared.tell_turns(more, now_ms);
        if now_ms >= self.store_ms {
            self.store_ms = now_ms.saturating_add(STORE_EVERY_MS);
            let shared = shared.clone();
            tasks.spawn(async move { shared.store_spent().await });
        }
        if now_ms >= self.measure_ms.load(Ordering::Relaxed) {
            self.measure_ms.store(u64::MAX, Ordering::Relaxed);
            tasks.spawn(measure(shared.clone(), self.measure_ms.clone()));
        }
    }
}

/// That it could not be done keeps nobody from running: it is tried again.
async fn measure(shared: Arc<Shared>, next_ms: Arc<AtomicU64>) {
    let begun_ms = shared.now_ms();
    let store = shared.options.store.clone();
    match tokio::task::spawn_blocking(move || store.owned_bytes()).await {
        Ok(Ok(owned)) => {
            let turns = {
                let mut state = shared.state();
                let turns = state.measured(&owned);
                turns.iter().for_each(|turn| state.stop_beyond(turn));
                turns
            };
            shared.tell_turns(turns, shared.now_ms());
            shared.wake.notify_one();
        }
        Ok(Err(error)) => tracing::warn!(%error, "the disk was not measured"),
        Err(error) => tracing::warn!(%error, "the disk was not measured"),
    }
    let ended_ms = shared.now_ms();
    let took_ms = ended_ms.saturating_sub(begun_ms);
    let wait_ms = took_ms.saturating_mul(MEASURE_SHARE).max(MEASURE_EVERY_MS);
    next_ms.store(ended_ms.saturating_add(wait_ms), Ordering::Relaxed);
}

impl Shared {
    /// A run of the tenant was told so; nothing of it begins before the time.
    pub(crate) fn spent(
        &self,
        state: &mut State,
        tenant: &Tenant,
        (reason, until_ms): (&str, u64),
        now_ms: u64,
    ) {
        state.spent_until_ms.insert(tenant.0.clone(), until_ms);
        let turn = state.change_standing(&tenant.0, |standing| {
            standing.spent = Some((reason.to_owned(), until_ms));
        });
        self.tell_turns(turn, now_ms);
    }

    pub(crate) fn tell_turns(&self, turns: impl IntoIterator<Item = Turn>, now_ms: u64) {
        for Turn { tenant, beyond } in turns {
            let cause = Cause {
                kind: Kind::Quota,
                tenant: tenant.clone(),
                pipeline: None,
            };
            let Some(quota) = beyond else {
                tracing::info!(tenant, "a tenant is within its quotas again");
                self.alerts.ended(&cause, now_ms);
                continue;
            };
            tracing::warn!(tenant, quota, "nothing of a tenant begins");
            self.alerts.happened(&Event {
                cause,
                at_ms: now_ms,
                count: 1,
                detail: quota,
                run: None,
            });
        }
    }

    /// What is to be kept of a tenant now.
    pub(crate) fn kept(&self, name: &str, paused: bool) -> Kept {
        let spent = self.state().budgets.spent(name, self.now_ms());
        Kept { paused, spent }
    }

    /// Makes durable what tenants with a limit have spent since the last time.
    pub(crate) async fn store_spent(&self) {
        let names: Vec<String> = {
            let state = self.state();
            let limited = |known: &crate::state::Known| known.quotas.requests.is_some();
            let tenants = state.tenants.iter().filter(|(_, known)| limited(known));
            tenants.map(|(name, _)| name.clone()).collect()
        };
        for name in names {
            if let Err(error) = self.store_spent_of(&name).await {
                tracing::warn!(tenant = name, %error, "what a tenant has spent was not stored");
            }
        }
    }

    async fn store_spent_of(&self, name: &str) -> Result<(), Error> {
        let _storing = self.storing.lock().await;
        let (paused, stored) = {
            let state = self.state();
            let known = state.known(name)?;
            (known.paused, known.quotas.stored)
        };
        let kept = self.kept(name, paused);
        let unused = |spent: Counted| spent.calls == 0;
        if kept.spent == stored || stored.is_none() && kept.spent.is_none_or(unused) {
            return Ok(());
        }
        let name = TenantName::parse(name)?;
        let scope = Scope::from(OF_TENANT);
        self.store_bytes(name.as_str(), &scope, kept.to_bytes())
            .await?;
        if let Some(known) = self.state().tenants.get_mut(name.as_str()) {
            known.quotas.stored = kept.spent;
        }
        Ok(())
    }
}
