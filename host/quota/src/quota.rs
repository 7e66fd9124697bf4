//! All budgets of all credentials, and what was learnt of them.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::Credential;
use crate::budget::{Budget, Window};
use crate::line::Line;
use crate::record::Record;

/// One call that someone wants to make.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    pub credential: Credential,
    /// The endpoints that share one budget.
    pub class: &'a str,
    pub tenant: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The call counts from now on, made or not.
    Granted,
    /// Ask again then; who is two seconds late has lost its place.
    Wait { until_ms: u64 },
}

/// A share that was taken away after throttling, in thousandths.
const WHOLE: u32 = 1000;
/// What is left of the share at each throttling, and what comes back a minute.
const SHRINK: u32 = 700;
const GROWTH: u32 = 20;
const LEAST: u32 = 50;
/// Throttled answers closer together than this count once: they are of calls
/// that were on their way at the same time.
const BURST_MS: u64 = 5_000;
/// What a throttled answer that says nothing holds its class back for.
const HOLD_MS: u64 = 1_000;
const LONGEST_HOLD_MS: u64 = 60_000;
/// A system that names a longer time is asked again after this one: whoever
/// shares the credential would have to wait as well.
const LONGEST_ASKED_MS: u64 = 3_600_000;
/// What is learnt of a class is never less, in calls a minute, before a share
/// of it is taken away.
const LEAST_LEARNT: u32 = 60;
const MINUTE_MS: u64 = 60_000;
/// Idle credentials are looked for once in so many calls.
const SWEEP: u32 = 1024;

#[cfg(test)]
mod tests;

#[derive(Debug)]
struct Class {
    records: Vec<Record>,
    /// Of the last minute, to learn from where nothing is declared.
    minute: Record,
    /// Since when there were calls in every minute.
    busy_ms: Option<u64>,
    line: Line,
    share: u32,
    /// Its record is no declared one; it goes once twice as many calls went well.
    learnt: bool,
    shrunk_ms: Option<u64>,
    held_ms: u64,
    /// Throttled answers in a row that said nothing.
    silent: u32,
}

#[derive(Debug, Default)]
struct Account {
    classes: BTreeMap<String, Class>,
    /// Nothing before, whatever the class.
    held_ms: u64,
}

/// Shared by everything in one process that calls out. `now_ms` is Unix time
/// where a budget has fixed windows; any steady clock does for sliding ones.
#[derive(Debug, Default)]
pub struct Quota {
    accounts: HashMap<Credential, Account>,
    now_ms: u64,
    since_sweep: u32,
}

impl Quota {
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a call out of its budget, or says when to ask again. Where callers
    /// know different budgets of one class, each window's smaller one holds.
    pub fn acquire(&mut self, call: &Call<'_>, budget: &Budget, now_ms: u64) -> Answer {
        let now_ms = self.moment(now_ms);
        let account = self.accounts.entry(call.credential).or_default();
        let account_held_ms = account.held_ms;
        let class = account.classes.entry(call.class.to_owned());
        let class = class.or_insert_with(Class::new);
        class.adopt(budget);
        class.pass(now_ms);
        let before = class.line.before(call.tenant, now_ms);
        let held_ms = class.held_ms.max(account_held_ms);
        let fits_ms = class.fits_ms(call.tenant, before, now_ms);
        match Some(fits_ms.max(held_ms)).filter(|until_ms| *until_ms > now_ms) {
            Some(until_ms) => {
                class.line.waits(call.tenant, until_ms);
                Answer::Wait { until_ms }
            }
            None => {
                for record in &mut class.records {
                    record.add(now_ms);
                }
                class.minute.add(now_ms);
                class.busy_ms.get_or_insert(now_ms);
                class.line.granted(call.tenant, now_ms);
                Answer::Granted
            }
        }
    }

    /// The system said that it was too much. A time that it names holds for
    /// the whole credential, an hour at most; in any case the class gets less from now on, and
    /// that comes back by 2 % of the budget a minute.
    pub fn throttled(&mut self, call: &Call<'_>, retry_after: Option<Duration>, now_ms: u64) {
        let now_ms = self.moment(now_ms);
        let account = self.accounts.entry(call.credential).or_default();
        let class = account.classes.entry(call.class.to_owned());
        let class = class.or_insert_with(Class::new);
        class.pass(now_ms);
        let new = class.shrunk_ms.is_none_or(|at| now_ms >= at + BURST_MS);
        if new {
            class.shrink(now_ms);
        }
        match retry_after {
            Some(wait) => {
                let wait_ms = crate::budget::millis(wait).min(LONGEST_ASKED_MS);
                let until_ms = now_ms.saturating_add(wait_ms);
                account.held_ms = account.held_ms.max(until_ms);
            }
            None => {
                class.silent += u32::from(new);
                let doubled = HOLD_MS << class.silent.saturating_sub(1).min(8);
                let until_ms = now_ms + doubled.min(LONGEST_HOLD_MS);
                class.held_ms = class.held_ms.max(until_ms);
            }
        }
    }

    /// The system took the call.
    pub fn answered(&mut self, call: &Call<'_>) {
        let account = self.accounts.get_mut(&call.credential);
        if let Some(class) = account.and_then(|it| it.classes.get_mut(call.class)) {
            class.silent = 0;
        }
    }

    /// Credentials that something is still known of.
    pub fn credentials(&self) -> usize {
        self.accounts.len()
    }

    /// Takes the time, and drops what nobody uses any more now and then.
    fn moment(&mut self, now_ms: u64) -> u64 {
        let by_ms = self.now_ms.saturating_sub(now_ms);
        self.now_ms = now_ms;
        if by_ms > 0 {
            self.accounts.values_mut().for_each(|one| one.back(by_ms));
        }
        self.since_sweep += 1;
        if self.since_sweep >= SWEEP {
            self.since_sweep = 0;
            self.forget(now_ms);
        }
        now_ms
    }

    /// Drops credentials of which no call counts any more.
    pub fn forget(&mut self, now_ms: u64) {
        self.accounts.retain(|_, account| {
            account.classes.retain(|_, class| {
                class.pass(now_ms);
                !class.is_idle(now_ms)
            });
            !account.classes.is_empty() || account.held_ms > now_ms
        });
    }
}

impl Account {
    fn back(&mut self, by_ms: u64) {
        self.held_ms = self.held_ms.saturating_sub(by_ms);
        for class in self.classes.values_mut() {
            class.held_ms = class.held_ms.saturating_sub(by_ms);
            class.shrunk_ms = class.shrunk_ms.map(|at| at.saturating_sub(by_ms));
            class.busy_ms = class.busy_ms.map(|at| at.saturating_sub(by_ms));
            class.line.back(by_ms);
            let records = class.records.iter_mut().chain([&mut class.minute]);
            records.for_each(|record| record.back(by_ms));
        }
    }
}

impl Class {
    fn new() -> Self {
        Self {
            records: Vec::new(),
            minute: Record::new(minute(u32::MAX)),
            busy_ms: None,
            line: Line::default(),
            share: WHOLE,
            learnt: false,
            shrunk_ms: None,
            held_ms: 0,
            silent: 0,
        }
    }

    fn adopt(&mut self, budget: &Budget) {
        if self.learnt && !budget.windows.is_empty() {
            self.records.clear();
            self.learnt = false;
        }
        for window in &budget.windows {
            let known = self.records.iter_mut();
            match known.into_iter().find(|it| it.window.counts_as(*window)) {
                Some(record) if record.window.calls() > window.calls() => record.window = *window,
                Some(_) => {}
                None => self.records.push(Record::new(*window)),
            }
        }
    }

    /// When a call fits in. While several tenants make calls, within a minute
    /// of each other, they come evenly and not a windowful at once: else who
    /// waits with many would have most of it before another is back from its
    /// first.
    fn fits_ms(&self, tenant: &str, before: u32, now_ms: u64) -> u64 {
        let contended = self.line.is_contended(tenant);
        let all = self.records.iter().map(|record| {
            let limit = shared(record.window.calls(), self.share);
            let fits_ms = record.fits_ms(limit, before).unwrap_or(0);
            match contended {
                true => fits_ms.max(record.paced_ms(limit, before, now_ms)),
                false => fits_ms,
            }
        });
        all.max().unwrap_or(0)
    }

    /// Forgets what counts no longer, and gives back what was taken away.
    fn pass(&mut self, now_ms: u64) {
        for record in self.records.iter_mut().chain([&mut self.minute]) {
            record.forget(now_ms);
        }
        if self.minute.calls() == 0 {
            self.busy_ms = None;
        }
        let Some(shrunk_ms) = self.shrunk_ms else {
            return;
        };
        let minutes = now_ms.saturating_sub(shrunk_ms) / MINUTE_MS;
        if minutes == 0 {
            return;
        }
        let back = GROWTH.saturating_mul(u32::try_from(minutes).unwrap_or(u32::MAX));
        let most = if self.learnt { 2 * WHOLE } else { WHOLE };
        self.share = self.share.saturating_add(back).min(most);
        self.shrunk_ms = (self.share < most).then(|| shrunk_ms + minutes * MINUTE_MS);
        if self.learnt && self.shrunk_ms.is_none() {
            self.records.clear();
            self.learnt = false;
            self.share = WHOLE;
        }
    }

    /// Where nothing is declared, the calls of the last minute stand for it,
    /// once there was a whole one: after a few calls at a run's begin nobody
    /// knows yet how many a minute takes.
    fn shrink(&mut self, now_ms: u64) {
        let seen = self.minute.calls();
        let whole = self.busy_ms.is_some_and(|at| now_ms >= at + MINUTE_MS);
        self.shrunk_ms = Some(now_ms);
        if self.records.is_empty() && whole {
            self.learnt = true;
            let mut record = Record::new(minute(seen.max(LEAST_LEARNT)));
            (0..seen).for_each(|_| record.add(now_ms));
            self.records.push(record);
        }
        if !self.records.is_empty() {
            self.share = (self.share * SHRINK / WHOLE).max(LEAST);
        }
    }

    fn is_idle(&self, now_ms: u64) -> bool {
        let unused = self.records.iter().all(|record| record.calls() == 0);
        let unheld = self.held_ms <= now_ms && !self.line.is_waiting(now_ms);
        unused && unheld && self.shrunk_ms.is_none() && self.minute.calls() == 0
    }
}

fn minute(calls: u32) -> Window {
    Window::Sliding {
        calls,
        per: Duration::from_millis(MINUTE_MS),
    }
}

fn shared(calls: u32, share: u32) -> u32 {
    let part = u64::from(calls) * u64::from(share) / u64::from(WHOLE);
    u32::try_from(part).unwrap_or(u32::MAX).max(1)
}
