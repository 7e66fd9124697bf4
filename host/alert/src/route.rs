//! One webhook: which causes it is told of and when. What may not be told yet
//! waits, merged with the like of it, so that nothing grows but the number of
//! causes, and no message is lost for being early.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Cause, Event, Kind, Told};

/// What one webhook is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub on: BTreeSet<Kind>,
    /// One cause is told once in such a time.
    pub every_ms: u64,
    /// Whether the end of a cause is told.
    pub recovered: bool,
}

/// Robots take twenty messages a minute.
const GAP_MS: u64 = 4_000;
/// After a message that was not taken; doubled each time.
const FIRST_WAIT_MS: u64 = 5_000;
const LONGEST_WAIT_MS: u64 = 600_000;
/// Causes of one message.
const MOST_AT_ONCE: usize = 20;
/// Causes that are kept; beyond it those that nothing waits for are let go of.
const MOST_CAUSES: usize = 20_000;

/// Where one webhook stands.
#[derive(Debug)]
pub struct Route {
    rule: Rule,
    causes: BTreeMap<Cause, Standing>,
    /// Nothing is sent before.
    quiet_until_ms: u64,
    /// Messages in a row that were not taken.
    failures: u32,
    /// What is under way.
    sending: Vec<Told>,
}

#[derive(Debug, Default)]
struct Standing {
    /// It is not told before.
    quiet_until_ms: u64,
    waiting: Option<Told>,
    /// Whether the last message of it was no end.
    is_open: bool,
}

impl Route {
    pub fn new(rule: Rule) -> Self {
        Self {
            rule,
            causes: BTreeMap::new(),
            quiet_until_ms: 0,
            failures: 0,
            sending: Vec::new(),
        }
    }

    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// It happened; whether it is told, and when, is up to the rule.
    pub fn happened(&mut self, event: Event) {
        if !self.rule.on.contains(&event.cause.kind) {
            return;
        }
        let full = self.causes.len() >= MOST_CAUSES;
        if full && !self.causes.contains_key(&event.cause) {
            self.let_go(event.at_ms);
            if self.causes.len() >= MOST_CAUSES {
                return;
            }
        }
        let standing = self.causes.entry(event.cause.clone()).or_default();
        let told = Told::of(event);
        match &mut standing.waiting {
            Some(waiting) => waiting.and(told),
            None => standing.waiting = Some(told),
        }
    }

    /// It goes well again. An end is told only of what was told, and at once.
    pub fn ended(&mut self, cause: &Cause, at_ms: u64) {
        let Some(standing) = self.causes.get_mut(cause) else {
            return;
        };
        if !self.rule.recovered {
            return;
        }
        match &mut standing.waiting {
            Some(waiting) => {
                waiting.ended = true;
                waiting.last_ms = waiting.last_ms.max(at_ms);
            }
            // What is on its way is as good as told.
            None if standing.is_open || self.sending.iter().any(|told| told.cause == *cause) => {
                standing.waiting = Some(Told {
                    cause: cause.clone(),
                    ended: true,
                    count: 0,
                    first_ms: at_ms,
                    last_ms: at_ms,
                    times: 0,
                    detail: String::new(),
                    run: None,
                });
            }
            None => {}
        }
    }

    /// What is to be sent as one message now; nothing while one is under way.
    /// [`Route::sent`] must follow.
    pub fn take(&mut self, now_ms: u64) -> Vec<Told> {
        if !self.sending.is_empty() || waits(self.quiet_until_ms, now_ms, LONGEST_WAIT_MS) {
            return Vec::new();
        }
        let every_ms = self.rule.every_ms;
        let due = self.causes.values_mut().filter(|standing| {
            let until_ms = standing.due_ms();
            until_ms.is_some_and(|until_ms| !waits(until_ms, now_ms, every_ms))
        });
        let taken = due.take(MOST_AT_ONCE);
        self.sending = taken
            .filter_map(|standing| standing.waiting.take())
            .collect();
        self.sending.clone()
    }

    /// Whether the message that was taken out was taken in. One that was not
    /// waits with what happened since, and longer each time.
    pub fn sent(&mut self, taken_in: bool, now_ms: u64) {
        let sent = std::mem::take(&mut self.sending);
        if taken_in {
            self.failures = 0;
            self.quiet_until_ms = now_ms.saturating_add(GAP_MS);
            for told in sent {
                let standing = self.causes.entry(told.cause).or_default();
                standing.is_open = !told.ended;
                if told.times > 0 {
                    standing.quiet_until_ms = now_ms.saturating_add(self.rule.every_ms);
                }
            }
            return;
        }
        let wait = FIRST_WAIT_MS << self.failures.min(10);
        self.failures = self.failures.saturating_add(1);
        self.quiet_until_ms = now_ms.saturating_add(wait.min(LONGEST_WAIT_MS));
        for mut told in sent {
            let standing = self.causes.entry(told.cause.clone()).or_default();
            if let Some(later) = standing.waiting.take() {
                told.and(later);
            }
            standing.waiting = Some(told);
        }
    }

    /// When there may be something to take; `None` where nothing waits, or
    /// what is under way has to end first.
    pub fn next_ms(&self) -> Option<u64> {
        if !self.sending.is_empty() {
            return None;
        }
        let waiting = self.causes.values();
        let first = waiting.filter_map(Standing::due_ms).min()?;
        Some(first.max(self.quiet_until_ms))
    }

    /// Whether a message is under way.
    pub fn is_sending(&self) -> bool {
        !self.sending.is_empty()
    }

    /// Messages in a row that were not taken.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    fn let_go(&mut self, now_ms: u64) {
        let every_ms = self.rule.every_ms;
        self.causes.retain(|_, standing| {
            standing.waiting.is_some() || waits(standing.quiet_until_ms, now_ms, every_ms)
        });
    }
}

impl Standing {
    /// When it may be told, where there is something to tell. A mere end need
    /// not wait: it follows a message that did.
    fn due_ms(&self) -> Option<u64> {
        let waiting = self.waiting.as_ref()?;
        match waiting.times {
            0 => Some(0),
            _ => Some(self.quiet_until_ms),
        }
    }
}

/// Whether it is too early; a clock that was put back makes nothing wait for
/// longer than `most_ms`.
fn waits(until_ms: u64, now_ms: u64, most_ms: u64) -> bool {
    (1..=most_ms).contains(&until_ms.saturating_sub(now_ms))
}
