//! All pipelines of all tenants. A call of [`Scheduler::due`] hands out every
//! run that begins now; after any other call, and at [`Scheduler::next_wake`],
//! it is called again.

mod roster;

use std::collections::{BTreeSet, HashMap};

use duijie_record::PipelineName;

use crate::entry::{Entry, Left, Other};
use crate::schedule::Schedule;
use crate::share::Shares;
use crate::state::{Run, State, Window};
use crate::{Error, Key};

/// What all tenants together may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Runs at a time.
    pub runs: usize,
}

/// One pipeline, as its manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    pub key: Key,
    /// By which others of its tenant name it.
    pub name: PipelineName,
    pub enabled: bool,
    /// `None` runs only when asked.
    pub schedule: Option<Schedule>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Well,
    /// It is tried again at that time, before anything else of its pipeline, or
    /// is given up.
    Failed {
        again_ms: Option<u64>,
    },
    /// Told to; it goes on as soon as it may.
    Stopped,
}

/// What [`Scheduler::due`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Due {
    pub runs: Vec<Run>,
    /// Slots from the first moment and before the second that nobody was there
    /// for and that get no run of their own.
    pub missed: Vec<(Key, u64, u64)>,
}

/// More runs that were asked for than this do not wait.
const MOST_ASKED: usize = 16;

#[cfg(test)]
mod absence;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

#[derive(Debug)]
pub struct Scheduler {
    limits: Limits,
    seed: u64,
    now_ms: u64,
    running: usize,
    index: HashMap<Key, usize>,
    entries: Vec<Option<Entry>>,
    free: Vec<usize>,
    timers: BTreeSet<(u64, usize)>,
    shares: Shares,
}

impl Scheduler {
    /// `seed` decides which part of its jitter each pipeline takes.
    pub fn new(limits: Limits, seed: u64) -> Self {
        Self {
            limits,
            seed,
            now_ms: 0,
            running: 0,
            index: HashMap::new(),
            entries: Vec::new(),
            free: Vec::new(),
            timers: BTreeSet::new(),
            shares: Shares::default(),
        }
    }

    /// A run beside the schedule, over a window or as the manifest says. The
    /// state is stored before the person is told that it will be.
    pub fn ask(&mut self, key: &Key, window: Option<Window>) -> Result<State, Error> {
        let id = self.id(key)?;
        let now_ms = self.now_ms;
        let off = || Error::Off(key.clone());
        let entry = self.entry(id).ok_or_else(off)?;
        if entry.is_off() {
            return Err(off());
        }
        if !entry.state.asked.contains(&window) {
            if entry.state.asked.len() >= MOST_ASKED {
                return Err(Error::Full { most: MOST_ASKED });
            }
            entry.state.asked.push(window);
        }
        if let Some(begun) = &mut entry.state.begun {
            begun.again_ms = begun.again_ms.min(now_ms);
        }
        let state = entry.state.clone();
        self.settle(id);
        Ok(state)
    }

    /// Nothing of it begins until it is resumed; slots that come by are missed.
    pub fn pause(&mut self, key: &Key, paused: bool) -> Result<State, Error> {
        let id = self.id(key)?;
        let entry = self.entry(id).ok_or_else(|| Error::Unknown(key.clone()))?;
        entry.state.paused = paused;
        let state = entry.state.clone();
        self.settle(id);
        Ok(state)
    }

    /// Every run that begins now, in the order of their turns. Each holds its
    /// place until [`Self::ended`] or [`Self::not_begun`].
    pub fn due(&mut self, now_ms: u64) -> Due {
        if now_ms < self.now_ms {
            self.back(now_ms);
        }
        self.now_ms = now_ms;
        let mut due = Due::default();
        while let Some((at_ms, id)) = self.timers.first().copied()
            && at_ms <= now_ms
        {
            self.timers.pop_first();
            if let Some(entry) = self.entry(id) {
                entry.timer_ms = None;
                let left = entry.notice(now_ms);
                let key = left.map(|left| (entry.key.clone(), left));
                let told = key.map(
                    |(
                        key,
                        Left {
                            first_ms,
                            before_ms,
                        },
                    )| (key, first_ms, before_ms),
                );
                due.missed.extend(told);
            }
            self.settle(id);
        }
        while self.running < self.limits.runs
            && let Some(id) = self.shares.next()
        {
            // What it waited for may hold no longer, as on the next day.
            let choice = self.with_others(id, |entry, others| entry.choice(now_ms, others));
            if let Some((_, choice)) = choice.flatten() {
                let run = self.with_others(id, |entry, others| entry.begin(choice, others));
                due.runs.extend(run);
                self.running += 1;
                if let Some(tenant) = self.entry(id).map(|entry| entry.tenant) {
                    self.shares.begun(tenant);
                }
            }
            self.settle(id);
        }
        due
    }

    /// When [`Self::due`] has something to do, if nothing else happens before.
    pub fn next_wake(&self) -> Option<u64> {
        if self.running < self.limits.runs && self.shares.next().is_some() {
            return Some(self.now_ms);
        }
        self.timers.first().map(|(at_ms, _)| *at_ms)
    }

    /// The run that was handed out could not be stored as begun.
    pub fn not_begun(&mut self, key: &Key) -> Result<(), Error> {
        let id = self.id(key)?;
        if let Some(entry) = self.entry(id).filter(|entry| entry.running) {
            entry.revert();
            self.release(id);
        }
        Ok(())
    }

    /// What to store in the commit that ends the run.
    pub fn ended(&mut self, key: &Key, ended: Ended, now_ms: u64) -> Result<State, Error> {
        let id = self.id(key)?;
        let unknown = || Error::Unknown(key.clone());
        let entry = self.entry(id).filter(|entry| entry.running);
        let entry = entry.ok_or_else(unknown)?;
        entry.end(ended, now_ms);
        let state = entry.state.clone();
        self.release(id);
        Ok(state)
    }

    fn release(&mut self, id: usize) {
        self.running = self.running.saturating_sub(1);
        let Some((tenant, removed)) = self.entry(id).map(|entry| (entry.tenant, entry.removed))
        else {
            return;
        };
        self.shares.ended(tenant);
        self.settle(id);
        if removed {
            self.drop(id);
        }
        // Others may have waited for it.
        self.settle_tenant(tenant);
    }

    /// What is stored of a pipeline, as it stands.
    pub fn state(&self, key: &Key) -> Result<&State, Error> {
        let entry = self.entries.get(self.id(key)?).and_then(Option::as_ref);
        let entry = entry.ok_or_else(|| Error::Unknown(key.clone()))?;
        Ok(&entry.state)
    }

    fn back(&mut self, now_ms: u64) {
        let by_ms = self.now_ms.saturating_sub(now_ms);
        self.now_ms = now_ms;
        for id in 0..self.entries.len() {
            if let Some(entry) = self.entry(id) {
                entry.back(now_ms, by_ms);
            }
            self.settle(id);
        }
    }

    fn id(&self, key: &Key) -> Result<usize, Error> {
        let id = self.index.get(key).copied();
        id.ok_or_else(|| Error::Unknown(key.clone()))
    }

    fn entry(&mut self, id: usize) -> Option<&mut Entry> {
        self.entries.get_mut(id).and_then(Option::as_mut)
    }

    fn settle_tenant(&mut self, tenant: usize) {
        let names = self.shares.get(tenant).map(|sharer| &sharer.names);
        let ids: Vec<usize> = names
            .into_iter()
            .flat_map(HashMap::values)
            .copied()
            .collect();
        ids.into_iter().for_each(|id| self.settle(id));
    }

    /// Puts a pipeline where it belongs among timers and those that wait.
    fn settle(&mut self, id: usize) {
        let now_ms = self.now_ms;
        let ready = self.with_others(id, |entry, others| entry.choice(now_ms, others));
        let ready = ready.flatten().map(|(since_ms, _)| since_ms);
        let Some(entry) = self.entries.get_mut(id).and_then(Option::as_mut) else {
            return;
        };
        let timer = entry.timer(now_ms);
        let old_timer = std::mem::replace(&mut entry.timer_ms, timer);
        let old_ready = std::mem::replace(&mut entry.ready_ms, ready);
        let tenant = entry.tenant;
        if old_timer != timer {
            old_timer.map(|at_ms| self.timers.remove(&(at_ms, id)));
            timer.map(|at_ms| self.timers.insert((at_ms, id)));
        }
        if old_ready != ready {
            self.shares.ready(tenant, id, old_ready, ready);
        }
    }

    /// With a look at what others of its tenant have done.
    fn with_others<T>(
        &mut self,
        id: usize,
        work: impl FnOnce(&mut Entry, &dyn Fn(&PipelineName) -> Option<Other>) -> T,
    ) -> Option<T> {
        let mut entry = self.entries.get_mut(id)?.take()?;
        let sharer = self.shares.get(entry.tenant);
        let done = work(&mut entry, &|name| {
            let id = sharer?.names.get(name)?;
            let other = self.entries.get(*id)?.as_ref()?;
            Some(Other {
                scope: other.key.scope.clone(),
                well: other.state.well,
                well_ms: other.state.well_ms,
            })
        });
        *self.entries.get_mut(id)? = Some(entry);
        Some(done)
    }
}
